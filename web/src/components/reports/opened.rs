//! The report that is open: what it is of, its verdict, what can be done with it, and everything it holds.

use super::share::Share;
use super::shown::Shown;
use crate::components::pill::{Pill, Tone};
use crate::state::reports::entry::verdict;
use crate::state::reports::{Opened, Origin};
use crate::state::{format, store};
use leptos::prelude::*;
use std::sync::Arc;
use tsink_migrate_engine::model::Window;
use tsink_migrate_engine::report::Report;

/// The open report.
#[component]
pub fn OpenedReport() -> impl IntoView {
    let store = store();
    let reports = store.reports;
    let head = move || reports.opened.with(|opened| opened.as_ref().map(head));
    let body = move || {
        reports
            .opened
            .with(|opened| Some(opened.as_ref()?.drawn.clone()))
            .map(|report: Arc<Report>| view! { <Shown report /> })
    };
    view! {
        {head}
        <Share />
        <div class="stack" data-testid="report">{body}</div>
    }
}

fn head(opened: &Opened) -> impl IntoView + use<> {
    let store = store();
    let report = &opened.shown.report;
    let (verdict, run, Window { start_ms, end_ms }) = (verdict(report), report.run(), report.window());
    let tone = if verdict.ok { "good" } else { "bad" };
    let selectors = run.selectors.len() as u64;
    let facts = [
        ("source", run.source.clone()),
        ("target", run.target.clone()),
        ("tenant", run.tenant.clone()),
        ("window", format::window(Window { start_ms, end_ms })),
        (
            "ended",
            if run.finished_ms > 0 {
                format!("{} UTC", format::instant(run.finished_ms))
            } else {
                String::new()
            },
        ),
        ("took", if run.duration_ms > 0 { format::duration(run.duration_ms) } else { String::new() }),
        ("selectors", if selectors > 0 { format::count(selectors) } else { String::new() }),
        ("written by", format!("{} {}", run.tool, run.version).trim().to_owned()),
    ];
    let facts = facts
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| view! { <div><dt>{name}</dt><dd class="mono break">{value}</dd></div> })
        .collect_view();
    let from = match opened.origin {
        Origin::Run => "of this page",
        Origin::History => "of the history",
        Origin::File => "from a file",
        Origin::Link => "from a link",
    };
    let stranger = matches!(opened.origin, Origin::File | Origin::Link).then(|| {
        view! { <p class="dim small">"Shown as it was received. Whoever sent it may have changed it."</p> }
    });
    let id = opened.entry.id.clone();
    let is_kept = Memo::new(move |_| {
        store.reports.history.with(|history| {
            history.as_ref().is_some_and(|all| {
                all.iter().any(|entry| {
                    entry.id.strip_prefix(&id).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
                })
            })
        })
    });
    let keep = move || {
        (!is_kept.get()).then(|| {
            view! {
                <button class="button" data-testid="keep-report" on:click=move |_| store.keep_opened()>"Keep it here"</button>
            }
        })
    };
    view! {
        <section
            class=format!("verdict {tone}")
            data-testid="report-verdict"
            data-verdict=if verdict.ok { "pass" } else { "fail" }
        >
            <h1>{verdict.word}</h1>
            <div class="verdict-words">
                <p class="headline break">{verdict.headline}</p>
                {(!verdict.detail.is_empty()).then(|| view! { <p class="dim break">{verdict.detail}</p> })}
                {stranger}
            </div>
            <div class="downloads">
                {keep}
                <button class="button" data-testid="close-report" on:click=move |_| store.close_report()>"Close"</button>
            </div>
        </section>
        <section class="panel" aria-label="What it is of">
            <div class="panel-head">
                <h2>{report.command()}</h2>
                <Pill tone=Tone::Plain word=from.to_owned() />
                <span class="dim mono break">{opened.name.clone()}</span>
            </div>
            <dl class="facts of-report">{facts}</dl>
        </section>
    }
}
