use super::{Decoder, Mark, decode, encode_marked_request};
use crate::model::{Histogram, STALE_NAN_BITS, Series, Window};
use crate::types::BucketSpan;
use crate::types::histogram::{Count, ZeroCount};
use encoder::{frame, framed, histograms, xor};
use proptest::prelude::*;
use serde_json::{Value, json};

mod encoder;

const ALL: Window = Window { start_ms: i64::MIN, end_ms: i64::MAX };
const UP: &[(&str, &str)] = &[("__name__", "up")];

macro_rules! fixture {
    ($name:literal) => {
        (
            include_bytes!(concat!("../../../engine/tests/fixtures/chunks/prometheus-2.42-", $name, ".bin")),
            include_str!(concat!("../../../engine/tests/fixtures/chunks/prometheus-2.42-", $name, ".json")),
        )
    };
}

/// Answers of Prometheus 2.42 and what had been written to it; `tests/conformance` captures them.
const FIXTURES: [(&[u8], &str); 3] = {
    let (floats, histograms, odd) = (fixture!("floats"), fixture!("histograms"), fixture!("odd-histograms"));
    [(floats.0, floats.1), (histograms.0, histograms.1), (odd.0, odd.1)]
};
/// The window that they were asked for; the histories reach beyond it.
const CAPTURED: Window = Window { start_ms: 1_763_511_000_000, end_ms: 1_763_517_300_000 };

fn floats(series: &Series) -> Vec<(i64, u64)> {
    series.samples.iter().map(|s| (s.timestamp, s.value.to_bits())).collect()
}

