//! What a finding says: what differs, what probably caused it, and what to do.

use super::Hints;
use super::evidence::Format;
use super::exemplars;
use super::findings::{Class, Of, Spot};
use super::histograms::Field;
use super::values::{show, show_fraction};
use crate::error::Error;
use crate::model::{Millis, Window};
use crate::plan::{Compare, ReadVia};
use crate::report::words::{count_of, grouped, shorten, show_duration, show_time};
use crate::report::{Finding, FindingKind, RawCheckReport, Rejection};
use std::collections::BTreeMap;

/// Data this young may still be on its way: a Prometheus scrapes every few seconds to minutes, and a remote
/// write queue in front of the target may lag by minutes.
const FRESH_MS: Millis = 10 * 60 * 1000;

/// A relative difference below this is what another order of additions, or a text form of a number with few
/// digits, makes of the same value.
pub(super) const ROUNDING: f64 = 1e-6;

/// What a finding is seen against.
pub(super) struct Context<'a> {
    pub hints: &'a Hints,
    pub tolerance: &'a Compare,
    /// The whole check's counts.
    pub report: &'a RawCheckReport,
}

/// Makes the finding of a class of differences in one series. `rows` says how many of what.
pub(super) fn finding(
    selector: &str,
    series: &str,
    class: Class,
    spot: Spot,
    rows: &str,
    context: &Context<'_>,
) -> Finding {
    let (cause, remedy) = explain(selector, class, &spot, context);
    Finding {
        field: match class.kind {
            FindingKind::HistogramDiffers => Field::codes(spot.fields),
            FindingKind::ExemplarDiffers => exemplars::fields(spot.fields),
            _ => String::new(),
        },
        absolute_delta: spot.largest_absolute,
        relative_delta: spot.largest_relative,
        shift_ms: spot.shift_ms,
        kind: class.kind,
        selector: selector.to_owned(),
        series: series.to_owned(),
        count: spot.count,
        first_ms: Some(spot.first_ms),
        last_ms: Some(spot.last_ms),
        detail: detail(class, &spot, rows),
        excerpt: spot.excerpt,
        source_value: spot.source,
        target_value: spot.target,
        cause,
        remedy,
    }
}

/// `at …` or `from … to …`.
pub(super) fn when(first: Millis, last: Millis) -> String {
    if first == last {
        format!("at {}", show_time(first))
    } else {
        format!("from {} to {}", show_time(first), show_time(last))
    }
}

fn detail(class: Class, spot: &Spot, rows: &str) -> String {
    use FindingKind::*;
    let when = when(spot.first_ms, spot.last_ms);
    let there = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".to_owned());
    let (source, target) = (there(&spot.source), there(&spot.target));
    let first =
        if spot.count == 1 { String::new() } else { format!(" the first, at {},", show_time(spot.first_ms)) };
    match class.kind {
        MissingSeries | MissingSamples | MissingHistograms | MissingExemplars => {
            format!("{rows} {when} only at the source")
        }
        ExtraSeries | ExtraSamples | ExtraHistograms | ExtraExemplars => {
            format!("{rows} {when} only at the target")
        }
        DuplicateTimestamp => {
            let times = count_of(spot.count, "time", "times");
            let what = if class.of == Of::Histograms { "histograms" } else { "values" };
            format!("several {what} at {times} {when}:{first} source {source}, target {target}")
        }
        HistogramDiffers => {
            let fields = Field::names(spot.fields);
            let place = &spot.place;
            format!(
                "{rows} {when} in {fields}:{first} {place} is {source} at the source, {target} at the target"
            )
        }
        TimestampShifted => {
            let (shift, place) = shift_words(spot.shift_ms.unwrap_or_default());
            format!(
                "{rows} {when} {shift} {place} at the target, with the same values:{first} value {source}"
            )
        }
        _ => {
            let largest = match (spot.largest_relative, spot.largest_absolute) {
                _ if !matches!(class.kind, ValueDiffers | PrecisionLost) => String::new(),
                (Some(fraction), _) => format!("; largest relative difference {}", show_fraction(fraction)),
                (None, Some(delta)) => format!("; largest difference {}", show(delta)),
                (None, None) => String::new(),
            };
            format!("{rows} {when}:{first} source {source}, target {target}{largest}")
        }
    }
}

