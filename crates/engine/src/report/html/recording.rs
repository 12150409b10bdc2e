//! What a recording holds.

use super::facts;
use super::writer::{Cell, Html};
use crate::report::Recording;

/// Metrics in the table at most.
const METRICS: usize = 200;

pub(super) fn write(page: &mut Html, recording: &Recording) {
    page.panel("Recording");
    let mut rows = vec![
        [Cell::Text("Manifest"), Cell::Code(&recording.manifest)],
        [Cell::Text("Entries"), Cell::Number(recording.entries)],
        [Cell::Text("Entries that cannot be read"), Cell::Wrong(recording.bad_entries)],
        [Cell::Text("Payloads, bytes"), Cell::Number(recording.payload_bytes)],
        [Cell::Text("Lines, events or data points"), Cell::Number(recording.units)],
        [Cell::Text("Refused, as tsink would"), Cell::Wrong(recording.refused)],
        [Cell::Text("Series"), Cell::Number(recording.series)],
        [Cell::Text("Samples"), Cell::Number(recording.samples)],
        [Cell::Text("Exemplars"), Cell::Number(recording.exemplars)],
        [Cell::Text("Samples of series that are not selected"), Cell::Number(recording.not_selected)],
        [Cell::Text("Selected samples outside of the window"), Cell::Number(recording.outside_window)],
    ];
    if let Some((first, last)) = recording.first_ms.zip(recording.last_ms) {
        rows.push([Cell::Text("First sample"), Cell::Time(first)]);
        rows.push([Cell::Text("Last sample"), Cell::Time(last)]);
    }
    facts(page, "What it holds", rows);
    if !recording.bad.is_empty() {
        let rows = recording.bad.iter().map(|bad| {
            let place = match bad.entry {
                Some(entry) => format!("entry {entry}, line {}", bad.line),
                None => format!("line {}", bad.line),
            };
            vec![Cell::Said(place), Cell::Advice(&bad.problem, &bad.remedy)]
        });
        page.table("Entries that cannot be read", &["Place", "Problem"], &mut rows.into_iter());
        page.left_out(recording.bad_entries.saturating_sub(recording.bad.len() as u64));
    }
    if !recording.refusals.is_empty() {
        let rows = recording.refusals.iter().flat_map(|group| {
            group.examples.iter().map(|example| {
                vec![
                    Cell::Text(group.kind.title()),
                    Cell::Number(group.count),
                    Cell::Said(format!("{}, {}", example.entry, example.place)),
                    Cell::Maybe(Some(example.text.as_str()).filter(|text| !text.is_empty())),
                    Cell::Text(&example.message),
                ]
            })
        });
        let head = ["Reason", "Count", "Entry", "For example", "tsink says"];
        page.table("Refused, as tsink would", &head, &mut rows.into_iter());
    }
    if !recording.flags.is_empty() {
        page.raw("<h3>Migrated, though tsink would not take it live</h3><ul>");
        for flag in recording.flags.iter().take(100) {
            let (message, remedy) = flag.words();
            page.raw("<li>").text(&message);
            page.advice("", remedy);
            page.raw("</li>");
        }
        page.raw("</ul>");
    }
    if !recording.metrics.is_empty() {
        let rows = recording.metrics.iter().take(METRICS).map(|metric| {
            vec![
                Cell::Code(&metric.name),
                Cell::Text(metric.kind.as_str()),
                Cell::Number(metric.series),
                Cell::Number(metric.samples),
                Cell::Time(metric.first_ms),
                Cell::Time(metric.last_ms),
            ]
        });
        let head = ["Metric", "Type", "Series", "Samples", "First", "Last"];
        page.table("Metrics", &head, &mut rows.into_iter());
        let cut = recording.metrics.len().saturating_sub(METRICS) as u64;
        page.left_out(recording.metrics_omitted.saturating_add(cut));
    }
    page.end();
}
