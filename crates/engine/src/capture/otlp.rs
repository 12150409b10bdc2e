//! OTLP metrics: one `ExportMetricsServiceRequest` a payload, normalised as tsink-server 0.10.2 does it (`otlp.rs`).
//!
//! Live, one refused data point takes its whole request with it. Here each point stands for itself, and a refused
//! exemplar is left out alone. Where a metric, a scope or a resource is refused as a whole, each of its points is,
//! for that reason; when it has none, it is listed once at its own place.
//!
//! Where specification, standard and server part:
//!
//! * The server numbers the fields of `HistogramDataPoint` otherwise than the standard: time 4, count 5, sum 6,
//!   `bucket_counts` 7, `explicit_bounds` 8, attributes 9, exemplars 10, flags 11, min 12, max 13. It cannot decode a
//!   standard histogram, and refuses the whole request. Here payloads are read by the standard, and become the
//!   series that the server makes of the same histogram in its own numbering ([`Shapes::standard_histograms`]).
//! * Points flagged `NO_RECORDED_VALUE` are refused, not skipped; so are exponential histograms, delta temporality,
//!   and sums and histograms without temporality.
//! * Histograms without buckets, which the standard allows, are refused: there must be one bucket more than bounds.
//! * The tenant header picks no tenant for the series: they get a label `__tenant_id` and land in tenant `default`.
//!   Metadata goes to the tenant of the header. Exemplars are accepted and counted, but no tenant's exemplar API ever
//!   shows them, because they lack the server's own tenant label; those that a backfill writes are shown.
//! * Start times, schema URLs and `Metric.metadata` are ignored. Times are cut to milliseconds.
//! * More than [`LIVE_EXEMPLARS`] exemplars are too many for one live request; here all are taken.
//! * A metric name of more than 65,535 bytes, escaped and with its suffix, is a `500` of the storage.
//! * A metric counts for the metadata of its payload when one of its points is taken; live, even one without points
//!   does.
//!
//! A payload of many millions of empty points, or one whose resource attributes are repeated into more than
//! [`MAX_LABEL_BYTES`] of labels, is refused with [`RefusalKind::TooLong`] as far as it goes beyond; the server
//! would try.

mod labels;
mod points;
mod proto;

use super::interner::Interner;
use super::{Family, Refusal, RefusalKind, Row, SeriesTable};
use crate::model::{Exemplar, MetricType};
use labels::{Pairs, attributes, escape, shortened, validate};
use proto::{Unfit, fields, merge, repeated};
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::cell::OnceCell;

/// How many exemplars tsink takes in one request by default (`max_exemplars_per_request`).
pub const LIVE_EXEMPLARS: usize = 512;

/// How many bytes of labels one payload may make. A batch of 8,192 new histograms of 15 buckets, with 20 labels each,
/// makes a quarter of that.
pub const MAX_LABEL_BYTES: usize = 1 << 30;

/// Longest metric name, in bytes (tsink's `MAX_METRIC_NAME_LEN`).
const MAX_METRIC_NAME: usize = 65_535;

/// Data points of each shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shapes {
    /// Gauge points that were taken.
    pub gauge: u64,
    /// Sum points that were taken.
    pub sum: u64,
    /// Histogram points that were taken.
    pub histogram: u64,
    /// Summary points that were taken.
    pub summary: u64,
    /// Histogram points that were met, taken or refused: tsink 0.10.2 cannot decode them live.
    pub standard_histograms: u64,
}

impl Shapes {
    /// All points that were taken.
    pub fn taken(&self) -> u64 {
        self.gauge + self.sum + self.histogram + self.summary
    }
}

