//! `/api/v1/query_exemplars`: `{"data": [{"seriesLabels": {…}, "exemplars": [{"labels", "value",
//! "timestamp"}, …]}, …]}`.

use super::envelope::{JsonError, open};
use super::number::{Time, Value};
use super::query::LabelMap;
use crate::model::{Exemplar, Series};
use serde::Deserialize;

#[derive(Deserialize)]
struct Row {
    #[serde(rename = "seriesLabels")]
    series: LabelMap,
    #[serde(default)]
    exemplars: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    labels: Option<LabelMap>,
    value: Value,
    timestamp: Time,
}

/// Reads exemplars: series sorted by labels, each once, exemplars in time order. Series without exemplars
/// are left out.
///
/// # Errors
/// [`JsonError`] when the answer is an error or something else.
pub fn exemplars(body: &[u8]) -> Result<Vec<Series>, JsonError> {
    let rows = open::<Vec<Row>>(body)?.data.unwrap_or_default();
    let mut found: Vec<Series> = rows
        .into_iter()
        .map(|row| Series {
            labels: row.series.0,
            exemplars: row
                .exemplars
                .unwrap_or_default()
                .into_iter()
                .map(|entry| Exemplar {
                    labels: entry.labels.map(|labels| labels.0).unwrap_or_default(),
                    value: entry.value.0,
                    timestamp: entry.timestamp.0,
                })
                .collect(),
            ..Series::default()
        })
        .filter(|series| !series.exemplars.is_empty())
        .collect();
    crate::order::sort_by(&mut found, |a, b| a.labels.cmp(&b.labels));
    found.dedup_by(|later, earlier| {
        let same = later.labels == earlier.labels;
        if same {
            earlier.exemplars.append(&mut later.exemplars);
        }
        same
    });
    for series in &mut found {
        crate::order::sort_by_key(&mut series.exemplars, |exemplar| exemplar.timestamp);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::exemplars;

    #[test]
    fn both_servers_tell_the_same_exemplars() {
        let prometheus = include_bytes!("../../../tests/fixtures/answers/prometheus-2.42-exemplars.json");
        let tsink = include_bytes!("../../../tests/fixtures/answers/tsink-0.10.2-exemplars.json");
        let found = exemplars(prometheus).unwrap();
        assert_eq!(found, exemplars(tsink).unwrap());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].labels.to_string(), r#"http_requests_total{job="api"}"#);
        let seen: Vec<_> =
            found[0].exemplars.iter().map(|one| (one.timestamp, one.value, one.labels.to_string())).collect();
        // The native tool cuts 1795255981.999 s down to …998 ms.
        let expected = [
            (1_795_255_981_999, 1.5, r#"{trace_id="a"}"#.to_owned()),
            (1_795_255_982_998, 2.5, r#"{trace_id="b"}"#.to_owned()),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn rows_of_one_series_are_one_series_and_empty_ones_none() {
        let body = br#"{"status":"success","data":[
            {"seriesLabels":{"__name__":"b"},"exemplars":[{"labels":{},"value":2,"timestamp":2}]},
            {"seriesLabels":{"__name__":"a","x":""},"exemplars":null},
            {"seriesLabels":{"__name__":"b","x":""},"exemplars":[{"labels":{"t":"1"},"value":"1","timestamp":1}]}]}"#;
        let found = exemplars(body).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].exemplars.iter().map(|one| one.timestamp).collect::<Vec<_>>(), [1000, 2000]);
        assert!(exemplars(br#"{"status":"success","data":[{"exemplars":[]}]}"#).is_err());
        assert!(
            exemplars(br#"{"status":"success","data":[{"seriesLabels":{},"exemplars":[{"value":"1"}]}]}"#)
                .is_err()
        );
    }
}
