//! Data points and their exemplars.

use super::labels::{Pairs, attributes, hexadecimal, validate};
use super::proto::{fields, repeated};
use super::{MAX_LABEL_BYTES, Metric, Run, Shape, place};
use crate::capture::{Described, Refusal, RefusalKind, Row};
use crate::model::{Exemplar, Labels, Millis};

/// The flag of a point that says that there is no value (`DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK`).
const NO_RECORDED_VALUE: u32 = 1;

/// What of a point a series is.
#[derive(Clone, Copy)]
enum Role {
    /// The metric's own name.
    Plain,
    /// A histogram's bucket up to a bound.
    Bucket(f64),
    /// A histogram's last bucket.
    LastBucket,
    /// A summary's quantile.
    Quantile(f64),
    Count,
    Sum,
    Min,
    Max,
}

impl Role {
    /// Stands for the role in a key.
    fn bytes(self) -> [u8; 9] {
        let (number, bits) = match self {
            Self::Plain => (0, 0),
            Self::Bucket(bound) => (1, bound.to_bits()),
            Self::LastBucket => (2, 0),
            Self::Quantile(quantile) => (3, quantile.to_bits()),
            Self::Count => (4, 0),
            Self::Sum => (5, 0),
            Self::Min => (6, 0),
            Self::Max => (7, 0),
        };
        let [a, b, c, d, e, f, g, h] = bits.to_le_bytes();
        [number, a, b, c, d, e, f, g, h]
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::Plain | Self::Quantile(_) => "",
            Self::Bucket(_) | Self::LastBucket => "_bucket",
            Self::Count => "_count",
            Self::Sum => "_sum",
            Self::Min => "_min",
            Self::Max => "_max",
        }
    }

    fn label(self) -> Option<(&'static str, String)> {
        match self {
            Self::Bucket(bound) => Some(("le", bound.to_string())),
            Self::LastBucket => Some(("le", "+Inf".to_owned())),
            Self::Quantile(quantile) => Some(("quantile", quantile.to_string())),
            _ => None,
        }
    }
}

/// Where a point's attributes are, and the labels that they make once these were needed.
struct Point<'m> {
    message: &'m [u8],
    attributes: u32,
    /// With what they weigh.
    labels: Option<(Pairs, usize)>,
}

impl<'m> Point<'m> {
    fn new(message: &'m [u8], attributes: u32) -> Self {
        Self { message, attributes, labels: None }
    }

    /// The labels of resource, scope and point, and the tenant's; sorted.
    fn labels(
        &mut self,
        metric: &Metric<'_>,
        tenant: &str,
        label_bytes: &mut usize,
    ) -> Result<&Pairs, Refusal> {
        if self.labels.is_none() {
            charge(label_bytes, metric.shared.into_iter().map(weight).sum())?;
            let mut labels: Pairs = metric.shared.iter().flat_map(|labels| labels.iter().cloned()).collect();
            attributes(repeated(self.message, self.attributes), "", &mut labels)?;
            labels.push(("__tenant_id".to_owned(), tenant.to_owned()));
            validate(&labels)?;
            crate::order::sort(&mut labels);
            let (_, help, unit) = metric.meaning;
            let weight = weight(&labels) + help.len() + unit.len();
            self.labels = Some((labels, weight));
        }
        let (labels, weight) = self.labels.get_or_insert_default();
        charge(label_bytes, *weight)?;
        Ok(labels)
    }

    /// The series of a role.
    fn describe(
        &mut self,
        metric: &Metric<'_>,
        tenant: &str,
        role: Role,
        label_bytes: &mut usize,
    ) -> Result<Described, Refusal> {
        let own = self.labels(metric, tenant, label_bytes)?;
        let mut labels = Vec::with_capacity(own.len() + metric.extra.len() + 2);
        labels.extend_from_slice(own);
        let extra = metric.extra.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let name = ("__name__", format!("{}{}", metric.escaped(), role.suffix()));
        for (name, value) in extra.chain(role.label()).chain([name]) {
            match labels.binary_search_by(|(other, _)| other.as_str().cmp(name)) {
                Ok(_) => {
                    let text = format!("contains duplicate label '{name}'");
                    return Err(Refusal::new(RefusalKind::Label, text));
                }
                Err(at) => labels.insert(at, (name.to_owned(), value)),
            }
        }
        Ok(Described { labels: Labels::from_pairs(labels), family: metric.family() })
    }
}

