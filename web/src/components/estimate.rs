//! How much there is to copy, and how long it may take.

use crate::state::format;
use leptos::prelude::*;
use tsink_migrate_engine::report::Estimate;

/// Selectors listed at most.
const MOST: usize = 50;

/// The estimate.
#[component]
pub fn EstimatePanel(
    /// The estimate.
    estimate: Estimate,
    /// Whether everything was counted, as in a recording.
    is_exact: bool,
) -> impl IntoView {
    let more = estimate.selectors.len().saturating_sub(MOST);
    let rows = estimate.selectors.into_iter().take(MOST).map(|selector| {
        let rows = if selector.has_histograms {
            format!("{} with histograms", format::count(selector.rows))
        } else {
            format::count(selector.rows)
        };
        view! {
            <tr>
                <th scope="row" class="mono break">{selector.selector}</th>
                <td class="num">{format::count(selector.series)}</td>
                <td class="num">{rows}</td>
            </tr>
        }
    });
    view! {
        <section class="panel" data-testid="estimate" aria-label="Estimate">
            <div class="panel-head"><h2>"Expected"</h2><span class="dim">{if is_exact { "counted in the recording" } else { "from three small reads" }}</span></div>
            <dl class="figures">
                <div><dt>"samples"</dt><dd title=format::count(estimate.rows)>{format::short(estimate.rows as f64)}</dd></div>
                <div><dt>"series"</dt><dd>{format::count(estimate.series)}</dd></div>
                <div><dt>"backfill takes about"</dt><dd>{format::time_left(estimate.duration_ms)}</dd></div>
            </dl>
            <div class="scroll-x">
                <table class="figures-table">
                    <thead>
                        <tr><th scope="col">"selector"</th><th scope="col" class="num">"series"</th><th scope="col" class="num">"samples"</th></tr>
                    </thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
            {(more > 0).then(|| view! { <p class="dim">{format!("and {more} more selectors")}</p> })}
        </section>
    }
}
