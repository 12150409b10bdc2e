//! Hiding host names and label values in a report: the same stand-in for the same thing, throughout.
//!
//! First every text of the report is searched for what is to be hidden: hosts in URLs and addresses, values of the
//! chosen labels in selectors, series and recorded lines. Then each is replaced wherever it stands, free text
//! included, by `host-1`, `instance-1`, …, counted in the order in which they first appear.

mod names;
mod spans;
mod texts;

use super::Report;
use crate::plan::Redaction;
use names::Names;

/// What a text is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Anything.
    Text,
    /// A series as a label set, with its metric name in front.
    Series,
    /// A metric name.
    Metric,
}

impl Report {
    /// The report with what is to be hidden hidden. Deterministic.
    #[must_use]
    pub fn redacted(&self, redaction: &Redaction) -> Self {
        let mut report = self.clone();
        if redaction.is_empty() {
            return report;
        }
        let mut names = Names::new(redaction);
        texts::each(&mut report, &mut |text, role| names.collect(text, role));
        names.give_stand_ins();
        texts::each(&mut report, &mut |text, role| names.replace(text, role));
        report
    }
}