/// About how many bytes labels take up.
fn weight(labels: &Pairs) -> usize {
    labels.iter().map(|(name, value)| name.len() + value.len() + 2 * size_of::<String>()).sum()
}

fn charge(label_bytes: &mut usize, more: usize) -> Result<(), Refusal> {
    *label_bytes = label_bytes.saturating_add(more);
    if *label_bytes <= MAX_LABEL_BYTES {
        return Ok(());
    }
    let text = format!("the payload makes more than {MAX_LABEL_BYTES} bytes of labels");
    Err(Refusal::new(RefusalKind::TooLong, text))
}

impl Run<'_, '_> {
    /// Takes the points of a metric, or says of each why it is refused.
    pub(super) fn points(&mut self, metric: &Metric<'_>, data: &[u8]) {
        for (at, message) in repeated(data, 1).enumerate() {
            let rows = self.out.rows.len();
            self.out.points += 1;
            let result = match metric.shape {
                Shape::Gauge | Shape::Sum => self.number(metric, at, message),
                Shape::Histogram => self.histogram(metric, at, message),
                Shape::Summary => self.summary(metric, message),
            };
            let shapes = &mut self.out.shapes;
            shapes.standard_histograms += u64::from(metric.shape == Shape::Histogram);
            match result {
                Ok(()) => match metric.shape {
                    Shape::Gauge => shapes.gauge += 1,
                    Shape::Sum => shapes.sum += 1,
                    Shape::Histogram => shapes.histogram += 1,
                    Shape::Summary => shapes.summary += 1,
                },
                Err(refusal) => {
                    self.out.rows.truncate(rows);
                    self.out.refused.push((place(metric.at, metric.name, Some(at)), refusal));
                }
            }
        }
    }

    /// A gauge's or sum's point.
    fn number(&mut self, metric: &Metric<'_>, at: usize, message: &[u8]) -> Result<(), Refusal> {
        let (mut time, mut flags, mut value, mut exemplars) = (0, 0, None, false);
        let key = &mut self.keys.key;
        key.clear();
        key.push(0);
        key.extend_from_slice(&metric.number.to_le_bytes());
        for (number, field) in fields(message) {
            match number {
                3 => time = field.number(),
                4 => value = Some(field.double()),
                5 => exemplars = true,
                6 => value = Some(field.number() as i64 as f64),
                7 => put(key, field.bytes()),
                8 => flags = field.number() as u32,
                _ => {}
            }
        }
        check_flags(flags)?;
        let at_ms = millis(time)?;
        let value = value.ok_or_else(missing_value)?;
        let mut point = Point::new(message, 7);
        let label_bytes = &mut self.label_bytes;
        let series =
            self.table.number(key, || point.describe(metric, self.tenant, Role::Plain, label_bytes))?;
        self.out.rows.push(Row { series, at: at_ms, value });
        if exemplars {
            let found = self.exemplars(metric, at, repeated(message, 5));
            self.out.exemplars.extend(found.into_iter().map(|exemplar| (series, exemplar)));
        }
        Ok(())
    }

    /// A histogram's point, by the standard's numbering.
    fn histogram(&mut self, metric: &Metric<'_>, at: usize, message: &[u8]) -> Result<(), Refusal> {
        let (mut time, mut flags, mut count, mut exemplars) = (0, 0, 0, false);
        let (mut sum, mut min, mut max) = (None, None, None);
        let key = &mut self.keys.key;
        key.clear();
        key.extend_from_slice(&metric.number.to_le_bytes());
        // Taken out while they are filled and read; put back for the next point.
        let mut counts = std::mem::take(&mut self.keys.counts);
        let mut bounds = std::mem::take(&mut self.keys.bounds);
        counts.clear();
        bounds.clear();
        for (number, field) in fields(message) {
            match number {
                3 => time = field.number(),
                4 => count = field.number(),
                5 => sum = Some(field.double()),
                6 => field.words(&mut counts),
                7 => field.words(&mut bounds),
                8 => exemplars = true,
                9 => put(key, field.bytes()),
                10 => flags = field.number() as u32,
                11 => min = Some(field.double()),
                12 => max = Some(field.double()),
                _ => {}
            }
        }
        let mut rest = [Some((Role::Count, count as f64)), None, None, None];
        for (slot, (role, value)) in
            rest.iter_mut().skip(1).zip([(Role::Sum, sum), (Role::Min, min), (Role::Max, max)])
        {
            *slot = value.map(|value| (role, value));
        }
        let mut point = Point::new(message, 9);
        let result = check_flags(flags)
            .and_then(|()| millis(time))
            .and_then(|at_ms| self.buckets(metric, &mut point, at_ms, &counts, &bounds, &rest));
        self.keys.counts = counts;
        self.keys.bounds = bounds;
        let number = result?;
        if exemplars {
            let found = self.exemplars(metric, at, repeated(message, 8));
            if !found.is_empty() {
                let series = self.series(metric, &mut point, number, Role::Plain)?;
                self.out.exemplars.extend(found.into_iter().map(|exemplar| (series, exemplar)));
            }
        }
        Ok(())
    }

