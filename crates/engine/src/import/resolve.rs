//! Variables in a query, put in their place as Grafana and its Prometheus data source do it.

use super::interval::{self, Steps};
use super::variables::{Held, Template, Variables};
use rustc_hash::FxHashSet;

/// What stands for a value that the file does not hold: any value, but one.
pub(super) const ANYTHING: &str = ".+";
/// Bytes of a query at most, as the PromQL parser has it: what grows beyond is not a query.
const MAX_BYTES: usize = 16 * 1024;
/// Variables in values of variables, at most so deep.
const MAX_DEPTH: usize = 8;
/// References in a query with its variables at most: they may stand for nothing, so that no text grows.
const MAX_REFERENCES: usize = 2_000;

/// What a query is resolved with.
pub(super) struct Context<'a> {
    /// Variables of the dashboard.
    pub variables: &'a Variables,
    /// What the query's intervals become.
    pub steps: Steps,
    /// Length of the window in ms.
    pub window_ms: i64,
    /// Variables that the panel or its row repeats for: each copy has one value.
    pub repeats: &'a [String],
}

/// A query on its way.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    /// The query.
    pub text: String,
    /// Names that were put in their place.
    pub used: Vec<String>,
    /// What was decided on the way.
    pub notes: Vec<String>,
}

/// Puts everything in its place.
///
/// # Errors
/// Why that cannot be done.
pub(super) fn resolve(written: &str, context: &Context<'_>) -> Result<Resolved, String> {
    let mut work = Work {
        context,
        out: Resolved::default(),
        quote: None,
        matcher: "",
        seen: FxHashSet::default(),
        references: 0,
    };
    work.expand(written, 0)?;
    Ok(work.out)
}

/// One of Grafana's own variables that follow from step and window.
pub(super) fn built_in(name: &str, steps: &Steps, window_ms: i64) -> Option<String> {
    let seconds = window_ms.saturating_add(500) / 1_000;
    Some(match name {
        "__interval" => interval::write(steps.step_ms),
        "__interval_ms" => steps.step_ms.to_string(),
        "__rate_interval" => interval::write(steps.rate_ms),
        "__rate_interval_ms" => steps.rate_ms.to_string(),
        "__range" => format!("{seconds}s"),
        "__range_s" => seconds.to_string(),
        "__range_ms" => window_ms.to_string(),
        _ => return None,
    })
}

/// Several values as one regular expression, as the data source writes them.
pub(super) fn joined(values: &[String]) -> String {
    match values {
        [one] => special(one),
        values => format!("({})", values.iter().map(|value| special(value)).collect::<Vec<_>>().join("|")),
    }
}

/// A value in a regular expression in a quoted PromQL string: two backslashes before what has a meaning.
fn special(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for ch in value.chars() {
        match ch {
            '\\' => out.push_str("\\\\\\\\"),
            '$' | '^' | '*' | '{' | '}' | '[' | ']' | '+' | '?' | '.' | '(' | ')' | '|' => {
                out.push_str("\\\\");
                out.push(ch);
            }
            _ => out.push(ch),
        }
    }
    out
}

/// `${name:regex}`: one backslash before what has a meaning.
fn regex(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for ch in value.chars() {
        if "\\^$*+?.()|[]{}/".contains(ch) {
            out.push('\\');
        }
        out.push(ch);
    }
    out
}

/// A reference to a variable.
struct Reference<'t> {
    name: &'t str,
    format: Option<&'t str>,
    /// Bytes that it takes.
    length: usize,
}

struct Work<'a> {
    context: &'a Context<'a>,
    out: Resolved,
    /// The quotation mark of the string that the place is in.
    quote: Option<char>,
    /// The operator before that string: `=~`, or empty.
    matcher: &'static str,
    seen: FxHashSet<String>,
    references: usize,
}

