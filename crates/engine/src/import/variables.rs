//! Variables of a dashboard: what each stands for, and why.

use super::interval;
use super::tree::Node;
use super::{ImportOptions, Variable};
use rustc_hash::{FxHashMap, FxHashSet};

/// Grafana's word for all values.
const ALL: &str = "$__all";
/// Values of a variable that are offered at most.
const MAX_OPTIONS: usize = 500;

/// What a variable stands for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Held {
    /// One value.
    One(String),
    /// Several values.
    Many(Vec<String>),
    /// A text that is put in as it is; it may name other variables.
    Literal(String),
    /// The file holds no value. Whatever it is, a matcher `=~` can match anything.
    Unknown,
    /// Label filters that Grafana adds to every query: nothing to put anywhere.
    Filters,
}

/// A variable.
#[derive(Clone, Debug)]
pub(super) struct Template {
    pub(super) name: String,
    pub(super) held: Held,
    /// Whether it may have several values: then each is escaped for a regular expression, as Grafana's Prometheus
    /// data source does.
    pub(super) multi: bool,
    options: Vec<String>,
    reason: String,
    /// Type of the data sources that it chooses from, for one that does.
    pub(super) plugin: Option<String>,
    /// Filters of an ad hoc variable, written as matchers.
    pub(super) filters: Vec<String>,
}

/// Variables by name.
#[derive(Debug, Default)]
pub(super) struct Variables {
    list: Vec<Template>,
    at: FxHashMap<String, usize>,
}

impl Variables {
    /// Reads `templating.list`, `variables` of schema 2, and `__inputs`; window in ms.
    pub(super) fn read(dashboard: &Node, options: &ImportOptions, window_ms: i64) -> Self {
        let mut inputs = FxHashMap::default();
        for input in dashboard.list("__inputs") {
            if let (Some(name), Some(value)) = (input.word("name"), input.get("value").and_then(Node::text)) {
                inputs.insert(name, value);
            }
        }
        let mut found = Self::default();
        let templating = dashboard.get("templating").map_or(&[][..], |node| node.list("list"));
        for node in templating.iter().chain(dashboard.list("variables")) {
            // In schema 2 the fields stand in `spec`, and the type is `QueryVariable`.
            let (kind, node) = match (node.get("kind").and_then(Node::text), node.get("spec")) {
                (Some(kind), Some(spec)) => (kind.trim_end_matches("Variable").to_ascii_lowercase(), spec),
                _ => (node.word("type").unwrap_or("query").to_owned(), &**node),
            };
            if let Some(name) = node.word("name") {
                found.add(Reader { kind: &kind, node, inputs: &inputs, window_ms }.read(name, options));
            }
        }
        for (name, value) in &options.variables {
            if found.get(name).is_none() {
                found.add(Template {
                    name: name.clone(),
                    held: Held::Literal(value.clone()),
                    multi: false,
                    options: Vec::new(),
                    reason: "You chose it.".to_owned(),
                    plugin: None,
                    filters: Vec::new(),
                });
            }
        }
        found
    }

    fn add(&mut self, template: Template) {
        // Of two with one name, the last counts.
        self.at.insert(template.name.clone(), self.list.len());
        self.list.push(template);
    }

    /// The variable of this name.
    pub(super) fn get(&self, name: &str) -> Option<&Template> {
        self.list.get(*self.at.get(name)?)
    }

    /// Filters that Grafana would add to every query.
    pub(super) fn filters(&self) -> Vec<&str> {
        self.list.iter().flat_map(|one| &one.filters).map(String::as_str).collect()
    }

    /// Those that were used, in the order of the file.
    pub(super) fn used(&self, names: &FxHashSet<String>) -> Vec<Variable> {
        let known = self.list.iter().enumerate().filter(|(at, one)| self.at.get(&one.name) == Some(at));
        known
            .map(|(_, one)| one)
            .filter(|one| names.contains(&one.name) || !one.filters.is_empty())
            .map(Template::told)
            .collect()
    }
}

