//! A correct copy, and what can be wrong with it: every case damages the copy in one way and says what a
//! verification with tolerances at 0 must find, and that it must find nothing else.

#[path = "copy.rs"]
mod correct;

pub use correct::*;

use tsink_migrate_engine::model::{Exemplar, Histogram, Labels, MetricType, Sample, Series};
use tsink_migrate_engine::report::FindingKind;
use tsink_migrate_engine::wire::types::BucketSpan;
use tsink_migrate_engine::wire::types::histogram::{Count, ZeroCount};

/// A finding that must come.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    pub kind: FindingKind,
    pub series: String,
    pub count: u64,
    pub first_ms: Option<i64>,
    pub field: &'static str,
    pub shift_ms: Option<i64>,
    /// A word of the cause; nothing is asked for when it is empty.
    pub cause: &'static str,
}

impl Expected {
    fn field(self, field: &'static str) -> Self {
        Self { field, ..self }
    }

    fn shift(self, ms: i64) -> Self {
        Self { shift_ms: Some(ms), ..self }
    }

    fn cause(self, cause: &'static str) -> Self {
        Self { cause, ..self }
    }
}

/// One way to damage a copy.
pub struct Case {
    pub name: &'static str,
    pub damage: fn(&mut Data),
    pub expected: Vec<Expected>,
    /// Whether tsink 0.10.2 can be brought to hold it.
    pub live: bool,
}

/// A finding in a series of the copy, `n` steps after its start.
fn found(kind: FindingKind, series: usize, count: u64, n: i64) -> Expected {
    Expected {
        kind,
        series: copy().series[series].labels.to_string(),
        count,
        first_ms: Some(START + n * STEP),
        field: "",
        shift_ms: None,
        cause: "",
    }
}

fn of(labels: &str, kind: FindingKind, count: u64, n: i64) -> Expected {
    Expected { series: labels.to_owned(), ..found(kind, 0, count, n) }
}

fn metadata(field: &'static str) -> Expected {
    Expected { first_ms: None, field, ..of("mt_temperature", FindingKind::MetadataDiffers, 1, 0) }
}

/// The sample `n` steps after the start.
fn at(data: &mut Data, series: usize, n: i64) -> &mut Sample {
    let wanted = START + n * STEP;
    data.series[series].samples.iter_mut().find(|sample| sample.timestamp == wanted).unwrap()
}

fn lose(data: &mut Data, series: usize, steps: std::ops::RangeInclusive<i64>) {
    let lost = START + steps.start() * STEP..=START + steps.end() * STEP;
    data.series[series].samples.retain(|sample| !lost.contains(&sample.timestamp));
}

fn relabel(data: &mut Data, series: usize, change: impl Fn(&str, &str) -> Option<(String, String)>) {
    let one = &mut data.series[series];
    one.labels = Labels::from_pairs(one.labels.iter().filter_map(|(name, value)| change(name, value)));
}

fn keep(name: &str, value: &str) -> Option<(String, String)> {
    Some((name.to_owned(), value.to_owned()))
}

fn case(name: &'static str, damage: fn(&mut Data), expected: Vec<Expected>) -> Case {
    Case { name, damage, expected, live: true }
}

/// A case of which tsink 0.10.2 does not keep what is damaged.
fn simulated(name: &'static str, damage: fn(&mut Data), expected: Vec<Expected>) -> Case {
    Case { live: false, ..case(name, damage, expected) }
}

/// Every case.
pub fn cases() -> Vec<Case> {
    let mut all = of_samples();
    all.extend(of_labels());
    all.extend(of_histograms());
    all.extend(of_exemplars_and_metadata());
    all
}

