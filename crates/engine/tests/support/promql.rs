//! A little PromQL for servers in memory.

use super::World;
use std::collections::BTreeMap;
use tsink_migrate_engine::Side;
use tsink_migrate_engine::model::{Sample, Series};
use tsink_migrate_engine::port::Request;

/// Parameters of a request's URL.
pub fn params(request: &Request) -> BTreeMap<String, String> {
    let url = url::Url::parse(&request.url).unwrap();
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

/// `count_over_time(m[5m])`, `increase(m[5m])`, `sum(increase(m[5m]))` and the like, of windows that are closed at
/// the source and left-open at the target, which keeps names where the source drops them.
pub fn promql(world: &World, request: &Request) -> Option<(u16, Vec<u8>)> {
    let url = url::Url::parse(&request.url).unwrap();
    if url.path() != "/api/v1/query_range" {
        return None;
    }
    let params = params(request);
    let query = &params["query"];
    if query == "vector(1)" {
        return None;
    }
    let closed = request.side == Side::Source;
    let (summed, inner) = match query.strip_prefix("sum(") {
        Some(rest) => (true, rest.strip_suffix(')').unwrap_or(rest)),
        None => (false, query.as_str()),
    };
    let Some((function, range)) = inner
        .strip_suffix("])")
        .and_then(|rest| rest.split_once("(m["))
        .filter(|(function, _)| matches!(*function, "count_over_time" | "increase"))
        .and_then(|(function, range)| Some((function, millis(range)?)))
    else {
        return Some((
            400,
            br#"{"status":"error","errorType":"bad_data","error":"unknown function"}"#.to_vec(),
        ));
    };
    let series: Vec<Series> = if closed {
        world.source()
    } else {
        let stored = world.target();
        let decode = |(labels, rows): (&tsink_migrate_engine::model::Labels, &BTreeMap<i64, u64>)| Series {
            labels: labels.clone(),
            samples: rows
                .iter()
                .map(|(at, bits)| Sample { timestamp: *at, value: f64::from_bits(*bits) })
                .collect(),
            ..Series::default()
        };
        stored.iter().map(decode).collect()
    };
    let number = |name: &str| {
        params[name].parse::<i64>().map_or_else(
            |_| {
                time::OffsetDateTime::parse(&params[name], &time::format_description::well_known::Rfc3339)
                    .map(|at| (at.unix_timestamp_nanos() / 1_000_000) as i64)
                    .unwrap()
            },
            |seconds| seconds * 1000,
        )
    };
    let (start, end, step) = (number("start"), number("end"), number("step"));
    let mut out: BTreeMap<BTreeMap<String, String>, BTreeMap<i64, f64>> = BTreeMap::new();
    for one in &series {
        let labels: BTreeMap<String, String> = one
            .labels
            .iter()
            .filter(|(name, _)| !summed && (*name != "__name__" || !closed))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        for at in (0..).map(|n| start + n * step).take_while(|at| *at <= end) {
            let from = if closed { at - range } else { at - range + 1 };
            let inside: Vec<Sample> = one
                .samples
                .iter()
                .filter(|sample| (from..=at).contains(&sample.timestamp))
                .copied()
                .collect();
            let value = match function {
                "count_over_time" => (!inside.is_empty()).then_some(inside.len() as f64),
                _ => increase(&inside, at, range),
            };
            if let Some(value) = value {
                *out.entry(labels.clone()).or_default().entry(at).or_default() += value;
            }
        }
    }
    let result: Vec<serde_json::Value> = out
        .into_iter()
        .map(|(labels, points)| {
            let values: Vec<_> = points
                .into_iter()
                .map(|(at, value)| serde_json::json!([at as f64 / 1000.0, value.to_string()]))
                .collect();
            serde_json::json!({ "metric": labels, "values": values })
        })
        .collect();
    let body =
        serde_json::json!({ "status": "success", "data": { "resultType": "matrix", "result": result } });
    Some((200, body.to_string().into_bytes()))
}

fn millis(range: &str) -> Option<i64> {
    match range.strip_suffix("ms") {
        Some(ms) => ms.parse().ok(),
        None => range.strip_suffix('m')?.parse::<i64>().ok().map(|minutes| minutes * 60_000),
    }
}

/// As Prometheus extrapolates a counter's increase, resets left out.
fn increase(samples: &[Sample], at: i64, range: i64) -> Option<f64> {
    let (first, last) = (samples.first()?, samples.last()?);
    if samples.len() < 2 {
        return None;
    }
    let sampled = (last.timestamp - first.timestamp) as f64;
    let average = sampled / (samples.len() - 1) as f64;
    let limited = |gap: i64| if (gap as f64) < average * 1.1 { gap as f64 } else { average / 2.0 };
    let whole = sampled + limited(first.timestamp - (at - range)) + limited(at - last.timestamp);
    Some((last.value - first.value) * whole / sampled)
}
