//! Finding out how far back the target takes samples, without writing any.
//!
//! tsink 0.10.2 tells its retention nowhere, but it refuses a batch as a whole when one of its samples is
//! outside, and names the first such sample in order (`validate_points_against_retention` in the `tsink`
//! crate's `engine/ingest_pipeline/prepare.rs`). So a batch of the instants in question and, last, the
//! earliest instant there is, is always refused: the cutoff is `now - retention` with saturation, which no
//! retention brings down to the smallest `i64`. Which of them the refusal names tells which would have been
//! taken. Nothing is stored, no series appears, and no exemplar or metadata is sent.

use crate::answer::{Asked, Purpose};
use crate::error::ErrorKind;
use crate::model::Millis;
use crate::plan::Plan;
use crate::port::{Answer, Call};
use crate::prom_api::{Errand, Server};
use crate::wire::types::Label;
use bytes::Bytes;
use prost::Message as _;
use std::rc::Rc;

/// Name of the series that is never stored.
const PROBE_METRIC: &str = "tsink_migrate_retention_probe";

/// Asks which of `instants` (ms, newest first) is the first that the target would refuse; `None` when it takes
/// them all. Nothing is written. What is inside now may be outside later: the cutoff moves with the clock.
///
/// # Errors
/// What any write can fail with; [`ErrorKind::Protocol`] when the server answers unlike tsink 0.10.2.
pub fn retention_probe(plan: &Plan, instants: &[Millis]) -> Call<Option<Millis>> {
    let url = plan.target.write_url.as_str();
    let errand = Errand { purpose: Purpose::Write, field: "target.write_url", url };
    let server = Server::target(plan);
    let mut call =
        server.post(&errand, super::WRITE_VERSION, body(instants), super::WRITE_LIMIT, |_, _| Ok(None));
    // The refusal is the answer here, so the usual reading of statuses comes second.
    let asked = server.asked(&errand, &call.request);
    let instants = instants.to_vec();
    call.parse = Rc::new(move |answer| verdict(&instants, answer, &asked));
    call
}

fn verdict(instants: &[Millis], answer: &Answer, asked: &Asked) -> crate::Result<Option<Millis>> {
    match refused_at(answer) {
        Some(named) if instants.contains(&named) => return Ok(Some(named)),
        Some(Millis::MIN) => return Ok(None),
        _ => asked.accept(answer)?,
    }
    Err(asked.wrong(
        answer,
        ErrorKind::Protocol,
        "the target took a sample of the earliest time there is, so its retention cannot be told".to_owned(),
        format!(
            "Check that `target.write_url` is tsink's; a series `{PROBE_METRIC}` may have been stored there."
        ),
    ))
}

/// The time that a retention refusal names.
fn refused_at(answer: &Answer) -> Option<Millis> {
    if answer.status < 400 {
        return None;
    }
    let text = std::str::from_utf8(&answer.body).ok()?;
    let (_, rest) = text.split_once("timestamp ")?;
    let (number, rest) = rest.split_once(' ')?;
    rest.starts_with("is outside the retention window").then(|| number.parse().ok())?
}

/// `prompb.WriteRequest`, as far as it is needed here.
#[derive(Clone, PartialEq, prost::Message)]
struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<TimeSeries>,
}

/// `prompb.TimeSeries`.
#[derive(Clone, PartialEq, prost::Message)]
struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
}

/// `prompb.Sample`.
#[derive(Clone, PartialEq, prost::Message)]
struct Sample {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp: i64,
}

fn body(instants: &[Millis]) -> Bytes {
    let labels = vec![Label { name: "__name__".to_owned(), value: PROBE_METRIC.to_owned() }];
    let times = instants.iter().copied().chain([Millis::MIN]);
    let samples = times.map(|timestamp| Sample { value: 0.0, timestamp }).collect();
    let request = WriteRequest { timeseries: vec![TimeSeries { labels, samples }] };
    crate::wire::snappy::compress(&request.encode_to_vec())
}

#[cfg(test)]
mod tests {
    use super::{refused_at, verdict};
    use crate::answer::{Asked, Purpose};
    use crate::error::{ErrorKind, Side};
    use crate::port::{Answer, Method, Request};
    use bytes::Bytes;

    fn read(at: i64, status: u16, body: &str) -> crate::Result<Option<i64>> {
        let request = Request {
            side: Side::Target,
            method: Method::Post,
            url: "http://h/api/v1/write".into(),
            headers: Vec::new(),
            body: Bytes::new(),
            timeout_ms: 1,
        };
        let asked = Asked::new(&request, Purpose::Write, "target.write_url", &[], None);
        verdict(&[at], &Answer { status, headers: Vec::new(), body: Bytes::from(body.to_owned()) }, &asked)
    }

    /// Both bodies as tsink-server 0.10.2 sent them.
    #[test]
    fn the_refusal_tells() {
        let outside =
            "insert failed: Data point with timestamp 1793959755835 is outside the retention window";
        let inside =
            "insert failed: Data point with timestamp -9223372036854775808 is outside the retention window";
        assert_eq!(read(1_793_959_755_835, 422, outside), Ok(Some(1_793_959_755_835)));
        assert_eq!(read(1_793_959_755_835, 422, inside), Ok(None));
    }

    #[test]
    fn everything_else_is_an_error() {
        assert_eq!(read(1, 200, "").unwrap_err().kind, ErrorKind::Protocol);
        assert_eq!(read(1, 401, "unauthorized").unwrap_err().kind, ErrorKind::AuthMissing);
        let other = "insert failed: Data point with timestamp 7 is outside the retention window";
        assert_eq!(read(1, 422, other).unwrap_err().kind, ErrorKind::Retention);
        let answer =
            |body: &'static [u8]| Answer { status: 422, headers: Vec::new(), body: Bytes::from_static(body) };
        let odd =
            [&b"timestamp "[..], b"timestamp x is outside the retention window", b"\xff", b"timestamp 1 "];
        for body in odd {
            assert_eq!(refused_at(&answer(body)), None);
        }
    }
}
