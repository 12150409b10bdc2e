//! `StatsD` packets, as tsink-server 0.10.2 takes them over UDP: one event a line, `name:value|type|@rate|#tags`.
//!
//! Every event is one sample at the time its packet came: nothing is summed up or averaged over an interval. A
//! counter is its value divided by its sample rate; a set member is 1 with the member as a label; sample rates of
//! timers, histograms and distributions become a label.
//! Where tsink is not what its specification or other servers say, it is followed:
//! - A relative gauge (`+1`, `-1`) changes what the gauge was, 0 in the beginning; so no gauge can be set to a
//!   negative value. Tags in another order are the same gauge, one with an empty tag is another one, although it
//!   is the same series.
//! - One packet cannot speak of a metric in two types; a histogram and a distribution are two types.
//! - Types may be in capitals. What is behind the type has to begin with `@` or `#`; several values in an event
//!   (`a:1:2|c`), events and service checks of Datadog (`_e{…}`, `_sc`) are refused.
//! - Values of tags are trimmed, names are not. A tag without a value is `true`; the same tag twice is refused.
//! - Sums and quotients may be infinite, the numbers themselves may not.

mod event;

use super::interner::Interner;
use super::{Described, Family, LineProtocol, QueryParams, Refusal, RefusalKind, Row, SeriesTable};
use super::{names, numbers};
use crate::model::{MetricType, Millis};
use event::{Event, Parts};

/// Events of one packet that tsink takes.
const MAX_EVENTS: usize = 1024;
/// Bytes of one packet that tsink takes.
const MAX_BYTES: usize = 8192;

/// `StatsD`. Gauges keep their state from packet to packet.
#[derive(Debug, Default)]
pub struct Statsd {
    /// Events without their value.
    keys: Interner,
    known: Vec<Known>,
    metrics: Interner,
    said: Vec<Said>,
    /// Names and tags of gauges.
    gauges: Interner,
    states: Vec<f64>,
    packet: u64,
    /// Room for a key.
    key: Vec<u8>,
}

/// What an event says besides its value.
#[derive(Clone, Copy, Debug)]
struct Known {
    kind: Kind,
    rate: f64,
    metric: u32,
    /// Number of its state; of other types than gauges, of none.
    gauge: u32,
}

/// What was said last of a metric, and in which packet.
#[derive(Debug)]
struct Said {
    kind: Kind,
    packet: u64,
}

/// Type of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Timer,
    Histogram,
    Distribution,
    Set,
}

impl Kind {
    fn parse(raw: &str) -> Result<Self, Refusal> {
        Ok(match raw.to_ascii_lowercase().as_str() {
            "c" => Self::Counter,
            "g" => Self::Gauge,
            "ms" => Self::Timer,
            "h" => Self::Histogram,
            "d" => Self::Distribution,
            "s" => Self::Set,
            other => {
                let message = format!("uses unsupported StatsD type '{other}'");
                return Err(Refusal::new(RefusalKind::UnsupportedType, message));
            }
        })
    }

    fn family(self, name: &str) -> Family {
        let (kind, help) = match self {
            Self::Counter => (MetricType::Counter, "StatsD counter sample"),
            Self::Gauge => (MetricType::Gauge, "StatsD gauge sample"),
            Self::Timer => (MetricType::Summary, "StatsD timer sample in milliseconds"),
            Self::Histogram => (MetricType::Histogram, "StatsD histogram sample"),
            Self::Distribution => (MetricType::Histogram, "StatsD distribution sample"),
            Self::Set => (MetricType::StateSet, "StatsD set membership event"),
        };
        Family { name: name.to_owned(), kind, help: help.to_owned(), unit: String::new() }
    }
}

/// The value of an event.
#[derive(Clone, Copy, Debug)]
enum Value {
    Is(f64),
    /// Of a gauge: what it changes by.
    By(f64),
}

