//! Sharing the open report: what to hide, files, a link, paper.

use crate::browser;
use crate::components::glyph::{Glyph, Sign};
use crate::state::reports::link;
use crate::state::reports::share::Link;
use crate::state::{format, store};
use leptos::prelude::*;

/// Id of the field with the link.
const FIELD: &str = "report-link";

/// What can be done with the open report.
#[component]
pub fn Share() -> impl IntoView {
    view! {
        <section class="panel share" data-testid="share-panel" aria-label="Share it">
            <div class="panel-head"><h2>"Share it"</h2><span class="dim">"as a link, as files, on paper"</span></div>
            <Hide />
            <div class="row">
                <LinkButton />
                <Files />
                <button class="button" data-testid="print-report" on:click=move |_| browser::print()>"Print"</button>
            </div>
            <LinkField />
        </section>
    }
}

/// What is hidden in everything that goes out, and in what is shown.
#[component]
fn Hide() -> impl IntoView {
    let store = store();
    let reports = store.reports;
    view! {
        <div class="share-hide">
            <label class="check">
                <input
                    type="checkbox"
                    data-testid="hide-hosts"
                    prop:checked=move || reports.hide_hosts.get()
                    on:change=move |event| {
                        reports.hide_hosts.set(event_target_checked(&event));
                        store.hide_in_report();
                    }
                />
                "Hide host names"
            </label>
            <label class="share-labels" for="hide-labels">"Hide values of labels"</label>
            <input
                id="hide-labels"
                class="input mono"
                data-testid="hide-labels"
                placeholder="instance, pod"
                autocomplete="off"
                spellcheck="false"
                prop:value=move || reports.hide_labels.get()
                on:change=move |event| {
                    reports.hide_labels.set(event_target_value(&event));
                    store.hide_in_report();
                }
            />
            <p class="means">"The same stand-in for the same name throughout. Header values and tokens are never in a report."</p>
        </div>
    }
}

#[component]
fn LinkButton() -> impl IntoView {
    let store = store();
    let is_busy = move || store.reports.link.with(|link| *link == Link::Making);
    view! {
        <button
            class="button primary"
            data-testid="copy-link"
            disabled=is_busy
            on:click=move |_| store.make_link(false)
        >
            "Copy a link"
        </button>
    }
}

#[component]
fn Files() -> impl IntoView {
    let store = store();
    let button = |extension: &'static str, testid: &'static str| {
        let save = move |_| {
            let saved = store.reports.opened.with_untracked(|opened| {
                let opened = opened.as_ref()?;
                let name = opened.entry.file_name();
                let name = format!("{}.{extension}", name.trim_end_matches(".json"));
                let shown = &opened.shown;
                match extension {
                    "json" => shown.json.save(&name),
                    "md" => shown.markdown.save(&name),
                    _ => shown.html.save(&name),
                }
            });
            let words = if saved.is_some() { "Report saved." } else { "This browser does not save files." };
            store.said.set(words.to_owned());
        };
        view! { <button class="button" data-testid=testid on:click=save>{format!("report.{extension}")}</button> }
    };
    view! {
        {button("json", "report-json")}
        {button("md", "report-md")}
        {button("html", "report-html")}
    }
}

/// The link, or why there is none and what to do instead.
#[component]
fn LinkField() -> impl IntoView {
    let store = store();
    let shorter = move || {
        view! {
            <button class="button" data-testid="copy-short-link" on:click=move |_| store.make_link(true)>
                "Copy a shorter link"
            </button>
        }
    };
    let body = move || {
        match store.reports.link.get() {
        Link::None => ().into_any(),
        Link::Making => view! { <p class="dim">"Making the link"</p> }.into_any(),
        Link::Made { url, is_short, is_copied } => {
            let characters = format::counted(url.len() as u64, "character", "characters");
            view! { <Made url is_short is_copied characters /> }.into_any()
        }
        Link::TooLong { chars, is_shortest: false } => view! {
            <p>{format!(
                "The whole report makes a link of {} characters. Beyond {}, mail and chat programs cut links off.",
                format::count(chars as u64),
                format::count(link::LONGEST as u64),
            )}</p>
            <p class="dim">"A shorter link leaves out pictures and as many details as it must; its counts are complete. The file has everything."</p>
            {shorter()}
        }
        .into_any(),
        Link::TooLong { .. } => view! {
            <p>"Even without its details the report is too long for a link. Send report.html or report.json instead: whoever gets the file drops it onto this page, or opens it in a browser."</p>
        }
        .into_any(),
        Link::Unable => view! {
            <p>"This browser cannot make links. Send report.html or report.json instead, or use a present version of Chromium, Firefox or Safari."</p>
        }
        .into_any(),
    }
    };
    view! { <div class="share-link" data-testid="link-place" aria-live="polite">{body}</div> }
}

#[component]
fn Made(url: String, is_short: bool, is_copied: bool, characters: String) -> impl IntoView {
    let select = |event: web_sys::FocusEvent| {
        let field: web_sys::HtmlInputElement = event_target(&event);
        field.select();
    };
    let (sign, words) = if is_copied {
        (Sign::Check, "The link is on the clipboard.")
    } else {
        (Sign::Info, "Copy the link from here; this browser does not let the page do it.")
    };
    let short = is_short.then_some(" Pictures and some details are left out; the file has them.");
    let local = link::is_local(&browser::host()).then(|| {
        view! {
            <p class="warn-text">"This page's address is of this machine: elsewhere the link opens nothing. Send the file, or serve the page where others reach it."</p>
        }
    });
    view! {
        <label class=if is_copied { "mark good" } else { "mark" } for=FIELD><Glyph sign />{words}</label>
        <input id=FIELD class="input mono" data-testid="report-link" readonly prop:value=url on:focus=select />
        <p class="means">
            {format!("{characters}. The report is in the link itself: no server sees it, and whoever has the link has the report.")}
            {short}
        </p>
        {local}
    }
}