    /// The samples of a histogram's point; gives the point's number. The buffer has the point's key.
    fn buckets(
        &mut self,
        metric: &Metric<'_>,
        point: &mut Point<'_>,
        at: Millis,
        counts: &[u64],
        bounds: &[u64],
        rest: &[Option<(Role, f64)>],
    ) -> Result<u32, Refusal> {
        if bounds.len() + 1 != counts.len() {
            let text = format!(
                "has {} explicit bounds but {} bucket counts; expected bucket_counts = explicit_bounds + 1",
                bounds.len(),
                counts.len()
            );
            return Err(Refusal::new(RefusalKind::Buckets, text));
        }
        let roles = bounds.iter().map(|bits| Role::Bucket(f64::from_bits(*bits))).chain([Role::LastBucket]);
        if let Some(bad) = bounds.iter().position(|bits| !f64::from_bits(*bits).is_finite()) {
            self.first_series(metric, point, bad, roles.clone().next())?;
            let text = format!("bucket bound index {bad} must be finite");
            return Err(Refusal::new(RefusalKind::Buckets, text));
        }
        let number = self.keys.points.intern(&self.keys.key).0;
        let mut cumulative = 0.0;
        for (role, count) in roles.zip(counts) {
            cumulative += *count as f64;
            self.row(metric, point, number, role, at, cumulative)?;
        }
        for (role, value) in rest.iter().flatten() {
            self.row(metric, point, number, *role, at, *value)?;
        }
        Ok(number)
    }

    /// A summary's point.
    fn summary(&mut self, metric: &Metric<'_>, message: &[u8]) -> Result<(), Refusal> {
        let (mut time, mut flags, mut count, mut sum) = (0, 0, 0, 0.0);
        let key = &mut self.keys.key;
        key.clear();
        key.extend_from_slice(&metric.number.to_le_bytes());
        for (number, field) in fields(message) {
            match number {
                3 => time = field.number(),
                4 => count = field.number(),
                5 => sum = field.double(),
                7 => put(key, field.bytes()),
                8 => flags = field.number() as u32,
                _ => {}
            }
        }
        check_flags(flags)?;
        let at = millis(time)?;
        let mut point = Point::new(message, 7);
        let quantiles = repeated(message, 6).map(|quantile| {
            fields(quantile).fold((0.0, 0.0), |(quantile, value), (number, field)| match number {
                1 => (field.double(), value),
                2 => (quantile, field.double()),
                _ => (quantile, value),
            })
        });
        let mut all = std::mem::take(&mut self.keys.quantiles);
        all.clear();
        all.extend(quantiles);
        let result =
            self.quantiles(metric, &mut point, at, &all, [(Role::Count, count as f64), (Role::Sum, sum)]);
        self.keys.quantiles = all;
        result
    }

    /// The samples of a summary's point. The buffer has the point's key.
    fn quantiles(
        &mut self,
        metric: &Metric<'_>,
        point: &mut Point<'_>,
        at: Millis,
        quantiles: &[(f64, f64)],
        rest: [(Role, f64); 2],
    ) -> Result<(), Refusal> {
        let roles = quantiles.iter().map(|(quantile, value)| (Role::Quantile(*quantile), *value));
        if let Some(bad) = quantiles.iter().position(|(quantile, _)| !(0.0..=1.0).contains(quantile)) {
            self.first_series(metric, point, bad, roles.clone().next().map(|(role, _)| role))?;
            let text = format!("quantile index {bad} must be between 0 and 1 inclusive");
            return Err(Refusal::new(RefusalKind::Buckets, text));
        }
        let number = self.keys.points.intern(&self.keys.key).0;
        for (role, value) in roles.chain(rest) {
            self.row(metric, point, number, role, at, value)?;
        }
        Ok(())
    }

