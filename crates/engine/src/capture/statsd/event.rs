//! One `StatsD` event, taken apart in the server's order, so that of two faults the same one is named.

use super::Kind;
use crate::capture::{Refusal, RefusalKind, names, numbers};

/// The parts of an event that every event has.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    metric: &'a str,
    pub value: &'a str,
    /// Type and all behind it.
    tail: &'a str,
}

/// Finds the parts of a line.
///
/// # Errors
/// A line without a value or a type.
pub fn parts(line: &str) -> Result<Parts<'_>, Refusal> {
    let missing = |what: &str| Refusal::new(RefusalKind::Syntax, format!("is missing {what}"));
    let (metric, rest) = line.split_once(':').ok_or_else(|| missing("':' separator"))?;
    let (value, tail) = rest.split_once('|').ok_or_else(|| missing("a metric type"))?;
    Ok(Parts { metric, value, tail })
}

impl Parts<'_> {
    /// What stands for the event's series: all but the value, which only a set has among its labels.
    pub fn key(&self, key: &mut Vec<u8>) {
        let kind = self.tail.split('|').next().unwrap_or_default();
        key.clear();
        key.extend_from_slice(self.metric.as_bytes());
        key.push(b':');
        if kind.eq_ignore_ascii_case("s") {
            key.extend_from_slice(self.value.as_bytes());
        }
        key.push(b'|');
        key.extend_from_slice(self.tail.as_bytes());
    }
}

/// What an event says besides its value.
#[derive(Debug)]
pub struct Event {
    /// Metric name in Prometheus' syntax.
    pub metric: String,
    pub kind: Kind,
    pub rate: Option<f64>,
    /// Tags, in the order they are written.
    tags: Vec<(String, String)>,
}

impl Event {
    /// Reads type, sample rate and tags.
    ///
    /// # Errors
    /// What tsink would refuse whatever the value is.
    pub fn parse(parts: &Parts<'_>) -> Result<Self, Refusal> {
        let mut segments = parts.tail.split('|');
        let kind = segments.next().unwrap_or_default();
        let mut rate = None;
        let mut tags = Vec::new();
        for segment in segments {
            if let Some(raw) = segment.strip_prefix('@') {
                if rate.is_some() {
                    let message = "contains duplicate sample-rate segments";
                    return Err(Refusal::new(RefusalKind::Syntax, message));
                }
                rate = Some(sample_rate(raw)?);
            } else if let Some(raw) = segment.strip_prefix('#') {
                for tag in raw.split(',').filter(|tag| !tag.is_empty()) {
                    let (name, value) = tag.split_once(':').unwrap_or((tag, "true"));
                    tags.push((names::tag(name)?, value.trim().to_owned()));
                }
            } else {
                let message = format!("contains unsupported segment '{segment}'");
                return Err(Refusal::new(RefusalKind::Syntax, message));
            }
        }
        let metric = names::metric(parts.metric)?;
        let kind = Kind::parse(kind)?;
        let unsampled = match kind {
            Kind::Gauge => Some("gauge"),
            Kind::Set => Some("set"),
            _ => None,
        };
        if let Some(what) = unsampled.filter(|_| rate.is_some()) {
            let message = format!("{what} sample rates are not supported");
            return Err(Refusal::new(RefusalKind::UnsupportedType, message));
        }
        Ok(Self { metric, kind, rate, tags })
    }

    /// What tells gauges apart. No name holds `=` and no value a comma.
    pub fn gauge_key(&self) -> Vec<u8> {
        let mut tags: Vec<&(String, String)> = self.tags.iter().collect();
        crate::order::sort(&mut tags);
        let mut key = self.metric.clone();
        for (name, value) in tags {
            for part in [",", name, "=", value] {
                key.push_str(part);
            }
        }
        key.into_bytes()
    }

    /// All labels but the metric name, with those that the type brings.
    pub fn labels(&self, value: &str) -> Vec<(String, String)> {
        let mut labels = self.tags.clone();
        match self.kind {
            Kind::Counter | Kind::Gauge => {}
            Kind::Timer | Kind::Histogram | Kind::Distribution => {
                let rate = self.rate.map(|rate| ("statsd_sample_rate".to_owned(), rate.to_string()));
                labels.extend(rate);
            }
            Kind::Set => labels.push(("statsd_set_member".to_owned(), value.to_owned())),
        }
        labels
    }
}

fn sample_rate(raw: &str) -> Result<f64, Refusal> {
    let rate = numbers::finite(raw, "sample rate")?;
    if rate > 0.0 && rate <= 1.0 {
        return Ok(rate);
    }
    let message = format!("sample rate must be within (0, 1], got {rate}");
    Err(Refusal::new(RefusalKind::Number, message))
}
