//! Lines of a ledger.
//!
//! Each is a JSON object with a checksum as its last member. The checksum (CRC-32C) goes on from that of the line
//! before, so a line that was changed, taken away or put in is recognised, and with it all that stands behind it: what
//! is behind may rest on it. What comes out of a file is bounded by its length; nothing here can panic.

use crate::model::{Millis, Window};
use crate::run::event::Stage;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the checksum of the first line goes on from.
pub(super) const FIRST_SUM: u32 = 0;
/// Counts above this are nobody's: sums of them must not overflow.
const MAX_COUNT: u64 = 1 << 40;
/// Start of the checksum's member; eight hexadecimal digits and two characters follow.
const SUM: &str = ",\"sum\":\"";
const SUM_LEN: usize = SUM.len() + 8 + 2;

/// What became known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// A run begins to work on a stage. When it begins it anew, nothing before counts; `basis` is what the stage
    /// depends on beside the plan.
    Begin { stage: Stage, at_ms: Millis, fresh: bool, basis: String },
    /// Rows of a stage, as index of the plan's selector and text; slabs name them by place. `expected` samples and
    /// histograms in all.
    Rows { stage: Stage, expected: u64, rows: Vec<(usize, String)> },
    /// A slab whose writes were all acknowledged.
    Copied(Box<Copied>),
    /// A slab that both sides have alike.
    Equal(Box<Equal>),
    /// Exemplars or metadata that were all acknowledged.
    Part(Box<Part>),
    /// A stage passed, and its report is delivered.
    End { stage: Stage, at_ms: Millis },
}

/// Which slab.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::run) struct Span {
    /// Place in the newest list of rows.
    pub row: usize,
    pub window: Window,
    /// Samples and histograms in it.
    pub rows: u64,
    /// From its first request to its last answer, in ms.
    pub took_ms: u64,
    /// Time since the stage was begun, in ms.
    pub after_ms: u64,
    /// A row in it, to be looked for before anybody relies on this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<Witness>,
}

/// A row that the target has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::run) struct Witness {
    pub labels: Vec<(String, String)>,
    pub at_ms: Millis,
}

/// One line of the balance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::run) struct Counts {
    pub read: u64,
    pub written: u64,
    pub already_there: u64,
    pub deduplicated: u64,
    pub outside_window: u64,
    /// Exemplars that the target left out.
    pub dropped: u64,
}

impl Counts {
    fn closes(&self) -> bool {
        let Self { read, written, already_there, deduplicated, outside_window, dropped } = *self;
        let all = [written, already_there, deduplicated, outside_window, dropped];
        read < MAX_COUNT && all.iter().all(|one| *one < MAX_COUNT) && read == all.iter().sum::<u64>()
    }
}

/// Hashes of series, in base64 of their bytes (little endian).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::run) struct Hashes(String);

impl Hashes {
    pub fn of_128(hashes: &[u128]) -> Self {
        Self(encode(hashes.iter().flat_map(|hash| hash.to_le_bytes())))
    }

    pub fn of_64(hashes: &[u64]) -> Self {
        Self(encode(hashes.iter().flat_map(|hash| hash.to_le_bytes())))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// None when it is no such list.
    pub fn to_128(&self) -> Option<Vec<u128>> {
        let bytes = STANDARD_NO_PAD.decode(&self.0).ok()?;
        let (whole, rest) = bytes.as_chunks::<16>();
        rest.is_empty().then(|| whole.iter().map(|one| u128::from_le_bytes(*one)).collect())
    }

    /// None when it is no such list.
    pub fn to_64(&self) -> Option<Vec<u64>> {
        let bytes = STANDARD_NO_PAD.decode(&self.0).ok()?;
        let (whole, rest) = bytes.as_chunks::<8>();
        rest.is_empty().then(|| whole.iter().map(|one| u64::from_le_bytes(*one)).collect())
    }
}

fn encode(bytes: impl Iterator<Item = u8>) -> String {
    STANDARD_NO_PAD.encode(bytes.collect::<Vec<u8>>())
}

/// Series that a ledger did not know before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::run) struct NewSeries {
    /// Migrated with the slab's selector; rows of them were written.
    #[serde(skip_serializing_if = "Hashes::is_empty")]
    pub written: Hashes,
    /// The same; the target had all their rows.
    #[serde(skip_serializing_if = "Hashes::is_empty")]
    pub own: Hashes,
    /// Migrated with other selectors, by their index.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub others: BTreeMap<usize, Hashes>,
}

impl NewSeries {
    pub fn new(written: &[u128], own: &[u128], others: BTreeMap<usize, Vec<u128>>) -> Self {
        let others = others.into_iter().map(|(at, hashes)| (at, Hashes::of_128(&hashes)));
        Self { written: Hashes::of_128(written), own: Hashes::of_128(own), others: others.collect() }
    }

