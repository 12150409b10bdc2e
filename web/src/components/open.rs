//! Opening plans: from files, from the clipboard, from beside the page.

use crate::browser;
use crate::state::files::{self, Recognised};
use crate::state::{Offered, Store};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::wasm_bindgen::JsCast;
use web_sys::{FileList, HtmlInputElement};

/// Id of the hidden file input.
pub const INPUT: &str = "file-input";
/// The sample plan that a demo serves beside the page.
pub const SAMPLE: &str = "demo-plan.json";
/// Files looked at in one go.
const MOST_FILES: u32 = 50;

/// Whether a sample is served beside the page.
#[derive(Clone, Copy)]
pub struct Sample(pub RwSignal<Option<String>>);

/// Opens the browser's file dialog.
pub fn choose() {
    let input =
        document().get_element_by_id(INPUT).and_then(|input| input.dyn_into::<HtmlInputElement>().ok());
    if let Some(input) = input {
        input.click();
    }
}

/// Looks at files, one after the other, and opens the first plan. A file's size is judged before a byte of
/// it is read.
pub fn files(store: Store, list: &FileList) {
    let files: Vec<_> = (0..list.length().min(MOST_FILES)).filter_map(|at| list.get(at)).collect();
    if files.is_empty() {
        return;
    }
    spawn_local(async move {
        let (mut offered, mut plan) = (Vec::new(), None);
        for file in files {
            let name = file.name();
            let (what, text) = match files::too_large(file.size()) {
                Some(what) => (what, None),
                None => match browser::read_file(&file).await {
                    Ok(text) => (files::recognise(&text), Some(text)),
                    Err(why) => (Recognised::Other { kind: "unreadable", words: why }, None),
                },
            };
            let taken = plan.is_none() && what.is_plan();
            if taken {
                plan = text.map(|text| (text, name.clone()));
            }
            offered.push(Offered { name, what, taken });
        }
        take(store, offered, plan);
    });
}

/// Looks at a text that was pasted or fetched.
pub fn text(store: Store, text: String, name: &str) {
    let what = files::recognise(&text);
    let plan = what.is_plan().then(|| (text, name.to_owned()));
    take(store, vec![Offered { name: name.to_owned(), taken: plan.is_some(), what }], plan);
}

fn take(store: Store, mut offered: Vec<Offered>, plan: Option<(String, String)>) {
    if store.phase.get_untracked().is_busy() && plan.is_some() {
        offered.iter_mut().for_each(|file| file.taken = false);
        store.said.set("A run is under way; open the plan when it has ended.".to_owned());
    } else if let Some((text, name)) = plan {
        store.open(text, name);
        store.form.set(false);
    } else {
        store.said.set("There is no plan in it.".to_owned());
        store.go(crate::state::view::View::Plan);
    }
    // A plan alone needs no list: it stands in the editor.
    offered.retain(|file| !file.taken);
    store.offered.set(offered);
}

/// Loads the plan that the page's address names (`?plan=…`, on this origin only); without one, finds out
/// whether there is a sample to offer.
pub fn at_start(store: Store) {
    let sample = Sample(RwSignal::new(None));
    provide_context(sample);
    spawn_local(async move {
        if let Some(address) = browser::query("plan") {
            return match browser::fetch_own_text(&address).await {
                Ok(plan) => text(store, plan, name_of(&address)),
                Err(words) => {
                    let what = Recognised::Other { kind: "not loaded", words };
                    store.offered.set(vec![Offered { name: address, what, taken: false }]);
                }
            };
        }
        // Static hosts answer unknown names with a page of their own; only a plan counts.
        let found = browser::fetch_own_text(SAMPLE).await.ok();
        sample.0.set(found.filter(|text| files::recognise(text).is_plan()));
    });
}

fn name_of(address: &str) -> &str {
    let path = address.split(['?', '#']).next().unwrap_or(address);
    path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(path)
}
