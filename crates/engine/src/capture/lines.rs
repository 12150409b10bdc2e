//! What the protocols of text lines have in common.

use super::{Refusal, Row, SeriesTable};
use crate::model::Millis;
use std::collections::BTreeMap;

/// Query of a captured request, name to value.
pub type QueryParams = BTreeMap<String, String>;

/// A protocol whose payloads are lines.
pub trait LineProtocol {
    /// Begins a payload.
    ///
    /// # Errors
    /// When the query parameters refuse the payload as a whole.
    fn begin(&mut self, params: &QueryParams) -> Result<(), Refusal>;

    /// Normalises one line, without its line end, and appends its samples to `rows`. A line without a timestamp
    /// counts as of `received_at`, Unix ms. Tells whether the line held anything.
    ///
    /// # Errors
    /// When tsink would refuse the line; `rows` is as it was.
    fn line(
        &mut self,
        line: &str,
        received_at: Millis,
        table: &mut SeriesTable,
        rows: &mut Vec<Row>,
    ) -> Result<bool, Refusal>;

    /// Lines and bytes that tsink takes in one live payload.
    fn payload_limits(&self) -> (Option<usize>, Option<usize>);
}