/// What one `ExportMetricsServiceRequest` becomes. Reused from payload to payload (cleared by the caller).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OtlpOut {
    /// Samples in the server's order: by resource, scope, metric and point; of a histogram the buckets, count, sum,
    /// min, max; of a summary the quantiles, count, sum.
    pub rows: Vec<Row>,
    /// Exemplars, each with its series number. A histogram's belong to the series of the bare metric name, which has
    /// no samples.
    pub exemplars: Vec<(u32, Exemplar)>,
    /// What was refused and where, e.g. `resource 0 scope 1 metric 2 (http.duration) point 3`; an exemplar's place
    /// ends in `exemplar 0`. Live, each of these would have refused the whole request.
    pub refused: Vec<(String, Refusal)>,
    /// Metrics without data points, which tsink notes all the same.
    pub families: Vec<Family>,
    /// Points that were taken, by shape.
    pub shapes: Shapes,
    /// All data points met, taken or refused.
    pub points: u64,
}

impl OtlpOut {
    /// Makes it empty and keeps its room.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.exemplars.clear();
        self.refused.clear();
        self.families.clear();
        self.shapes = Shapes::default();
        self.points = 0;
    }
}

/// Reads the payloads of a recording.
#[derive(Debug)]
pub struct Otlp {
    tenant: String,
    shared: Shared,
    keys: Keys,
}

/// Resources and scopes seen so far.
#[derive(Debug, Default)]
struct Shared {
    resources: Interner,
    resource_labels: Vec<Result<Pairs, Refusal>>,
    scopes: Interner,
    scope_labels: Vec<Result<Pairs, Refusal>>,
}

/// Numbers and buffers that series are looked up with.
#[derive(Debug, Default)]
struct Keys {
    metrics: Interner,
    points: Interner,
    key: Vec<u8>,
    counts: Vec<u64>,
    bounds: Vec<u64>,
    quantiles: Vec<(f64, f64)>,
}

impl Otlp {
    /// A reader for payloads that go to `tenant`; its name becomes the label `__tenant_id`.
    pub fn new(tenant: &str) -> Self {
        Self { tenant: tenant.to_owned(), shared: Shared::default(), keys: Keys::default() }
    }

    /// `payload`: one `ExportMetricsServiceRequest`, protobuf, uncompressed. Appends to `out`.
    ///
    /// # Errors
    /// What is no such message, with the byte where it breaks ([`RefusalKind::Syntax`]), or has many millions of
    /// points ([`RefusalKind::TooLong`]). Nothing of it is in `out` then.
    pub fn payload(
        &mut self,
        payload: &[u8],
        table: &mut SeriesTable,
        out: &mut OtlpOut,
    ) -> Result<(), Refusal> {
        proto::check(payload).map_err(|unfit| match unfit {
            Unfit::Malformed(error) => {
                Refusal::new(RefusalKind::Syntax, format!("invalid OTLP protobuf body: {error}"))
            }
            Unfit::TooMany => Refusal::new(
                RefusalKind::TooLong,
                format!("more than {} data points, exemplars and quantiles", proto::MAX_ITEMS),
            ),
        })?;
        let Self { tenant, shared, keys } = self;
        let mut run = Run { tenant, keys, table, out, families: FxHashMap::default(), label_bytes: 0 };
        for (resource_at, resource_metrics) in repeated(payload, 1).enumerate() {
            let mut resource = None;
            repeated(resource_metrics, 1).for_each(|part| merge(&mut resource, part));
            let resource = shared.resource(&resource.unwrap_or_default());
            let mut scopes = 0;
            for (scope_at, scope_metrics) in repeated(resource_metrics, 2).enumerate() {
                let mut scope = None;
                repeated(scope_metrics, 1).for_each(|part| merge(&mut scope, part));
                let scope = shared.scope(resource, &scope.unwrap_or_default());
                run.scope(resource_at, scope_at, scope_metrics, scope, shared.labels(resource, scope));
                scopes += 1;
            }
            if scopes == 0
                && let Some(Err(refusal)) = shared.resource_labels.get(resource as usize)
            {
                run.out.refused.push((format!("resource {resource_at}"), refusal.clone()));
            }
        }
        Ok(())
    }
}

impl Shared {
    /// Number of an encoded `Resource`.
    fn resource(&mut self, message: &[u8]) -> u32 {
        let number = self.resources.intern(message).0;
        if number as usize == self.resource_labels.len() {
            self.resource_labels.push(resource_labels(message));
        }
        number
    }

