//! `/api/v1/metadata`: `{"data": {"NAME": [{"type", "help", "unit"}, …]}}`.

use super::envelope::{JsonError, open};
use crate::model::{Metadata, MetricType};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "type", default)]
    metric_type: String,
    #[serde(default)]
    help: String,
    #[serde(default)]
    unit: String,
}

/// Reads the metadata of one metric family, sorted, each entry once. A family that the server does not know
/// is no entry; one whose scrape targets disagree is several. Families other than `metric` are left out:
/// not every server heeds the `metric` parameter. A type that is no word of Prometheus' is
/// [`MetricType::Unknown`], as remote write has no number for it.
///
/// Families are named as their `# TYPE` line names them: the family of the series `x_bucket`, `x_count` and
/// `x_sum` of a classic histogram is `x`.
///
/// # Errors
/// [`JsonError`] when the answer is an error or something else.
pub fn metadata(body: &[u8], metric: &str) -> Result<Vec<Metadata>, JsonError> {
    let families = open::<BTreeMap<String, Vec<Entry>>>(body)?.data.unwrap_or_default();
    let mut found: Vec<Metadata> = families
        .into_iter()
        .filter(|(name, _)| name == metric)
        .flat_map(|(name, entries)| {
            entries.into_iter().map(move |entry| Metadata {
                metric: name.clone(),
                metric_type: MetricType::parse(&entry.metric_type).unwrap_or_default(),
                help: entry.help,
                unit: entry.unit,
            })
        })
        .collect();
    crate::order::sort(&mut found);
    found.dedup();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::metadata;
    use crate::model::{Metadata, MetricType};

    #[test]
    fn both_servers_answers_are_read() {
        let prometheus = include_bytes!("../../../tests/fixtures/answers/prometheus-2.42-metadata.json");
        let found = metadata(prometheus, "go_gc_duration_seconds").unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].metric_type, MetricType::Summary);
        assert!(found[0].help.starts_with("A summary of the pause duration"));
        let tsink = include_bytes!("../../../tests/fixtures/answers/tsink-0.10.2-metadata.json");
        let expected = Metadata {
            metric: "h".into(),
            metric_type: MetricType::Histogram,
            help: "Latency".into(),
            unit: "seconds".into(),
        };
        assert_eq!(metadata(tsink, "h").unwrap(), [expected]);
        assert_eq!(metadata(tsink, "other").unwrap(), []);
    }

    #[test]
    fn disagreeing_targets_unknown_words_and_repeats() {
        let body = br#"{"status":"success","data":{"m":[
            {"type":"counter","help":"b","unit":""},{"type":"counter","help":"a","unit":""},
            {"type":"counter","help":"b","unit":""},{"type":"sparkline"}]}}"#;
        let found = metadata(body, "m").unwrap();
        let seen: Vec<_> = found.iter().map(|one| (one.metric_type, one.help.as_str())).collect();
        let expected = [(MetricType::Unknown, ""), (MetricType::Counter, "a"), (MetricType::Counter, "b")];
        assert_eq!(seen, expected);
        assert_eq!(metadata(br#"{"status":"success","data":null}"#, "m").unwrap(), []);
        assert!(metadata(br#"{"status":"success","data":[]}"#, "m").is_err());
    }
}
