//! Graphite plaintext, as tsink-server 0.10.2 takes it over TCP: `path;tag=value value seconds`.
//!
//! Where tsink is not what its specification or Carbon says, it is followed:
//! - Dots of the path become `_`; the path is never taken apart into labels.
//! - A timestamp may have a fraction, cut to milliseconds; it may be negative, and `-1` is a second before 1970,
//!   not "now". One beyond all dates is the first or the last millisecond there is. `N` is refused.
//! - The fields may lie between any white space; a line of two fields has no timestamp.
//! - `nan` and `inf` are refused. A tag without a value is an absent label, one without `=` refuses its line.
//! - A line may have 8,192 bytes, its line end included. Live, a longer one ends its connection, and a last line
//!   without a line end is not taken; here neither takes anything else with it.

use super::{Described, Family, LineProtocol, QueryParams, Refusal, RefusalKind, Row, SeriesTable};
use super::{names, numbers};
use crate::model::{MetricType, Millis};

/// Bytes of one line that tsink takes, line end included.
const MAX_BYTES: usize = 8192;
const HELP: &str = "Graphite plaintext sample coerced to gauge samples";

/// Graphite plaintext.
#[derive(Debug, Default)]
pub struct Graphite;

impl Graphite {
    /// There is nothing to remember.
    pub fn new() -> Self {
        Self
    }
}

impl LineProtocol for Graphite {
    fn begin(&mut self, _params: &QueryParams) -> Result<(), Refusal> {
        Ok(())
    }

    fn line(
        &mut self,
        line: &str,
        received_at: Millis,
        table: &mut SeriesTable,
        rows: &mut Vec<Row>,
    ) -> Result<bool, Refusal> {
        let bytes = line.len() + 1;
        if bytes > MAX_BYTES {
            let message = format!("line exceeds byte limit: {bytes} > {MAX_BYTES}");
            return Err(Refusal::new(RefusalKind::TooLong, message));
        }
        let line = line.trim();
        if line.is_empty() {
            return Ok(false);
        }
        let mut fields = line.split_whitespace();
        let (Some(path), Some(value), timestamp, None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            let message = format!("line must contain metric, value, and optional timestamp: '{line}'");
            return Err(Refusal::new(RefusalKind::Syntax, message));
        };
        // Of two faults in a line the server names that of the path first, and that of the whole label set last.
        let known = match table.find(path.as_bytes()) {
            Some(series) => Ok(series),
            None => Err(parse_path(path)?),
        };
        let value = numbers::finite(value, "value")?;
        let at = timestamp.map_or(Ok(received_at), parse_timestamp)?;
        let series = match known {
            Ok(series) => series,
            Err((name, tags)) => table.number(path.as_bytes(), || {
                let labels = names::identity(&name, tags)?;
                let family =
                    Family { name, kind: MetricType::Gauge, help: HELP.to_owned(), unit: String::new() };
                Ok(Described { labels, family })
            })?,
        };
        rows.push(Row { series, at, value });
        Ok(true)
    }

    fn payload_limits(&self) -> (Option<usize>, Option<usize>) {
        (None, None)
    }
}

/// Metric name and tags, in Prometheus' syntax.
fn parse_path(path: &str) -> Result<(String, Vec<(String, String)>), Refusal> {
    let (metric, tags) = match path.split_once(';') {
        Some((metric, tags)) => (metric, Some(tags)),
        None => (path, None),
    };
    if metric.is_empty() {
        return Err(Refusal::new(RefusalKind::Name, "metric name must not be empty"));
    }
    let tags = tags.into_iter().flat_map(|tags| tags.split(';')).map(|tag| {
        let (name, value) = tag
            .split_once('=')
            .ok_or_else(|| Refusal::new(RefusalKind::Syntax, format!("tag '{tag}' is missing '='")))?;
        Ok((names::tag(name)?, value.to_owned()))
    });
    let tags = tags.collect::<Result<_, Refusal>>()?;
    Ok((names::metric(metric)?, tags))
}

/// Unix ms of seconds. The conversion of a number that is too large gives the largest one.
fn parse_timestamp(raw: &str) -> Result<Millis, Refusal> {
    let refusal = |message: &str| Refusal::new(RefusalKind::Timestamp, message);
    let seconds: f64 = raw.parse().map_err(|_| refusal("timestamp must be a Unix timestamp in seconds"))?;
    if !seconds.is_finite() {
        return Err(refusal("timestamp must be finite"));
    }
    Ok((seconds * 1_000.0) as Millis)
}

