//! What a recording becomes, before anything is written: its metrics, to be ticked, and what cannot be taken.

use super::pill::{Pill, Tone};
use crate::state::preview::{Preview, selected};
use crate::state::{Store, format, store};
use leptos::prelude::*;
use std::sync::Arc;
use tsink_migrate_engine::plan::Draft;
use tsink_migrate_engine::report::{Flag, MetricPreview, Recording, RefusalGroup};

/// Metrics drawn at first: the plan stands below them.
const FIRST: usize = 8;
/// Metrics drawn with each click on "more".
const MORE: usize = 100;

/// The panel; nothing while there is no recording to read.
#[component]
pub fn PreviewPanel() -> impl IntoView {
    let store = store();
    let is_shown = Memo::new(move |_| {
        store.preview.with(|preview| {
            preview.reading.is_some() || preview.recording.is_some() || preview.error.is_some()
        })
    });
    view! { <Show when=move || is_shown.get()><Panel /></Show> }
}

#[component]
fn Panel() -> impl IntoView {
    let store = store();
    let recording = Memo::new(move |_| store.preview.with(|preview| preview.recording.clone()));
    let state = move || {
        store.preview.with(|preview| match preview {
            Preview { reading: Some((read, all)), .. } => {
                let share = *read as f64 * 100.0 / (*all).max(1) as f64;
                view! { <Pill tone=Tone::Plain word=format!("reading, {share:.0} %") /> }
            }
            Preview { error: Some(_), .. } => {
                view! { <Pill tone=Tone::Bad word="cannot be read".to_owned() /> }
            }
            Preview { recording: Some(one), .. } if one.bad_entries > 0 => {
                let word = format::counted(one.bad_entries, "bad entry", "bad entries");
                view! { <Pill tone=Tone::Bad word /> }
            }
            Preview { recording: Some(one), .. } if one.refused > 0 => {
                view! { <Pill tone=Tone::Warn word=format!("{} refused", format::count(one.refused)) /> }
            }
            _ => view! { <Pill tone=Tone::Good word="all of it is taken".to_owned() /> },
        })
    };
    let progress = move || {
        store.preview.with(|preview| preview.reading).map(|(read, all)| {
            view! { <progress class="bar" max=all.max(1).to_string() value=read.to_string() aria-label="Reading the recording" /> }
        })
    };
    let error = move || {
        store.preview.with(|preview| preview.error.clone()).map(|error| {
            view! { <p class="mark bad">{error.message}</p> <p class="dim">{error.remedy}</p> }
        })
    };
    let body = move || recording.get().map(|recording| view! { <Body recording /> });
    view! {
        <section class="panel preview" data-testid="preview" aria-label="Preview of the recording">
            <div class="panel-head"><h2>"What it becomes"</h2>{state}</div>
            {progress}
            {error}
            {body}
        </section>
    }
}

#[component]
fn Body(recording: Arc<Recording>) -> impl IntoView {
    let store = store();
    let facts = facts(&recording);
    let span = recording.first_ms.zip(recording.last_ms);
    let window = span.map(|(first, last)| {
        let is_outside = Memo::new(move |_| {
            let window = store.check.with(|check| check.window);
            window.is_some_and(|window| first < window.start_ms || last > window.end_ms)
        });
        view! {
            <Show when=move || is_outside.get()>
                <p class="row" data-testid="preview-outside">
                    <Pill tone=Tone::Warn word="outside the window".to_owned() />
                    <span>{format!("It goes from {}.", format::span(first, last))}</span>
                    <button class="button small push" data-testid="preview-window" on:click=move |_| store.window_of(first, last)>
                        "Set the window to it"
                    </button>
                </p>
            </Show>
        }
    });
    let bad = bad(&recording);
    let refused = refused(&recording);
    let flags = flags(&recording);
    view! {
        <dl class="figures">{facts}</dl>
        {window}
        {bad}
        {refused}
        {flags}
        <Metrics recording />
    }
}

fn facts(recording: &Recording) -> Vec<AnyView> {
    let fact =
        |name: &'static str, value: String| view! { <div><dt>{name}</dt><dd>{value}</dd></div> }.into_any();
    let mut facts = vec![
        fact("entries", format::count(recording.entries)),
        fact(recording.unit(), format::count(recording.units)),
        fact("series", format::count(recording.series)),
        fact("samples", format::count(recording.samples)),
    ];
    if recording.exemplars > 0 {
        facts.push(fact("exemplars", format::count(recording.exemplars)));
    }
    facts
}

