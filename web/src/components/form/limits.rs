//! What the run may take: of the target, of memory, of patience. Empty fields take the plan's defaults.

use super::form;
use crate::components::field::Field;
use leptos::ev::Event;
use leptos::prelude::*;
use tsink_migrate_engine::plan::DraftOptions;

/// An option: its name in the plan, label, hint, unit or meaning, and its place in the draft.
type Option_ = (&'static str, &'static str, &'static str, fn(&mut DraftOptions) -> &mut Option<u64>);

const OPTIONS: [Option_; 6] = [
    ("max_concurrent_writes", "Writes at once", "at most; found by the run below that", |all| {
        &mut all.max_concurrent_writes
    }),
    ("max_rows_per_second", "Rows a second", "0 for as many as the target takes", |all| {
        &mut all.max_rows_per_second
    }),
    ("max_in_flight_rows", "Rows in flight", "in all writes together; 0 for no limit", |all| {
        &mut all.max_in_flight_rows
    }),
    ("memory_mib", "Memory, MiB", "of the engine at most; slabs shrink to fit", |all| &mut all.memory_mib),
    ("backoff_base_ms", "First wait, ms", "before a request is repeated; doubles each time", |all| {
        &mut all.backoff_base_ms
    }),
    ("backoff_cap_ms", "Longest wait, ms", "between two attempts", |all| &mut all.backoff_cap_ms),
];

/// The fields, folded.
#[component]
pub fn Limits() -> impl IntoView {
    let fields = OPTIONS.map(field);
    view! {
        <details class="fold plain" data-testid="form-limits">
            <summary><h3>"Limits and patience"</h3></summary>
            <div class="limits-fields wide">{fields}</div>
        </details>
    }
}

fn field((name, label, hint, place): Option_) -> impl IntoView {
    let form = form();
    let value = Signal::derive(move || {
        let of_plan =
            form.0.with(|draft| draft.as_ref().and_then(|draft| *place(&mut draft.options.clone())));
        of_plan.map(|value| value.to_string()).unwrap_or_default()
    });
    let set = move |event: Event| {
        let typed = event_target_value(&event);
        form.edit(|draft| *place(&mut draft.options) = typed.trim().parse().ok());
    };
    view! {
        <Field
            id=format!("form-{}", name.replace('_', "-"))
            label
            value
            kind="number"
            placeholder="default"
            means=hint
            on_change=Callback::new(set)
        />
    }
}