/// `1 h`, `later`.
fn shift_words(shift_ms: i64) -> (String, &'static str) {
    (show_duration(shift_ms.unsigned_abs()), if shift_ms > 0 { "later" } else { "earlier" })
}

/// Says which format values were written in that lost their last digits.
pub(super) fn precision(finding: &mut Finding, format: Format) {
    let how = match format {
        Format::Float32 => "The target's values are the source's as 32-bit floats".to_owned(),
        Format::Digits(digits) => {
            format!("The target's values are the source's with {digits} significant digits")
        }
    };
    finding.cause = format!("{how}: something on the way wrote them in a shorter format.");
    finding.remedy =
        "Delete the series at the target, or use a fresh tenant, and backfill it by this tool, which \
                      keeps every bit; or, if that is good enough, raise compare.max_relative_value_delta."
            .to_owned();
}

/// Says that the rows of a series seem to be shifted, where the window cuts off what would prove it.
pub(super) fn cut_shift(finding: &mut Finding, shift_ms: i64) {
    use FindingKind::*;
    if matches!(finding.kind, MissingSamples | ExtraSamples | ValueDiffers | StaleNan) {
        (finding.cause, finding.remedy) = shifted(shift_ms);
        finding.shift_ms = Some(shift_ms);
    }
}

/// Why all rows of a series are at other times.
fn shifted(ms: i64) -> (String, String) {
    let (shift, place) = shift_words(ms);
    let why = match ms.unsigned_abs() {
        far if far % 900_000 == 0 => {
            "a local time was taken for UTC, as another time zone or the summer time does"
        }
        far if far < 1_000 => "a time was rounded or truncated on the way, as float seconds do",
        _ => "the clock of whoever wrote them was off, or an offset was added on purpose",
    };
    (
        format!("The target has these rows {shift} {place} than the source: {why}."),
        "Mend what writes to the target. tsink keeps the rows at the wrong times: delete the series there, or use a \
         fresh tenant, and backfill again."
            .to_owned(),
    )
}

/// A write that the target refused, if it may have held these rows.
fn refused<'a>(selector: &str, spot: &Spot, hints: &'a Hints) -> Option<&'a Rejection> {
    hints.refused.iter().find(|one| {
        one.selector.as_deref().is_none_or(|own| own == selector)
            && one.reason != "not_read"
            && one.first_ms.is_none_or(|first| first <= spot.last_ms)
            && one.last_ms.is_none_or(|last| last >= spot.first_ms)
    })
}

fn explain(selector: &str, class: Class, spot: &Spot, context: &Context<'_>) -> (String, String) {
    use FindingKind::*;
    match class.kind {
        MissingSeries | MissingSamples | MissingHistograms => missing(selector, class, spot, context),
        TimestampShifted => shifted(spot.shift_ms.unwrap_or_default()),
        ExtraSeries | ExtraSamples | ExtraHistograms => extra(class, spot, context),
        ValueDiffers if spot.largest_relative.is_some_and(|fraction| fraction < ROUNDING) => (
            "The values differ by as little as rounding does.".to_owned(),
            format!(
                "If that is good enough, raise compare.max_relative_value_delta (now {:e}).",
                context.tolerance.max_relative_value_delta
            ),
        ),
        ValueDiffers => (
            "Something else wrote other values to the target, or the source was rewritten after the backfill."
                .to_owned(),
            "Look for a second writer of this series. tsink keeps both values of one time, so delete the series \
             at the target, or use a fresh tenant, before you backfill it again."
                .to_owned(),
        ),
        StaleNan => (
            "Something on the way took the staleness marker, which ends a series, for an ordinary NaN."
                .to_owned(),
            "Delete the series at the target, or use a fresh tenant, and backfill it with remote read.".to_owned(),
        ),
        DuplicateTimestamp => (
            "The series was written more than once; tsink keeps all that it gets for one time, equal copies until \
             it merges what it has on disk."
                .to_owned(),
            "Look for a second writer of this series, or for something on the way that repeats requests. Where all \
             copies are equal, verify again later; else delete the series at the side that has it twice, and \
             backfill it again."
                .to_owned(),
        ),
        HistogramDiffers if spot.fields & !Field::ResetHint.bit() == 0 => (
            "Only the counter reset hint differs; the observations are the same.".to_owned(),
            "rate() may see a reset in one and none in the other; backfill the series again if that matters."
                .to_owned(),
        ),
        HistogramDiffers => (
            "Something else wrote the series to the target, or a tool on the way changed the histogram."
                .to_owned(),
            "Delete the series at the target, or use a fresh tenant, and backfill it with remote read.".to_owned(),
        ),
        _ => exemplar_cause(class, spot, context.hints),
    }
}

