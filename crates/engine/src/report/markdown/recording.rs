//! What a recording holds.

use super::escape::{Place, code, text};
use super::{Page, number};
use crate::report::Recording;
use crate::report::words::{grouped, show_time};

/// Metrics in the table at most; the JSON has them all.
const METRICS: usize = 50;

pub(super) fn write(page: &mut Page, recording: &Recording) {
    page.heading(2, "Recording");
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String| rows.push(vec![name.to_owned(), value]);
    row("Manifest", code(&recording.manifest, Place::Cell));
    row("Entries", grouped(recording.entries));
    row("Entries that cannot be read", super::wrong(recording.bad_entries));
    row("Payloads, bytes", grouped(recording.payload_bytes));
    row(&capital(recording.unit()), grouped(recording.units));
    row("Refused, as tsink would", super::wrong(recording.refused));
    row("Series", grouped(recording.series));
    row("Samples", grouped(recording.samples));
    if recording.exemplars > 0 {
        row("Exemplars", grouped(recording.exemplars));
    }
    row("Samples of series that are not selected", grouped(recording.not_selected));
    row("Selected samples outside of the window", grouped(recording.outside_window));
    if let Some((first, last)) = recording.first_ms.zip(recording.last_ms) {
        row("Time", format!("{} to {}", show_time(first), show_time(last)));
    }
    page.table(&["", ""], "", rows);
    if !recording.bad.is_empty() {
        page.heading(3, "Entries that cannot be read");
        let more = recording.bad_entries.saturating_sub(recording.bad.len() as u64);
        let items = recording.bad.iter().map(|bad| {
            let place = match bad.entry {
                Some(entry) => format!("entry {entry} (line {})", bad.line),
                None => format!("line {}", bad.line),
            };
            format!("{place}: {}{}", text(&bad.problem, Place::Line), super::explained("", &bad.remedy))
        });
        page.list(items.chain((more > 0).then(|| format!("and {} more", grouped(more)))));
    }
    if !recording.refusals.is_empty() {
        page.heading(3, "Refused, as tsink would");
        let rows = recording.refusals.iter().flat_map(|group| {
            group.examples.iter().enumerate().map(move |(at, example)| {
                vec![
                    if at == 0 { group.kind.title().to_owned() } else { String::new() },
                    if at == 0 { number(group.count) } else { String::new() },
                    format!("{}, {}", example.entry, text(&example.place, Place::Cell)),
                    if example.text.is_empty() { String::new() } else { code(&example.text, Place::Cell) },
                    text(&example.message, Place::Cell),
                ]
            })
        });
        page.table(&["Reason", "Count", "Entry", "For example", "tsink says"], "lr", rows.collect());
    }
    if !recording.flags.is_empty() {
        page.heading(3, "Migrated, though tsink would not take it live");
        page.list(recording.flags.iter().map(|flag| {
            let (message, remedy) = flag.words();
            format!("{}{}", text(&message, Place::Line), super::explained("", remedy))
        }));
    }
    if !recording.metrics.is_empty() {
        page.heading(3, "Metrics");
        let rows = recording.metrics.iter().take(METRICS).map(|metric| {
            vec![
                code(&metric.name, Place::Cell),
                metric.kind.as_str().to_owned(),
                number(metric.series),
                number(metric.samples),
                show_time(metric.first_ms),
                show_time(metric.last_ms),
            ]
        });
        page.table(&["Metric", "Type", "Series", "Samples", "First", "Last"], "llrr", rows.collect());
        let more = recording.metrics.len().saturating_sub(METRICS) as u64 + recording.metrics_omitted;
        if more > 0 {
            page.paragraph(&format!("And {} more.", grouped(more)));
        }
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}
