//! What a recording holds and what becomes of it: the preview, and a part of the reports.

use crate::capture::RefusalKind;
use crate::model::{MetricType, Millis};
use crate::plan::SourceKind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A recording, normalised as tsink's live ingest would do it.
///
/// Each unit (line, event, data point) of a payload that can be read is either taken or refused; each sample of a
/// unit that is taken is of a selected series or not, inside of the window or not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Recording {
    /// Kind.
    pub kind: SourceKind,
    /// The manifest's path as in the plan.
    pub manifest: String,
    /// Its size in bytes.
    pub manifest_bytes: u64,
    /// Entries in it, bad ones too.
    pub entries: u64,
    /// Bytes of all payloads as they were sent.
    pub payload_bytes: u64,
    /// Entries that cannot be read.
    pub bad_entries: u64,
    /// The first of them.
    pub bad: Vec<BadEntry>,
    /// Lines (InfluxDB, Graphite), events (StatsD) or data points (OTLP), blank lines left out.
    pub units: u64,
    /// Those that tsink would refuse.
    pub refused: u64,
    /// They, by reason.
    pub refusals: Vec<RefusalGroup>,
    /// What was migrated although tsink would not take it live as it was sent.
    pub flags: Vec<FlagGroup>,
    /// What looks wrong in the manifest but does no harm.
    pub hints: Vec<String>,
    /// Different series.
    pub series: u64,
    /// Samples, all series.
    pub samples: u64,
    /// Exemplars, all series.
    pub exemplars: u64,
    /// Samples of series that no selector selects; 0 without selectors.
    pub not_selected: u64,
    /// Samples of selected series outside of the window.
    pub outside_window: u64,
    /// Earliest sample, Unix ms.
    pub first_ms: Option<Millis>,
    /// Latest sample, Unix ms.
    pub last_ms: Option<Millis>,
    /// Its metrics, the ones with most samples first.
    pub metrics: Vec<MetricPreview>,
    /// Metrics left out of `metrics`.
    pub metrics_omitted: u64,
    /// OTLP data points taken, by shape as tsink's status names it.
    pub shapes: BTreeMap<String, u64>,
}

impl Recording {
    /// `lines`, `events` or `data points`.
    pub fn unit(&self) -> &'static str {
        match self.kind {
            SourceKind::Otlp => "data points",
            SourceKind::Statsd => "events",
            _ => "lines",
        }
    }
}

/// An entry of the manifest that cannot be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BadEntry {
    /// Place in the manifest's array, from 0; none for the manifest as a whole.
    pub entry: Option<u64>,
    /// Line in the manifest, from 1.
    pub line: u64,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

/// Units refused for one reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RefusalGroup {
    /// The reason.
    pub kind: RefusalKind,
    /// How many.
    pub count: u64,
    /// The first ones.
    pub examples: Vec<RefusalExample>,
}

/// A refused unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RefusalExample {
    /// Entry in the manifest, from 0.
    pub entry: u64,
    /// Line in the payload from 1, or the place in an OTLP request.
    pub place: String,
    /// The line, cut; empty for OTLP.
    pub text: String,
    /// Why tsink would refuse it, in its words.
    pub message: String,
}

/// What tsink would not take live in the form in which it was sent, and what is migrated all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// More lines in a payload than tsink takes in a request.
    PayloadLines,
    /// More bytes in a payload than tsink takes in a packet.
    PayloadBytes,
    /// More exemplars in an OTLP request than tsink takes.
    PayloadExemplars,
    /// OTLP histograms in the standard's form, which tsink 0.10.2 cannot decode.
    StandardHistogram,
}

/// Flagged payloads or data points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FlagGroup {
    /// What it is.
    pub flag: Flag,
    /// Payloads, or data points of histograms.
    pub count: u64,
    /// The first entry that has it, from 0.
    pub first_entry: u64,
}

impl FlagGroup {
    /// What it means and what to do before the cutover.
    pub fn words(&self) -> (String, &'static str) {
        let payloads =
            if self.count == 1 { "1 payload".to_owned() } else { format!("{} payloads", self.count) };
        match self.flag {
            Flag::PayloadLines => (
                format!(
                    "{payloads} (the first is entry {}) hold more lines than tsink takes in one live request; all of it is migrated.",
                    self.first_entry
                ),
                "If they were sent like this, lower the sender's batch size before the cutover.",
            ),
            Flag::PayloadBytes => (
                format!(
                    "{payloads} (the first is entry {}) are longer than tsink takes in one live packet; all of it is migrated.",
                    self.first_entry
                ),
                "If they were sent like this, lower the sender's packet size before the cutover: tsink cuts longer packets off.",
            ),
            Flag::PayloadExemplars => (
                format!(
                    "{payloads} (the first is entry {}) hold more exemplars than tsink takes in one live request; all of them are migrated, of which it keeps the newest of each series.",
                    self.first_entry
                ),
                "If they were sent like this, lower the sender's batch size before the cutover.",
            ),
            Flag::StandardHistogram => (
                format!(
                    "{} histogram data points (the first in entry {}) are migrated, but tsink 0.10.2 cannot decode standard OTLP histograms live: it refuses each request that holds one.",
                    self.count, self.first_entry
                ),
                "Do not cut OTLP senders with histograms over to tsink 0.10.2; convert them to another protocol or wait for a version that decodes them.",
            ),
        }
    }
}

/// A metric in the preview.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MetricPreview {
    /// Metric name of the series; of an OTLP histogram also `…_bucket` and its like, each by itself.
    pub name: String,
    /// Type that tsink would note.
    pub kind: MetricType,
    /// Series.
    pub series: u64,
    /// Samples.
    pub samples: u64,
    /// Earliest sample, Unix ms.
    pub first_ms: Millis,
    /// Latest sample, Unix ms.
    pub last_ms: Millis,
    /// A line that it comes from, cut; empty for OTLP.
    pub line: String,
    /// What that line becomes.
    pub becomes: String,
}
