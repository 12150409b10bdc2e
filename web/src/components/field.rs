//! A field of a form: its label, the input, and what its value means.

use leptos::ev::Event;
use leptos::prelude::*;
use web_sys::HtmlInputElement;

/// One line of text or a number, with its label above and its meaning below.
#[component]
pub fn Field(
    /// Id of the input; what it means has the same with `-means`.
    #[prop(into)]
    id: String,
    /// Its hook, where that is another than its id.
    #[prop(into, optional)]
    testid: Option<String>,
    /// Label.
    label: &'static str,
    /// What stands in it.
    #[prop(into)]
    value: Signal<String>,
    /// Takes each letter.
    #[prop(into, optional)]
    on_input: Option<Callback<Event>>,
    /// Takes the whole when the field is left.
    #[prop(into, optional)]
    on_change: Option<Callback<Event>>,
    /// What stands for an empty value.
    #[prop(into, optional)]
    placeholder: MaybeProp<String>,
    /// What the value means, or what is wrong with it.
    #[prop(into, optional)]
    means: MaybeProp<String>,
    /// Whether that is a value itself.
    #[prop(optional)]
    means_mono: bool,
    /// Whether the value is wrong.
    #[prop(into, optional)]
    wrong: MaybeProp<bool>,
    /// Whether it may be read only, now.
    #[prop(into, optional)]
    locked: MaybeProp<bool>,
    /// Whether it has nothing to take, now.
    #[prop(into, optional)]
    disabled: MaybeProp<bool>,
    /// `text`, or `number` for a whole one.
    #[prop(default = "text")]
    kind: &'static str,
    /// Whether a number is typed as people write it.
    #[prop(optional)]
    numeric: bool,
) -> impl IntoView {
    let testid = testid.unwrap_or_else(|| id.clone());
    let is_number = kind == "number";
    let is = move |flag: MaybeProp<bool>| move || flag.get().unwrap_or_default();
    let (is_wrong, is_locked, is_disabled) = (is(wrong), is(locked), is(disabled));
    let means_id = format!("{id}-means");
    let has_meaning = Memo::new(move |_| means.get().is_some());
    let described = {
        let means_id = means_id.clone();
        move || has_meaning.get().then(|| means_id.clone())
    };
    let meaning = {
        let testid = format!("{testid}-means");
        move || {
            has_meaning.get().then(|| {
                view! {
                    <p id=means_id.clone() class="means" class:mono=means_mono class:bad=is_wrong data-testid=testid.clone()>
                        {move || means.get()}
                    </p>
                }
            })
        }
    };
    let focused = move |event: leptos::ev::FocusEvent| {
        if numeric {
            event_target::<HtmlInputElement>(&event).select();
        }
    };
    view! {
        <div class="field-group">
            <label for=id.clone()>{label}</label>
            <input
                id=id
                class="input mono"
                data-testid=testid
                type=kind
                min=is_number.then_some("0")
                step=is_number.then_some("1")
                inputmode=numeric.then_some("numeric")
                autocomplete="off"
                spellcheck="false"
                placeholder=move || placeholder.get()
                aria-describedby=described
                aria-invalid=move || is_wrong().then_some("true")
                readonly=is_locked
                disabled=is_disabled
                prop:value=move || value.get()
                on:input=move |event| on_input.iter().for_each(|on| on.run(event.clone()))
                on:change=move |event| on_change.iter().for_each(|on| on.run(event.clone()))
                on:focus=focused
            />
            {meaning}
        </div>
    }
}