fn one(body: &[u8], window: Window) -> Series {
    let mut all = decode(body, window).unwrap().decode();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn error(body: &[u8]) -> String {
    decode(body, ALL).unwrap_err().to_string()
}

/// As the fixtures show series; see `tests/conformance/tests/streamed_read.rs`.
fn shown(series: &Series) -> Value {
    json!({
        "labels": series.labels.iter().map(|(name, value)| json!([name, value])).collect::<Vec<_>>(),
        "samples": floats(series).iter()
            .map(|(at, bits)| json!([at, format!("{bits:016x}")])).collect::<Vec<_>>(),
        "histograms": series.histograms.iter().map(histogram).collect::<Vec<_>>(),
    })
}

fn histogram(of: &Histogram) -> Value {
    let (kind, count) = match of.count.unwrap() {
        Count::CountInt(count) => ("integer", json!(count)),
        Count::CountFloat(count) => ("float", json!(count)),
    };
    let zero = match of.zero_count.unwrap() {
        ZeroCount::ZeroCountInt(count) => count as f64,
        ZeroCount::ZeroCountFloat(count) => count,
    };
    json!({
        "at": of.timestamp,
        "kind": kind,
        "count": count,
        "zero": zero,
        "sum": format!("{:016x}", of.sum.to_bits()),
        "schema": of.schema,
        "threshold": of.zero_threshold,
        "gauge": of.reset_hint == 3,
        "positive": buckets(&of.positive_spans, &of.positive_deltas, &of.positive_counts),
        "negative": buckets(&of.negative_spans, &of.negative_deltas, &of.negative_counts),
        "bounds": of.custom_values,
    })
}

fn buckets(spans: &[BucketSpan], deltas: &[i64], counts: &[f64]) -> Vec<(i32, f64)> {
    let mut at = 0;
    let mut total = 0;
    let mut rest = deltas
        .iter()
        .map(|delta| {
            total += delta;
            total as f64
        })
        .chain(counts.iter().copied());
    let mut out = Vec::new();
    for span in spans {
        at += span.offset;
        for _ in 0..span.length {
            out.push((at, rest.next().unwrap()));
            at += 1;
        }
    }
    assert_eq!(rest.next(), None);
    out.retain(|(_, count)| *count != 0.0);
    out
}

#[test]
fn real_answers_hold_what_was_written() {
    for (body, expected) in FIXTURES {
        let wanted: Vec<Value> = serde_json::from_str(expected).unwrap();
        let mut found = decode(body, CAPTURED).unwrap().decode();
        found.sort_by(|a, b| a.labels.cmp(&b.labels));
        assert_eq!(found.len(), wanted.len());
        for (found, wanted) in found.iter().zip(&wanted) {
            assert_eq!(&shown(found), wanted, "{}", found.labels);
        }
    }
}

#[test]
fn chunks_are_clipped_and_a_body_may_come_in_pieces() {
    for (body, _) in FIXTURES {
        let rows = |window| {
            let data = decode(body, window).unwrap();
            data.sample_count() + data.histogram_count()
        };
        assert!(rows(ALL) > rows(CAPTURED));
        let whole = decode(body, ALL).unwrap();
        for size in [1, 7, 1000] {
            let mut decoder = Decoder::new(ALL);
            body.chunks(size).for_each(|piece| decoder.feed(piece).unwrap());
            let pieces = decoder.finish().unwrap();
            assert_eq!(format!("{:?}", pieces.decode()), format!("{:?}", whole.decode()));
        }
    }
}

#[test]
fn no_flipped_bit_goes_unnoticed() {
    for (body, _) in FIXTURES {
        // From each frame on, since the frames before it would be read as they are.
        let mut from = 0;
        while let Some(found) = super::frame::next(&body[from..], 0).unwrap() {
            let mut damaged = body[from..].to_vec();
            for bit in 0..found.length * 8 {
                damaged[bit / 8] ^= 1 << (bit % 8);
                assert!(decode(&damaged, ALL).is_err(), "bit {bit} of the frame at {from}");
                damaged[bit / 8] ^= 1 << (bit % 8);
            }
            from += found.length;
        }
        assert_eq!(from, body.len());
    }
}

#[test]
fn a_truncated_answer_is_an_error_except_between_frames() {
    let (first, second) =
        (frame(UP, &[(1, xor(&[(1, 2)]))]), frame(&[("__name__", "x")], &[(1, xor(&[(1, 2)]))]));
    let body = [first.clone(), second].concat();
    for length in 0..=body.len() {
        let whole = [0, first.len(), body.len()].contains(&length);
        assert_eq!(decode(&body[..length], ALL).is_ok(), whole, "{length} bytes");
    }
    assert!(error(&body[..first.len() + 9]).contains("ends inside a frame"));
}

#[test]
fn the_servers_words_are_quoted() {
    let good = frame(UP, &[(1, xor(&[(1, 2)]))]);
    for words in ["populate block: chunk 7 not found\n".to_owned(), format!("a\tb {}", "long ".repeat(300))] {
        let message = error(&[good.as_slice(), words.as_bytes()].concat());
        let begin: String = words.split_whitespace().take(5).collect::<Vec<_>>().join(" ");
        assert!(message.starts_with(&format!("at byte {}: ", good.len())), "{message}");
        assert!(message.contains(&format!("broke off with the words \"{begin}")), "{message}");
        assert!(message.len() < 300, "{message}");
    }
    let mut damaged = good;
    damaged[3] ^= 1;
    assert_eq!(error(&damaged), "at byte 0: a frame whose checksum is wrong");
}

#[test]
fn what_is_not_known_is_refused_by_name() {
    let chunk = |encoding| error(&frame(UP, &[(encoding, xor(&[(1, 2)]))]));
    assert!(chunk(4).contains("type 4 (XOR2)"));
    assert!(chunk(5).contains("type 5 (HISTOGRAM_ST)"));
    assert!(chunk(6).contains("type 6 (FLOAT_HISTOGRAM_ST)"));
    assert!(chunk(9).contains("type 9,"));
    let odd = Histogram { schema: 9, ..integer(1, 1) };
    assert!(error(&frame(UP, &[histograms(&[odd], 0)])).contains("schema 9"));
    assert!(error(&framed(&[0x10, 1])).contains("query 1"));
    assert!(error(&[0xff, 0xff, 0xff, 0xff, 0x7f, 1]).contains("more than 50000000 bytes"));
}

#[test]
fn an_answer_that_ends_before_its_mark_is_not_whole() {
    let series = frame(UP, &[(1, xor(&[(1, 2), (2, 3)]))]);
    let mark = framed(&[0x10, 1]);
    let read = |frames: &[&[u8]]| {
        let mut decoder = Decoder::new(ALL).marked();
        decoder.feed(&frames.concat()).and_then(|()| decoder.finish()).map_err(|error| error.to_string())
    };
    assert_eq!(floats(&read(&[&series, &mark]).unwrap().decode()[0]), [(1, 2), (2, 3)]);
    assert_eq!(read(&[&mark]).unwrap().series_count(), 0);
    assert!(read(&[&series]).unwrap_err().contains("ends too early"));
    assert!(read(&[]).unwrap_err().contains("ends too early"));
    assert!(read(&[&mark, &series]).unwrap_err().contains("behind the end"));
}

#[test]
fn a_mark_asks_for_one_sample_behind_the_query() {
    use crate::types::ReadRequest;
    use prost::Message;
    assert_eq!(Mark::of(&decode(&[], ALL).unwrap()), None);
    let data = decode(&frame(UP, &[(1, xor(&[(10, 2), (20, 3)]))]), ALL).unwrap();
    let mark = Mark::of(&data).unwrap();
    let body = encode_marked_request(&[], Window { start_ms: 1, end_ms: 9 }, &mark);
    let body = crate::snappy::decompress(&body, 1 << 20).unwrap();
    let request = ReadRequest::decode(body.as_slice()).unwrap();
    let times: Vec<_> =
        request.queries.iter().map(|query| (query.start_timestamp_ms, query.end_timestamp_ms)).collect();
    assert_eq!(times, [(1, 9), (20, 20)]);
    let matchers = &request.queries[1].matchers;
    assert_eq!((matchers[0].name.as_str(), matchers[0].value.as_str()), ("__name__", "up"));
}

#[test]
fn type_0_is_xor() {
    let chunk = xor(&[(1, 2)]);
    assert_eq!(floats(&one(&frame(UP, &[(0, chunk)]), ALL)), [(1, 2)]);
}

#[test]
fn overlapping_chunks_of_several_frames_become_one_series() {
    let frames = [
        frame(UP, &[(1, xor(&[(10, 1), (20, 2), (30, 3)])), (1, xor(&[(20, 2), (25, 9), (30, 4)]))]),
        frame(UP, &[(1, xor(&[(5, 7), (40, 1)]))]),
        frame(&[("__name__", "outside")], &[(1, xor(&[(5, 7), (100, 1)]))]),
    ];
    let window = Window { start_ms: 10, end_ms: 40 };
    // Two values at 30: which one stays is the target's decision.
    let wanted = [(10, 1), (20, 2), (25, 9), (30, 3), (30, 4), (40, 1)];
    assert_eq!(floats(&one(&frames.concat(), window)), wanted);
}

fn integer(at: i64, count: u64) -> Histogram {
    Histogram {
        count: Some(Count::CountInt(count)),
        sum: 1.5,
        zero_count: Some(ZeroCount::ZeroCountInt(1)),
        positive_spans: vec![BucketSpan { offset: -3, length: 1 }, BucketSpan { offset: 2, length: 1 }],
        positive_deltas: vec![count as i64, -2],
        negative_spans: vec![BucketSpan { offset: 1, length: 1 }],
        negative_deltas: vec![4],
        timestamp: at,
        ..Histogram::default()
    }
}

#[test]
fn hints_say_no_reset_only_behind_a_histogram_of_the_same_chunk() {
    let hints = |chunks: &[(u64, Vec<u8>)]| -> Vec<(i64, i32)> {
        one(&frame(UP, chunks), ALL).histograms.iter().map(|h| (h.timestamp, h.reset_hint)).collect()
    };
    let chunk =
        |times: &[i64], flags| histograms(&times.iter().map(|at| integer(*at, 5)).collect::<Vec<_>>(), flags);
    for (flags, first, later) in [(0, 0, 2), (0x40, 0, 2), (0x80, 0, 2), (0xc0, 3, 3)] {
        assert_eq!(hints(&[chunk(&[1, 2, 3], flags)]), [(1, first), (2, later), (3, later)]);
    }
    let overlapping = [chunk(&[1, 3, 5, 6], 0), chunk(&[3, 4, 7], 0)];
    assert_eq!(hints(&overlapping), [(1, 0), (3, 2), (4, 0), (5, 0), (6, 2), (7, 0)]);
}

#[test]
fn a_staleness_marker_has_nothing_but_its_time() {
    let stale = |at| Histogram {
        count: Some(Count::CountInt(0)),
        sum: f64::from_bits(STALE_NAN_BITS),
        zero_count: Some(ZeroCount::ZeroCountInt(0)),
        timestamp: at,
        ..Histogram::default()
    };
    let float = |integer: Histogram| Histogram {
        count: Some(Count::CountFloat(0.0)),
        zero_count: Some(ZeroCount::ZeroCountFloat(0.0)),
        positive_counts: integer.positive_deltas.iter().map(|delta| *delta as f64).collect(),
        negative_counts: integer.negative_deltas.iter().map(|delta| *delta as f64).collect(),
        positive_deltas: Vec::new(),
        negative_deltas: Vec::new(),
        ..integer
    };
    for all in [
        vec![integer(1, 5), integer(2, 8), stale(3)],
        vec![stale(1), stale(2)],
        vec![float(integer(1, 5)), float(integer(2, 8)), float(stale(3))],
        vec![float(stale(1))],
    ] {
        let found = one(&frame(UP, &[histograms(&all, 0)]), ALL).histograms;
        assert_eq!(found.len(), all.len());
        let last = found.last().unwrap();
        assert_eq!(last.sum.to_bits(), STALE_NAN_BITS);
        // By text, since NaN is not equal to itself.
        assert_eq!(format!("{last:?}"), format!("{:?}", all.last().unwrap()));
    }
}

#[test]
fn layouts_that_lie_do_not_cost_memory() {
    // A layout without buckets and with 2^14 empty spans, and histograms of four bits each behind it.
    let mut all = vec![integer(0, 0); 2_000];
    for (at, one) in all.iter_mut().enumerate() {
        *one = Histogram {
            positive_spans: vec![BucketSpan::default(); if at == 0 { 1 << 14 } else { 0 }],
            positive_deltas: Vec::new(),
            negative_spans: Vec::new(),
            negative_deltas: Vec::new(),
            timestamp: at as i64,
            ..integer(0, 0)
        };
    }
    let body = frame(UP, &[histograms(&all, 0)]);
    let mut decoder = Decoder::with_limit(ALL, 16 << 20);
    assert!(decoder.feed(&body).unwrap_err().to_string().contains("more samples than are accepted"));
    assert!(decoder.is_over_limit());
    let many: Vec<(i64, u64)> = (0..60_000).map(|at| (at, 0)).collect();
    let mut decoder = Decoder::with_limit(ALL, 100_000);
    assert!(decoder.feed(&frame(UP, &[(1, xor(&many))])).is_err() && decoder.is_over_limit());
    // 2^32-1 buckets in a few bytes.
    let mut liar = integer(0, 0);
    liar.positive_spans = vec![BucketSpan { offset: 0, length: u32::MAX }];
    assert!(error(&frame(UP, &[histograms(&[liar], 0)])).contains("layout that is cut off"));
}

fn any_bits() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        (-1e6..1e6f64).prop_map(f64::to_bits),
        (0..100u32).prop_map(|count| f64::from(count).to_bits()),
        Just(STALE_NAN_BITS),
        Just(f64::INFINITY.to_bits()),
        Just((-0.0f64).to_bits()),
    ]
}

