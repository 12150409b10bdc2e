//! Limits of the run under way: what is in force, and three fields to change it at once.

use super::field::Field;
use crate::state::run::Part;
use crate::state::steering::number;
use crate::state::{format, store};
use leptos::ev::Event;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use tsink_migrate_engine::run::Limits;
use web_sys::HtmlInputElement;

/// Write requests at once at most that can be asked for.
const MOST_WRITES: u64 = 256;

/// A limit: hook, label, what it means, reader and writer. 0 and none stand for no limit, save for writes at once.
struct Limit {
    id: &'static str,
    label: &'static str,
    hint: &'static str,
    get: fn(&Limits) -> Option<u64>,
    set: fn(&mut Limits, u64),
}

const WRITES: Limit = Limit {
    id: "limit-writes",
    label: "Writes at once",
    hint: "",
    get: |limits| limits.max_concurrent_writes.map(|writes| writes as u64),
    set: |limits, value| limits.max_concurrent_writes = Some(value.clamp(1, MOST_WRITES) as usize),
};
const RATE: Limit = Limit {
    id: "limit-rate",
    label: "Rows a second",
    hint: "no limit",
    get: |limits| limits.max_rows_per_second,
    set: |limits, value| limits.max_rows_per_second = Some(value),
};
const ROWS: Limit = Limit {
    id: "limit-rows",
    label: "Rows in flight",
    hint: "no limit",
    get: |limits| limits.max_in_flight_rows,
    set: |limits, value| limits.max_in_flight_rows = Some(value),
};

/// The control.
#[component]
pub fn LimitsControl() -> impl IntoView {
    let store = store();
    let limits = Memo::new(move |_| {
        // Until the engine says what is in force, that is what the plan says.
        let planned = store
            .check
            .with(|check| check.summary.as_ref().map(|summary| summary.options.max_concurrent_writes));
        store.read(&[Part::Steering], |run| {
            run.limits.unwrap_or(Limits { max_concurrent_writes: planned, ..Limits::default() })
        })
    });
    let words = move || limits.with(in_words);
    let is_changed = move || {
        limits.track();
        store.has_limited()
    };
    let field = move |limit: Limit| {
        let is_wrong = RwSignal::new(false);
        let Limit { id, label, hint, get, set } = limit;
        let value = Signal::derive(move || {
            limits.with(get).filter(|value| *value > 0).map(format::count).unwrap_or_default()
        });
        let change = move |event: Event| {
            let typed = event_target_value(&event);
            let number = number(&typed);
            is_wrong.set(number.is_err() || (number == Ok(0) && hint.is_empty()));
            if let (Ok(number), false) = (number, is_wrong.get_untracked()) {
                store.limit(|limits| set(limits, number));
                store.said.set(format!(
                    "{label}: {}.",
                    if number == 0 { "no limit".to_owned() } else { format::count(number) }
                ));
            } else if let Some(input) =
                event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok())
            {
                // What is in force stands there again.
                input.set_value(&value.get_untracked());
            }
        };
        view! { <Field id label value placeholder=hint numeric=true wrong=is_wrong on_change=Callback::new(change) /> }
    };
    view! {
        <details class="limits" data-testid="limits">
            <summary><span class="dim">"Limits"</span> " " <span data-testid="limits-in-force">{words}</span></summary>
            <div class="limits-fields" role="group" aria-label="Limits of this run">
                {field(WRITES)}
                {field(RATE)}
                {field(ROWS)}
                <button
                    class="button small quiet"
                    type="button"
                    data-testid="limits-as-planned"
                    disabled=move || !is_changed()
                    on:click=move |_| store.limit_as_planned()
                >
                    "As planned"
                </button>
            </div>
            <p class="means">"A change counts from the next request on: press Enter, or leave the field. The plan stays as it is."</p>
        </details>
    }
}

/// `4 writes at once, 50 k rows/s`.
fn in_words(limits: &Limits) -> String {
    let mut words = Vec::new();
    if let Some(writes) = limits.max_concurrent_writes {
        words.push(format!("up to {} at once", format::counted(writes as u64, "write", "writes")));
    }
    if let Some(rate) = limits.max_rows_per_second.filter(|rate| *rate > 0) {
        words.push(format!("{} rows/s", format::short(rate as f64)));
    }
    if let Some(rows) = limits.max_in_flight_rows.filter(|rows| *rows > 0) {
        words.push(format!("{} rows in flight", format::short(rows as f64)));
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_force_in_words() {
        assert_eq!(in_words(&Limits::default()), "");
        let limits = Limits {
            max_concurrent_writes: Some(4),
            max_rows_per_second: Some(0),
            max_in_flight_rows: Some(200_000),
        };
        assert_eq!(in_words(&limits), "up to 4 writes at once, 200 k rows in flight");
        let one =
            Limits { max_concurrent_writes: Some(1), max_rows_per_second: Some(50_000), ..Limits::default() };
        assert_eq!(in_words(&one), "up to 1 write at once, 50.0 k rows/s");
    }

    #[test]
    fn at_least_one_write_at_once() {
        let mut limits = Limits::default();
        (WRITES.set)(&mut limits, 0);
        assert_eq!(limits.max_concurrent_writes, Some(1));
        (WRITES.set)(&mut limits, u64::MAX);
        assert_eq!((WRITES.get)(&limits), Some(MOST_WRITES));
    }
}
