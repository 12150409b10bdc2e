//! What the comparison found.

use super::{Continued, RunInfo, SlabTiming, Status};
use crate::model::{Millis, Window};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What kind of difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// Series in the source only.
    MissingSeries,
    /// Series in the target only.
    ExtraSeries,
    /// Samples in the source only.
    MissingSamples,
    /// Samples in the target only.
    ExtraSamples,
    /// Values beyond tolerance.
    ValueDiffers,
    /// StaleNaN on one side, an ordinary NaN on the other.
    StaleNan,
    /// Several different values at one timestamp of one side, or equal ones that the target has more of.
    DuplicateTimestamp,
    /// Histograms in the source only.
    MissingHistograms,
    /// Histograms in the target only.
    ExtraHistograms,
    /// A histogram's field differs; the detail names it.
    HistogramDiffers,
    /// Exemplars in the source only.
    MissingExemplars,
    /// Exemplars in the target only.
    ExtraExemplars,
    /// An exemplar differs.
    ExemplarDiffers,
    /// Metadata differs.
    MetadataDiffers,
    /// A part of the window could not be read, so it was not compared.
    NotCompared,
    /// The same values at other times; `shift_ms` says by how much.
    TimestampShifted,
    /// Values that agree to the digits of a shorter format (a 32-bit float, a decimal text) and no further.
    PrecisionLost,
}

/// One difference, or a run of differences of one kind in one series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Finding {
    /// Kind.
    pub kind: FindingKind,
    /// Selector or query.
    pub selector: String,
    /// Series as a selector, or metric name for metadata.
    pub series: String,
    /// How many samples (histograms, exemplars, …) are concerned.
    pub count: u64,
    /// First ms concerned.
    pub first_ms: Option<Millis>,
    /// Last ms concerned.
    pub last_ms: Option<Millis>,
    /// Value on the source at `first_ms`.
    pub source_value: Option<String>,
    /// Value on the target at `first_ms`.
    pub target_value: Option<String>,
    /// Which field differs: of a histogram (`schema`, `reset_hint`, `positive_buckets`, …), of an exemplar, or of
    /// metadata (`type`, `help`, `unit`); else empty.
    #[serde(default)]
    pub field: String,
    /// Largest absolute difference of values, if there is one.
    #[serde(default)]
    pub absolute_delta: Option<f64>,
    /// Largest difference as a fraction of the source's value, if there is one.
    #[serde(default)]
    pub relative_delta: Option<f64>,
    /// Target's time minus the source's in ms, where all are shifted alike.
    #[serde(default)]
    pub shift_ms: Option<i64>,
    /// Both sides around the first difference, to be drawn.
    #[serde(default)]
    pub excerpt: Option<Excerpt>,
    /// What differs, in one sentence.
    pub detail: String,
    /// Probable cause, if one is known; else empty.
    pub cause: String,
    /// What to do; may be empty.
    pub remedy: String,
}

/// Both sides around a difference; at most some dozen points each.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Excerpt {
    /// Points of the source in time order.
    pub source: Vec<ExcerptPoint>,
    /// Points of the target in time order.
    pub target: Vec<ExcerptPoint>,
    /// Times that differ, of those shown.
    pub differing_ms: Vec<Millis>,
}

/// A point of an excerpt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExcerptPoint {
    /// Unix ms.
    pub at_ms: Millis,
    /// The value as findings write it: `1.5`, `NaN`, `StaleNaN`, `+Inf`; of a histogram its sum.
    pub value: String,
}

/// Series × time: which parts of which series agree.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Coverage {
    /// Start of the first column, Unix ms.
    pub start_ms: Millis,
    /// Width of a column in ms.
    pub column_ms: i64,
    /// Rows; the first is the whole selector, then series: those that differ first, both in label order.
    pub rows: Vec<CoverageRow>,
    /// Series without a row.
    pub series_omitted: u64,
}

/// A row of the coverage map.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CoverageRow {
    /// Series as a selector; empty for the whole selector.
    pub series: String,
    /// One character a column: `.` nothing on either side, `=` equal, `-` missing at the target, `+` in the target
    /// only, `x` differs (or several kinds), `?` not compared.
    pub cells: String,
}

/// What reading young differences again found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecheckReport {
    /// Differences younger than this were read again, in ms.
    pub settle_ms: i64,
    /// How long it waited for them in all, in ms.
    pub waited_ms: u64,
    /// Parts that were read again.
    pub slabs: u64,
    /// Times that they were read.
    pub reads: u64,
    /// Parts that agreed in the end.
    pub settled: u64,
}

