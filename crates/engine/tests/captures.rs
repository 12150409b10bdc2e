//! Our parsers against the cases of `tests/captures`, whose results the real server has shown.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

#[path = "../../../tests/captures/case.rs"]
mod case;

use case::{Case, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tsink_migrate_engine::capture::otlp::{Otlp, OtlpOut};
use tsink_migrate_engine::capture::payload::{Line, Lines};
use tsink_migrate_engine::capture::{
    Family, Graphite, Influx, LineProtocol, Refusal, RefusalKind, Row, SeriesTable, Statsd,
};
use tsink_migrate_engine::model::Labels;

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/captures"))
}

/// What a protocol makes of a case.
#[derive(Default)]
struct Made {
    table: SeriesTable,
    rows: Vec<Row>,
    /// Payload, place (`line 3`, `resource 0 …`; empty for the whole payload), refusal.
    refused: Vec<(usize, String, Refusal)>,
    exemplars: Vec<(u32, tsink_migrate_engine::model::Exemplar)>,
    flags: BTreeSet<String>,
    families: Vec<Family>,
}

fn lines(case: &Case, parser: &mut dyn LineProtocol) -> Made {
    let mut made = Made::default();
    for (number, payload) in case.payloads.iter().enumerate() {
        if let Err(refusal) = parser.begin(&case.query_params) {
            made.refused.push((number, String::new(), refusal));
            continue;
        }
        let bytes = payload.bytes();
        let (mut at, mut units) = (0, 0);
        let mut each = |line: Line<'_>| {
            at += 1;
            let Line::Whole(line) = line else { panic!("no case has such a line") };
            let before = made.rows.len();
            let outcome = match std::str::from_utf8(line) {
                Ok(text) => parser.line(text, case.received_at(number), &mut made.table, &mut made.rows),
                Err(_) => Err(Refusal::new(RefusalKind::Syntax, "must be valid UTF-8")),
            };
            match outcome {
                Ok(held_anything) => units += usize::from(held_anything),
                Err(refusal) => {
                    units += 1;
                    assert_eq!(made.rows.len(), before, "a refused line leaves nothing");
                    made.refused.push((number, format!("line {at}"), refusal));
                }
            }
        };
        let mut split = Lines::default();
        split.feed(&bytes, &mut each);
        split.finish(&mut each);
        let (most_lines, most_bytes) = parser.payload_limits();
        if most_lines.is_some_and(|most| units > most) {
            made.flags.insert("payload_lines".to_owned());
        }
        if most_bytes.is_some_and(|most| bytes.len() > most) {
            made.flags.insert("payload_bytes".to_owned());
        }
    }
    made
}

fn otlp(case: &Case) -> Made {
    let mut made = Made::default();
    let mut parser = Otlp::new("default");
    for (number, payload) in case.payloads.iter().enumerate() {
        let mut out = OtlpOut::default();
        match parser.payload(&payload.bytes(), &mut made.table, &mut out) {
            Err(refusal) => made.refused.push((number, String::new(), refusal)),
            Ok(()) => {
                made.rows.append(&mut out.rows);
                made.exemplars.append(&mut out.exemplars);
                made.families.append(&mut out.families);
                made.refused.extend(out.refused.into_iter().map(|(place, refusal)| (number, place, refusal)));
                if out.shapes.standard_histograms > 0 {
                    made.flags.insert("standard_histogram".to_owned());
                }
            }
        }
    }
    made
}

type Shown = BTreeMap<BTreeMap<String, String>, BTreeSet<(i64, u64)>>;

