//! Source and target over each other, as geometry: an excerpt in, places in per cent of the drawing out.

use std::collections::{BTreeMap, BTreeSet};
use tsink_migrate_engine::model::Millis;
use tsink_migrate_engine::report::{Excerpt, ExcerptPoint};

/// Times drawn at most. The engine gives some dozen; a file may hold anything.
pub const MOST: usize = 200;
/// Left and right edge of the times, in per cent.
const SIDES: (f64, f64) = (2.0, 98.0);
/// Top and bottom of the numbers.
const PLOT: (f64, f64) = (10.0, 90.0);
/// The same where some values are no numbers.
const PLOT_ABOVE_LANE: (f64, f64) = (10.0, 74.0);
/// Where infinities stand.
const HIGH: f64 = 4.0;
const LOW: f64 = 80.0;
/// Where values stand that have no height.
const LANE: f64 = 92.0;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// A finite number.
    Number(f64),
    /// An ordinary NaN.
    Nan,
    /// A staleness marker.
    Stale,
    /// `+Inf`.
    High,
    /// `-Inf`.
    Low,
    /// A text that is no value.
    Other,
}

impl Shape {
    /// Of a value as findings write it.
    pub fn of(value: &str) -> Self {
        match value.trim() {
            "StaleNaN" => Self::Stale,
            text => match text.parse::<f64>() {
                Ok(number) if number.is_nan() => Self::Nan,
                Ok(number) if number.is_finite() => Self::Number(number),
                Ok(number) if number > 0.0 => Self::High,
                Ok(_) => Self::Low,
                Err(_) => Self::Other,
            },
        }
    }
}

/// A value in the drawing.
#[derive(Clone, Debug, PartialEq)]
pub struct Dot {
    /// As written.
    pub value: String,
    /// What it is.
    pub shape: Shape,
    /// Height, in per cent from the top.
    pub y: f64,
}

/// Everything at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Unix ms.
    pub at_ms: Millis,
    /// Place, in per cent from the left.
    pub x: f64,
    /// The source's values; more than one where a timestamp is repeated.
    pub source: Vec<Dot>,
    /// The target's.
    pub target: Vec<Dot>,
    /// Whether the sides differ here.
    pub differs: bool,
}

/// The drawing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picture {
    /// Times in order.
    pub columns: Vec<Column>,
    /// Times that are not drawn.
    pub omitted: usize,
    /// Largest and smallest number, if there is any.
    pub range: Option<(f64, f64)>,
    /// The source's line, as a path in a square of 100.
    pub source: String,
    /// The target's line.
    pub target: String,
    /// From where to where the sides differ, in per cent.
    pub bands: Vec<(f64, f64)>,
}

impl Picture {
    /// Of an excerpt.
    pub fn of(excerpt: &Excerpt) -> Self {
        let mut times: BTreeMap<Millis, (Vec<&str>, Vec<&str>)> = BTreeMap::new();
        for point in &excerpt.source {
            times.entry(point.at_ms).or_default().0.push(&point.value);
        }
        for point in &excerpt.target {
            times.entry(point.at_ms).or_default().1.push(&point.value);
        }
        let omitted = times.len().saturating_sub(MOST);
        let shown: Vec<_> = times.into_iter().take(MOST).collect();
        let differing: BTreeSet<Millis> = excerpt.differing_ms.iter().copied().collect();
        let shapes = || {
            shown
                .iter()
                .flat_map(|(_, (source, target))| source.iter().chain(target))
                .map(|one| Shape::of(one))
        };
        let range = shapes().fold(None, |range: Option<(f64, f64)>, shape| match shape {
            Shape::Number(number) => {
                Some(range.map_or((number, number), |(high, low)| (high.max(number), low.min(number))))
            }
            _ => range,
        });
        let has_lane = shapes().any(|shape| !matches!(shape, Shape::Number(_)));
        let plot = if has_lane { PLOT_ABOVE_LANE } else { PLOT };
        let dots = |values: &[&str]| -> Vec<Dot> {
            let dot = |value: &&str| {
                let shape = Shape::of(value);
                Dot { value: (*value).to_owned(), shape, y: height(shape, range, plot) }
            };
            values.iter().map(dot).collect()
        };
        let (first, last) = (shown.first().map_or(0, |(at, _)| *at), shown.last().map_or(0, |(at, _)| *at));
        let columns: Vec<Column> = shown
            .iter()
            .map(|(at_ms, (source, target))| Column {
                at_ms: *at_ms,
                x: place(*at_ms, first, last),
                source: dots(source),
                target: dots(target),
                differs: differing.contains(at_ms),
            })
            .collect();
        let widest = usual_step(&excerpt.source).into_iter().chain(usual_step(&excerpt.target)).min();
        let line =
            |pick: fn(&Column) -> &[Dot]| path(&columns, pick, widest.map(|step| step.saturating_mul(8) / 5));
        let (source, target) = (line(|column| &column.source), line(|column| &column.target));
        Self { bands: bands(&columns), source, target, columns, omitted, range }
    }

