//! The text protocols of captured payloads: never a panic, samples belong to series that can be written, and bad
//! lines change nothing of what good ones give.

use crate::capture::{Graphite, Influx, LineProtocol, QueryParams, Row, SeriesTable, Statsd};

const RECEIVED_AT: i64 = 1_763_467_200_000;

/// The first line of `data` holds the query parameters, as `name=value&…`; the rest is the payload, for each protocol.
pub fn capture_lines(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (params, payload) = text.split_once('\n').unwrap_or(("", &text));
    let params = params.split('&').filter_map(|pair| pair.split_once('='));
    let params = params.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let taken = check(&params, payload, Influx::new);
    assert!(taken.is_none_or(|rows| rows.iter().all(|row| row.value.is_finite())));
    let taken = check(&params, payload, Graphite::new);
    assert!(taken.is_some_and(|rows| rows.iter().all(|row| row.value.is_finite())));
    // Sums and quotients may be infinite, but there is always one.
    let taken = check(&params, payload, Statsd::new);
    assert!(taken.is_some_and(|rows| rows.iter().all(|row| !row.value.is_nan() && row.at == RECEIVED_AT)));
}

/// The rows of the payload; `None` when it is refused as a whole.
fn check<P: LineProtocol>(params: &QueryParams, payload: &str, new: fn() -> P) -> Option<Vec<Row>> {
    let mut table = SeriesTable::default();
    let mut parser = new();
    if let Err(refusal) = parser.begin(params) {
        assert!(!refusal.message.is_empty());
        return None;
    }
    let mut rows = Vec::new();
    let mut good = Vec::new();
    for line in payload.split('\n') {
        let before = rows.len();
        match parser.line(line, RECEIVED_AT, &mut table, &mut rows) {
            Ok(held) => {
                assert_eq!(
                    held,
                    rows.len() > before,
                    "a line that held something gave nothing, or the reverse"
                );
                assert_eq!(held, !line.trim().is_empty());
                good.push(line);
            }
            Err(refusal) => {
                assert!(!refusal.message.is_empty());
                assert_eq!(rows.len(), before, "a refused line left samples behind");
            }
        }
    }
    for series in 0..table.len() as u32 {
        writable(&table, series);
    }
    assert!(rows.iter().all(|row| (row.series as usize) < table.len()));
    same_without_bad_lines(params, &good, new, &table, &rows);
    Some(rows)
}

/// A series that remote write takes: names in Prometheus' syntax, lengths within tsink's limits, a metric family.
fn writable(table: &SeriesTable, series: u32) {
    let labels = table.labels(series).into_iter().flat_map(|labels| labels.iter());
    let mut metric = None;
    for (name, value) in labels {
        assert!(name.len() <= 256 && name != "__tsink_tenant__");
        assert!(is_name(name, ""), "{name:?}");
        if name == "__name__" {
            assert!(value.len() <= 65_535 && is_name(value, ":"), "{value:?}");
            metric = Some(value);
        } else {
            assert!((1..=16_384).contains(&value.len()));
        }
    }
    assert!(metric.is_some() && metric == table.family(series).map(|family| family.name.as_str()));
}

fn is_name(name: &str, more: &str) -> bool {
    let inside = |c: char| c == '_' || c.is_ascii_alphanumeric() || more.contains(c);
    name.chars().all(inside) && !name.starts_with(|c: char| c.is_ascii_digit()) && !name.is_empty()
}

/// The good lines alone, each a payload of its own, give the same. Gauges of `StatsD` need not: one that was refused
/// for its type has changed nonetheless.
fn same_without_bad_lines<P: LineProtocol>(
    params: &QueryParams,
    good: &[&str],
    new: fn() -> P,
    table: &SeriesTable,
    rows: &[Row],
) {
    let mut alone_table = SeriesTable::default();
    let mut alone = new();
    let mut alone_rows = Vec::new();
    for line in good {
        let taken = alone
            .begin(params)
            .and_then(|()| alone.line(line, RECEIVED_AT, &mut alone_table, &mut alone_rows));
        assert!(taken.is_ok(), "a good line is refused without the bad ones: {line:?}");
    }
    assert_eq!(alone_rows.len(), rows.len());
    for (ours, theirs) in alone_rows.iter().zip(rows) {
        assert_eq!(ours.at, theirs.at);
        assert_eq!(alone_table.labels(ours.series), table.labels(theirs.series));
        let gauge = table.family(theirs.series).is_some_and(|family| family.help == "StatsD gauge sample");
        assert!(gauge || ours.value.to_bits() == theirs.value.to_bits());
    }
}