    /// Each series with the selector that migrates it, and whether it was written; `own` is the slab's selector.
    pub fn each(&self, own: u32) -> impl Iterator<Item = (u32, bool, u128)> {
        let others =
            self.others.iter().map(move |(at, hashes)| (u32::try_from(*at).unwrap_or(own), false, hashes));
        [(own, true, &self.written), (own, false, &self.own)].into_iter().chain(others).flat_map(
            |(owner, written, hashes)| {
                let hashes = hashes.to_128().unwrap_or_default();
                hashes.into_iter().map(move |hash| (owner, written, hash))
            },
        )
    }

    fn is_sound(&self) -> bool {
        let mut all = [&self.written, &self.own].into_iter().chain(self.others.values());
        all.all(|hashes| hashes.to_128().is_some())
    }
}

/// A slab of a backfill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::run) struct Copied {
    pub slab: Span,
    #[serde(default)]
    pub samples: Counts,
    #[serde(default)]
    pub histograms: Counts,
    /// Write requests.
    pub batches: u64,
    #[serde(default)]
    pub series: NewSeries,
}

/// A slab of a verification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Equal {
    pub slab: Span,
    /// Samples of source and target, histograms of source and target.
    pub counts: [u64; 4],
    /// Series that a ledger did not know before.
    #[serde(default, skip_serializing_if = "Hashes::is_empty")]
    pub series: Hashes,
    /// Columns of the coverage map.
    pub present: u64,
    /// Whether every series known so far has rows in all these columns.
    pub full: bool,
    /// Series of the coverage map with their columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mapped: Vec<(Vec<(String, String)>, u64)>,
}

/// What a backfill copies beside samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::run) enum Extra {
    Exemplars,
    Metadata,
}

/// Exemplars or metadata.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::run) struct Part {
    pub what: Extra,
    pub counts: Counts,
    pub batches: u64,
    pub after_ms: u64,
    /// Series that were written and that a ledger did not know as such.
    #[serde(default, skip_serializing_if = "Hashes::is_empty")]
    pub series: Hashes,
}

impl Part {
    /// Series that were written.
    pub fn written(&self) -> Vec<u128> {
        self.series.to_128().unwrap_or_default()
    }
}

impl Line {
    /// Whether its numbers can be those of a run.
    fn is_sound(&self) -> bool {
        let span = |span: &Span| {
            span.window.start_ms <= span.window.end_ms
                && [span.rows, span.took_ms, span.after_ms].iter().all(|one| *one < MAX_COUNT)
        };
        match self {
            Self::Begin { .. } | Self::End { .. } => true,
            Self::Rows { expected, .. } => *expected < MAX_COUNT,
            Self::Copied(one) => {
                span(&one.slab)
                    && one.samples.closes()
                    && one.histograms.closes()
                    && one.batches < MAX_COUNT
                    && one.series.is_sound()
            }
            Self::Equal(one) => {
                span(&one.slab)
                    && one.counts.iter().all(|count| *count < MAX_COUNT)
                    && one.series.to_64().is_some()
            }
            Self::Part(one) => {
                one.counts.closes()
                    && one.batches < MAX_COUNT
                    && one.after_ms < MAX_COUNT
                    && one.series.to_128().is_some()
            }
        }
    }
}

/// Writes a line with its end; `sum` is the checksum of the one before, and then of this one.
pub(super) fn write<T: Serialize>(line: &T, sum: &mut u32, out: &mut String) {
    // Maps with number keys, which become texts, and plain data: this does not fail.
    let Ok(json) = serde_json::to_string(line) else { return };
    let Some(body) = json.strip_suffix('}') else { return };
    *sum = crc32c::crc32c_append(*sum, body.as_bytes());
    out.push_str(body);
    out.push_str(&format!("{SUM}{sum:08x}\"}}\n"));
}

/// Reads a line without its end as JSON, if its checksum is right; `sum` is that of the line before, and then of this
/// one.
pub(super) fn unseal(line: &str, sum: &mut u32) -> Option<String> {
    let (body, end) = line.split_at_checked(line.len().checked_sub(SUM_LEN)?)?;
    let digits = end.strip_prefix(SUM)?.strip_suffix("\"}")?;
    let found = crc32c::crc32c_append(*sum, body.as_bytes());
    if digits != format!("{found:08x}") {
        return None;
    }
    *sum = found;
    Some(format!("{body}}}"))
}

/// Reads a line, if it is one of ours.
pub(super) fn read(line: &str, sum: &mut u32) -> Option<Line> {
    let json = unseal(line, sum)?;
    serde_json::from_str::<Line>(&json).ok().filter(Line::is_sound)
}
