//! The stages, at the side or, where there is no room, on top.

use super::glyph::{Glyph, Sign};
use crate::state::run::{Part, Run, StageState};
use crate::state::view::View;
use crate::state::{Phase, format, store, words};
use leptos::prelude::*;
use tsink_migrate_engine::plan::Severity;
use tsink_migrate_engine::report::{Level, Report};
use tsink_migrate_engine::run::Stage;

/// The stages.
#[component]
pub fn Nav() -> impl IntoView {
    view! {
        <nav class="nav" aria-label="Stages">
            <ol>
                {View::ALL.map(|view| {
                    let class = if view == View::Reports { "apart" } else { "" };
                    view! { <li class=class><Entry view /></li> }
                })}
            </ol>
        </nav>
    }
}

/// What an entry shows.
#[derive(Clone, PartialEq)]
struct Look {
    state: &'static str,
    sign: Sign,
    spoken: &'static str,
    aside: String,
}

#[component]
fn Entry(view: View) -> impl IntoView {
    let store = store();
    let look = Memo::new(move |_| match view {
        View::Plan => plan_look(),
        View::Stage(stage) => stage_look(stage),
        View::Reports => reports_look(),
    });
    let state = move || look.with(|look| look.state);
    view! {
        <a
            class="nav-entry"
            href=format!("#{}", view.hash())
            aria-current=move || (store.view.get() == view).then_some("page")
            data-testid=format!("nav-{}", view.hash())
        >
            <span
                class=move || format!("nav-sign {}", state())
                data-testid=format!("stage-state-{}", view.hash())
                data-state=state
            >
                <Glyph sign=Signal::derive(move || look.with(|look| look.sign)) />
            </span>
            <span class="nav-name">{view.title()}</span>
            <span class="visually-hidden">{move || look.with(|look| format!(", {}", look.spoken))}</span>
            <span class="nav-aside">{move || look.with(|look| look.aside.clone())}</span>
        </a>
    }
}

fn plan_look() -> Look {
    let store = store();
    let mut look = Look { state: "todo", sign: Sign::Ring, spoken: "not there yet", aside: String::new() };
    if !store.has_plan.get() {
        return look;
    }
    store.check.with(|check| {
        let errors = check.diagnostics.iter().filter(|found| found.severity == Severity::Error).count();
        if errors > 0 {
            look =
                Look { state: "fail", sign: Sign::Cross, spoken: "to be mended", aside: errors.to_string() };
        } else if check.is_ready() {
            look = Look { state: "pass", sign: Sign::Check, spoken: "in order", aside: String::new() };
        }
    });
    look
}

fn reports_look() -> Look {
    let count = store().reports.history.with(|history| history.as_ref().map_or(0, Vec::len));
    let aside = if count > 0 { count.to_string() } else { String::new() };
    Look { state: "todo", sign: Sign::Dot, spoken: if count > 0 { "kept" } else { "none kept" }, aside }
}

fn stage_look(stage: Stage) -> Look {
    let store = store();
    let phase = store.phase.get();
    store.read(&[Part::Stages, Part::Progress, Part::Preflight], |run| {
        let model = run.stage(stage);
        if stage == Stage::Verify
            && let Some(look) = repair_look(run, phase)
        {
            return look;
        }
        let (sign, spoken) = match model.state {
            StageState::Todo => (Sign::Dot, "to do"),
            StageState::Running if phase == Phase::Paused => (Sign::Pause, "paused"),
            StageState::Running => (Sign::Play, "running"),
            StageState::Pass => (Sign::Check, "passed"),
            StageState::Fail => (Sign::Cross, "failed"),
            StageState::Stopped => (Sign::Warn, "stopped"),
        };
        Look { state: model.state.word(), sign, spoken, aside: aside(run, stage) }
    })
}

/// A repair shows at the verification that it mends: while it runs, and until the whole is verified again.
fn repair_look(run: &Run, phase: Phase) -> Option<Look> {
    let state = run.stage(Stage::Repair).state;
    let look = |state, sign, spoken, aside| Look { state, sign, spoken, aside };
    match state {
        StageState::Running if phase == Phase::Paused => {
            Some(look("running", Sign::Pause, "paused", aside(run, Stage::Repair)))
        }
        StageState::Running => Some(look("running", Sign::Play, "repairing", aside(run, Stage::Repair))),
        StageState::Pass => {
            Some(look("repaired", Sign::Warn, "repaired, to be verified again", String::new()))
        }
        _ => None,
    }
}

/// The one figure that says most about a stage.
fn aside(run: &Run, stage: Stage) -> String {
    let model = run.stage(stage);
    if model.state == StageState::Running {
        let fraction = model.progress.as_ref().map(|progress| progress.fraction);
        return fraction
            .map(|fraction| format!("{} %", (fraction.clamp(0.0, 1.0) * 100.0).floor()))
            .unwrap_or_default();
    }
    if stage == Stage::Preflight && model.state.is_over() {
        let notes = run
            .preflight
            .as_ref()
            .map_or(0, |report| report.notes.iter().filter(|note| note.level > Level::Ok).count());
        if notes > 0 {
            return format::counted(notes as u64, "note", "notes");
        }
    }
    match model.report.as_deref() {
        Some(Report::Backfill(report)) => format::duration(report.run.duration_ms),
        Some(Report::Verify(report)) => {
            let sum = words::totals(&report.raw_checks);
            let differ = sum.rows_differ + sum.missing_series + sum.extra_series;
            if differ > 0 { format::short(differ as f64) } else { String::new() }
        }
        Some(Report::Cutover(report)) => {
            let failed =
                report.promql_checks.iter().filter(|check| !check.matched && !check.accepted).count();
            if failed > 0 { failed.to_string() } else { String::new() }
        }
        _ => String::new(),
    }
}
