//! What was compared, side by side.

use crate::state::format;
use crate::state::words::Totals;
use leptos::prelude::*;
use tsink_migrate_engine::report::{ExemplarCheckReport, MetadataCheckReport, RawCheckReport};

/// Selectors listed at most.
const MOST: usize = 200;

/// Totals of both sides; nothing else may be as plain as this.
pub fn compared(
    totals: Totals,
    metadata: &[MetadataCheckReport],
    exemplars: &[ExemplarCheckReport],
) -> impl IntoView + use<> {
    let sum =
        |pick: &dyn Fn(&ExemplarCheckReport) -> u64| exemplars.iter().map(pick).fold(0, u64::saturating_add);
    let entries =
        |pick: &dyn Fn(&MetadataCheckReport) -> u64| metadata.iter().map(pick).fold(0, u64::saturating_add);
    let rows = [
        ("series", totals.series),
        ("samples", totals.samples),
        ("histograms", totals.histograms),
        ("exemplars", [sum(&|check| check.source_exemplars), sum(&|check| check.target_exemplars)]),
        ("metadata", [entries(&|check| check.source_entries), entries(&|check| check.target_entries)]),
    ];
    let rows = rows.map(|(name, [source, target])| {
        let class = if source == target { "" } else { "differs" };
        view! {
            <tr class=class>
                <th scope="row">{name}</th>
                <td class="num">{format::count(source)}</td>
                <td class="num">{format::count(target)}</td>
            </tr>
        }
    });
    view! {
        <section class="panel" data-testid="compared" aria-label="Compared">
            <div class="panel-head"><h2>"Compared"</h2></div>
            <table class="figures-table">
                <thead><tr><td></td><th scope="col" class="num">"source"</th><th scope="col" class="num">"target"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
}

/// One row a selector.
pub fn by_selector(checks: &[RawCheckReport]) -> impl IntoView + use<> {
    let more = checks.len().saturating_sub(MOST);
    let rows = checks.iter().take(MOST).map(|check| {
        let differ = check.sample_mismatches.saturating_add(check.histogram_mismatches);
        let missing = check.missing_series.saturating_add(check.extra_series);
        let is_equal = check.issues.is_empty() && differ == 0 && missing == 0;
        let (tone, word) =
            if is_equal { (super::pill::Tone::Good, "equal") } else { (super::pill::Tone::Bad, "differs") };
        view! {
            <tr>
                <td data-label="state"><super::pill::Mark tone word /></td>
                <td data-label="selector" class="mono break">{check.selector.clone()}</td>
                <td data-label="series" class="num">{both(check.source_series, check.target_series)}</td>
                <td data-label="samples" class="num">{both(check.source_rows, check.target_rows)}</td>
                <td data-label="differ">{differences(missing, differ)}</td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    view! {
        <section class="panel" data-testid="by-selector" aria-label="By selector">
            <div class="panel-head"><h2>"By selector"</h2></div>
            <table class="table stacked">
                <thead>
                    <tr>
                        <th scope="col">"state"</th>
                        <th scope="col">"selector"</th>
                        <th scope="col" class="num">"series"</th>
                        <th scope="col" class="num">"samples"</th>
                        <th scope="col">"differ"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            {(more > 0).then(|| view! { <p class="dim">{format!("and {more} more selectors; the report has all")}</p> })}
        </section>
    }
}

/// What differs, in words; nothing where nothing does.
fn differences(series: u64, samples: u64) -> String {
    let parts = [(series, "series", "series"), (samples, "sample", "samples")];
    let parts: Vec<String> =
        parts.iter().filter(|(n, ..)| *n > 0).map(|(n, one, many)| format::counted(*n, one, many)).collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

/// One number where both sides have it, both where not.
fn both(source: u64, target: u64) -> String {
    if source == target {
        format::count(source)
    } else {
        format!("{} / {}", format::count(source), format::count(target))
    }
}