    /// What it shows, for those who do not see it.
    pub fn spoken(&self) -> String {
        use super::format;
        let (Some(first), Some(last)) = (self.columns.first(), self.columns.last()) else {
            return "Nothing to draw.".to_owned();
        };
        let differ = self.columns.iter().filter(|column| column.differs).count() as u64;
        let span = format::span(first.at_ms, last.at_ms);
        let of = format::counted(self.columns.len() as u64, "time", "times");
        format!("Source and target over each other, {span} UTC: {} of {of} differ.", format::count(differ))
    }
}

impl Column {
    /// What stands at this time, in words.
    pub fn words(&self) -> String {
        let differs = if self.differs { ": differs" } else { "" };
        format!(
            "{} UTC: source {}, target {}{differs}",
            super::format::instant(self.at_ms),
            values(&self.source),
            values(&self.target)
        )
    }
}

/// Values of a side, or that there is none.
pub fn values(dots: &[Dot]) -> String {
    if dots.is_empty() {
        return "none".to_owned();
    }
    dots.iter().map(|dot| dot.value.as_str()).collect::<Vec<_>>().join(" and ")
}

fn place(at: Millis, first: Millis, last: Millis) -> f64 {
    let (left, right) = SIDES;
    // Times of a file may be as far apart as numbers go.
    let length = last as f64 - first as f64;
    if length <= 0.0 {
        return f64::midpoint(left, right);
    }
    left + (at as f64 - first as f64) / length * (right - left)
}

fn height(shape: Shape, range: Option<(f64, f64)>, (top, bottom): (f64, f64)) -> f64 {
    match (shape, range) {
        (Shape::High, _) => HIGH,
        (Shape::Low, _) => LOW,
        (Shape::Number(number), Some((high, low))) => {
            // Halves: the whole may be more than a number holds.
            let whole = high / 2.0 - low / 2.0;
            if whole <= 0.0 {
                return f64::midpoint(top, bottom);
            }
            bottom - (number / 2.0 - low / 2.0) / whole * (bottom - top)
        }
        _ => LANE,
    }
}

/// The step that most neighbours are apart.
fn usual_step(points: &[ExcerptPoint]) -> Option<i64> {
    let mut steps: Vec<i64> = points
        .windows(2)
        .filter_map(|pair| match pair {
            [one, other] => Some(other.at_ms.saturating_sub(one.at_ms)).filter(|step| *step > 0),
            _ => None,
        })
        .collect();
    tsink_migrate_engine::order::sort(&mut steps);
    steps.get(steps.len() / 2).copied()
}

/// A line through the numbers of a side, broken where one is no number and where a step is wider than `widest`.
fn path(columns: &[Column], pick: fn(&Column) -> &[Dot], widest: Option<i64>) -> String {
    let mut path = String::new();
    let mut before: Option<Millis> = None;
    for column in columns {
        for dot in pick(column) {
            if !matches!(dot.shape, Shape::Number(_)) {
                before = None;
                continue;
            }
            let goes_on = before.is_some_and(|before| {
                widest.is_none_or(|widest| column.at_ms.saturating_sub(before) <= widest)
            });
            path.push_str(&format!("{}{:.2} {:.2}", if goes_on { "L" } else { "M" }, column.x, dot.y));
            before = Some(column.at_ms);
        }
    }
    path
}

