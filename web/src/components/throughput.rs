//! Rates over the time of a stage.

use crate::state::run::Part;
use crate::state::throughput::{Rate, ceiling};
use crate::state::{format, store};
use leptos::prelude::*;
use tsink_migrate_engine::run::Stage;

/// Size of the drawing's own coordinates; the drawing stretches.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 150.0;

/// The chart; nothing before there are two rates.
#[component]
pub fn ThroughputChart(
    /// Stage.
    stage: Stage,
) -> impl IntoView {
    let store = store();
    let rates = Memo::new(move |_| store.read(&[Part::Progress], |run| run.stage(stage).throughput.rates()));
    view! { <RateChart stage rates /> }
}

/// A chart of these rates; nothing when there are less than two.
#[component]
pub fn RateChart(
    /// Stage.
    stage: Stage,
    /// Rates in order of time.
    #[prop(into)]
    rates: Signal<Vec<Rate>>,
) -> impl IntoView {
    let is_backfill = stage == Stage::Backfill;
    let top = Memo::new(move |_| {
        rates.with(|rates| ceiling(rates.iter().map(|rate| rate.read.max(rate.written)).fold(0.0, f64::max)))
    });
    let unit = if stage == Stage::Cutover { "per second" } else { "samples per second" };
    let spoken = move || {
        let mean = rates
            .with(|rates| rates.iter().map(|rate| rate.written).sum::<f64>() / rates.len().max(1) as f64);
        format!("Mean rate {} {unit}", format::short(mean))
    };
    let path = move |pick: fn(&Rate) -> f64| rates.with(|rates| line(rates, top.get(), pick));
    let last = move || {
        rates.with(|rates| rates.last().map(|rate| rate.elapsed_ms)).map(|ms| format::duration(ms as u64))
    };
    view! {
        <Show when=move || rates.with(|rates| rates.len() > 1)>
            <section class="panel" data-testid="throughput" aria-label="Throughput">
                <div class="panel-head"><h2>"Throughput"</h2><span class="dim">{unit}</span></div>
                <div class="chart">
                    <span class="chart-top mono" aria-hidden="true">{move || format::short(top.get())}</span>
                    <svg
                        viewBox=format!("0 0 {WIDTH} {HEIGHT}")
                        preserveAspectRatio="none"
                        role="img"
                        aria-label=spoken
                    >
                        <line class="grid" x1="0" y1="1" x2=WIDTH y2="1" />
                        <line class="grid" x1="0" y1=HEIGHT / 2.0 x2=WIDTH y2=HEIGHT / 2.0 />
                        <line class="base" x1="0" y1=HEIGHT - 1.0 x2=WIDTH y2=HEIGHT - 1.0 />
                        {is_backfill.then(|| view! { <path class="read" d=move || path(|rate| rate.read) /> })}
                        <path class="written" d=move || path(|rate| rate.written) />
                    </svg>
                    <div class="chart-axis mono" aria-hidden="true"><span>"0"</span><span>{last}</span></div>
                </div>
                <ul class="legend">
                    <li><i class="swatch written" aria-hidden="true"></i>{if is_backfill { "written" } else { "compared" }}</li>
                    {is_backfill.then(|| view! { <li><i class="swatch read" aria-hidden="true"></i>"read"</li> })}
                </ul>
            </section>
        </Show>
    }
}

fn line(rates: &[Rate], top: f64, pick: fn(&Rate) -> f64) -> String {
    let (Some(first), Some(last)) = (rates.first(), rates.last()) else { return String::new() };
    let length = (last.elapsed_ms - first.elapsed_ms).max(1.0);
    let mut path = String::with_capacity(rates.len() * 14);
    for (at, rate) in rates.iter().enumerate() {
        let x = (rate.elapsed_ms - first.elapsed_ms) / length * WIDTH;
        let y = (HEIGHT - 1.0) - (pick(rate) / top).clamp(0.0, 1.0) * (HEIGHT - 2.0);
        path.push_str(&format!("{}{x:.1} {y:.1}", if at == 0 { "M" } else { "L" }));
    }
    path
}
