//! Label sets in canonical form.

use std::fmt;

/// A label set: sorted by name (bytewise), each name once, no empty value.
///
/// In the Prometheus data model an empty label is an absent label, so empties are dropped on the way in;
/// tsink returns aggregates with `"__name__": ""`, which must equal a missing name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels(Vec<(String, String)>);

impl Labels {
    /// Builds the canonical form from pairs in any order. Empty values are dropped; of a name given twice
    /// the last one counts.
    pub fn from_pairs<I, N, V>(pairs: I) -> Self
    where
        I: IntoIterator<Item = (N, V)>,
        N: Into<String>,
        V: Into<String>,
    {
        let mut out: Vec<(String, String)> =
            pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let already_sorted = out.windows(2).all(|pair| matches!(pair, [a, b] if a.0 < b.0));
        if !already_sorted {
            // A stable sort keeps the order of equal names, so that the last one can win below.
            crate::order::sort_by(&mut out, |a, b| a.0.cmp(&b.0));
            out.dedup_by(|later, earlier| {
                let same = later.0 == earlier.0;
                if same {
                    std::mem::swap(&mut later.1, &mut earlier.1);
                }
                same
            });
        }
        out.retain(|(_, value)| !value.is_empty());
        Self(out)
    }

    /// The metric name (`__name__`), if the series has one.
    pub fn name(&self) -> Option<&str> {
        self.get("__name__")
    }

    /// The value of a label, if present.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Name and value pairs in canonical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// How many labels there are, `__name__` included.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no label at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Writes the label set as a PromQL selector that finds it: `name{a="b"}`, quoting names that are not
/// legacy identifiers the way Prometheus 3 does (`{"my metric", "a.b"="c"}`).
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name().unwrap_or_default();
        let plain_name = name.is_empty() || is_legacy_name(name, true);
        if plain_name {
            f.write_str(name)?;
            if self.0.iter().all(|(label, _)| label == "__name__") && !name.is_empty() {
                return Ok(());
            }
        }
        f.write_str("{")?;
        let mut first = true;
        if !plain_name {
            write_quoted(f, name)?;
            first = false;
        }
        for (label, value) in &self.0 {
            if label == "__name__" {
                continue;
            }
            if !first {
                f.write_str(",")?;
            }
            first = false;
            if is_legacy_name(label, false) {
                f.write_str(label)?;
            } else {
                write_quoted(f, label)?;
            }
            f.write_str("=")?;
            write_quoted(f, value)?;
        }
        f.write_str("}")
    }
}

/// Whether a name needs no quotes: `[a-zA-Z_][a-zA-Z0-9_]*`, metric names may hold `:` too.
fn is_legacy_name(name: &str, metric: bool) -> bool {
    !name.is_empty()
        && name.bytes().enumerate().all(|(at, byte)| {
            byte.is_ascii_alphabetic()
                || byte == b'_'
                || (metric && byte == b':')
                || (at > 0 && byte.is_ascii_digit())
        })
}

fn write_quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    use fmt::Write as _;
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            '\r' => f.write_str("\\r")?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

#[cfg(test)]
mod tests {
    use super::Labels;

    #[test]
    fn empty_labels_are_absent() {
        let with = Labels::from_pairs([("__name__", ""), ("job", "api"), ("zone", "")]);
        assert_eq!(with, Labels::from_pairs([("job", "api")]));
    }

    #[test]
    fn order_does_not_matter_and_the_last_of_two_counts() {
        let labels = Labels::from_pairs([("b", "1"), ("a", "x"), ("b", "2")]);
        assert_eq!(labels.to_string(), r#"{a="x",b="2"}"#);
    }

    #[test]
    fn prints_selectors_that_find_the_series() {
        let plain = Labels::from_pairs([("__name__", "up"), ("job", "a\"b")]);
        assert_eq!(plain.to_string(), r#"up{job="a\"b"}"#);
        assert_eq!(Labels::from_pairs([("__name__", "up")]).to_string(), "up");
        let quoted = Labels::from_pairs([("__name__", "my 🦀"), ("a.b", "c")]);
        assert_eq!(quoted.to_string(), r#"{"my 🦀","a.b"="c"}"#);
    }
}