/// Neighbouring times that differ, as one band each, reaching half-way to the neighbours that agree.
fn bands(columns: &[Column]) -> Vec<(f64, f64)> {
    let mut bands: Vec<(f64, f64)> = Vec::new();
    let mut is_open = false;
    for (at, column) in columns.iter().enumerate() {
        if !column.differs {
            is_open = false;
            continue;
        }
        let x = |at: Option<usize>| at.and_then(|at| columns.get(at)).map(|column| column.x);
        let from = x(at.checked_sub(1)).map_or(column.x - 2.0, |before| f64::midpoint(before, column.x));
        let to = x(Some(at + 1)).map_or(column.x + 2.0, |after| f64::midpoint(column.x, after));
        match bands.last_mut().filter(|_| is_open) {
            Some(band) => band.1 = to,
            None => bands.push((from, to)),
        }
        is_open = true;
    }
    bands
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[(Millis, &str)]) -> Vec<ExcerptPoint> {
        values
            .iter()
            .map(|(at_ms, value)| ExcerptPoint { at_ms: *at_ms, value: (*value).to_owned() })
            .collect()
    }

    #[test]
    fn what_values_are() {
        for (text, shape) in [
            ("1.5", Shape::Number(1.5)),
            ("-0", Shape::Number(-0.0)),
            ("1e308", Shape::Number(1e308)),
            ("NaN", Shape::Nan),
            ("StaleNaN", Shape::Stale),
            ("+Inf", Shape::High),
            ("-Inf", Shape::Low),
            ("<script>", Shape::Other),
            ("", Shape::Other),
        ] {
            assert_eq!(Shape::of(text), shape, "{text}");
        }
    }

    #[test]
    fn a_missing_sample_breaks_the_line_of_its_side_only() {
        let picture = Picture::of(&Excerpt {
            source: points(&[(0, "1"), (10, "2"), (20, "3"), (30, "1"), (40, "1")]),
            target: points(&[(0, "1"), (10, "2"), (30, "1"), (40, "1")]),
            differing_ms: vec![20],
        });
        assert_eq!(picture.range, Some((3.0, 1.0)));
        assert_eq!((picture.source.matches('M').count(), picture.source.matches('L').count()), (1, 4));
        assert_eq!((picture.target.matches('M').count(), picture.target.matches('L').count()), (2, 2));
        let there = &picture.columns[2];
        assert!(there.differs && there.target.is_empty());
        assert_eq!((there.x, there.source[0].y), (50.0, 10.0));
        assert_eq!(picture.bands, [(38.0, 62.0)]);
        assert!(picture.spoken().contains("1 of 5 times differ"));
        assert_eq!(there.words(), "1970-01-01 00:00:00.020 UTC: source 3, target none: differs");
    }

    #[test]
    fn a_shift_breaks_no_line() {
        let picture = Picture::of(&Excerpt {
            source: points(&[(0, "1"), (10, "2"), (20, "3")]),
            target: points(&[(1, "1"), (11, "2"), (21, "3")]),
            differing_ms: vec![0, 1, 10, 11, 20, 21],
        });
        for line in [&picture.source, &picture.target] {
            assert_eq!(line.matches('M').count(), 1);
        }
        assert_eq!(picture.bands.len(), 1);
    }

    #[test]
    fn what_is_no_number_is_marked_and_bends_no_scale() {
        let picture = Picture::of(&Excerpt {
            source: points(&[(0, "1"), (10, "NaN"), (20, "+Inf"), (30, "1")]),
            target: points(&[(0, "1"), (10, "StaleNaN"), (20, "-Inf"), (30, "1"), (30, "2")]),
            differing_ms: vec![10, 20],
        });
        assert_eq!(picture.range, Some((2.0, 1.0)));
        let heights = |at: usize| (picture.columns[at].source[0].y, picture.columns[at].target[0].y);
        assert_eq!((heights(1), heights(2)), ((LANE, LANE), (HIGH, LOW)));
        assert_eq!(values(&picture.columns[3].target), "1 and 2");
    }

    #[test]
    fn nothing_and_far_too_much() {
        assert_eq!(Picture::of(&Excerpt::default()).spoken(), "Nothing to draw.");
        let source = (0..1_000).map(|at| ExcerptPoint { at_ms: at, value: "1e308".to_owned() }).collect();
        let target = points(&[(i64::MIN, "-1e308"), (i64::MAX, "5")]);
        let picture = Picture::of(&Excerpt { source, target, differing_ms: vec![i64::MAX] });
        assert_eq!((picture.columns.len(), picture.omitted), (MOST, 802));
        for column in &picture.columns {
            assert!((0.0..=100.0).contains(&column.x));
            assert!(column.source.iter().chain(&column.target).all(|dot| (0.0..=100.0).contains(&dot.y)));
        }
    }
}
