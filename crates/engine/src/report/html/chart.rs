//! Both sides of a difference drawn over each other, the differing points marked.
//!
//! A picture has a fixed height and the width of its place: lines are drawn in a stretched box of 100 × 100, marks
//! at percentages of the same box, so that they keep their shape.

use super::writer::Html;
use crate::model::Millis;
use crate::report::words::{count_of, show_number, show_time};
use crate::report::{Excerpt, ExcerptPoint};
use std::collections::{BTreeMap, BTreeSet};

/// Points of a side at most.
const POINTS: usize = 240;

/// A value as it is drawn.
#[derive(Clone, Copy, PartialEq)]
enum Value {
    Number(f64),
    Nan,
    Stale,
    Up,
    Down,
    /// Not a number in any form that is known.
    Other,
}

impl Value {
    fn read(text: &str) -> Self {
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Self::Number(number),
            Ok(number) if number.is_nan() => Self::Nan,
            Ok(number) if number > 0.0 => Self::Up,
            Ok(_) => Self::Down,
            Err(_) if text == "StaleNaN" => Self::Stale,
            Err(_) => Self::Other,
        }
    }

    /// Path of its mark around 0, 0, its name, and where it stands in per cent of the height.
    fn mark(self) -> Option<(&'static str, &'static str, f64)> {
        match self {
            Self::Number(_) => None,
            Self::Nan => Some(("M-3-3L3 3M-3 3L3-3", "NaN", 89.5)),
            Self::Stale => Some(("M-3-3H3V3H-3Z", "staleness marker", 89.5)),
            Self::Up => Some(("M-4 3L0-3L4 3Z", "+Inf", 2.5)),
            Self::Down => Some(("M-4-3L0 3L4-3Z", "-Inf", 89.5)),
            Self::Other => Some(("M0-3V3M-3 0H3", "no number", 89.5)),
        }
    }
}

/// Where times and values stand, in per cent.
struct Scale {
    first: Millis,
    last: Millis,
    span: f64,
    low: f64,
    high: f64,
    log: bool,
}

impl Scale {
    fn of(excerpt: &Excerpt, sides: &[Vec<(Millis, Value)>; 2]) -> Option<Self> {
        let times = || {
            sides.iter().flatten().map(|(at, _)| *at).chain(excerpt.differing_ms.iter().copied().take(POINTS))
        };
        let (first, last) = (times().min()?, times().max()?);
        let numbers = || {
            sides.iter().flatten().filter_map(|(_, value)| match value {
                Value::Number(number) => Some(*number),
                _ => None,
            })
        };
        let (mut low, mut high) = numbers()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), number| {
                (low.min(number), high.max(number))
            });
        if low > high {
            (low, high) = (0.0, 0.0);
        }
        // On a plain scale of such a width, all but the largest would lie on the ground.
        let log = low > 0.0 && high / low > 1e3;
        Some(Self { first, last, span: (last as f64 - first as f64).max(1.0), low, high, log })
    }

    fn x(&self, at: Millis) -> f64 {
        1.5 + 97.0 * (at as f64 - self.first as f64) / self.span
    }

    fn y(&self, value: f64) -> f64 {
        let (low, high, value) = match self.log {
            true => (self.low.log10(), self.high.log10(), value.log10()),
            // Halved, so that the span of the largest numbers is one.
            false => (self.low / 2.0, self.high / 2.0, value / 2.0),
        };
        if high > low { 86.0 - 74.0 * ((value - low) / (high - low)) } else { 49.0 }
    }
}

/// The picture and its values as a table that can be opened. Nothing, if there is no point.
pub(super) fn write(page: &mut Html, excerpt: &Excerpt) {
    let read = |points: &[ExcerptPoint]| {
        let mut read: Vec<(Millis, Value)> =
            points.iter().take(POINTS).map(|point| (point.at_ms, Value::read(&point.value))).collect();
        crate::order::sort_by_key(&mut read, |(at, _)| *at);
        read
    };
    let sides = [read(&excerpt.source), read(&excerpt.target)];
    let Some(scale) = Scale::of(excerpt, &sides).filter(|_| sides.iter().any(|side| !side.is_empty())) else {
        return;
    };
    let differing = crate::order::set(excerpt.differing_ms.iter().copied().take(POINTS));
    page.raw("<figure class=chart><div class=top><span>");
    let has_numbers = sides.iter().flatten().any(|(_, value)| matches!(value, Value::Number(_)));
    if has_numbers {
        page.text(&show_number(scale.high));
    }
    page.raw(if scale.log { "</span><span>logarithmic scale</span></div><svg" } else { "</span></div><svg" });
    page.spoken(&format!(
        "Source and target drawn over each other, {} to {}: {}.",
        show_time(scale.first),
        show_time(scale.last),
        count_of(differing.len() as u64, "time differs", "times differ")
    ));
    page.raw("><svg viewBox='0 0 100 100' preserveAspectRatio=none>");
    bands(page, &scale, &sides, &differing);
    for (side, class) in sides.iter().zip(["<polyline class=s points='", "<polyline class=t points='"]) {
        line(page, &scale, side, &differing, class);
    }
    page.raw("</svg>");
    for (at_side, side) in sides.iter().enumerate() {
        for (at, value) in side {
            let differs = differing.contains(at);
            let (path, y) = match (value, value.mark()) {
                (Value::Number(number), _) => (None, scale.y(*number)),
                // Marks of both sides at a time stand one above the other: the target's lies farther down.
                (_, mark) => (
                    mark.map(|mark| mark.0),
                    mark.map_or(50.0, |mark| mark.2) + if at_side == 0 { 0.0 } else { 7.0 },
                ),
            };
            let path = path.unwrap_or(match (at_side, differs) {
                (0, true) => "M-4 0A4 4 0 1 1 4 0A4 4 0 1 1-4 0Z",
                (_, true) => "M-4 0L0-4L4 0L0 4Z",
                (0, _) => "M-2 0A2 2 0 1 1 2 0A2 2 0 1 1-2 0Z",
                _ => "M-1.5 0A1.5 1.5 0 1 1 1.5 0A1.5 1.5 0 1 1-1.5 0Z",
            });
            page.raw("<svg").place("x", scale.x(*at), "%").place("y", y, "%");
            let is_mark = !matches!(value, Value::Number(_));
            page.raw(if at_side == 0 { " class='s" } else { " class='t" });
            page.raw(if is_mark { " m" } else { "" }).raw(if differs { " d'" } else { "'" });
            page.raw("><path d='").raw(path).raw("'/></svg>");
        }
    }
    page.raw("</svg><div class=ends><span>");
    if has_numbers {
        page.text(&show_number(scale.low));
    }
    page.raw("</span></div><div class=ends>").time(scale.first);
    page.time(scale.last).raw("</div>");
    legend(page, &sides, !differing.is_empty());
    page.raw("</figure>");
    values(page, excerpt, &differing);
}