impl Value {
    fn parse(raw: &str, kind: Kind, rate: f64) -> Result<Self, Refusal> {
        let context = match kind {
            Kind::Counter => return Ok(Self::Is(numbers::finite(raw, "counter value")? / rate)),
            Kind::Set => return Ok(Self::Is(1.0)),
            Kind::Gauge => {
                let by = |raw| numbers::finite(raw, "relative gauge delta");
                if let Some(raw) = raw.strip_prefix('+') {
                    return Ok(Self::By(by(raw)?));
                }
                if let Some(raw) = raw.strip_prefix('-') {
                    return Ok(Self::By(-by(raw)?));
                }
                "gauge value"
            }
            Kind::Timer => "timer value",
            Kind::Histogram => "histogram value",
            Kind::Distribution => "distribution value",
        };
        Ok(Self::Is(numbers::finite(raw, context)?))
    }
}

impl Statsd {
    /// No gauge has a state yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is known of an event that looks like this, and its series.
    fn find(&self, table: &SeriesTable) -> Option<(Known, u32)> {
        let known = self.known.get(self.keys.find(&self.key)? as usize)?;
        Some((*known, table.find(&self.key)?))
    }

    /// The value as it is stored: a gauge changes its state.
    fn settle(&mut self, known: Known, value: Value) -> f64 {
        let state = self.states.get_mut(known.gauge as usize).filter(|_| known.kind == Kind::Gauge);
        match (state, value) {
            (None, Value::Is(value) | Value::By(value)) => value,
            (Some(state), Value::Is(value)) => {
                *state = value;
                value
            }
            (Some(state), Value::By(delta)) => {
                *state += delta;
                *state
            }
        }
    }

    /// Says the type of a metric, which one packet may do in one way only.
    fn say(&mut self, known: Known, table: &mut SeriesTable) -> Result<(), Refusal> {
        let Some(said) = self.said.get_mut(known.metric as usize) else { return Ok(()) };
        if said.kind != known.kind {
            let name = String::from_utf8_lossy(self.metrics.get(known.metric));
            if said.packet == self.packet {
                let message = format!("produced conflicting metadata updates for metric '{name}'");
                return Err(Refusal::new(RefusalKind::MetadataConflict, message));
            }
            said.kind = known.kind;
            table.tell(known.kind.family(&name));
        }
        said.packet = self.packet;
        Ok(())
    }

    /// Takes an event that looks like none before, and remembers it when nothing is wrong with it.
    fn first(&mut self, parts: &Parts<'_>, table: &mut SeriesTable) -> Result<(f64, u32), Refusal> {
        let event = Event::parse(parts)?;
        let rate = event.rate.unwrap_or(1.0);
        let value = Value::parse(parts.value, event.kind, rate)?;
        let labels = names::identity(&event.metric, event.labels(parts.value))?;
        let mut known = Known { kind: event.kind, rate, metric: 0, gauge: u32::MAX };
        let (metric, new) = self.metrics.intern(event.metric.as_bytes());
        known.metric = metric;
        if new {
            self.said.push(Said { kind: known.kind, packet: self.packet });
        }
        if known.kind == Kind::Gauge {
            let (gauge, new) = self.gauges.intern(&event.gauge_key());
            known.gauge = gauge;
            if new {
                self.states.push(0.0);
            }
        }
        // In this order: a gauge that is refused for its type has changed.
        let value = self.settle(known, value);
        self.say(known, table)?;
        let family = known.kind.family(&event.metric);
        table.tell(family.clone());
        let series = table.number(&self.key, || Ok(Described { labels, family }))?;
        if self.keys.intern(&self.key).1 {
            self.known.push(known);
        }
        Ok((value, series))
    }
}

impl LineProtocol for Statsd {
    fn begin(&mut self, _params: &QueryParams) -> Result<(), Refusal> {
        self.packet += 1;
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
        let parts = event::parts(line)?;
        parts.key(&mut self.key);
        let (value, series) = match self.find(table) {
            Some((known, series)) => {
                let value = self.settle(known, Value::parse(parts.value, known.kind, known.rate)?);
                self.say(known, table)?;
                (value, series)
            }
            None => self.first(&parts, table)?,
        };
        rows.push(Row { series, at: received_at, value });
        Ok(true)
    }

    fn payload_limits(&self) -> (Option<usize>, Option<usize>) {
        (Some(MAX_EVENTS), Some(MAX_BYTES))
    }
}

#[cfg(test)]
mod tests;