impl Work<'_> {
    fn expand(&mut self, text: &str, depth: usize) -> Result<(), String> {
        let mut rest = text;
        while let Some(ch) = rest.chars().next() {
            if self.out.text.len() > MAX_BYTES {
                return Err(format!("with its variables it has more than {MAX_BYTES} bytes"));
            }
            if let Some(reference) = reference(rest) {
                let (written, after) = rest.split_at(reference.length);
                self.put(written, &reference, depth)?;
                rest = after;
                continue;
            }
            let mut taken = ch.len_utf8();
            match (self.quote, ch) {
                (None, '"' | '\'' | '`') => {
                    self.matcher = operator(&self.out.text);
                    self.quote = Some(ch);
                }
                (Some(quote), _) if quote == ch => self.quote = None,
                // A backslash takes the next character with it, save where that begins a reference.
                (Some('"' | '\''), '\\') => {
                    let next = rest.get(taken..).and_then(|rest| rest.chars().next());
                    taken += next.filter(|next| *next != '$' && *next != '[').map_or(0, char::len_utf8);
                }
                (None, '#') => taken = rest.find('\n').unwrap_or(rest.len()),
                _ => {}
            }
            let (head, after) = rest.split_at(taken);
            self.out.text.push_str(head);
            rest = after;
        }
        Ok(())
    }

    fn note(&mut self, note: String) {
        if self.seen.insert(note.clone()) {
            self.out.notes.push(note);
        }
    }

    fn put(&mut self, written: &str, reference: &Reference<'_>, depth: usize) -> Result<(), String> {
        self.references += 1;
        if self.references > MAX_REFERENCES {
            return Err(format!("with its variables it names more than {MAX_REFERENCES} of them"));
        }
        let name = reference.name;
        let context = self.context;
        let template = context.variables.get(name);
        // What the operator chose for a built-in one counts.
        if template.is_none()
            && let Some(value) = self.built_in(name)?
        {
            self.out.text.push_str(&value);
            self.use_name(name);
            return Ok(());
        }
        let Some(template) = template else {
            let digits = name.bytes().all(|byte| byte.is_ascii_digit());
            if self.quote.is_none() && !digits {
                return Err(format!(
                    "the variable {written} is neither in the file nor one of Grafana's own that can be known here; give it a value"
                ));
            }
            if !digits {
                self.note(format!("{written} is no variable of the file; it stays as it is."));
            }
            // `$1` in a replacement.
            self.out.text.push_str(written);
            return Ok(());
        };
        self.use_name(name);
        match &template.held {
            Held::Filters => Ok(()),
            Held::Literal(text) => {
                if depth >= MAX_DEPTH {
                    return Err(format!("the variable {written} leads to itself, or too far"));
                }
                self.expand(text, depth + 1)
            }
            Held::Unknown if self.matcher() == "=~" => {
                self.note(format!("{written}: the file does not hold its values; any value matches."));
                self.out.text.push_str(ANYTHING);
                Ok(())
            }
            Held::Unknown => Err(format!(
                "the file holds no value for {written}, and it does not stand behind =~, where any value could; give it one"
            )),
            Held::One(value) => {
                let value = value.clone();
                self.one(template, &value, reference);
                Ok(())
            }
            Held::Many(values) if context.repeats.iter().any(|repeat| repeat == name) => {
                if let Some(first) = values.first() {
                    self.note(format!(
                        "It repeats for each value of {name}; it is checked for the first, {first:?}."
                    ));
                    self.one(template, &first.clone(), reference);
                }
                Ok(())
            }
            Held::Many(values) => {
                if matches!(self.matcher(), "=" | "!=") && reference.format.is_none() && values.len() > 1 {
                    self.note(format!(
                        "{written} has {} values but stands behind {}: as in Grafana, that compares with one text that no label has.",
                        values.len(),
                        self.matcher()
                    ));
                }
                let text = match reference.format {
                    None => joined(values),
                    Some(format) => self.formatted(name, values, format),
                };
                self.quoted(&text);
                Ok(())
            }
        }
    }

    /// Puts one value.
    fn one(&mut self, template: &Template, value: &str, reference: &Reference<'_>) {
        let text = match reference.format {
            Some(format) => self.formatted(&template.name, &[value.to_owned()], format),
            None if template.multi => special(value),
            None => value.replace('\\', "\\\\"),
        };
        self.quoted(&text);
    }

    /// Puts a text; in a string, its quotation mark does not end the string.
    fn quoted(&mut self, text: &str) {
        match self.quote {
            Some(quote @ ('"' | '\'')) => {
                for ch in text.chars() {
                    if ch == quote && !ends_in_escape(&self.out.text) {
                        self.out.text.push('\\');
                    }
                    self.out.text.push(ch);
                }
            }
            _ => self.out.text.push_str(text),
        }
    }

    /// Values in a format that the query asks for.
    fn formatted(&mut self, name: &str, values: &[String], format: &str) -> String {
        let each = |write: &dyn Fn(&str) -> String, between: &str| {
            values.iter().map(|value| write(value)).collect::<Vec<_>>().join(between)
        };
        let quoted = |quote: char| {
            each(&|value| format!("{quote}{}{quote}", value.replace(quote, &format!("\\{quote}"))), ",")
        };
        match format {
            "regex" => {
                let text = match values {
                    [one] => regex(one),
                    _ => format!("({})", each(&regex, "|")),
                };
                if !matches!(self.quote, Some('"' | '\'')) || !text.contains('\\') {
                    return text;
                }
                self.note(format!(
                    "Grafana writes {name} with single backslashes, which Prometheus refuses in this string; they are doubled."
                ));
                text.replace('\\', "\\\\")
            }
            "pipe" => each(&str::to_owned, "|"),
            "csv" | "raw" | "text" => each(&str::to_owned, ","),
            "doublequote" => quoted('"'),
            "singlequote" => quoted('\''),
            "distributed" => {
                let named: Vec<String> = values.iter().map(|value| value.to_owned()).collect();
                named.join(&format!(",{name}="))
            }
            "join" => each(&str::to_owned, ","),
            _ => {
                if let Some(between) = format.strip_prefix("join:") {
                    return each(&str::to_owned, between);
                }
                if format != "glob" {
                    self.note(format!(
                        "The format {format:?} of {name} has no meaning in PromQL; its values are listed."
                    ));
                }
                match values {
                    [one] => one.clone(),
                    _ => format!("{{{}}}", each(&str::to_owned, ",")),
                }
            }
        }
    }

    /// One of Grafana's own.
    fn built_in(&self, name: &str) -> Result<Option<String>, String> {
        match name {
            "__from" | "__to" => Err(format!(
                "${name} is a time of Grafana's clock, which a check does not have; give it a value"
            )),
            "timeFilter" | "__timeFilter" => Err(format!("${name} belongs to another query language")),
            _ => Ok(built_in(name, &self.context.steps, self.context.window_ms)),
        }
    }

    fn use_name(&mut self, name: &str) {
        if !self.out.used.iter().any(|used| used == name) {
            self.out.used.push(name.to_owned());
        }
    }

    /// The operator before the string that the place is in; empty elsewhere.
    fn matcher(&self) -> &'static str {
        if self.quote.is_some() { self.matcher } else { "" }
    }
}