#[cfg(test)]
mod tests {
    use super::Graphite;
    use crate::capture::{LineProtocol, RefusalKind, SeriesTable};

    /// Each line's samples as text, or the reason why it is refused.
    fn lines(lines: &[&str]) -> Vec<String> {
        let mut table = SeriesTable::default();
        let mut graphite = Graphite::new();
        let mut one = |line: &&str| {
            let mut rows = Vec::new();
            match graphite.line(line, 99, &mut table, &mut rows) {
                Ok(held) => assert_eq!(held, !rows.is_empty()),
                Err(refusal) => {
                    assert_eq!(rows, []);
                    return format!("{:?}: {}", refusal.kind, refusal.message);
                }
            }
            let show = |row: &crate::capture::Row| {
                format!("{} {} @{}", table.labels(row.series).unwrap(), row.value, row.at)
            };
            rows.iter().map(show).collect()
        };
        lines.iter().map(&mut one).collect()
    }

    #[test]
    fn paths_tags_values_and_times() {
        for (line, result) in [
            (
                "servers.api.latency;env=prod;region=us-west 42.5 1700000000",
                r#"servers_api_latency{env="prod",region="us-west"} 42.5 @1700000000000"#,
            ),
            ("a.b 1", "a_b 1 @99"),
            (" a.b\t1 \u{3000} 17\r", "a_b 1 @17000"),
            ("a 1 1.2345", "a 1 @1234"),
            ("a 1 -1.5", "a 1 @-1500"),
            ("a 1 -0.0005", "a 1 @0"),
            ("a 1 1e300", "a 1 @9223372036854775807"),
            ("a -1e3", "a -1000 @99"),
            ("9a:b;1x:y=ü;e= 1", r#"_9a:b{_1x_y="ü"} 1 @99"#),
            ("a;b=c=d 1", r#"a{b="c=d"} 1 @99"#),
            ("", ""),
            (" \t\r", ""),
        ] {
            assert_eq!(lines(&[line, line]), [result, result], "{line:?}");
        }
    }

    #[test]
    fn what_is_refused_is_named_as_the_server_names_it() {
        for (line, refusal) in [
            ("a", "Syntax: line must contain metric, value, and optional timestamp: 'a'"),
            ("a 1 2 3", "Syntax: line must contain metric, value, and optional timestamp: 'a 1 2 3'"),
            (";a=b 1", "Name: metric name must not be empty"),
            ("a; 1", "Syntax: tag '' is missing '='"),
            ("a;b x", "Syntax: tag 'b' is missing '='"),
            ("a;=b 1", "Name: tag label name must not be empty"),
            ("a nan", "Number: value must be finite"),
            ("a x y", "Number: value has invalid numeric value 'x'"),
            ("a 1 N", "Timestamp: timestamp must be a Unix timestamp in seconds"),
            ("a;b=1;b=2 1 inf", "Timestamp: timestamp must be finite"),
            ("a;b=1;b=2 1 1", "Label: contains duplicate label 'b'"),
        ] {
            assert_eq!(lines(&["a 1", line, line, "a 2"]), ["a 1 @99", refusal, refusal, "a 2 @99"]);
        }
    }

    #[test]
    fn a_line_may_have_8192_bytes_with_its_end() {
        let line = |length: usize| format!("{} 1", "a".repeat(length - 2));
        assert_eq!(lines(&[&line(8191)]), [format!("{} 1 @99", "a".repeat(8189))]);
        assert_eq!(lines(&[&line(8192)]), ["TooLong: line exceeds byte limit: 8193 > 8192"]);
        let mut table = SeriesTable::default();
        let refusal = Graphite::new().line(&" ".repeat(8192), 0, &mut table, &mut Vec::new()).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::TooLong);
        assert_eq!(Graphite.payload_limits(), (None, None));
    }

    #[test]
    fn the_family_is_what_the_server_stores() {
        let mut table = SeriesTable::default();
        Graphite::new().line("a.b 1", 0, &mut table, &mut Vec::new()).unwrap();
        let family = table.family(0).unwrap();
        assert_eq!(
            (family.name.as_str(), family.kind.as_str(), family.help.as_str(), family.unit.as_str()),
            ("a_b", "gauge", "Graphite plaintext sample coerced to gauge samples", "")
        );
    }
}
