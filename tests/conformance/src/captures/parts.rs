//! Payloads with pieces taken out.

use super::Protocol;
use super::case::{Case, Payload, Place};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::collections::BTreeSet;
use tsink_migrate_testkit::otlp_json::{Numbering, request};

/// Lines a request of line protocol, at most.
const INFLUX_LINES: usize = 4096;
/// Bytes and events a `StatsD` packet, at most.
const STATSD: (usize, usize) = (8192, 1024);

/// Something to send.
pub struct Piece {
    /// What.
    pub bytes: Vec<u8>,
    /// Whether the server is to take it.
    pub good: bool,
}

/// Makes protobuf from JSON where a case has it, and holds it against what the case has, or sets it.
pub fn encode(case: &mut Case, set: bool) -> Vec<String> {
    let mut faults = Vec::new();
    for payload in &mut case.payloads {
        if let Payload::Bytes { otlp: Some(json), base64 } = payload {
            let made = STANDARD.encode(request(json, Numbering::Standard).expect("OTLP in JSON"));
            if set {
                *base64 = made;
            } else if *base64 != made {
                faults.push("base64 is not what the JSON says".to_owned());
            }
        }
    }
    faults
}

/// What is good of a payload, in pieces that the server takes.
pub fn good(protocol: Protocol, case: &Case, number: usize) -> Vec<Piece> {
    let refused: Vec<_> = case.refused.iter().filter(|refused| refused.payload == number).collect();
    if refused.iter().any(|refused| refused.line.is_none() && refused.place.is_none()) {
        return Vec::new();
    }
    let bytes = case.payloads[number].bytes();
    let bad: BTreeSet<usize> = refused.iter().filter_map(|refused| refused.line).collect();
    let good = |bytes| Piece { bytes, good: true };
    match protocol {
        Protocol::Otlp => {
            let Payload::Bytes { otlp: Some(json), .. } = &case.payloads[number] else {
                return vec![good(bytes)];
            };
            let places: Vec<Place> = refused.iter().filter_map(|refused| refused.place).collect();
            let left = without(json, &places);
            vec![good(request(&left, Numbering::Tsink).expect("OTLP in JSON"))]
        }
        Protocol::Graphite => vec![good(lines(&bytes, |line| !bad.contains(&line)))],
        Protocol::Influx => {
            let left = lines(&bytes, |line| !bad.contains(&line));
            let all: Vec<&[u8]> = left.split_inclusive(|byte| *byte == b'\n').collect();
            all.chunks(INFLUX_LINES).map(|chunk| good(chunk.concat())).collect()
        }
        Protocol::Statsd => {
            // A refused event may have moved a gauge before it was refused: it goes with one that is refused for
            // sure, so that nothing but the gauge's state is left of it.
            let mut pieces = Vec::new();
            let mut open: Vec<u8> = Vec::new();
            let mut events = 0;
            for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
                let is_bad = bad.contains(&(index + 1));
                if is_bad || events == STATSD.1 || open.len() + line.len() > STATSD.0 {
                    pieces.push(good(std::mem::take(&mut open)));
                    events = 0;
                }
                if is_bad {
                    pieces.push(Piece { bytes: [line, b"\n!"].concat(), good: false });
                } else {
                    // Packets have no room for blanks at a line's end.
                    open.extend(line.trim_ascii_end());
                    open.push(b'\n');
                    events += 1;
                }
            }
            pieces.push(good(open));
            pieces.retain(|piece| !piece.bytes.is_empty());
            pieces
        }
    }
}

/// A refused piece alone; what contradicts something before it, with all that is good.
pub fn alone(protocol: Protocol, case: &Case, index: usize) -> Vec<u8> {
    let own = &case.refused[index];
    let payload = &case.payloads[own.payload];
    let in_context = own.kind == "metadata_conflict";
    let others =
        case.refused.iter().enumerate().filter(|(at, other)| *at != index && other.payload == own.payload);
    if let (Some(line), true) = (own.line, protocol != Protocol::Otlp) {
        let bad: BTreeSet<usize> = others.filter_map(|(_, other)| other.line).collect();
        return lines(&payload.bytes(), |at| if in_context { !bad.contains(&at) } else { at == line });
    }
    match (own.place, payload) {
        (Some(place), Payload::Bytes { otlp: Some(json), .. }) => {
            let left = if in_context {
                let places: Vec<Place> = others.filter_map(|(_, other)| other.place).collect();
                without(json, &places)
            } else {
                only(json, place)
            };
            request(&left, Numbering::Tsink).expect("OTLP in JSON")
        }
        _ => payload.bytes(),
    }
}

