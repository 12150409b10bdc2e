//! The plan as text: a plain text area with line numbers, and marks on lines with findings.

use crate::state::run::Part;
use crate::state::store;
use leptos::html::Textarea;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use std::collections::BTreeMap;
use tsink_migrate_engine::plan::Severity;
use web_sys::HtmlTextAreaElement;

const ID: &str = "plan-text";
/// Lines numbered at most; a plan has a few dozen.
const MOST_LINES: usize = 5_000;

/// The editor.
#[component]
pub fn Editor() -> impl IntoView {
    let store = store();
    let field = NodeRef::<Textarea>::new();
    let scrolled = RwSignal::new(0);
    let lines = Memo::new(move |_| store.text.with(|text| text.split('\n').count().clamp(1, MOST_LINES)));
    let marks = Memo::new(move |_| {
        store.check.with(|check| {
            let mut marks: BTreeMap<usize, (Severity, String)> = BTreeMap::new();
            for found in check.diagnostics.iter().filter(|found| found.line > 0) {
                let mark = marks.entry(found.line as usize).or_insert((found.severity, String::new()));
                if found.severity == Severity::Error {
                    mark.0 = Severity::Error;
                }
                if !mark.1.is_empty() {
                    mark.1.push('\n');
                }
                mark.1.push_str(&found.message);
            }
            marks
        })
    });
    let numbers = move || {
        marks.with(|marks| {
            (1..=lines.get())
                .map(|line| match marks.get(&line) {
                    None => view! { <li>{line}</li> }.into_any(),
                    Some((severity, messages)) => {
                        let class = if *severity == Severity::Error { "bad" } else { "warn" };
                        view! { <li class=class title=messages.clone()>{line}</li> }.into_any()
                    }
                })
                .collect_view()
        })
    };
    let bands = move || {
        marks.with(|marks| {
            marks
                .iter()
                .map(|(line, (severity, _))| {
                    let class = if *severity == Severity::Error { "band bad" } else { "band warn" };
                    view! { <div class=class style=("--line", line.saturating_sub(1).to_string())></div> }
                })
                .collect_view()
        })
    };
    let shift = move || format!("{}px", scrolled.get());
    // A header that has expired may stand here.
    let is_asked = move || store.read(&[Part::Steering], |run| run.asked.is_some());
    let is_locked = move || store.phase.get().is_busy() && !is_asked();
    view! {
        <div class="editor" style=("--scrolled", shift)>
            <ol class="numbers" aria-hidden="true">{numbers}</ol>
            <div class="field">
                <div class="bands" aria-hidden="true">{bands}</div>
                <textarea
                    id=ID
                    node_ref=field
                    data-testid="plan-text"
                    aria-label="Plan as JSON"
                    aria-describedby="plan-problems"
                    spellcheck="false"
                    autocomplete="off"
                    autocapitalize="off"
                    wrap="off"
                    readonly=is_locked
                    prop:value=move || store.text.get()
                    on:input=move |event| store.text.set(event_target_value(&event))
                    on:scroll=move |_| {
                        if let Some(field) = field.get_untracked() {
                            scrolled.set(field.scroll_top());
                        }
                    }
                ></textarea>
            </div>
        </div>
    }
}

/// Puts the caret to a 1-based line and column in characters, and shows it.
pub fn put_caret(line: u32, column: u32) {
    let field =
        document().get_element_by_id(ID).and_then(|field| field.dyn_into::<HtmlTextAreaElement>().ok());
    let Some(field) = field else { return };
    let text = field.value();
    let at = offset(&text, line, column);
    let _ = field.focus();
    let _ = field.set_selection_range(at, at);
    let height = f64::from(field.scroll_height()) / (text.split('\n').count().max(1) as f64);
    let wanted = height * (f64::from(line) - 4.0);
    field.set_scroll_top(wanted.max(0.0) as i32);
}

/// Offset in UTF-16 units, as the DOM counts, of a line and a column in characters.
fn offset(text: &str, line: u32, column: u32) -> u32 {
    let units = |text: &str| text.encode_utf16().count();
    let before: usize =
        text.split('\n').take(line.saturating_sub(1) as usize).map(|line| units(line) + 1).sum();
    let here = text.split('\n').nth(line.saturating_sub(1) as usize).unwrap_or_default();
    let within: usize = here.chars().take(column.saturating_sub(1) as usize).map(char::len_utf16).sum();
    u32::try_from(before + within).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::offset;

    #[test]
    fn the_dom_counts_in_utf16() {
        let text = "{\n \"a\u{1F600}b\": 1\n}";
        assert_eq!(offset(text, 1, 1), 0);
        assert_eq!(offset(text, 2, 1), 2);
        assert_eq!(offset(text, 2, 4), 5);
        assert_eq!(offset(text, 2, 5), 7);
        assert_eq!(offset(text, 9, 9), 15);
    }
}