    /// Number of an encoded `InstrumentationScope` in a resource.
    fn scope(&mut self, resource: u32, message: &[u8]) -> u32 {
        let number = self.scopes.intern(&[&resource.to_le_bytes(), message].concat()).0;
        if number as usize == self.scope_labels.len() {
            self.scope_labels.push(scope_labels(message));
        }
        number
    }

    /// The labels of a resource and of a scope in it, or why one of them is refused.
    fn labels(&self, resource: u32, scope: u32) -> Result<[&Pairs; 2], &Refusal> {
        match (self.resource_labels.get(resource as usize), self.scope_labels.get(scope as usize)) {
            (Some(Err(refusal)), _) | (_, Some(Err(refusal))) => Err(refusal),
            (Some(Ok(resource)), Some(Ok(scope))) => Ok([resource, scope]),
            // Both were numbered above.
            _ => Ok([const { &Vec::new() }; 2]),
        }
    }
}

fn resource_labels(message: &[u8]) -> Result<Pairs, Refusal> {
    let mut labels = Vec::new();
    attributes(repeated(message, 1), "resource_", &mut labels)?;
    dropped(message, 2, "otel_resource_dropped_attributes_count", &mut labels);
    validate(&labels)?;
    Ok(labels)
}

fn scope_labels(message: &[u8]) -> Result<Pairs, Refusal> {
    let mut labels = Vec::new();
    attributes(repeated(message, 3), "scope_", &mut labels)?;
    for (number, label) in [(1, "otel_scope_name"), (2, "otel_scope_version")] {
        let text =
            fields(message).filter(|field| field.0 == number).last().map_or("", |(_, text)| text.text());
        if !text.is_empty() {
            labels.push((label.to_owned(), text.to_owned()));
        }
    }
    dropped(message, 4, "otel_scope_dropped_attributes_count", &mut labels);
    validate(&labels)?;
    Ok(labels)
}

/// How many attributes a resource or scope says it has left out; a label unless it is 0.
fn dropped(message: &[u8], number: u32, label: &str, labels: &mut Pairs) {
    let count =
        fields(message).filter(|field| field.0 == number).last().map_or(0, |(_, count)| count.number());
    if count as u32 > 0 {
        labels.push((label.to_owned(), (count as u32).to_string()));
    }
}

/// What of a payload is under way.
struct Run<'a, 'p> {
    tenant: &'a str,
    keys: &'a mut Keys,
    table: &'a mut SeriesTable,
    out: &'a mut OtlpOut,
    /// Type, help and unit of the metrics of this payload that have a point taken.
    families: FxHashMap<&'p str, Meaning<'p>>,
    label_bytes: usize,
}

type Meaning<'p> = (MetricType, &'p str, &'p str);

/// The shapes that tsink takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Gauge,
    Sum,
    Histogram,
    Summary,
}

/// A metric whose points are under way.
struct Metric<'m> {
    /// Indices of resource, scope and metric.
    at: [usize; 3],
    name: &'m str,
    meaning: Meaning<'m>,
    shape: Shape,
    shared: [&'m Pairs; 2],
    /// Labels that come with the shape.
    extra: &'static [(&'static str, &'static str)],
    /// Number of all this, points aside.
    number: u32,
    escaped: OnceCell<String>,
}

impl Metric<'_> {
    fn escaped(&self) -> &str {
        self.escaped.get_or_init(|| {
            let mut out = String::new();
            escape(self.name, &mut out);
            out
        })
    }

    fn family(&self) -> Family {
        let (kind, help, unit) = self.meaning;
        Family { name: self.escaped().to_owned(), kind, help: help.to_owned(), unit: unit.to_owned() }
    }
}

/// A `Metric` message; of a repeated `data` the last shape counts.
#[derive(Default)]
struct Message<'p> {
    name: &'p str,
    help: &'p str,
    unit: &'p str,
    data: Option<(u32, Option<Cow<'p, [u8]>>)>,
}