fn of_samples() -> Vec<Case> {
    use FindingKind::*;
    vec![
        case("nothing", |_| {}, vec![]),
        case(
            "one sample lost",
            |d| lose(d, TEMPERATURE, 77..=77),
            vec![found(MissingSamples, TEMPERATURE, 1, 77)],
        ),
        case(
            "one of many alike lost",
            |d| lose(d, STILL, 77..=77),
            vec![found(MissingSamples, STILL, 1, 77)],
        ),
        case(
            "the sample on the window's first ms lost",
            |d| lose(d, TEMPERATURE, 0..=0),
            vec![found(MissingSamples, TEMPERATURE, 1, 0).cause("edge")],
        ),
        case(
            "the sample on the window's last ms lost",
            |d| lose(d, TEMPERATURE, 480..=480),
            vec![found(MissingSamples, TEMPERATURE, 1, 480).cause("edge")],
        ),
        case(
            "the end of a series lost",
            |d| lose(d, COUNTER, 371..=470),
            vec![found(MissingSamples, COUNTER, 100, 371)],
        ),
        case("an hour lost", |d| lose(d, STILL, 100..=339), vec![found(MissingSamples, STILL, 240, 100)]),
        case(
            "one sample too many",
            |d| d.series[TEMPERATURE].samples.push(Sample { timestamp: START + 9 * STEP + 400, value: 1.5 }),
            vec![Expected {
                first_ms: Some(START + 9 * STEP + 400),
                ..found(ExtraSamples, TEMPERATURE, 1, 9)
            }],
        ),
        case(
            "one sample 1 ms late",
            |d| at(d, TEMPERATURE, 77).timestamp += 1,
            vec![found(TimestampShifted, TEMPERATURE, 1, 77).shift(1).cause("rounded")],
        ),
        case(
            "one of many alike 1 ms early",
            |d| at(d, STILL, 77).timestamp -= 1,
            vec![found(TimestampShifted, STILL, 1, 77).shift(-1)],
        ),
        case(
            "a series 1 ms late",
            |d| d.series[LATE].samples.iter_mut().for_each(|sample| sample.timestamp += 1),
            vec![found(TimestampShifted, LATE, 101, 100).shift(1)],
        ),
        case(
            "a series an hour late",
            |d| d.series[LATE].samples.iter_mut().for_each(|sample| sample.timestamp += 3_600_000),
            vec![found(TimestampShifted, LATE, 101, 100).shift(3_600_000).cause("time zone")],
        ),
        case(
            "one bit of a mantissa",
            |d| {
                let sample = at(d, TEMPERATURE, 33);
                sample.value = f64::from_bits(sample.value.to_bits() ^ 1);
            },
            vec![found(ValueDiffers, TEMPERATURE, 1, 33).cause("rounding")],
        ),
        case("another value", |d| at(d, STILL, 33).value = 0.0, vec![found(ValueDiffers, STILL, 1, 33)]),
        case(
            "NaN for StaleNaN",
            |d| at(d, COUNTER, 199).value = f64::NAN,
            vec![found(StaleNan, COUNTER, 1, 199).cause("staleness marker")],
        ),
        case("StaleNaN for NaN", |d| at(d, SPECIAL, 10).value = STALE, vec![found(StaleNan, SPECIAL, 1, 10)]),
        case(
            "a number for StaleNaN",
            |d| at(d, COUNTER, 199).value = 597.0,
            vec![found(ValueDiffers, COUNTER, 1, 199)],
        ),
        case(
            "+Inf for a large value",
            |d| at(d, SPECIAL, 30).value = f64::INFINITY,
            vec![found(ValueDiffers, SPECIAL, 1, 30)],
        ),
        case(
            "+Inf for -Inf",
            |d| at(d, SPECIAL, 50).value = f64::INFINITY,
            vec![found(ValueDiffers, SPECIAL, 1, 50)],
        ),
        case("-0 for 0", |d| at(d, SPECIAL, 40).value = -0.0, vec![]),
        case(
            "a staleness marker lost",
            |d| lose(d, COUNTER, 199..=199),
            vec![found(MissingSamples, COUNTER, 1, 199).cause("staleness")],
        ),
        case(
            "two values of one time",
            |d| {
                let again = Sample { value: 7.5, ..*at(d, TEMPERATURE, 55) };
                d.series[TEMPERATURE].samples.push(again);
            },
            vec![found(DuplicateTimestamp, TEMPERATURE, 1, 55).cause("more than once")],
        ),
        case(
            "the same value twice",
            |d| {
                let again = *at(d, TEMPERATURE, 55);
                d.series[TEMPERATURE].samples.push(again);
            },
            vec![found(DuplicateTimestamp, TEMPERATURE, 1, 55).cause("more than once")],
        ),
        case(
            "values as 32-bit floats",
            |d| {
                d.series[TEMPERATURE]
                    .samples
                    .iter_mut()
                    .for_each(|sample| sample.value = f64::from(sample.value as f32))
            },
            vec![
                found(PrecisionLost, TEMPERATURE, inexact(|value| f64::from(value as f32)), 1)
                    .cause("32-bit"),
            ],
        ),
        case(
            "values with six digits",
            |d| {
                d.series[TEMPERATURE]
                    .samples
                    .iter_mut()
                    .for_each(|sample| sample.value = six_digits(sample.value))
            },
            vec![found(PrecisionLost, TEMPERATURE, inexact(six_digits), 1).cause("6 significant digits")],
        ),
    ]
}

