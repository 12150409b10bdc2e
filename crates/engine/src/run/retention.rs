//! How far back the target takes samples.
//!
//! tsink 0.10.2 tells its retention nowhere: not in `status/tsdb`, not in `/metrics`. It can be found out
//! without writing anything: a write request is refused as a whole when one of its samples is too old, and
//! the refusal names the *first* one that is (`ingest_pipeline/prepare.rs`). So a request whose last sample
//! lies in year 1 is always refused, and the time named in the refusal tells which of the samples before it
//! the target would have taken. The server's retention is always enforced (14 days by default), so nothing
//! of such a request is ever stored.

use crate::error::{Error, ErrorKind, Result};
use crate::model::{Millis, Window};
use crate::plan::Plan;
use crate::port::{Answer, Call};
use crate::target::tsink;
use crate::wire::snappy;
use crate::wire::types::Label;
use prost::Message;
use std::rc::Rc;

/// 0001-01-01T00:00:00Z: older than any retention that a duration can express sensibly.
const ANCIENT: Millis = -62_135_596_800_000;
/// Instants asked for in one request.
const STEPS: i64 = 64;
/// The edge is searched to this precision, in ms. It moves with the clock, so more would mean nothing.
const PRECISION_MS: i64 = 60_000;

#[derive(Clone, PartialEq, Message)]
struct ProbeRequest {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<ProbeSeries>,
}

#[derive(Clone, PartialEq, Message)]
struct ProbeSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<ProbeSample>,
}

#[derive(Clone, PartialEq, Message)]
struct ProbeSample {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp: i64,
}

/// What a probe found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Probed {
    /// The target takes every instant that was asked for.
    TakesAll,
    /// The first of the instants that it refuses, in the order asked.
    Refuses(Millis),
    /// The target answered something else; nothing is known.
    Unknown,
}

/// Asks which of `instants` (newest first) is the first that the target would refuse.
pub(super) fn probe(plan: &Plan, instants: &[Millis]) -> Call<Probed> {
    let label = |name: &str, value: &str| Label { name: name.to_owned(), value: value.to_owned() };
    let request = ProbeRequest {
        timeseries: vec![ProbeSeries {
            labels: vec![label("__name__", "tsink_migrate_retention_probe")],
            samples: instants
                .iter()
                .chain(std::iter::once(&ANCIENT))
                .map(|at| ProbeSample { value: 0.0, timestamp: *at })
                .collect(),
        }],
    };
    let call = tsink::write(plan, snappy::compress(&request.encode_to_vec()));
    let asked = instants.to_vec();
    let refused = call.parse;
    Call {
        request: call.request,
        limit: call.limit,
        parse: Rc::new(move |answer| match refused(answer) {
            Err(error) if error.kind == ErrorKind::Retention => Ok(named(answer, &asked)),
            Err(error) => Err(error),
            // It took a sample of year 1: then there is no limit that could matter.
            Ok(_) => Ok(Probed::TakesAll),
        }),
    }
}

/// Reads the time that the refusal names.
fn named(answer: &Answer, asked: &[Millis]) -> Probed {
    let text = String::from_utf8_lossy(&answer.body);
    let time = text
        .split(|c: char| !(c.is_ascii_digit() || c == '-'))
        .filter_map(|word| word.parse::<Millis>().ok())
        .find(|time| *time == ANCIENT || asked.contains(time));
    match time {
        Some(ANCIENT) => Probed::TakesAll,
        Some(time) => Probed::Refuses(time),
        None => Probed::Unknown,
    }
}

/// What to ask next to find the edge between `refused` and `taken` (refused < taken), newest first; `None`
/// when the edge is known well enough.
pub(super) fn ladder(refused: Millis, taken: Millis) -> Option<Vec<Millis>> {
    let gap = taken.saturating_sub(refused);
    if gap <= PRECISION_MS {
        return None;
    }
    let step = (gap / STEPS).max(1);
    Some((1..=STEPS).map(|at| taken.saturating_sub(step * at)).filter(|at| *at > refused).collect())
}

impl super::context::Run {
    /// The oldest instant that the target takes, when that lies inside `window` or after it; `None` when it
    /// takes the whole window. Writes nothing.
    ///
    /// # Errors
    /// When the target refuses for another reason than age, or tells nothing.
    pub(super) async fn oldest_writable(&self, window: Window) -> Result<Option<Millis>> {
        let unknown = || Error::new(ErrorKind::Protocol, "the target does not tell which times it takes");
        let mut refused = match self.once(&probe(&self.plan, &[window.start_ms])).await? {
            Probed::TakesAll => return Ok(None),
            Probed::Refuses(at) => at,
            Probed::Unknown => return Err(unknown()),
        };
        let mut taken = self.ports.clock.now_ms().max(window.start_ms);
        while let Some(instants) = ladder(refused, taken) {
            match self.once(&probe(&self.plan, &instants)).await? {
                Probed::Unknown => return Err(unknown()),
                Probed::TakesAll => taken = instants.last().copied().unwrap_or(taken),
                Probed::Refuses(at) => {
                    refused = at;
                    taken = instants.iter().rev().copied().find(|instant| *instant > at).unwrap_or(taken);
                }
            }
        }
        Ok(Some(taken))
    }
}

#[cfg(test)]
mod tests {
    use super::{ANCIENT, Probed, ladder, named};
    use crate::port::Answer;
    use proptest::prelude::*;

    fn answer(text: &str) -> Answer {
        Answer { status: 422, headers: Vec::new(), body: text.to_owned().into() }
    }

    #[test]
    fn the_refusal_names_the_first_time_that_is_too_old() {
        let words = |time: i64| {
            answer(&format!(
                "insert failed: Data point with timestamp {time} is outside the retention window"
            ))
        };
        assert_eq!(
            named(&words(1_793_959_436_882), &[1_793_959_436_882]),
            Probed::Refuses(1_793_959_436_882)
        );
        assert_eq!(named(&words(ANCIENT), &[5]), Probed::TakesAll);
        assert_eq!(named(&answer("no 7 idea"), &[5]), Probed::Unknown);
    }

    proptest! {
        #[test]
        fn the_search_ends_at_the_edge(edge in 0i64..10_000_000_000, below in 1i64..10_000_000_000, above in 1i64..10_000_000_000) {
            let (mut refused, mut taken) = (edge - below, edge + above);
            let mut requests = 0;
            while let Some(instants) = ladder(refused, taken) {
                requests += 1;
                prop_assert!(requests < 20);
                prop_assert!(instants.windows(2).all(|pair| pair[0] > pair[1]));
                match instants.iter().position(|at| *at < edge) {
                    Some(at) => {
                        refused = instants[at];
                        if at > 0 { taken = instants[at - 1]; }
                    }
                    None => taken = *instants.last().unwrap(),
                }
            }
            prop_assert!(refused < edge && edge <= taken && taken - refused <= 60_000);
        }
    }
}
