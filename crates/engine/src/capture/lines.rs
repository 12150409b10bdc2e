//! What the three text protocols have in common: a payload is lines, and each line stands for itself.

use super::{Refusal, Row, SeriesTable};
use crate::model::Millis;
use std::collections::BTreeMap;

/// Query parameters of a captured request, decoded.
pub type QueryParams = BTreeMap<String, String>;

/// A protocol whose payloads are lines of text.
pub trait LineProtocol {
    /// Begins a payload: what belongs to the payload before is forgotten, what lives longer (states of `StatsD`
    /// gauges) stays. `params` are read by `InfluxDB` alone: `precision`, `db`, `rp`, `bucket`, `org`.
    ///
    /// # Errors
    /// A precision that tsink does not know refuses the whole payload.
    fn begin(&mut self, params: &QueryParams) -> Result<(), Refusal>;

    /// Normalises one line and appends its samples to `rows`. `line` comes without its `\n`; a `\r` and blanks
    /// around it do no harm. `received_at` is when the payload came, for lines without a timestamp. Says whether
    /// the line held anything; a blank one does not.
    ///
    /// # Errors
    /// What tsink would refuse; then `rows` is as it was.
    fn line(
        &mut self,
        line: &str,
        received_at: Millis,
        table: &mut SeriesTable,
        rows: &mut Vec<Row>,
    ) -> Result<bool, Refusal>;

    /// How many lines and how many bytes of one payload tsink takes live; `None` where there is no limit.
    fn payload_limits(&self) -> (Option<usize>, Option<usize>);
}