fn six_digits(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap()
}

/// How many values of the temperature a format changes.
fn inexact(format: impl Fn(f64) -> f64) -> u64 {
    copy().series[TEMPERATURE].samples.iter().filter(|sample| format(sample.value) != sample.value).count()
        as u64
}

fn of_labels() -> Vec<Case> {
    use FindingKind::*;
    let renamed = |target: &str, word: &'static str| {
        vec![found(MissingSeries, LATE, 101, 100).cause(word), of(target, ExtraSeries, 101, 100).cause(word)]
    };
    vec![
        case("a series lost", |d| drop(d.series.remove(LATE)), vec![found(MissingSeries, LATE, 101, 100)]),
        case(
            "a series too many",
            |d| {
                let samples = samples(5..=9, |n| n as f64);
                d.series.push(Series {
                    labels: labels("mt_new", &[("job", "x")]),
                    samples,
                    ..Series::default()
                });
            },
            vec![of(r#"mt_new{job="x"}"#, ExtraSeries, 5, 5)],
        ),
        case(
            "a label added",
            |d| {
                let one = &mut d.series[LATE];
                let more = one.labels.iter().chain([("cluster", "eu")]);
                one.labels = Labels::from_pairs(more);
            },
            renamed(r#"mt_late{cluster="eu",job="late",pod="db-0"}"#, "one more label, `cluster=\"eu\"`"),
        ),
        case(
            "a label removed",
            |d| relabel(d, LATE, |name, value| if name == "pod" { None } else { keep(name, value) }),
            renamed(r#"mt_late{job="late"}"#, "without label `pod`"),
        ),
        case(
            "a label emptied",
            |d| relabel(d, LATE, |name, value| keep(name, if name == "pod" { "" } else { value })),
            renamed(r#"mt_late{job="late"}"#, "without label `pod`"),
        ),
        case(
            "a label renamed",
            |d| relabel(d, LATE, |name, value| keep(if name == "pod" { "host" } else { name }, value)),
            renamed(r#"mt_late{host="db-0",job="late"}"#, "`pod` renamed to `host`"),
        ),
        case(
            "a label's value changed",
            |d| relabel(d, LATE, |name, value| keep(name, if name == "pod" { "db-1" } else { value })),
            renamed(r#"mt_late{job="late",pod="db-1"}"#, "`pod` changed from \"db-0\" to \"db-1\""),
        ),
        case(
            "the name changed",
            |d| {
                relabel(d, LATE, |name, value| {
                    keep(name, if name == "__name__" { "mt_late_total" } else { value })
                })
            },
            renamed(r#"mt_late_total{job="late",pod="db-0"}"#, "changed from \"mt_late\""),
        ),
    ]
}

fn of_histograms() -> Vec<Case> {
    use FindingKind::*;
    const N: usize = 17;
    let differs = |series, field| vec![found(HistogramDiffers, series, 1, 4 * N as i64).field(field)];
    fn one(data: &mut Data, series: usize) -> &mut Histogram {
        &mut data.series[series].histograms[N]
    }
    vec![
        case("a bucket", |d| one(d, RPC).positive_deltas[2] += 1, differs(RPC, "positive_buckets")),
        case("a negative bucket", |d| one(d, RPC).negative_deltas[0] += 1, differs(RPC, "negative_buckets")),
        case("a float bucket", |d| one(d, WAIT).positive_counts[1] += 0.5, differs(WAIT, "positive_buckets")),
        case("a span", |d| one(d, RPC).positive_spans[1].offset += 1, differs(RPC, "positive_buckets")),
        case(
            "other spans of the same buckets",
            |d| {
                let histogram = one(d, RPC);
                let [a, b, c] = histogram.positive_deltas[..] else { unreachable!() };
                histogram.positive_spans = vec![BucketSpan { offset: 0, length: 5 }];
                histogram.positive_deltas = vec![a, b, -(a + b), 0, a + b + c];
            },
            vec![],
        ),
        case(
            "a reset hint",
            |d| one(d, RPC).reset_hint = 3,
            vec![found(HistogramDiffers, RPC, 1, 68).field("reset_hint").cause("reset hint")],
        ),
        case("a sum", |d| one(d, RPC).sum += 0.5, differs(RPC, "sum")),
        case("a count", |d| one(d, RPC).count = Some(Count::CountInt(1000)), differs(RPC, "count")),
        case(
            "a zero count",
            |d| one(d, RPC).zero_count = Some(ZeroCount::ZeroCountInt(3)),
            differs(RPC, "zero_count"),
        ),
        case("a zero threshold", |d| one(d, RPC).zero_threshold = 1e-64, differs(RPC, "zero_threshold")),
        case("a schema", |d| one(d, RPC).schema = 4, differs(RPC, "schema")),
        case("a bound", |d| one(d, BOUNDS).custom_values[1] = 2.6, differs(BOUNDS, "custom_values")),
        case(
            "floats for integers",
            |d| {
                let histogram = one(d, RPC);
                histogram.count = Some(Count::CountFloat(63.0));
                histogram.zero_count = Some(ZeroCount::ZeroCountFloat(1.0));
                histogram.positive_counts = vec![19.0, 21.0, 20.0];
                histogram.negative_counts = vec![2.0];
                histogram.positive_deltas.clear();
                histogram.negative_deltas.clear();
            },
            differs(RPC, "kind"),
        ),
        case("a stale histogram", |d| one(d, RPC).sum = STALE, differs(RPC, "staleness")),
        case(
            "several fields, as one observation more has them",
            |d| {
                let histogram = one(d, RPC);
                histogram.count = Some(Count::CountInt(64));
                histogram.sum += 0.5;
                histogram.positive_deltas[2] += 1;
            },
            differs(RPC, "count, sum, positive_buckets"),
        ),
        case(
            "a histogram lost",
            |d| drop(d.series[RPC].histograms.remove(N)),
            vec![found(MissingHistograms, RPC, 1, 68)],
        ),
        case(
            "a histogram too many",
            |d| d.series[RPC].histograms.push(integer(START + 70 * STEP, 17)),
            vec![found(ExtraHistograms, RPC, 1, 70)],
        ),
        case(
            "a histogram 1 ms late",
            |d| one(d, RPC).timestamp += 1,
            vec![found(TimestampShifted, RPC, 1, 68).shift(1)],
        ),
        case(
            "two histograms of one time",
            |d| {
                let again = Histogram { sum: 99.0, ..one(d, RPC).clone() };
                d.series[RPC].histograms.push(again);
            },
            vec![found(DuplicateTimestamp, RPC, 1, 68)],
        ),
    ]
}

fn of_exemplars_and_metadata() -> Vec<Case> {
    use FindingKind::*;
    fn second(data: &mut Data) -> &mut Exemplar {
        &mut data.series[REQUESTS].exemplars[1]
    }
    let differs = |kind| Expected { first_ms: Some(START + 600_007), ..found(kind, REQUESTS, 1, 0) };
    vec![
        case(
            "an exemplar's trace id",
            |d| second(d).labels = Labels::from_pairs([("trace_id", "other")]),
            vec![differs(ExemplarDiffers).field("labels")],
        ),
        case(
            "an exemplar's value",
            |d| second(d).value += 0.125,
            vec![differs(ExemplarDiffers).field("value")],
        ),
        case(
            "an exemplar's time",
            |d| second(d).timestamp += 1,
            vec![differs(ExemplarDiffers).field("timestamp").shift(1)],
        ),
        case(
            "an exemplar lost",
            |d| drop(d.series[REQUESTS].exemplars.remove(1)),
            vec![differs(MissingExemplars)],
        ),
        case(
            // tsink keeps one exemplar of a series and time.
            "an exemplar too many",
            |d| {
                let labels = Labels::from_pairs([("trace_id", "t9")]);
                let more = Exemplar { labels, timestamp: START + 700_000, ..second(d).clone() };
                d.series[REQUESTS].exemplars.push(more);
            },
            vec![Expected { first_ms: Some(START + 700_000), ..differs(ExtraExemplars) }],
        ),
        case("a help text", |d| d.metadata[0].help = "How cold it is.".to_owned(), vec![metadata("help")]),
        case("a type", |d| d.metadata[0].metric_type = MetricType::Counter, vec![metadata("type")]),
        case("a unit", |d| d.metadata[0].unit = "kelvin".to_owned(), vec![metadata("unit")]),
        case("metadata lost", |d| d.metadata.clear(), vec![metadata("").cause("has not sent it")]),
        simulated(
            "two fields of metadata",
            |d| (d.metadata[0].help, d.metadata[0].unit) = ("Heat.".to_owned(), String::new()),
            vec![metadata("help"), metadata("unit")],
        ),
    ]
}