impl<'p> Message<'p> {
    fn new(message: &'p [u8]) -> Self {
        let mut out = Self::default();
        for (number, value) in fields(message) {
            match number {
                1 => out.name = value.text(),
                2 => out.help = value.text(),
                3 => out.unit = value.text(),
                5 | 7 | 9 | 10 | 11 => {
                    let mut data = match out.data.take() {
                        Some((before, data)) if before == number => data,
                        _ => None,
                    };
                    merge(&mut data, value.bytes());
                    out.data = Some((number, data));
                }
                _ => {}
            }
        }
        out
    }
}

const SUM_LABELS: &[(&str, &str)] = &[("otel_metric_kind", "sum"), ("otel_temporality", "cumulative")];
const UP_AND_DOWN_LABELS: &[(&str, &str)] =
    &[("otel_metric_kind", "sum"), ("otel_monotonic", "false"), ("otel_temporality", "cumulative")];
const HISTOGRAM_LABELS: &[(&str, &str)] =
    &[("otel_metric_kind", "histogram"), ("otel_temporality", "cumulative")];
const SUMMARY_LABELS: &[(&str, &str)] = &[("otel_metric_kind", "summary")];

impl<'p> Run<'_, 'p> {
    /// Takes the metrics of a scope.
    fn scope(
        &mut self,
        resource_at: usize,
        scope_at: usize,
        message: &'p [u8],
        scope: u32,
        labels: Result<[&Pairs; 2], &Refusal>,
    ) {
        let mut metrics = 0;
        for (metric_at, metric) in repeated(message, 2).enumerate() {
            let metric = Message::new(metric);
            let at = [resource_at, scope_at, metric_at];
            metrics += 1;
            let result =
                labels.map_err(Refusal::clone).and_then(|shared| self.metric(at, &metric, scope, shared));
            if let Err(refusal) = result {
                self.refuse_metric(at, &metric, &refusal);
            }
        }
        if metrics == 0
            && let Err(refusal) = labels
        {
            self.out.refused.push((format!("resource {resource_at} scope {scope_at}"), refusal.clone()));
        }
    }

    /// Takes the points of a metric, or says why it is refused as a whole. In the server's order of reasons.
    fn metric(
        &mut self,
        at: [usize; 3],
        message: &Message<'p>,
        scope: u32,
        shared: [&Pairs; 2],
    ) -> Result<(), Refusal> {
        let &Message { name, help, unit, ref data } = message;
        let shown = shortened(name);
        if name.is_empty() {
            return Err(Refusal::new(RefusalKind::Name, "metric name must not be empty"));
        }
        let Some((number, data)) = data else {
            let text = format!("metric '{shown}' is missing a supported OTLP data payload");
            return Err(Refusal::new(RefusalKind::MissingValue, text));
        };
        let data = data.as_deref().unwrap_or_default();
        let last =
            |field| fields(data).filter(|(number, _)| *number == field).last().map_or(0, |(_, v)| v.number());
        let (kind, shape, extra) = match number {
            5 => (MetricType::Gauge, Shape::Gauge, &[][..]),
            7 if last(3) != 0 => (MetricType::Counter, Shape::Sum, SUM_LABELS),
            7 => (MetricType::Gauge, Shape::Sum, UP_AND_DOWN_LABELS),
            9 => (MetricType::Histogram, Shape::Histogram, HISTOGRAM_LABELS),
            11 => (MetricType::Summary, Shape::Summary, SUMMARY_LABELS),
            _ => {
                let text = format!(
                    "metric '{shown}' uses exponential histograms, which are not supported by /v1/metrics yet"
                );
                return Err(Refusal::new(RefusalKind::ExponentialHistogram, text));
            }
        };
        let meaning = (kind, help, unit);
        if self.families.get(name).is_some_and(|before| *before != meaning) {
            let name = written(name);
            let text = format!("OTLP payload defines conflicting metadata for metric family '{name}'");
            return Err(Refusal::new(RefusalKind::MetadataConflict, text));
        }
        if matches!(shape, Shape::Sum | Shape::Histogram) {
            let plural = if shape == Shape::Sum { "sums" } else { "histograms" };
            cumulative(last(2) as i32, name, plural)?;
        }
        let suffix = match shape {
            Shape::Gauge | Shape::Sum => "",
            Shape::Histogram => "_bucket",
            Shape::Summary => "_count",
        };
        let escaped = OnceCell::new();
        // A name only grows when it is escaped, at most fivefold.
        if name.len().saturating_mul(5) + suffix.len() > MAX_METRIC_NAME {
            let mut long = String::new();
            if name.len() <= MAX_METRIC_NAME {
                escape(name, &mut long);
            }
            let length = long.len().max(name.len()) + suffix.len();
            if length > MAX_METRIC_NAME {
                let text = format!("metric name too long: {length} bytes (max {MAX_METRIC_NAME})");
                return Err(Refusal::new(RefusalKind::Name, text));
            }
            escaped.get_or_init(|| long);
        }
        let key = &mut self.keys.key;
        key.clear();
        key.extend_from_slice(&scope.to_le_bytes());
        key.extend_from_slice(&[*number as u8, kind as u8]);
        for text in [name, help, unit] {
            key.extend_from_slice(&(text.len() as u32).to_le_bytes());
            key.extend_from_slice(text.as_bytes());
        }
        let number = self.keys.metrics.intern(key).0;
        let metric = Metric { at, name, meaning, shape, shared, extra, number, escaped };
        let before = self.out.shapes.taken();
        self.points(&metric, data);
        if self.out.shapes.taken() > before {
            self.families.insert(name, meaning);
        } else if repeated(data, 1).next().is_none() {
            // tsink notes what it is told of a metric, whether or not there are points of it.
            self.families.insert(name, meaning);
            self.out.families.push(Family {
                name: {
                    let mut whole = String::new();
                    escape(name, &mut whole);
                    whole
                },
                kind,
                help: help.to_owned(),
                unit: unit.to_owned(),
            });
        }
        Ok(())
    }

    /// Refuses each point of a metric for the metric's reason.
    fn refuse_metric(&mut self, at: [usize; 3], message: &Message<'_>, refusal: &Refusal) {
        let (number, data) = message
            .data
            .as_ref()
            .map_or((0, &[][..]), |(number, data)| (*number, data.as_deref().unwrap_or_default()));
        let mut points = 0;
        for _ in repeated(data, 1) {
            self.out.refused.push((place(at, message.name, Some(points)), refusal.clone()));
            points += 1;
        }
        if points == 0 {
            self.out.refused.push((place(at, message.name, None), refusal.clone()));
        }
        self.out.points += points as u64;
        self.out.shapes.standard_histograms += if number == 9 { points as u64 } else { 0 };
    }
}

fn cumulative(temporality: i32, name: &str, plural: &str) -> Result<(), Refusal> {
    let found = match temporality {
        2 => return Ok(()),
        0 => "Unspecified",
        1 => "Delta",
        other => {
            let name = written(name);
            let text = format!("metric '{name}' has unsupported aggregation temporality {other}");
            return Err(Refusal::new(RefusalKind::Temporality, text));
        }
    };
    let name = written(name);
    let text = format!(
        "metric '{name}' uses {found} temporality, but /v1/metrics currently accepts OTLP {plural} only with \
         cumulative temporality"
    );
    Err(Refusal::new(RefusalKind::Temporality, text))
}

/// A metric's name as tsink writes it, to be shown.
fn written(name: &str) -> String {
    let mut out = String::new();
    escape(&shortened(name), &mut out);
    out
}

/// Where in a payload something is.
fn place([resource, scope, metric]: [usize; 3], name: &str, point: Option<usize>) -> String {
    let point = point.map_or_else(String::new, |point| format!(" point {point}"));
    format!("resource {resource} scope {scope} metric {metric} ({}){point}", shortened(name))
}