fn times(steps: &[i64]) -> Vec<i64> {
    let mut at = 1_700_000_000_000i64;
    let next = |step: &i64| {
        at += step;
        at
    };
    steps.iter().map(next).collect()
}

fn steps() -> impl Strategy<Value = i64> {
    prop_oneof![Just(15_000), 1..20_000i64, 1..300_000i64, 1..(1i64 << 40)]
}

/// A histogram of the given form with random numbers.
fn filled(form: &Histogram, at: i64, numbers: &[i64], sum: u64, float: bool) -> Histogram {
    let mut numbers = numbers.iter().copied().cycle();
    let mut some = |spans: &[BucketSpan]| -> Vec<i64> {
        let length: u32 = spans.iter().map(|span| span.length).sum();
        numbers.by_ref().take(length as usize).collect()
    };
    let (positive, negative) = (some(&form.positive_spans), some(&form.negative_spans));
    let counts = |side: &[i64]| side.iter().map(|n| *n as f64 / 7.0).collect();
    let base = Histogram { timestamp: at, sum: f64::from_bits(sum), ..form.clone() };
    let mut next = || numbers.next().unwrap();
    if float {
        Histogram {
            count: Some(Count::CountFloat(next() as f64 / 3.0)),
            zero_count: Some(ZeroCount::ZeroCountFloat(next() as f64 / 3.0)),
            positive_counts: counts(&positive),
            negative_counts: counts(&negative),
            ..base
        }
    } else {
        Histogram {
            count: Some(Count::CountInt(next() as u64)),
            zero_count: Some(ZeroCount::ZeroCountInt(next() as u64)),
            positive_deltas: positive,
            negative_deltas: negative,
            ..base
        }
    }
}