fn missing(selector: &str, class: Class, spot: &Spot, context: &Context<'_>) -> (String, String) {
    let hints = context.hints;
    let again = format!(
        "Backfill again {}; samples that are there stay as they are.",
        when(spot.first_ms, spot.last_ms).replacen("at ", "for ", 1)
    );
    if let Some(oldest) = hints.target_oldest_ms.filter(|oldest| spot.first_ms < *oldest) {
        let which = if spot.last_ms < oldest { "They are" } else { "Some of them are" };
        return (
            format!("{which} older than what the target keeps (it begins at {}).", show_time(oldest)),
            "Start tsink with a longer --retention, then backfill again; or begin the window later."
                .to_owned(),
        );
    }
    if let Some(refused) = refused(selector, spot, hints) {
        let words = refused.error.to_string();
        return (
            format!(
                "The target refused a batch with rows of this time: {}.",
                shorten(words.trim_end_matches('.'))
            ),
            format!("{} {again}", refused.error.remedy).trim_start().to_owned(),
        );
    }
    let report = context.report;
    if report.target_series == 0 && class.kind == FindingKind::MissingSeries {
        let tenant = tenant(hints);
        return (
            format!(
                "The target has nothing of this selector in this window for {tenant}: the backfill has not run, or it wrote to another tenant."
            ),
            "Check target.tenant in the plan, then run the backfill for this window.".to_owned(),
        );
    }
    if spot.stale == spot.count && hints.source_read_via == ReadVia::InstantQuery {
        return (
            "Staleness markers cannot be read through instant queries.".to_owned(),
            "Use remote read (options.read_via), for example through the gateway.".to_owned(),
        );
    }
    if spot.stale == spot.count {
        return (
            "Only staleness markers are missing: the backfill read the source through instant queries, which do not show them, or another tool wrote the data.".to_owned(),
            format!("{again} Read through remote read."),
        );
    }
    if is_fresh(spot, hints) {
        return (
            "This is recent: the source was still being written when the backfill read it.".to_owned(),
            format!("{again} Or end the window a few minutes earlier."),
        );
    }
    if class.of == Of::Histograms && report.target_histograms == 0 {
        return (
            "The target has no native histogram at all of this selector: it may not take them.".to_owned(),
            "Switch them on (TSINK_REMOTE_WRITE_HISTOGRAMS_ENABLED=true), then backfill again.".to_owned(),
        );
    }
    if spot.at_edge == spot.count {
        return (at_edge("target"), again);
    }
    (String::new(), again)
}

fn extra(class: Class, spot: &Spot, context: &Context<'_>) -> (String, String) {
    let hints = context.hints;
    if hints.source_read_via == ReadVia::InstantQuery {
        let stale = spot.stale == spot.count;
        if stale || class.of == Of::Histograms {
            let what = if stale { "Staleness markers" } else { "Native histograms" };
            return (
                format!(
                    "{what} cannot be read through instant queries, so the source does not show its own."
                ),
                "Use remote read (options.read_via), for example through the gateway.".to_owned(),
            );
        }
    }
    if context.report.source_series == 0 && class.kind == FindingKind::ExtraSeries {
        return (
            "The source has nothing of this selector in this window: its retention may have passed, or the plan names another server.".to_owned(),
            "Check source.remote_read_url and the window.".to_owned(),
        );
    }
    if is_fresh(spot, hints) {
        return (
            "This is recent: the target gets new data by another way already, or the source was still being written.".to_owned(),
            "End the window a few minutes earlier, or before the live writes to the target began.".to_owned(),
        );
    }
    if spot.at_edge == spot.count {
        return (at_edge("source"), "Move the window by 1 ms and compare again.".to_owned());
    }
    (
        "The target had this before, something else writes to it, or the source has dropped it since the backfill.".to_owned(),
        "Look for another writer of this series to the target; use a tenant of its own for the migration.".to_owned(),
    )
}