/// The server's words without the place that they begin with.
pub fn words(answer: &str) -> &str {
    let mut rest = answer;
    let places = [
        "influx line protocol line",
        "resource",
        "scope",
        "metric",
        "histogram data point",
        "summary data point",
        "data point",
        "exemplar",
    ];
    while let Some(after) = places.iter().find_map(|place| {
        let after = rest.strip_prefix(place)?.strip_prefix(" index ")?;
        Some(after.trim_start_matches(|digit: char| digit.is_ascii_digit()).trim_start())
    }) {
        rest = after;
    }
    rest
}

/// Lines by their numbers from 1, each with an end: tsink drops the last line of a connection without one.
fn lines(bytes: &[u8], keep: impl Fn(usize) -> bool) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        if keep(index + 1) {
            out.extend(line);
            if !line.ends_with(b"\n") {
                out.push(b'\n');
            }
        }
    }
    out
}

/// The list that a place is in, and its number there.
fn list<'a>(json: &'a mut Value, place: &Place) -> Option<(&'a mut Vec<Value>, usize)> {
    let mut levels = vec![("resourceMetrics", place.resource)];
    levels.extend(place.scope.map(|at| ("scopeMetrics", at)));
    levels.extend(place.metric.map(|at| ("metrics", at)));
    let mut here = json;
    for (depth, (name, at)) in levels.iter().enumerate() {
        if depth + 1 == levels.len() && place.point.is_none() {
            return Some((here[*name].as_array_mut()?, *at));
        }
        here = here.get_mut(*name)?.get_mut(*at)?;
    }
    let data = ["gauge", "sum", "histogram", "exponentialHistogram", "summary"];
    let name = data.iter().find(|name| here.get(**name).is_some())?;
    let points = here[*name]["dataPoints"].as_array_mut()?;
    match place.exemplar {
        Some(at) => Some((points.get_mut(place.point?)?["exemplars"].as_array_mut()?, at)),
        None => Some((points, place.point?)),
    }
}

/// Without some places; metrics, scopes and resources that lose everything by it go as well.
fn without(json: &Value, places: &[Place]) -> Value {
    let mut json = json.clone();
    let mut places = places.to_vec();
    places.sort();
    for place in places.iter().rev() {
        let (list, at) = list(&mut json, place).expect("a place that is there");
        list.remove(at);
        let mut up = *place;
        // A data point stays without its exemplars.
        let mut empty = list.is_empty() && place.exemplar.is_none();
        while empty {
            (up.point, up.metric, up.scope) = match up {
                Place { point: Some(_), .. } => (None, up.metric, up.scope),
                Place { metric: Some(_), .. } => (None, None, up.scope),
                Place { scope: Some(_), .. } => (None, None, None),
                _ => break,
            };
            let (list, at) = self::list(&mut json, &up).expect("a place that is there");
            list.remove(at);
            empty = list.is_empty();
        }
    }
    json
}

/// A place with what it lies in, and nothing beside it.
fn only(json: &Value, place: Place) -> Value {
    let mut json = json.clone();
    let Place { resource, scope, metric, point, exemplar } = place;
    let level = |resource, scope, metric, point, exemplar| Place { resource, scope, metric, point, exemplar };
    let mut levels = vec![level(resource, None, None, None, None)];
    levels.extend(scope.map(|_| level(0, scope, None, None, None)));
    levels.extend(metric.map(|_| level(0, Some(0), metric, None, None)));
    levels.extend(point.map(|_| level(0, Some(0), Some(0), point, None)));
    levels.extend(exemplar.map(|_| level(0, Some(0), Some(0), Some(0), exemplar)));
    for level in levels {
        let (list, at) = list(&mut json, &level).expect("a place that is there");
        *list = vec![list.swap_remove(at)];
    }
    json
}