fn spans() -> impl Strategy<Value = Vec<BucketSpan>> {
    proptest::collection::vec(
        (any::<i32>(), 0u32..5).prop_map(|(offset, length)| BucketSpan { offset, length }),
        0..4,
    )
}

fn layout() -> impl Strategy<Value = Histogram> {
    let bounds = prop_oneof![Just(0.0), Just(0.005), Just(33_554.430), Just(-1.0), any::<f64>()]
        .prop_filter("NaN is no bound", |bound| !bound.is_nan());
    let threshold = prop_oneof![Just(0.0), Just(2f64.powi(-128)), Just(1024.0), Just(2048.0), Just(0.3)];
    let schema = prop_oneof![-4..=8i32, Just(-53)];
    (schema, threshold, spans(), spans(), proptest::collection::vec(bounds, 0..5)).prop_map(
        |(schema, zero_threshold, positive_spans, negative_spans, custom_values)| Histogram {
            schema,
            zero_threshold,
            positive_spans,
            negative_spans,
            custom_values: if schema == -53 { custom_values } else { Vec::new() },
            ..Histogram::default()
        },
    )
}

proptest! {
    #[test]
    fn floats_come_back_bit_for_bit(rows in proptest::collection::vec((steps(), any_bits()), 1..200)) {
        let at = times(&rows.iter().map(|row| row.0).collect::<Vec<_>>());
        let samples: Vec<(i64, u64)> = at.into_iter().zip(rows.iter().map(|row| row.1)).collect();
        let found = one(&frame(UP, &[(1, xor(&samples))]), ALL);
        prop_assert_eq!(floats(&found), samples);
    }

    #[test]
    fn histograms_come_back_bit_for_bit(
        form in layout(),
        float in any::<bool>(),
        gauge in any::<bool>(),
        rows in proptest::collection::vec(
            (steps(), proptest::collection::vec(prop_oneof![-40..40i64, any::<i64>()], 1..9), any_bits()),
            1..30,
        ),
    ) {
        let at = times(&rows.iter().map(|row| row.0).collect::<Vec<_>>());
        let all: Vec<Histogram> = at
            .iter()
            .zip(&rows)
            .filter(|(_, row)| row.2 != STALE_NAN_BITS)
            .map(|(at, row)| filled(&form, *at, &row.1, row.2, float))
            .collect();
        prop_assume!(!all.is_empty());
        let found = one(&frame(UP, &[histograms(&all, if gauge { 0xc0 } else { 0 })]), ALL).histograms;
        let wanted: Vec<Histogram> = all
            .into_iter()
            .enumerate()
            .map(|(at, one)| {
                let reset_hint = if gauge { 3 } else if at == 0 { 0 } else { 2 };
                Histogram { reset_hint, ..one }
            })
            .collect();
        // By text, which shows every NaN as equal; sums by bits. Protobuf drops the sign of a zero sum.
        let bits = |all: &[Histogram]| all.iter().map(|h| (h.sum + 0.0).to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&found), bits(&wanted));
        let text = |all: &[Histogram]| format!("{all:?}").replace("-0.0", "0.0");
        prop_assert_eq!(text(&found), text(&wanted));
    }

    #[test]
    fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400), kind in 0u64..4) {
        let _ = decode(&bytes, ALL);
        // Behind a right checksum, as a message and as a chunk.
        let _ = decode(&framed(&bytes), ALL);
        let _ = decode(&frame(UP, &[(kind, bytes)]), ALL);
    }

    #[test]
    fn damaged_chunks_never_panic(
        fixture in 0usize..3,
        at in any::<prop::sample::Index>(),
        flips in 1u8..=255,
    ) {
        // The damage lies behind the checksum, so that the chunk's decoder sees it.
        let body = FIXTURES[fixture].0;
        let mut rest = body;
        while let Some(found) = super::frame::next(rest, 0).unwrap() {
            let mut data = found.data.to_vec();
            let place = at.index(data.len());
            data[place] ^= flips;
            let _ = Decoder::with_limit(ALL, 1 << 20).feed(&framed(&data));
            rest = &rest[found.length..];
        }
    }
}
