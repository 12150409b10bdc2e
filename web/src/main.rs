//! The page: plan, preflight, backfill, verify and cutover check, with the engine in a worker.
//!
//! The engine is a module of its own (`bin/engine.rs`), so that a first visit need not wait for it; here are only
//! its messages, the plan as a form edits it, and words.
//!
//! `state` holds what the page knows and is plain Rust below its store; `worker` carries messages; `pages`
//! and `components` draw. Whatever comes from a file or a server is only ever rendered as text: nothing
//! here writes HTML from a string.
#![forbid(unsafe_code)]

mod app;
mod browser;
mod components;
mod pages;
mod state;
mod worker;

fn main() {
    console_error_panic_hook::set_once();
    if let Some(theme) = browser::stored_theme() {
        browser::set_theme(Some(&theme));
    }
    // What stands in the page until the page works.
    if let Some(waiting) = leptos::prelude::document().get_element_by_id("loading") {
        waiting.remove();
    }
    leptos::mount::mount_to_body(app::App);
}
