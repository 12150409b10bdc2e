//! Native histograms in query results, in a form that two servers' answers can be compared by.

use super::number::{Value, value_text};
use serde::Deserialize;
use std::fmt::Write as _;

/// `{"count", "sum", "buckets": [[bounds, lower, upper, count], …]}` (Prometheus 2.40 and later). `buckets`
/// is missing when all are empty. Bounds: 0 open left, 1 open right, 2 open on both sides, 3 closed.
#[derive(Deserialize)]
pub(super) struct Histogram {
    count: Value,
    sum: Value,
    #[serde(default)]
    buckets: Option<Vec<(i64, Value, Value, Value)>>,
}

impl Histogram {
    /// The canonical text: keys in a fixed order, numbers in their shortest form, `buckets` always there.
    pub fn canonical(&self) -> String {
        let mut out = format!(
            r#"{{"count":"{}","sum":"{}","buckets":["#,
            value_text(self.count.0),
            value_text(self.sum.0)
        );
        for (at, (bounds, lower, upper, count)) in self.buckets.iter().flatten().enumerate() {
            if at > 0 {
                out.push(',');
            }
            // Writing to a string cannot fail.
            let _ = write!(
                out,
                r#"[{bounds},"{}","{}","{}"]"#,
                value_text(lower.0),
                value_text(upper.0),
                value_text(count.0)
            );
        }
        out.push_str("]}");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::Histogram;

    #[test]
    fn one_histogram_in_two_spellings_has_one_text() {
        let read = |text: &str| serde_json::from_str::<Histogram>(text).map(|h| h.canonical());
        let one = read(r#"{"count":"4","sum":"1e+06","buckets":[[3,"-0.001","0.001","2"]]}"#).unwrap();
        let two = read(r#"{"buckets":[[3,"-1e-3","1e-3",2]],"sum":"1000000","count":4,"x":[]}"#).unwrap();
        assert_eq!(one, two);
        assert_eq!(one, r#"{"count":"4","sum":"1000000","buckets":[[3,"-0.001","0.001","2"]]}"#);
        assert!(serde_json::from_str::<serde_json::Value>(&one).is_ok());
        let empty = r#"{"count":"0","sum":"NaN","buckets":[]}"#;
        assert_eq!(read(r#"{"count":"0","sum":"NaN"}"#).unwrap(), empty);
        assert!(read(r#"{"sum":"1"}"#).is_err());
    }
}
