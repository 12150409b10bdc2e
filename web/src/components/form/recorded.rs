//! The source of a plan that reads a recording.

use super::form;
use crate::components::field::Field;
use crate::state::recording::make::Kind;
use leptos::prelude::*;

#[component]
pub fn Recorded() -> impl IntoView {
    let form = form();
    let kind = Memo::new(move |_| form.get(|draft| draft.source.kind.clone()));
    let kinds = move || {
        Kind::ALL
            .map(|one| view! { <option value=one.word() selected=move || kind.get() == one.word()>{one.title()}</option> })
    };
    let text = move |id: &'static str,
                     label: &'static str,
                     hint: &'static str,
                     means: &'static str,
                     field: Place| {
        let value = Signal::derive(move || form.get(|draft| field(&mut draft.clone()).clone()));
        let set = Callback::new(move |event| form.edit(|draft| *field(draft) = event_target_value(&event)));
        view! { <Field id testid=format!("form-{id}") label value placeholder=hint means on_input=set /> }
    };
    view! {
        <div class="group">
            <h3>"Source: a recording"</h3>
            <div class="field-group">
                <label for="recorded-kind">"What was recorded"</label>
                <select
                    id="recorded-kind"
                    class="input"
                    data-testid="form-recorded-kind"
                    on:change=move |event| form.edit(|draft| draft.source.kind = event_target_value(&event))
                >
                    {kinds}
                </select>
            </div>
            {text("manifest", "Manifest", "capture.json", "Relative to the plan.", |draft| &mut draft.source.capture_manifest_path)}
            <label class="check">
                <input
                    type="checkbox"
                    data-testid="form-lenient"
                    prop:checked=move || form.get(|draft| draft.options.strict == Some(false))
                    on:change=move |event| form.edit(|draft| {
                        draft.options.strict = event_target_checked(&event).then_some(false);
                    })
                />
                "Leave entries out that cannot be read"
            </label>
            {text(
                "live-probe",
                "Live probe: scratch tenant",
                "none",
                "Sends a few recorded lines to tsink's live endpoint in this tenant, and reads them back (InfluxDB).",
                |draft| &mut draft.options.live_probe,
            )}
        </div>
    }
}

type Place = fn(&mut tsink_migrate_engine::plan::Draft) -> &mut String;
