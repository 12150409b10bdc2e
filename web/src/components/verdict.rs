//! The verdict: the largest thing on a page whose stage has ended.

use super::downloads::Downloads;
use crate::state::words::Verdict;
use leptos::prelude::*;
use tsink_migrate_engine::run::Stage;

/// A verdict with its downloads.
#[component]
pub fn VerdictPanel(
    /// What was found.
    verdict: Verdict,
    /// Stage whose report it sums up.
    stage: Stage,
) -> impl IntoView {
    let tone = if verdict.ok { "good" } else { "bad" };
    view! {
        <section
            class=format!("verdict {tone}")
            data-testid="verdict"
            data-verdict=if verdict.ok { "pass" } else { "fail" }
        >
            <h1>{verdict.word}</h1>
            <div class="verdict-words">
                <p class="headline">{verdict.headline}</p>
                {(!verdict.detail.is_empty()).then(|| view! { <p class="dim">{verdict.detail}</p> })}
            </div>
            <Downloads stage />
        </section>
    }
}