/// Grounds under what differs, from half the way before to half the way behind.
fn bands(page: &mut Html, scale: &Scale, sides: &[Vec<(Millis, Value)>; 2], differing: &BTreeSet<Millis>) {
    let mut times = crate::order::set(sides.iter().flatten().map(|(at, _)| *at));
    times.extend(differing.iter().copied());
    let times: Vec<Millis> = times.into_iter().collect();
    let mut from: Option<f64> = None;
    for (index, at) in times.iter().enumerate() {
        let x = scale.x(*at);
        let before = index.checked_sub(1).and_then(|before| times.get(before));
        let next = times.get(index + 1);
        if differing.contains(at) && from.is_none() {
            from = Some(before.map_or(0.0, |before| (scale.x(*before) + x) / 2.0));
        }
        if let Some(start) =
            from.filter(|_| differing.contains(at) && !next.is_some_and(|next| differing.contains(next)))
        {
            let end = next.map_or(100.0, |next| (scale.x(*next) + x) / 2.0);
            page.raw("<rect class=b height=100")
                .place("x", start, "")
                .place("width", end - start, "")
                .raw("/>");
            from = None;
        }
    }
}

/// A line through the numbers of a side, broken where there is none, or where the side lacks a time that differs.
fn line(
    page: &mut Html,
    scale: &Scale,
    side: &[(Millis, Value)],
    differing: &BTreeSet<Millis>,
    class: &'static str,
) {
    let mut last = None;
    for (at, value) in side {
        let Value::Number(number) = value else {
            if last.take().is_some() {
                page.raw("'/>");
            }
            continue;
        };
        let gap = |last: Millis| differing.iter().any(|differing| last < *differing && differing < at);
        if last.is_some_and(gap) {
            last = None;
            page.raw("'/>");
        }
        if last.is_none() {
            page.raw(class);
        }
        last = Some(*at);
        page.coordinate(scale.x(*at)).raw(" ").coordinate(scale.y(*number)).raw(" ");
    }
    if last.is_some() {
        page.raw("'/>");
    }
}

fn legend(page: &mut Html, sides: &[Vec<(Millis, Value)>; 2], differs: bool) {
    page.raw("<ul class=legend><li><svg class=key><path class=s d='M0 6H14'/></svg>source, wide line</li>");
    page.raw("<li><svg class=key><path class=t d='M0 6H14'/></svg>target, thin line</li>");
    if differs {
        page.raw("<li><svg class=key><path class=d d='M1 6A4 4 0 1 1 9 6A4 4 0 1 1 1 6Z'/></svg>differs: source</li>");
        page.raw("<li><svg class=key><path class=d d='M1 6L5 2L9 6L5 10Z'/></svg>differs: target</li>");
    }
    for kind in [Value::Nan, Value::Stale, Value::Up, Value::Down, Value::Other] {
        if let Some((path, name, _)) =
            kind.mark().filter(|_| sides.iter().flatten().any(|(_, value)| *value == kind))
        {
            page.raw("<li><svg class=key viewBox='-5 -6 14 12'><path class=m d='").raw(path).raw("'/></svg>");
            page.raw(name).raw("</li>");
        }
    }
    page.raw("</ul>");
}

fn values(page: &mut Html, excerpt: &Excerpt, differing: &BTreeSet<Millis>) {
    let mut rows: BTreeMap<Millis, [Vec<&str>; 2]> = BTreeMap::new();
    for (side, points) in [&excerpt.source, &excerpt.target].into_iter().enumerate() {
        for point in points.iter().take(POINTS) {
            if let Some(values) = rows.entry(point.at_ms).or_default().get_mut(side) {
                values.push(&point.value);
            }
        }
    }
    page.raw("<details class=data><summary>Values</summary><table class=values><caption>Both sides by time</caption><thead><tr>");
    page.raw("<th scope=col>Time</th><th scope=col>Source</th><th scope=col>Target</th><th scope=col>Differs</th></tr></thead><tbody>");
    for (at, sides) in &rows {
        page.raw("<tr><th scope=row>").time(*at).raw("</th>");
        for values in sides {
            page.raw("<td class=num>");
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    page.raw(", ");
                }
                page.code(value);
            }
            if values.is_empty() {
                page.raw("<span class=dim>absent</span>");
            }
            page.raw("</td>");
        }
        page.raw(if differing.contains(at) {
            "<td><b class=bad>differs</b></td></tr>"
        } else {
            "<td></td></tr>"
        });
    }
    page.raw("</tbody></table></details>");
}