fn plain(labels: &Labels) -> BTreeMap<String, String> {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn series(made: &Made) -> Shown {
    let mut all = Shown::new();
    for row in &made.rows {
        let labels = plain(made.table.labels(row.series).unwrap());
        all.entry(labels).or_default().insert((row.at, Value::bits(row.value)));
    }
    all
}

fn wanted(case: &Case) -> Shown {
    let samples = |series: &case::Series| {
        series.samples.iter().map(|(at, value)| (*at, Value::bits(value.number()))).collect()
    };
    case.series.iter().map(|series| (series.labels.clone(), samples(series))).collect()
}

/// `resource 0 scope 1 metric 2 (name) point 3` as numbers.
fn numbers(place: &str) -> Vec<usize> {
    let words: Vec<&str> = place.split(' ').collect();
    let known = ["resource", "scope", "metric", "point", "exemplar"];
    words.windows(2).filter(|pair| known.contains(&pair[0])).filter_map(|pair| pair[1].parse().ok()).collect()
}

/// Whether what we refused is what the case refuses: the same reason at that place, or below it.
fn is_meant(wanted: &case::Refused, got: &(usize, String, Refusal)) -> bool {
    let (payload, place, refusal) = got;
    let at = match (wanted.line, wanted.place) {
        (Some(line), _) => *place == format!("line {line}"),
        (None, Some(meant)) => {
            let meant = [Some(meant.resource), meant.scope, meant.metric, meant.point, meant.exemplar];
            let meant: Vec<usize> = meant.into_iter().flatten().collect();
            numbers(place).starts_with(&meant)
        }
        (None, None) => true,
    };
    let kind = serde_json::to_value(refusal.kind).unwrap();
    at && *payload == wanted.payload && kind == wanted.kind && says(&wanted.message, &refusal.message)
}

/// Whether we say what the server says: without the place, which we name ourselves, and with long names cut. Where a
/// message is no protobuf, each decoder has its own words for it.
fn says(server: &str, ours: &str) -> bool {
    let malformed = "invalid OTLP protobuf body";
    if ours.starts_with(malformed) {
        return server.starts_with(malformed);
    }
    match ours.split_once('…') {
        Some((head, tail)) => server.contains(head) && server.ends_with(tail),
        None => server.ends_with(ours) || ours.ends_with(server),
    }
}

fn faults(case: &Case, made: &Made) -> Vec<String> {
    let mut faults = Vec::new();
    let (got, want) = (series(made), wanted(case));
    for (labels, samples) in &want {
        match got.get(labels) {
            Some(own) if own == samples => {}
            own => faults.push(format!("series {labels:?}: {own:?}, not {samples:?}")),
        }
    }
    faults.extend(
        got.keys()
            .filter(|labels| !want.contains_key(*labels))
            .map(|labels| format!("one too many: {labels:?}")),
    );
    for wanted in &case.refused {
        if !made.refused.iter().any(|got| is_meant(wanted, got)) {
            faults.push(format!("not refused: {wanted:?}"));
        }
    }
    for got in &made.refused {
        if !case.refused.iter().any(|wanted| is_meant(wanted, got)) {
            faults.push(format!("refused: {got:?}"));
        }
    }
    let mut metadata = BTreeMap::new();
    let of_series = (0..made.table.len() as u32).map(|number| made.table.family(number).unwrap());
    for family in of_series.chain(&made.families) {
        let entry = (family.kind.as_str().to_owned(), family.help.clone(), family.unit.clone());
        metadata.insert(family.name.clone(), entry);
    }
    let want: BTreeMap<String, (String, String, String)> = case
        .metadata
        .iter()
        .map(|one| (one.metric.clone(), (one.kind.clone(), one.help.clone(), one.unit.clone())))
        .collect();
    if metadata != want {
        faults.push(format!("metadata {metadata:?}, not {want:?}"));
    }
    let mut exemplars: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (number, one) in &made.exemplars {
        let labels = plain(made.table.labels(*number).unwrap());
        exemplars.entry(labels).or_default().insert((
            one.timestamp,
            plain(&one.labels),
            Value::bits(one.value),
        ));
    }
    let want: BTreeMap<_, BTreeSet<_>> = case
        .exemplars
        .iter()
        .map(|series| {
            let own = series.exemplars.iter();
            let own = own.map(|one| (one.timestamp_ms, one.labels.clone(), Value::bits(one.value.number())));
            (series.labels.clone(), own.collect())
        })
        .collect();
    if exemplars != want {
        faults.push(format!("exemplars {exemplars:?}, not {want:?}"));
    }
    if made.flags != case.flags {
        faults.push(format!("flags {:?}, not {:?}", made.flags, case.flags));
    }
    faults
}

fn hold(protocol: &str, make: impl Fn(&Case) -> Made) {
    let mut told = String::new();
    for (path, case) in case::cases(folder(), protocol) {
        for fault in faults(&case, &make(&case)) {
            told += &format!("{}: {fault}\n", path.file_stem().unwrap().to_string_lossy());
        }
    }
    assert!(told.is_empty(), "\n{told}");
}

#[test]
fn influx_cases() {
    hold("influx", |case| lines(case, &mut Influx::new()));
}

#[test]
fn statsd_cases() {
    hold("statsd", |case| lines(case, &mut Statsd::new()));
}

#[test]
fn graphite_cases() {
    hold("graphite", |case| lines(case, &mut Graphite::new()));
}

#[test]
fn otlp_cases() {
    hold("otlp", otlp);
}
