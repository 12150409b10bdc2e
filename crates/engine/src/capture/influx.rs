//! `InfluxDB` line protocol, as tsink-server 0.10.2 takes it at `/write` and `/api/v2/write`.
//!
//! Each field of a line is a gauge: `cpu,host=a user=1,value=2` gives `cpu_user{host="a"}` and `cpu{host="a"}`.
//! Where tsink is not what its specification or `InfluxDB`'s says, it is followed:
//! - Without `precision`, timestamps are nanoseconds (the specification: the server's own precision). `u` and `us`
//!   are microseconds, `µs` is refused; so is an empty `precision`.
//! - `#` does not begin a comment: such a line is refused, or is a measurement when it looks like one.
//! - Text is taken apart by bytes. A letter outside of ASCII comes out as one letter for each of its bytes, in
//!   Latin-1 (`ü` becomes `Ã¼`), with or without escapes.
//! - `\` takes itself away before any byte, not only before those that need it. `"` hides blanks, commas and `=`
//!   in measurements and tags, too, and stays part of the text.
//! - Boolean and string fields refuse their whole line, with the numbers beside them.
//! - A tag that is given twice refuses its line, and so does a tag that is named as a label which comes from the
//!   query parameters (`influx_db`, …). A tag without a value is an absent label.
//! - A field that is given twice in a line gives two samples at one time.
//! - Timestamps are cut to milliseconds, toward zero.
//!
//! One thing that tsink takes cannot be migrated: a tag named `__name__` (see [`super::names::identity`]).

mod exact;

use super::{LineProtocol, QueryParams, Refusal, RefusalKind, Row, SeriesTable, numbers};
use crate::model::Millis;
use exact::{Scope, exact};

/// Lines of one request that tsink takes.
const MAX_LINES: usize = 4096;
/// Query parameters that become labels.
const QUERY_LABELS: [(&str, &str); 4] =
    [("db", "influx_db"), ("rp", "influx_rp"), ("bucket", "influx_bucket"), ("org", "influx_org")];

/// `InfluxDB` line protocol.
#[derive(Debug, Default)]
pub struct Influx {
    scope: Scope,
    precision: Precision,
    /// Room for a key.
    key: Vec<u8>,
}

impl Influx {
    /// Nothing is known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a line whose label set and fields are all known and whose numbers are plain. `None` is no verdict, but
    /// may leave rows behind.
    fn known(
        &mut self,
        line: &str,
        received_at: Millis,
        table: &mut SeriesTable,
        rows: &mut Vec<Row>,
    ) -> Option<()> {
        let line = line.as_bytes();
        let scope = self.scope.key.as_slice();
        let (group, mut rest) = match table.groups().follower(scope, line) {
            Some(found) => found,
            None => {
                let end = line.iter().position(|byte| matches!(byte, b' ' | b'"' | b'\\'))?;
                let (spec, [b' ', rest @ ..]) = line.split_at_checked(end)? else { return None };
                self.key.clear();
                self.key.extend_from_slice(scope);
                self.key.extend_from_slice(spec);
                (table.groups().find(&self.key)?, rest)
            }
        };
        let groups = table.groups();
        while let [b' ', behind @ ..] = rest {
            rest = behind;
        }
        if !rest.first().is_some_and(u8::is_ascii_graphic) {
            // More kinds of white space than blanks are skipped here.
            return None;
        }
        let start = rows.len();
        let mut likely = groups.first(group);
        let timestamp = loop {
            let (member, behind) = groups.field(group, likely, rest)?;
            let (value, behind) = numbers::field(behind)?;
            rows.push(Row { series: member.series, at: received_at, value });
            likely = member.next;
            match behind {
                [] => break None,
                [b',', behind @ ..] => rest = behind,
                [_, behind @ ..] => {
                    break Some(numbers::integer(behind).filter(|(_, rest)| rest.is_empty())?);
                }
            }
        };
        if let Some((timestamp, _)) = timestamp {
            let at = self.precision.millis(timestamp)?;
            rows.iter_mut().skip(start).for_each(|row| row.at = at);
        }
        table.groups_mut().came(group);
        Some(())
    }
}

impl LineProtocol for Influx {
    fn begin(&mut self, params: &QueryParams) -> Result<(), Refusal> {
        self.precision = Precision::parse(params.get("precision").map(String::as_str))?;
        let given = QUERY_LABELS.iter().filter_map(|(param, label)| {
            let value = params.get(*param)?.trim();
            (!value.is_empty()).then(|| ((*label).to_owned(), value.to_owned()))
        });
        self.scope = Scope::new(given.collect());
        Ok(())
    }

    fn line(
        &mut self,
        line: &str,
        received_at: Millis,
        table: &mut SeriesTable,
        rows: &mut Vec<Row>,
    ) -> Result<bool, Refusal> {
        let line = line.trim();
        if line.is_empty() {
            return Ok(false);
        }
        let start = rows.len();
        if self.known(line, received_at, table, rows).is_none() {
            rows.truncate(start);
            exact(&self.scope, self.precision, line, received_at, table, rows)?;
        }
        Ok(true)
    }

    fn payload_limits(&self) -> (Option<usize>, Option<usize>) {
        (Some(MAX_LINES), None)
    }
}

/// Unit of timestamps.
#[derive(Clone, Copy, Debug, Default)]
enum Precision {
    #[default]
    Nanoseconds,
    Microseconds,
    Milliseconds,
    Seconds,
    Minutes,
    Hours,
}

impl Precision {
    fn parse(raw: Option<&str>) -> Result<Self, Refusal> {
        let raw = raw.unwrap_or("ns").to_ascii_lowercase();
        Ok(match raw.as_str() {
            "ns" => Self::Nanoseconds,
            "u" | "us" => Self::Microseconds,
            "ms" => Self::Milliseconds,
            "s" => Self::Seconds,
            "m" => Self::Minutes,
            "h" => Self::Hours,
            other => {
                let message = format!("unsupported influx line protocol precision '{other}'");
                return Err(Refusal::new(RefusalKind::Syntax, message));
            }
        })
    }

    /// Unix ms, cut toward zero; `None` when that is out of range.
    fn millis(self, timestamp: i64) -> Option<Millis> {
        match self {
            Self::Nanoseconds => Some(timestamp / 1_000_000),
            Self::Microseconds => Some(timestamp / 1_000),
            Self::Milliseconds => Some(timestamp),
            Self::Seconds => timestamp.checked_mul(1_000),
            Self::Minutes => timestamp.checked_mul(60_000),
            Self::Hours => timestamp.checked_mul(3_600_000),
        }
    }
}

#[cfg(test)]
mod tests;