fn bad(recording: &Recording) -> Option<AnyView> {
    (recording.bad_entries > 0).then(|| {
        let more = recording.bad_entries.saturating_sub(recording.bad.len() as u64);
        let rows = recording.bad.clone().into_iter().map(|bad| {
            let place = match bad.entry {
                Some(entry) => format!("entry {entry}, line {}", bad.line),
                None => format!("line {}", bad.line),
            };
            view! { <li><span class="mono">{place}</span>" "{bad.problem}<p class="dim">{bad.remedy}</p></li> }
        });
        let count = format::counted(recording.bad_entries, "entry cannot be read", "entries cannot be read");
        let store = store();
        let is_strict = Memo::new(move |_| {
            store.check.with(|check| check.summary.as_ref().is_none_or(|summary| summary.options.strict))
        });
        let lenient = move |event| {
            let strict = !event_target_checked(&event);
            store.edit(|draft: &mut Draft| draft.options.strict = Some(strict));
        };
        view! {
            <details class="fold inner" open=true data-testid="preview-bad">
                <summary><Pill tone=Tone::Bad word="cannot be read".to_owned() /><h3>{count}</h3></summary>
                <label class="check">
                    <input type="checkbox" data-testid="preview-lenient" prop:checked=move || !is_strict.get() on:change=lenient />
                    "Leave them out and migrate the others"
                </label>
                <ul class="remarks">
                    {rows.collect_view()}
                    {(more > 0).then(|| view! { <li class="dim">{format!("and {} more", format::count(more))}</li> })}
                </ul>
            </details>
        }
        .into_any()
    })
}

fn refused(recording: &Recording) -> Option<AnyView> {
    (recording.refused > 0).then(|| {
        let groups = recording.refusals.clone().into_iter().map(refusal).collect_view();
        let count = format!("{} {} that tsink would refuse", format::count(recording.refused), recording.unit());
        view! {
            <details class="fold inner" data-testid="preview-refused">
                <summary><Pill tone=Tone::Warn word="left out".to_owned() /><h3>{count}</h3></summary>
                <p class="dim">"Live, tsink refuses the whole request that holds one of them. Change the sender before the cutover."</p>
                {groups}
            </details>
        }
        .into_any()
    })
}

fn refusal(group: RefusalGroup) -> impl IntoView {
    let examples = group.examples.into_iter().map(|example| {
        view! {
            <tr>
                <td data-label="where" class="dim">{format!("entry {}, {}", example.entry, example.place)}</td>
                <td data-label="line" class="mono small break">{example.text}</td>
                <td data-label="tsink says">{example.message}</td>
            </tr>
        }
    });
    let title = format!("{} × {}", format::count(group.count), group.kind.title());
    view! {
        <table class="table stacked">
            <caption>{title}</caption>
            <thead>
                <tr><th scope="col">"where"</th><th scope="col">"line"</th><th scope="col">"tsink says"</th></tr>
            </thead>
            <tbody>{examples.collect_view()}</tbody>
        </table>
    }
}

fn flags(recording: &Recording) -> Vec<AnyView> {
    let flags = recording.flags.iter().map(|flag| {
        let (message, remedy) = flag.words();
        let word = if flag.flag == Flag::StandardHistogram { "not live" } else { "too large live" };
        view! {
            <div class="remark" data-testid="preview-flag">
                <Pill tone=Tone::Warn word=word.to_owned() />
                <p>{message}</p>
                <p class="dim">{remedy}</p>
            </div>
        }
        .into_any()
    });
    flags.collect()
}