/// Whether the text ends in an odd number of backslashes.
fn ends_in_escape(text: &str) -> bool {
    text.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

/// The matching operator at the end of a text.
fn operator(text: &str) -> &'static str {
    let text = text.trim_end();
    ["=~", "!~", "!=", "="].into_iter().find(|operator| text.ends_with(operator)).unwrap_or("")
}

/// The reference at the start of a text: `$name`, `${name}`, `${name.field}`, `${name:format}`, `[[name]]`,
/// `[[name:format]]`.
fn reference(text: &str) -> Option<Reference<'_>> {
    let name_of =
        |text: &'_ str| text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    let (open, close) = match text.as_bytes() {
        [b'$', b'{', ..] => ("${", "}"),
        [b'[', b'[', ..] => ("[[", "]]"),
        [b'$', ..] => ("$", ""),
        _ => return None,
    };
    let inner = text.get(open.len()..)?;
    let (name, after) = inner.split_at(name_of(inner));
    if name.is_empty() {
        return None;
    }
    if close.is_empty() {
        return Some(Reference { name, format: None, length: open.len() + name.len() });
    }
    let end = after.find(close)?;
    let between = after.get(..end)?;
    let format = match between.chars().next() {
        None => None,
        Some(':') => between.get(1..).filter(|format| !format.is_empty()),
        // A field of a value has no meaning for texts; the format may follow.
        Some('.') if open == "${" => between.split_once(':').map(|(_, format)| format),
        Some(_) => return None,
    };
    Some(Reference { name, format, length: open.len() + name.len() + end + close.len() })
}

/// The name that a text refers to, if it is one reference and nothing else.
pub(super) fn sole(text: &str) -> Option<&str> {
    reference(text).filter(|found| found.length == text.len()).map(|found| found.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_those_of_grafana() {
        let of = |text| reference(text).map(|found| (found.name, found.format, found.length));
        assert_eq!(of("$a_1-b"), Some(("a_1", None, 4)));
        assert_eq!(of("${a:regex}x"), Some(("a", Some("regex"), 10)));
        assert_eq!(of("${a.b:csv}"), Some(("a", Some("csv"), 10)));
        assert_eq!(of("[[a]]"), Some(("a", None, 5)));
        assert_eq!(of("[[a:pipe]]"), Some(("a", Some("pipe"), 10)));
        assert_eq!(of("$"), None);
        assert_eq!(of("${a"), None);
        assert_eq!(of("${a b}"), None);
        assert_eq!(of("[5m]"), None);
    }

    #[test]
    fn values_are_escaped_for_their_place() {
        assert_eq!(special("a.b|c\\d"), "a\\\\.b\\\\|c\\\\\\\\d");
        assert_eq!(regex("a.b/c"), "a\\.b\\/c");
        assert_eq!(joined(&["a".to_owned(), "b.c".to_owned()]), "(a|b\\\\.c)");
    }
}