impl Template {
    fn told(&self) -> Variable {
        Variable {
            name: self.name.clone(),
            value: match &self.held {
                Held::One(value) | Held::Literal(value) => value.clone(),
                Held::Many(values) => super::resolve::joined(values),
                Held::Unknown => super::resolve::ANYTHING.to_owned(),
                Held::Filters => self.filters.join(", "),
            },
            options: self.options.clone(),
            reason: self.reason.clone(),
            can_choose: self.held != Held::Filters,
        }
    }
}

/// What a variable is read with.
struct Reader<'a> {
    kind: &'a str,
    node: &'a Node,
    inputs: &'a FxHashMap<&'a str, &'a str>,
    window_ms: i64,
}

impl Reader<'_> {
    fn read(&self, name: &str, options: &ImportOptions) -> Template {
        let include_all = self.node.is("includeAll");
        let mut values = self.offered();
        let current = self.current();
        let (held, reason) = match options.variables.get(name) {
            Some(_) if self.is_filters() => self.decide(&values, &current),
            Some(chosen) if include_all && (chosen == ALL || chosen == "All") => {
                let (held, _) = self.all(&values);
                (held, "You chose all values.".to_owned())
            }
            Some(chosen) if values.contains(chosen) || current.contains(chosen) => {
                (Held::One(chosen.clone()), "You chose it.".to_owned())
            }
            Some(chosen) => {
                (Held::Literal(chosen.clone()), "You chose it; it is put in as it is.".to_owned())
            }
            None => self.decide(&values, &current),
        };
        if include_all {
            values.insert(0, ALL.to_owned());
        }
        values.truncate(MAX_OPTIONS);
        let plugin = self.node.word("pluginId").or_else(|| self.node.get("query").and_then(Node::text));
        Template {
            name: name.to_owned(),
            held,
            multi: include_all || self.node.is("multi"),
            options: values,
            reason,
            plugin: plugin.filter(|_| self.kind == "datasource").map(str::to_owned),
            filters: if self.is_filters() { self.filters() } else { Vec::new() },
        }
    }

    fn is_filters(&self) -> bool {
        self.kind == "adhoc"
    }

    /// A text of the file, an input of the export put in its place.
    fn input(&self, text: &str) -> String {
        let name = text.trim().strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        name.and_then(|name| self.inputs.get(name))
            .map_or_else(|| text.to_owned(), |value| (*value).to_owned())
    }

    /// Values to choose from: the saved options, or those that the definition lists.
    fn offered(&self) -> Vec<String> {
        let mut values: Vec<String> = Vec::new();
        let mut seen = FxHashSet::default();
        let mut add = |value: &str| {
            if value != ALL && !value.is_empty() && seen.insert(value.to_owned()) {
                values.push(value.to_owned());
            }
        };
        for option in self.node.list("options") {
            if let Some(value) = option.text().or_else(|| option.get("value").and_then(Node::text)) {
                add(value);
            }
        }
        if matches!(self.kind, "custom" | "interval") {
            let query = self.node.get("query").and_then(Node::text).unwrap_or_default();
            for value in split(query) {
                add(&value);
            }
        }
        values
    }

    /// The saved selection, without empty values.
    fn current(&self) -> Vec<String> {
        let Some(current) = self.node.get("current") else { return Vec::new() };
        let values: Vec<&str> = match current.get("value") {
            Some(Node::List(values)) => values.iter().filter_map(|value| value.text()).collect(),
            Some(value) => value.text().into_iter().collect(),
            None => Vec::new(),
        };
        values.into_iter().filter(|value| !value.is_empty()).map(|value| self.input(value)).collect()
    }

    fn decide(&self, offered: &[String], current: &[String]) -> (Held, String) {
        let text = |field: &str| self.node.get(field).and_then(Node::text).map(|text| self.input(text));
        match self.kind {
            "adhoc" => (
                Held::Filters,
                "Grafana adds these filters to every query; the checks are made without them.".to_owned(),
            ),
            "constant" => match text("query").or_else(|| current.first().cloned()) {
                Some(value) => (Held::One(value), "It is a constant of the dashboard.".to_owned()),
                None => unknown(),
            },
            "textbox" | "text" => {
                let value = current.first().cloned().or_else(|| text("query")).unwrap_or_default();
                (Held::One(value), "It is the text that is saved in the dashboard.".to_owned())
            }
            "interval" => self.interval(offered, current),
            _ if current.iter().any(|value| value == ALL) => self.all(offered),
            _ => match current {
                [one] => {
                    (Held::One(one.clone()), "It is the selection that is saved in the dashboard.".to_owned())
                }
                [_, ..] => (
                    Held::Many(current.to_vec()),
                    "These are the values that are selected in the dashboard.".to_owned(),
                ),
                [] => match offered.first() {
                    Some(first) => (
                        Held::One(first.clone()),
                        "Nothing is selected in the file; it is the first of the values offered.".to_owned(),
                    ),
                    None if self.node.is("includeAll") => self.all(offered),
                    None => unknown(),
                },
            },
        }
    }

    fn all(&self, offered: &[String]) -> (Held, String) {
        match self.node.get("allValue").and_then(Node::text).filter(|text| !text.is_empty()) {
            Some(custom) => (
                Held::Literal(custom.to_owned()),
                "All values are selected; the dashboard says what to write for them.".to_owned(),
            ),
            None if offered.is_empty() => (
                Held::Unknown,
                "All values are selected, and the file does not hold them; any value matches.".to_owned(),
            ),
            None => (
                Held::Many(offered.to_vec()),
                "All values are selected; these are the ones saved in the file.".to_owned(),
            ),
        }
    }

    fn interval(&self, offered: &[String], current: &[String]) -> (Held, String) {
        let chosen = current.first().map(String::as_str);
        let first = offered.iter().find(|value| !is_auto(value)).map(String::as_str);
        match chosen.or(if self.node.is("auto") { Some("auto") } else { first }) {
            Some(value) if is_auto(value) => {
                let count =
                    self.node.word("auto_count").and_then(|text| text.parse::<i64>().ok()).unwrap_or(30);
                let least = self.node.word("auto_min").and_then(|text| interval::parse(text).ok());
                let ms = interval::of_points(self.window_ms, count, least.unwrap_or(10_000));
                (
                    Held::One(interval::write(ms)),
                    format!("It is chosen by itself: the window in {count} parts, rounded."),
                )
            }
            Some(value) => (
                Held::One(value.to_owned()),
                "It is the selection that is saved in the dashboard.".to_owned(),
            ),
            None => unknown(),
        }
    }

    /// Filters as matchers.
    fn filters(&self) -> Vec<String> {
        // Schema 1 keeps them in `filters`, or in `current.value` before that.
        let mut list = self.node.list("filters");
        if list.is_empty() {
            list = self.node.at(&["current"]).map_or(&[][..], |current| current.list("value"));
        }
        list.iter()
            .take(MAX_OPTIONS)
            .filter_map(|one| {
                let (key, value) = (one.word("key")?, one.get("value")?.text()?);
                let operator = one.word("operator").unwrap_or("=");
                Some(format!("{key}{operator}\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")))
            })
            .collect()
    }
}

fn unknown() -> (Held, String) {
    (Held::Unknown, "The file holds no value of it; any value matches.".to_owned())
}

fn is_auto(value: &str) -> bool {
    value == "auto" || value == "$__auto" || value.starts_with("$__auto_interval")
}

/// Values of a list with commas; `\,` is a comma in a value, and `text : value` names the value.
fn split(list: &str) -> Vec<String> {
    let mut values = vec![String::new()];
    let mut chars = list.chars().peekable();
    while let Some(ch) = chars.next() {
        match (ch, chars.peek()) {
            ('\\', Some(',')) => {
                chars.next();
                if let Some(value) = values.last_mut() {
                    value.push(',');
                }
            }
            (',', _) => values.push(String::new()),
            _ => {
                if let Some(value) = values.last_mut() {
                    value.push(ch);
                }
            }
        }
    }
    let named = |value: &String| {
        let value = value.trim();
        value.split_once(" : ").map_or(value, |(_, value)| value).trim().to_owned()
    };
    values.iter().map(named).filter(|value| !value.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn lists_of_values() {
        assert_eq!(super::split("a, b ,c\\,d, Name : v:1,,"), ["a", "b", "c,d", "v:1"]);
        assert!(super::split("").is_empty());
    }
}