/// Raw check of one selector. Counts are complete; `findings` is capped.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RawCheckReport {
    /// Selector text.
    pub selector: String,
    /// Series with at least one row in the window.
    pub source_series: u64,
    /// The same on the target.
    pub target_series: u64,
    /// Samples plus histograms.
    pub source_rows: u64,
    /// The same on the target.
    pub target_rows: u64,
    /// Float samples.
    pub source_samples: u64,
    /// The same on the target.
    pub target_samples: u64,
    /// Native histograms.
    pub source_histograms: u64,
    /// The same on the target.
    pub target_histograms: u64,
    /// Series in the source only.
    pub missing_series: u64,
    /// Series in the target only.
    pub extra_series: u64,
    /// Samples that differ in series that both sides have: missing + extra + differing + shifted + duplicates.
    pub sample_mismatches: u64,
    /// The same for histograms.
    pub histogram_mismatches: u64,
    /// Of `sample_mismatches`: in the source only.
    pub missing_samples: u64,
    /// Of `sample_mismatches`: in the target only.
    pub extra_samples: u64,
    /// Of `sample_mismatches`: another value at the same time.
    pub differing_samples: u64,
    /// Of `sample_mismatches`: values that a side has at another time, see [`FindingKind::TimestampShifted`].
    #[serde(default)]
    pub shifted_samples: u64,
    /// Differences by kind, complete: how many findings of each there are, listed or not.
    #[serde(default)]
    pub by_kind: BTreeMap<FindingKind, u64>,
    /// Parts of the window that differ or could not be compared, neighbours joined; complete. What a repair reads.
    #[serde(default)]
    pub differing: Vec<Window>,
    /// Series × time.
    #[serde(default)]
    pub coverage: Coverage,
    /// Details.
    pub findings: Vec<Finding>,
    /// Findings beyond the cap.
    pub findings_omitted: u64,
    /// One sentence each, for people and for the native report's readers.
    pub issues: Vec<String>,
}

/// One metadata entry in a report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MetadataEntry {
    /// Type word.
    #[serde(rename = "type")]
    pub metric_type: String,
    /// Help.
    pub help: String,
    /// Unit.
    pub unit: String,
}

/// Metadata check of one metric.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MetadataCheckReport {
    /// Metric name.
    pub metric: String,
    /// Entries at the source.
    pub source_entries: u64,
    /// Entries at the target.
    pub target_entries: u64,
    /// Whether they are the same set.
    pub matched: bool,
    /// The source's entries, when they differ.
    #[serde(default)]
    pub source: Vec<MetadataEntry>,
    /// The target's entries, when they differ.
    #[serde(default)]
    pub target: Vec<MetadataEntry>,
    /// What differs, field by field.
    #[serde(default)]
    pub findings: Vec<Finding>,
}

/// Exemplar check of one query.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExemplarCheckReport {
    /// Query text.
    pub query: String,
    /// Series with exemplars at the source.
    pub source_series: u64,
    /// The same at the target.
    pub target_series: u64,
    /// In the source only.
    pub missing_series: u64,
    /// In the target only.
    pub extra_series: u64,
    /// Exemplars that differ in series that both have.
    pub exemplar_mismatches: u64,
    /// Exemplars at the source.
    pub source_exemplars: u64,
    /// Exemplars at the target.
    pub target_exemplars: u64,
    /// Details, capped.
    pub findings: Vec<Finding>,
    /// Findings beyond the cap.
    pub findings_omitted: u64,
    /// One sentence each.
    pub issues: Vec<String>,
}

/// Verify.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VerifyReport {
    /// `pass` when there is no issue.
    pub status: Status,
    /// Window start.
    pub start_ms: Millis,
    /// Window end, included.
    pub end_ms: Millis,
    /// One per selector.
    pub raw_checks: Vec<RawCheckReport>,
    /// One per metric.
    pub metadata_checks: Vec<MetadataCheckReport>,
    /// One per query.
    pub exemplar_checks: Vec<ExemplarCheckReport>,
    /// What reading young differences again found; none when there were none.
    #[serde(default)]
    pub recheck: Option<RecheckReport>,
    /// Everything found, one sentence each; empty on pass.
    pub issues: Vec<String>,
    /// Remarks that are no issues (a skipped check and why).
    #[serde(default)]
    pub notes: Vec<String>,
    /// What a ledger says was compared before and equal, if one was continued. The counts include it.
    #[serde(default)]
    pub continued: Option<Continued>,
    /// The slowest slabs, slowest first; a few.
    #[serde(default)]
    pub slowest: Vec<SlabTiming>,
    /// Tool and times.
    #[serde(default)]
    pub run: RunInfo,
}
