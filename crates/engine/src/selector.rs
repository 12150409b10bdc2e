//! PromQL selectors → label matchers. Parsing is `promql-parser`'s.

use crate::wire::types::LabelMatcher;

/// A series selector of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Selector {
    /// As written in the plan.
    pub text: String,
    /// What it asks for, ready for remote read. A metric name is a matcher on `__name__`.
    pub matchers: Vec<LabelMatcher>,
}