fn at_edge(side: &str) -> String {
    format!("It lies exactly on the edge of a part that was read: the {side} may leave the edge out.")
}

fn tenant(hints: &Hints) -> String {
    if hints.tenant.is_empty() { "this tenant".to_owned() } else { format!("tenant {:?}", hints.tenant) }
}

fn is_fresh(spot: &Spot, hints: &Hints) -> bool {
    hints.now_ms > 0 && spot.first_ms > hints.now_ms.saturating_sub(FRESH_MS)
}

/// tsink's exemplar store is bounded: 128 a series and 50,000 in all by default (`docs/exemplars.md`, tsink
/// 0.10.2); the oldest go first.
fn exemplar_cause(class: Class, spot: &Spot, hints: &Hints) -> (String, String) {
    match class.kind {
        FindingKind::MissingExemplars if is_fresh(spot, hints) => (
            "This is recent: the source was still being written when the backfill read it.".to_owned(),
            "Backfill again, or end the window a few minutes earlier.".to_owned(),
        ),
        FindingKind::MissingExemplars => (
            "tsink keeps 128 exemplars a series and 50,000 in all, and drops the oldest first; or the backfill has not run.".to_owned(),
            "Backfill again. If they go missing once more, the target's exemplar store is full: compare a shorter window.".to_owned(),
        ),
        FindingKind::ExtraExemplars => (
            "Prometheus keeps exemplars in a ring of fixed size in memory and has dropped these since the backfill; or something else writes to the target.".to_owned(),
            "Nothing is lost at the target. Compare a window that the source still has in full.".to_owned(),
        ),
        _ => (
            "Something else wrote the series to the target, or a tool on the way changed the exemplar.".to_owned(),
            "Look for a second writer of this series.".to_owned(),
        ),
    }
}

/// The finding of a part that could not be read; [`gap_detail`] completes it once neighbours are joined.
pub(super) fn gap(selector: &str, window: Window, error: &Error) -> Finding {
    Finding {
        kind: FindingKind::NotCompared,
        selector: selector.to_owned(),
        series: String::new(),
        count: 0,
        first_ms: Some(window.start_ms),
        last_ms: Some(window.end_ms),
        detail: without_place(error).to_string(),
        remedy: error.remedy.clone(),
        ..Finding::of(FindingKind::NotCompared)
    }
}

pub(super) fn gap_detail(mut finding: Finding) -> Finding {
    if let (Some(first), Some(last)) = (finding.first_ms, finding.last_ms) {
        finding.detail = format!("{}: {}", when(first, last), finding.detail);
    }
    finding
}

/// The error without selector and slab: the finding says both.
fn without_place(error: &Error) -> Error {
    Error { selector: None, slab: None, ..error.clone() }
}

/// One sentence a finding, and one for those that are not listed. `by_kind` is how many findings there are.
pub(super) fn issues(findings: &[Finding], mut by_kind: BTreeMap<FindingKind, u64>) -> (Vec<String>, u64) {
    let mut issues: Vec<String> = findings.iter().map(Finding::sentence).collect();
    for finding in findings {
        if let Some(left) = by_kind.get_mut(&finding.kind) {
            *left = left.saturating_sub(1);
        }
    }
    let omitted = by_kind.values().sum();
    if omitted > 0 {
        let kinds = by_kind.iter().filter(|(_, count)| **count > 0);
        let kinds: Vec<String> =
            kinds.map(|(kind, count)| format!("{}: {}", kind.title(), grouped(*count))).collect();
        issues.push(format!("{} more not listed ({})", grouped(omitted), kinds.join(", ")));
    }
    (issues, omitted)
}
