//! Progress and throughput over a run.

use super::writer::Html;
use crate::report::ProgressPoint;
use crate::report::words::{grouped, show_duration};

/// Points at most.
const POINTS: usize = 480;

/// Two pictures: rows done, and rows a second. Nothing, if there are fewer than two points.
pub(super) fn write(page: &mut Html, points: &[ProgressPoint], done: &'static str) {
    let points = points.get(..POINTS).unwrap_or(points);
    let (Some(last), true) = (points.last(), points.len() > 1) else { return };
    let most = points.iter().map(|point| point.done.max(point.read)).max().unwrap_or(0).max(1);
    let peak = points.iter().map(|point| point.rate).filter(|rate| rate.is_finite()).fold(0.0, f64::max);
    let span = points.iter().map(|point| point.elapsed_ms).max().unwrap_or(0).max(1);
    // What runs before did is done from the beginning.
    let before = points.first().map_or(0, |point| point.done.min(last.done));
    let average = (last.done - before) as f64 * 1000.0 / last.elapsed_ms.max(1) as f64;
    page.panel("Progress and throughput");
    page.raw("<dl class=figures>");
    let figures = [
        ("rows", grouped(last.done)),
        ("duration", show_duration(span)),
        ("rows a second, on average", grouped(average as u64)),
        ("rows a second, at most", grouped(peak as u64)),
    ];
    for (name, value) in figures {
        page.raw("<div><dt>").raw(name).raw("</dt><dd>").text(&value).raw("</dd></div>");
    }
    page.raw("</dl><div class=columns>");
    let x = |point: &ProgressPoint| 100.0 * point.elapsed_ms as f64 / span as f64;
    let share =
        |value: f64, of: f64| if of > 0.0 { 98.0 - 94.0 * (value / of).clamp(0.0, 1.0) } else { 98.0 };
    let rows = |value: u64| share(value as f64, most as f64);

    page.raw("<figure class=chart><figcaption>Rows</figcaption><div class=top><span>").number(most);
    page.raw("</span></div><svg").spoken(&format!("Rows over time, up to {}.", grouped(most)));
    page.raw(" viewBox='0 0 100 100' preserveAspectRatio=none>");
    let has_read = points.iter().any(|point| point.read > 0);
    if has_read {
        page.raw("<polyline class=r points='");
        points.iter().for_each(|point| pair(page, x(point), rows(point.read)));
        page.raw("'/>");
    }
    page.raw("<polyline class=t points='");
    points.iter().for_each(|point| pair(page, x(point), rows(point.done)));
    page.raw("'/></svg>");
    ends(page, span);
    page.raw("<ul class=legend><li><svg class=key><path class=t d='M0 6H14'/></svg>").raw(done).raw("</li>");
    if has_read {
        page.raw("<li><svg class=key><path class=r d='M0 6H14'/></svg>read, dashed</li>");
    }
    page.raw("</ul></figure>");

    page.raw("<figure class=chart><figcaption>Throughput</figcaption><div class=top><span>")
        .number(peak as u64);
    page.raw(" rows/s</span></div><svg")
        .spoken(&format!("Rows a second over time, up to {}.", grouped(peak as u64)));
    page.raw(" viewBox='0 0 100 100' preserveAspectRatio=none><polyline class=t points='");
    points.iter().for_each(|point| pair(page, x(point), share(point.rate, peak)));
    page.raw("'/></svg>");
    ends(page, span);
    page.raw("</figure></div>");
    page.end();
}

fn pair(page: &mut Html, x: f64, y: f64) {
    page.coordinate(x).raw(" ").coordinate(y).raw(" ");
}

fn ends(page: &mut Html, span: u64) {
    page.raw("<div class=ends><span>0</span><span>").text(&show_duration(span)).raw("</span></div>");
}
