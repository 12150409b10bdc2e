//! The frame of the page: header, stages at the side, one page at a time, and what works everywhere.

use crate::browser;
use crate::components::ask::AskForToken;
use crate::components::drop_layer::DropLayer;
use crate::components::error_banner::ErrorBanner;
use crate::components::header::Header;
use crate::components::nav::Nav;
use crate::components::offer::Interrupted;
use crate::components::open;
use crate::pages::{
    backfill::Backfill, cutover::Cutover, plan::PlanPage, preflight::Preflight, reports::Reports,
    verify::Verify,
};
use crate::state::run::Part;
use crate::state::view::View;
use crate::state::{Phase, Store, store};
use leptos::ev;
use leptos::prelude::*;
use std::time::Duration;
use tsink_migrate_engine::report::{Report, Status};
use tsink_migrate_engine::run::Stage;

/// The page.
#[component]
pub fn App() -> impl IntoView {
    let store = Store::start();
    provide_context(store);
    listen(store);
    open::at_start(store);
    let title = Memo::new(move |_| title(store));
    Effect::new(move || document().set_title(&title.get()));

    let skip = move |_| browser::focus("content");
    let page = move || match store.view.get() {
        View::Plan => view! { <PlanPage /> }.into_any(),
        View::Stage(Stage::Preflight) => view! { <Preflight /> }.into_any(),
        View::Stage(Stage::Backfill) => view! { <Backfill /> }.into_any(),
        View::Stage(Stage::Verify) => view! { <Verify /> }.into_any(),
        View::Stage(Stage::Repair) => view! { <Verify /> }.into_any(),
        View::Stage(Stage::Cutover) => view! { <Cutover /> }.into_any(),
        View::Reports => view! { <Reports /> }.into_any(),
    };
    view! {
        <button class="skip" on:click=skip>"Skip to the content"</button>
        <Header />
        <div class="frame">
            <Nav />
            <main id="content" tabindex="-1" aria-label=move || store.view.get().title()>
                <ErrorBanner />
                <AskForToken />
                <Show when=move || store.view.get() != View::Reports><Interrupted /></Show>
                {page}
            </main>
        </div>
        <DropLayer />
        <p class="visually-hidden" role="status" data-testid="said">{move || store.said.get()}</p>
    }
}

/// Listeners on the window: the address' fragment, leaving during a run, the clock.
fn listen(store: Store) {
    let hash = location_hash().unwrap_or_default();
    if let Some(view) = View::from_hash(&hash) {
        store.view.set(view);
    } else {
        store.open_link(&hash);
    }
    let _ = window_event_listener(ev::hashchange, move |_| {
        let hash = location_hash().unwrap_or_default();
        match View::from_hash(&hash) {
            Some(view) => store.go(view),
            None => drop(store.open_link(&hash)),
        }
    });
    let _ = window_event_listener(ev::beforeunload, move |event| {
        if store.phase.get_untracked().is_busy() {
            event.prevent_default();
            // Older browsers ask only when there is a return value.
            event.set_return_value("A migration is under way.");
        }
    });
    set_interval(
        move || {
            if store.phase.get_untracked().is_busy() {
                store.now.set(browser::now_ms());
            }
        },
        Duration::from_millis(500),
    );
}

/// What stands on the browser's tab: where the run is, for an operator in another tab.
fn title(store: Store) -> String {
    let name = "tsink Migrate";
    let now = store.read(&[Part::Stages, Part::Progress], |run| {
        let running = run.current.map(|stage| {
            let done = run.stage(stage).progress.as_ref().map_or(0.0, |progress| progress.fraction);
            // Whole percents: each new title has the browser lay out its tabs anew.
            let percent = (done.clamp(0.0, 1.0) * 100.0) as u32;
            format!("{percent} % {}", crate::state::run::title(stage))
        });
        running.or_else(|| {
            let last = crate::state::run::STAGES
                .into_iter()
                .rev()
                .find_map(|stage| run.stage(stage).report.as_ref())?;
            Some(verdict(last).to_owned())
        })
    });
    let is_asked = store.read(&[Part::Steering], |run| run.asked.is_some());
    match (store.phase.get(), now) {
        (_, Some(now)) if is_asked => format!("Waits for a token · {now} · {name}"),
        (Phase::Paused, Some(now)) => format!("Paused · {now} · {name}"),
        (_, Some(now)) => format!("{now} · {name}"),
        (_, None) => name.to_owned(),
    }
}

fn verdict(report: &Report) -> &'static str {
    use crate::state::words;
    match report {
        Report::Preflight(report) => words::preflight(report).word,
        Report::Backfill(report) => words::backfill(report).word,
        Report::Verify(report) => words::verify(report).word,
        Report::Repair(report) => words::repair(report).word,
        Report::Cutover(report) if report.status == Status::Pass => "Cutover check: PASS",
        Report::Cutover(_) => "Cutover check: FAIL",
    }
}

/// Whether results that are shown were made with another plan or window than the present one.
pub fn is_stale(stage: Stage) -> bool {
    let store = store();
    let now = store.inputs();
    !store.phase.get().is_busy()
        && store.read(&[Part::Stages], |run| {
            let model = run.stage(stage);
            model.state.is_over() && model.inputs != now
        })
}
