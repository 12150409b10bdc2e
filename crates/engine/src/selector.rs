//! PromQL selectors → label matchers. Parsing is `promql-parser`'s, behind [`promql`]'s guards.

mod matching;
mod narrow;
pub(crate) mod promql;
pub(crate) mod ranges;

pub use matching::Predicate;
pub(crate) use narrow::{braces, escaped, quote};

use crate::wire::types::{LabelMatcher, MatcherType};
use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{Expr, VectorSelector};

/// The label that holds a series' metric name.
const NAME: &str = "__name__";

/// A series selector of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Selector {
    /// As written in the plan.
    pub text: String,
    /// What it asks for, ready for remote read. A metric name is a matcher on `__name__`.
    pub matchers: Vec<LabelMatcher>,
}

/// Why a text is not a selector. Its [`Display`](std::fmt::Display) is the message alone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SelectorError {
    /// What is wrong.
    pub message: String,
    /// What to do; may be empty.
    pub remedy: String,
}

impl SelectorError {
    fn new(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { message: message.into(), remedy: remedy.into() }
    }
}

impl Selector {
    /// Reads a PromQL vector selector, as `up{job="node"}`, `{__name__=~"node_.*"}` or, with Prometheus 3's
    /// quoted UTF-8 names, `{"my.metric", "label.name"="x"}`. Parentheses and a range (`up[5m]`) are let
    /// pass, as the native tool does; a range has no meaning here.
    ///
    /// # Errors
    /// Text that is not PromQL; functions, aggregations and operators; `offset` and `@`, because the window
    /// says which time is meant; a selector whose matchers all match the empty string (Prometheus refuses
    /// it too).
    ///
    /// ```
    /// use tsink_migrate_engine::selector::Selector;
    /// let selector = Selector::parse(r#"http_requests_total{job=~"api|web"}"#)?;
    /// assert_eq!(selector.metric_name(), Some("http_requests_total"));
    /// assert_eq!(selector.matchers.len(), 2);
    /// # Ok::<(), tsink_migrate_engine::selector::SelectorError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let matches_empty = || {
            SelectorError::new(
                "every matcher of this selector matches an empty label, so Prometheus refuses it",
                "Name a metric, or ask for every series with {__name__!=\"\"}.",
            )
        };
        let expr = promql::parse(text).map_err(|fault| match fault.kind {
            promql::FaultKind::MatchesEmpty => matches_empty(),
            _ => SelectorError::new(
                fault.message,
                "A selector looks like up{job=\"node\"} or {__name__=~\"node_.*\"}.",
            ),
        })?;
        let vector = vector_of(expr)?;
        if vector.offset.is_some() || vector.at.is_some() {
            return Err(SelectorError::new(
                "a selector of a migration has no offset and no @: the window says which time is meant",
                "Remove the modifier and move the window instead.",
            ));
        }
        if !vector.matchers.or_matchers.is_empty() {
            return Err(SelectorError::new(
                "`or` between matchers is not PromQL (VictoriaMetrics alone has it)",
                "Write two selectors, or one matcher with =~\"a|b\".",
            ));
        }
        if vector.name.is_none() && vector.matchers.matchers.iter().all(|matcher| matcher.is_match("")) {
            return Err(matches_empty());
        }
        let name = vector.name.map(|value| LabelMatcher {
            r#type: MatcherType::Eq.into(),
            name: NAME.to_owned(),
            value,
        });
        let matchers = name.into_iter().chain(vector.matchers.matchers.into_iter().map(to_wire)).collect();
        Ok(Self { text: text.to_owned(), matchers })
    }

    /// The metric name that the selector asks for by equality, if it does.
    pub fn metric_name(&self) -> Option<&str> {
        self.matchers
            .iter()
            .find(|matcher| matcher.name == NAME && matcher.r#type == i32::from(MatcherType::Eq))
            .map(|matcher| matcher.value.as_str())
            .filter(|name| !name.is_empty())
    }
}

