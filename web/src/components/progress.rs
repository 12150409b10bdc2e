//! How far a stage is: a large percentage, a few figures, a bar, and why it waits when it waits.

use super::limits::LimitsControl;
use crate::state::run::{Part, title};
use crate::state::{Phase, format, store};
use leptos::prelude::*;
use tsink_migrate_engine::run::{Progress, Stage};

/// Silence after which an elapsed time is carried on by the page's own clock, in ms.
const SILENCE_MS: i64 = 1_500;

/// The head of a running stage.
#[component]
pub fn ProgressHead(
    /// Stage.
    stage: Stage,
) -> impl IntoView {
    let store = store();
    let progress = Signal::derive(move || {
        store.read(&[Part::Progress, Part::Stages], |run| run.stage(stage).progress.clone())
    });
    let fraction = move || progress.with(|now| now.as_ref().map_or(0.0, |now| now.fraction.clamp(0.0, 1.0)));
    let share = Memo::new(move |_| {
        store.read(&[Part::Coverage], |run| {
            let totals = run.stage(stage).coverage.totals();
            if totals.slabs == 0 { 0.0 } else { totals.in_flight as f64 / totals.slabs as f64 }
        })
    });
    let elapsed = move || {
        let now = store.now.get();
        store.read(&[Part::Progress], |run| {
            let model = run.stage(stage);
            let known = model.progress.as_ref().map_or(0, |progress| progress.elapsed_ms);
            let silent = now.saturating_sub(model.progress_at_ms);
            let is_old = model.progress.is_some() && silent > SILENCE_MS;
            format::duration(known + if is_old { silent.unsigned_abs() } else { 0 })
        })
    };
    let done_width = move || format!("{:.2}%", fraction() * 100.0);
    let flight_width = move || format!("{:.2}%", (share.get().min(1.0 - fraction()).max(0.0)) * 100.0);
    let asked =
        Memo::new(move |_| store.read(&[Part::Steering], |run| run.asked.as_ref().map(|asked| asked.side)));
    let waiting = move || match store.phase.get() {
        Phase::Paused => Some("Paused. What was on its way completes.".to_owned()),
        Phase::Cancelling => Some("Cancelling.".to_owned()),
        _ if asked.with(Option::is_some) => {
            asked.get().map(|side| format!("Waits for a new token for the {side}."))
        }
        _ => progress.with(|now| match now {
            Some(now) => now.waiting.clone(),
            None => Some("Starting.".to_owned()),
        }),
    };
    view! {
        <section class="progress-head" aria-label=format!("Progress of {}", title(stage).to_lowercase())>
            <h1 class="percent" data-testid="progress-percent">{move || format::percent(fraction())}</h1>
            <dl class="figures">
                {move || progress.with(|now| now.as_ref().map(figures))}
                <div><dt>"elapsed"</dt><dd>{elapsed}</dd></div>
            </dl>
            <div
                class="bar"
                role="progressbar"
                aria-label=title(stage)
                aria-valuemin="0"
                aria-valuemax="100"
                aria-valuenow=move || (fraction() * 100.0).floor().to_string()
            >
                <div class="bar-done" style:width=done_width></div>
                <div class="bar-flight" style:width=flight_width></div>
            </div>
            <p class="waiting" role="status" data-testid="waiting">{waiting}</p>
            {matches!(stage, Stage::Backfill | Stage::Repair).then(|| view! { <LimitsControl /> })}
        </section>
    }
}

fn figures(now: &Progress) -> impl IntoView + use<> {
    let of = if now.total > 0 {
        format!("{} of {}", format::short(now.done as f64), format::short(now.total as f64))
    } else {
        format::short(now.done as f64)
    };
    let exact = format!("{} of {}", format::count(now.done), format::count(now.total));
    let rate = (now.rate > 0.0).then(|| {
        view! { <div><dt>"rate"</dt><dd>{format!("{}/s", format::short(now.rate))}</dd></div> }
    });
    let left = match now.eta_ms {
        Some(ms) => format::time_left(ms),
        None => "–".to_owned(),
    };
    let writes = (now.stage == Stage::Backfill).then(|| {
        view! { <div><dt>"writes in flight"</dt><dd>{format::count(now.in_flight)}</dd></div> }
    });
    view! {
        <div><dt>{now.unit.clone()}</dt><dd title=exact>{of}</dd></div>
        {rate}
        <div><dt>"left"</dt><dd data-testid="eta">{left}</dd></div>
        {writes}
    }
}