#[component]
fn Metrics(recording: Arc<Recording>) -> impl IntoView {
    let store = store();
    let is_locked = Memo::new(move |_| store.phase.get().is_busy());
    let shown = RwSignal::new(FIRST);
    let filter = RwSignal::new(String::new());
    let selectors = Memo::new(move |_| {
        store.text.with(|text| Draft::from_text(text)).map(|draft| draft.selectors).unwrap_or_default()
    });
    let ticks = {
        let recording = recording.clone();
        Memo::new(move |_| selectors.with(|selectors| selected(&recording.metrics, selectors)))
    };
    let total = recording.metrics.len();
    let count = move || {
        let ticked = ticks.with(|ticks| ticks.iter().filter(|tick| **tick).count());
        format!("{} of {} selected", format::count(ticked as u64), format::count(total as u64))
    };
    let all = {
        let recording = recording.clone();
        move |selected: bool| {
            let wanted = filter.get_untracked();
            let names: Vec<String> =
                matching(&recording.metrics, &wanted).map(|(_, one)| one.name.clone()).collect();
            store.select_metrics(&names, selected);
        }
    };
    let (pick, drop) = (all.clone(), all);
    let rows = {
        let recording = recording.clone();
        move || {
            let wanted = filter.get();
            let rows: Vec<_> = matching(&recording.metrics, &wanted)
                .take(shown.get())
                .map(|(at, metric)| {
                    row(
                        store,
                        metric.clone(),
                        Memo::new(move |_| ticks.with(|all| all.get(at) == Some(&true))),
                        is_locked,
                    )
                })
                .collect();
            rows
        }
    };
    let more = {
        let recording = recording.clone();
        move || {
            let left = matching(&recording.metrics, &filter.get()).count().saturating_sub(shown.get());
            (left > 0).then(|| {
                view! {
                    <button class="button small" on:click=move |_| shown.update(|shown| *shown += MORE)>
                        {format!("Show more, {} left", format::count(left as u64))}
                    </button>
                }
            })
        }
    };
    let omitted = (recording.metrics_omitted > 0).then(|| view! {
        <p class="dim">{format!("and {} more metrics with fewer samples", format::count(recording.metrics_omitted))}</p>
    });
    view! {
        <div class="panel-head">
            <h3>"Metrics"</h3>
            <span class="dim" data-testid="preview-selected">{count}</span>
            <input
                class="input small push"
                type="search"
                placeholder="Filter by name"
                aria-label="Filter metrics by name"
                prop:value=move || filter.get()
                on:input=move |event| filter.set(event_target_value(&event))
            />
            <button class="button small" data-testid="preview-all" disabled=is_locked on:click=move |_| pick(true)>"Select all"</button>
            <button class="button small quiet" disabled=is_locked on:click=move |_| drop(false)>"None"</button>
        </div>
        <table class="table stacked" data-testid="preview-metrics">
            <thead>
                <tr>
                    <th scope="col" class="metric">"metric"</th>
                    <th scope="col">"type"</th>
                    <th scope="col" class="num">"series"</th>
                    <th scope="col" class="num">"samples"</th>
                    <th scope="col">"time"</th>
                    <th scope="col">"a line of it, and what it becomes"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
        {more}
        {omitted}
    }
}

fn matching<'m>(
    metrics: &'m [MetricPreview],
    wanted: &str,
) -> impl Iterator<Item = (usize, &'m MetricPreview)> {
    let wanted = wanted.trim().to_lowercase();
    metrics.iter().enumerate().filter(move |(_, one)| one.name.to_lowercase().contains(&wanted))
}

fn row(store: Store, metric: MetricPreview, tick: Memo<bool>, is_locked: Memo<bool>) -> AnyView {
    let name = metric.name.clone();
    let change = move |event| store.select_metrics(std::slice::from_ref(&name), event_target_checked(&event));
    view! {
        <tr>
            <td data-label="metric">
                <label class="check">
                    <input type="checkbox" prop:checked=move || tick.get() disabled=is_locked on:change=change />
                    <span class="mono break">{metric.name}</span>
                </label>
            </td>
            <td data-label="type">{metric.kind.as_str()}</td>
            <td data-label="series" class="num">{format::count(metric.series)}</td>
            <td data-label="samples" class="num">{format::count(metric.samples)}</td>
            <td data-label="time" class="mono small">{format::span(metric.first_ms, metric.last_ms)}</td>
            <td data-label="line">
                {(!metric.line.is_empty()).then(|| view! { <p class="mono small break">{metric.line}</p> })}
                <p class="mono small break dim">{metric.becomes}</p>
            </td>
        </tr>
    }
    .into_any()
}