fn to_wire(matcher: Matcher) -> LabelMatcher {
    let kind = match matcher.op {
        MatchOp::Equal => MatcherType::Eq,
        MatchOp::NotEqual => MatcherType::Neq,
        MatchOp::Re(_) => MatcherType::Re,
        MatchOp::NotRe(_) => MatcherType::Nre,
    };
    LabelMatcher { r#type: kind.into(), name: matcher.name, value: matcher.value }
}

fn vector_of(mut expr: Expr) -> Result<VectorSelector, SelectorError> {
    let found = loop {
        match expr {
            Expr::VectorSelector(vector) => return Ok(vector),
            Expr::MatrixSelector(matrix) => return Ok(matrix.vs),
            Expr::Paren(inner) => expr = *inner.expr,
            Expr::Call(call) => break format!("a call of {}()", call.func.name),
            Expr::Aggregate(aggregate) => break format!("an aggregation with {}", aggregate.op),
            Expr::Subquery(_) => break "a subquery".to_owned(),
            Expr::Binary(_) | Expr::Unary(_) => break "an expression with operators".to_owned(),
            Expr::NumberLiteral(_) => break "a number".to_owned(),
            Expr::StringLiteral(_) => break "a string".to_owned(),
            Expr::Extension(_) => break "an extension".to_owned(),
        }
    };
    Err(SelectorError::new(
        format!("this is {found}, but raw series are what moves"),
        "Give the selector alone, as in up{job=\"node\"}; expressions to compare belong into promql_checks.",
    ))
}

#[cfg(test)]
mod tests {
    use super::{MatcherType, Selector};

    fn parts(text: &str) -> Vec<(MatcherType, String, String)> {
        Selector::parse(text)
            .unwrap()
            .matchers
            .into_iter()
            .map(|m| (MatcherType::try_from(m.r#type).unwrap(), m.name, m.value))
            .collect()
    }

    fn is(kind: MatcherType, name: &str, value: &str) -> (MatcherType, String, String) {
        (kind, name.to_owned(), value.to_owned())
    }

    #[test]
    fn the_four_operators() {
        use MatcherType::{Eq, Neq, Nre, Re};
        assert_eq!(
            parts(r#"up{a="1",b!="2",c=~"3|4",d!~"5.*"}"#),
            [
                is(Eq, "__name__", "up"),
                is(Eq, "a", "1"),
                is(Neq, "b", "2"),
                is(Re, "c", "3|4"),
                is(Nre, "d", "5.*")
            ]
        );
    }

    #[test]
    fn names_through_the_name_label_and_quoted_names() {
        use MatcherType::{Eq, Re};
        assert_eq!(parts(r#"{__name__="up"}"#), [is(Eq, "__name__", "up")]);
        assert_eq!(parts(r#"{__name__=~"node_.+"}"#), [is(Re, "__name__", "node_.+")]);
        assert_eq!(
            parts(r#"{"my.metric", "label.name"="x", 'été'="ü"}"#),
            [is(Eq, "__name__", "my.metric"), is(Eq, "label.name", "x"), is(Eq, "été", "ü")]
        );
        assert_eq!(Selector::parse(r#"{"my.metric"}"#).unwrap().metric_name(), Some("my.metric"));
        assert_eq!(Selector::parse(r#"{__name__="up"}"#).unwrap().metric_name(), Some("up"));
        assert_eq!(Selector::parse(r#"{__name__!=""}"#).unwrap().metric_name(), None);
        assert_eq!(Selector::parse(r#"{__name__=~"up"}"#).unwrap().metric_name(), None);
    }

    #[test]
    fn ranges_parentheses_comments_and_spaces() {
        let plain = Selector::parse("up").unwrap().matchers;
        for text in ["up[5m]", "(up)", "((up[5m]))", " up \n", "up # all of them", "up{}", "up{ }"] {
            assert_eq!(Selector::parse(text).unwrap().matchers, plain, "{text}");
            assert_eq!(Selector::parse(text).unwrap().text, text);
        }
        assert_eq!(parts(r#"up{order="x",or="y",}"#).len(), 3);
    }

    #[test]
    fn strings_in_all_three_quotes() {
        let wanted = is(MatcherType::Re, "a", r#"x\.y"z"#);
        assert_eq!(parts(r#"up{a=~"x\\.y\"z"}"#)[1], wanted);
        assert_eq!(parts(r#"up{a=~'x\\.y"z'}"#)[1], wanted);
        assert_eq!(parts(r#"up{a=~`x\.y"z`}"#)[1], wanted);
        assert_eq!(parts("up{a=\"\\u00e9\\t\\x41\"}")[1].2, "é\tA");
    }

    #[test]
    fn what_is_no_selector() {
        for (text, word) in [
            ("", "empty"),
            ("  ", "empty"),
            ("rate(up[5m])", "rate()"),
            ("sum by (job) (up)", "sum"),
            ("up + 1", "operators"),
            ("-up", "operators"),
            ("1", "number"),
            ("\"up\"", "string"),
            ("up[5m:1m]", "subquery"),
            ("up offset 5m", "offset"),
            ("up @ 1700000000", "offset"),
            ("up[5m] offset 1d", "offset"),
            ("{}", "empty"),
            (r#"{a=~".*"}"#, "empty"),
            (r#"({a!="x"})"#, "empty"),
            (r#"{a=~".*"}[5m]"#, "empty"),
            (r#"up{a="1" or b="2"}"#, "or"),
            (r#"up{__name__="down"}"#, "twice"),
            (r#"up{a=~"("}"#, "regex"),
            (r#"up{a="1""#, "end of input"),
            (r#"up{a="\xff"}"#, "byte"),
            (r#"up{a="\377"}"#, "byte"),
            ("my.metric", "'.'"),
            ("up up", "PromQL"),
        ] {
            let error = Selector::parse(text).expect_err(text);
            assert!(error.message.contains(word), "{text}: {}", error.message);
            assert!(!error.remedy.is_empty());
        }
    }
}
