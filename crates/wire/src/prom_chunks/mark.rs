//! A mark at the end of a streamed answer, so that one that was ended early is told from a whole one.
//!
//! A stream of frames does not say how long it is. A proxy that ends it after some frame, and cleanly, leaves what
//! looks like a whole answer: Caddy 2.6.2 does so when it stops early to read the request. So a second query is put
//! behind the one that matters, for a sample that the source is known to hold. Servers answer queries in turn
//! (Prometheus 2.42 `storage/remote/read_handler.go`, `remoteReadStreamedXORChunks`), so the second answer's frame
//! stands behind all frames of the first one. It is a few hundred bytes, and costs one series over one chunk.

use crate::model::{Labels, Millis, Window};
use crate::prom_read::{SlabData, query, request};
use crate::types::{LabelMatcher, MatcherType};
use bytes::Bytes;

/// A sample that a source is known to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    matchers: Vec<LabelMatcher>,
    at: Millis,
}

impl Mark {
    /// The last sample of the last series with one in an answer. The newest go last from a source.
    pub fn of(data: &SlabData) -> Option<Self> {
        // Histograms may not be cut everywhere (see `run/reading.rs`), so they make no mark.
        let series =
            data.raw_series().filter(|one| one.sample_count() > 0 && one.histogram_count() == 0).last()?;
        Some(Self { matchers: equal(&series.labels()), at: series.last_ms()? })
    }

    /// What finds the series of the mark, and no other.
    pub fn matchers(&self) -> &[LabelMatcher] {
        &self.matchers
    }

    /// The sample's time alone.
    pub fn window(&self) -> Window {
        Window { start_ms: self.at, end_ms: self.at }
    }
}

fn equal(labels: &Labels) -> Vec<LabelMatcher> {
    let matcher = |(name, value): (&str, &str)| LabelMatcher {
        r#type: MatcherType::Eq.into(),
        name: name.to_owned(),
        value: value.to_owned(),
    };
    labels.iter().map(matcher).collect()
}

/// As [`super::encode_request`], with a mark behind the query. Read the answer with [`super::Decoder::marked`].
pub fn encode_marked_request(matchers: &[LabelMatcher], window: Window, mark: &Mark) -> Bytes {
    request(vec![query(matchers, window), query(mark.matchers(), mark.window())], super::STREAMED)
}

/// How an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Nobody can tell.
    Unmarked,
    /// With a mark that has not come yet.
    Open,
    /// The mark was there.
    Marked,
}
