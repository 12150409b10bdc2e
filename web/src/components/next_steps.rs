//! What a migration is, in four lines.

use leptos::prelude::*;

const STEPS: [(&str, &str); 4] = [
    ("Preflight", "Asks both servers whether they are ready. Writes nothing."),
    ("Backfill", "Copies the window from source to target. Repeats what a busy server refuses."),
    ("Verify", "Compares every sample on both sides, by its timestamp."),
    ("Cutover", "Compares what queries answer, and says PASS or FAIL."),
];

/// What happens next.
#[component]
pub fn NextSteps() -> impl IntoView {
    let steps = STEPS.map(|(name, words)| view! { <li><b>{name}</b><span class="dim">{words}</span></li> });
    view! {
        <section class="panel">
            <div class="panel-head"><h2>"What happens next"</h2></div>
            <ol class="steps">{steps}</ol>
        </section>
    }
}