    /// Whether the point's labels, and those of its first series when that is fine by itself, are refused: the
    /// server looks at these before it meets item `bad`. No series is kept of it.
    fn first_series(
        &mut self,
        metric: &Metric<'_>,
        point: &mut Point<'_>,
        bad: usize,
        first: Option<Role>,
    ) -> Result<(), Refusal> {
        match first {
            Some(role) if bad > 0 => {
                point.describe(metric, self.tenant, role, &mut self.label_bytes).map(drop)
            }
            _ => point.labels(metric, self.tenant, &mut self.label_bytes).map(drop),
        }
    }

    fn row(
        &mut self,
        metric: &Metric<'_>,
        point: &mut Point<'_>,
        number: u32,
        role: Role,
        at: Millis,
        value: f64,
    ) -> Result<(), Refusal> {
        let series = self.series(metric, point, number, role)?;
        self.out.rows.push(Row { series, at, value });
        Ok(())
    }

    /// Number of a series of a point that has many.
    fn series(
        &mut self,
        metric: &Metric<'_>,
        point: &mut Point<'_>,
        number: u32,
        role: Role,
    ) -> Result<u32, Refusal> {
        let mut key = [1; 14];
        let parts = [1].into_iter().chain(number.to_le_bytes()).chain(role.bytes());
        key.iter_mut().zip(parts).for_each(|(slot, byte)| *slot = byte);
        let label_bytes = &mut self.label_bytes;
        self.table.number(&key, || point.describe(metric, self.tenant, role, label_bytes))
    }

    /// The exemplars that are taken; the others are listed.
    fn exemplars<'m>(
        &mut self,
        metric: &Metric<'_>,
        point: usize,
        messages: impl Iterator<Item = &'m [u8]>,
    ) -> Vec<Exemplar> {
        let mut taken = Vec::new();
        for (at, message) in messages.enumerate() {
            match exemplar(message) {
                Ok(exemplar) => taken.push(exemplar),
                Err(refusal) => {
                    let place = format!("{} exemplar {at}", place(metric.at, metric.name, Some(point)));
                    self.out.refused.push((place, refusal));
                }
            }
        }
        taken
    }
}

fn exemplar(message: &[u8]) -> Result<Exemplar, Refusal> {
    let (mut time, mut value, mut span, mut trace) = (0, None, &[][..], &[][..]);
    for (number, field) in fields(message) {
        match number {
            2 => time = field.number(),
            3 => value = Some(field.double()),
            4 => span = field.bytes(),
            5 => trace = field.bytes(),
            6 => value = Some(field.number() as i64 as f64),
            _ => {}
        }
    }
    let timestamp = millis(time)?;
    let value = value.ok_or_else(missing_value)?;
    let mut labels = Vec::new();
    attributes(repeated(message, 7), "", &mut labels)?;
    for (name, id) in [("trace_id", trace), ("span_id", span)] {
        if !id.is_empty() {
            labels.push((name.to_owned(), hexadecimal(id)));
        }
    }
    validate(&labels)?;
    Ok(Exemplar { labels: Labels::from_pairs(labels), value, timestamp })
}

/// Appends an attribute to a key, so that no two lists of attributes make the same key.
fn put(key: &mut Vec<u8>, attribute: &[u8]) {
    key.extend_from_slice(&(attribute.len() as u32).to_le_bytes());
    key.extend_from_slice(attribute);
}

fn check_flags(flags: u32) -> Result<(), Refusal> {
    let text = match flags {
        0 => return Ok(()),
        _ if flags & NO_RECORDED_VALUE != 0 => {
            "uses DataPointFlags.NO_RECORDED_VALUE, which /v1/metrics does not support".to_owned()
        }
        _ => format!("contains unsupported OTLP data point flags value {flags}"),
    };
    Err(Refusal::new(RefusalKind::Flags, text))
}

/// Unix time in ns as ms, cut as the server cuts it.
fn millis(nanos: u64) -> Result<Millis, Refusal> {
    if nanos == 0 {
        let text = "timestamp must be a non-zero Unix nanosecond value";
        return Err(Refusal::new(RefusalKind::Timestamp, text));
    }
    Ok((nanos / 1_000_000) as Millis)
}

fn missing_value() -> Refusal {
    Refusal::new(RefusalKind::MissingValue, "is missing an integer or double value")
}
