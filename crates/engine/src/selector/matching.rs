//! Matching label sets against a selector, for sources that cannot do it themselves.

use super::{NAME, Selector, promql, vector_of};
use crate::model::Labels;
use promql_parser::label::Matcher;

/// A selector, ready to be asked about label sets.
#[derive(Clone, Debug)]
pub struct Predicate {
    name: Option<String>,
    matchers: Vec<Matcher>,
}

impl Selector {
    /// The selector as a predicate. A label that is not there matches as an empty one; regular expressions are
    /// anchored (`promql/parser`, Prometheus).
    pub fn predicate(&self) -> Predicate {
        // The text was parsed when the selector was made, so this does not fail.
        let vector = promql::parse(&self.text).ok().and_then(|expr| vector_of(expr).ok());
        match vector {
            Some(vector) => Predicate { name: vector.name, matchers: vector.matchers.matchers },
            None => Predicate { name: Some(String::new()), matchers: Vec::new() },
        }
    }
}

impl Predicate {
    /// Whether the selector finds this series.
    pub fn matches(&self, labels: &Labels) -> bool {
        let value = |name: &str| labels.get(name).unwrap_or_default();
        self.name.as_ref().is_none_or(|name| value(NAME) == name)
            && self.matchers.iter().all(|matcher| matcher.is_match(value(&matcher.name)))
    }
}

#[cfg(test)]
mod tests {
    use crate::model::Labels;
    use crate::selector::Selector;

    #[test]
    fn every_operator_and_what_is_not_there() {
        let labels = Labels::from_pairs([("__name__", "cpu"), ("host", "node-a"), ("db", "x\ny")]);
        for (text, wanted) in [
            ("cpu", true),
            ("mem", false),
            ("{__name__=~\"c.u\"}", true),
            ("{__name__=~\"c\"}", false),
            ("cpu{host=\"node-a\"}", true),
            ("cpu{host!=\"node-a\"}", false),
            ("cpu{host=~\"node-.*\"}", true),
            ("cpu{host=~\"node\"}", false),
            ("cpu{host!~\"node\"}", true),
            ("cpu{zone=\"\"}", true),
            ("cpu{zone!=\"\"}", false),
            ("cpu{zone=~\"|a\"}", true),
            // As in tsink and Prometheus 2: a dot is no line break.
            ("cpu{db=~\"x.y\"}", false),
            ("cpu{db=~\"(?s)x.y\"}", true),
            ("cpu{db=~\"X.y\"}", false),
            ("(cpu[5m])", true),
            ("{host=\"node-a\"}", true),
        ] {
            assert_eq!(Selector::parse(text).unwrap().predicate().matches(&labels), wanted, "{text}");
        }
    }
}
