//! Gateway recipes for the plan at hand: a configuration, how to start it, and the addresses to put into
//! the plan.

use super::error_banner::ErrorCard;
use crate::browser;
use crate::state::store;
use leptos::prelude::*;
use leptos::task::spawn_local;
use tsink_migrate_engine::gateway::{Kind, Recipe};

/// Recipes, folded away unless they are what helps now.
#[component]
pub fn RecipePanel(
    /// Whether it begins unfolded.
    #[prop(optional)]
    open: bool,
) -> impl IntoView {
    let store = store();
    let is_valid = Memo::new(move |_| store.check.with(|check| check.summary.is_some()));
    let chosen = RwSignal::new(0_usize);
    Effect::new(move || {
        store.text.track();
        if is_valid.get() {
            store.ask_recipes();
        }
    });
    let count = Memo::new(move |_| store.recipes.with(|all| all.recipes.len()));
    let tabs = move || {
        store.recipes.with(|all| {
            all.recipes
                .iter()
                .enumerate()
                .map(|(at, recipe)| {
                    view! {
                        <button
                            class="tab"
                            type="button"
                            aria-pressed=move || (chosen.get() == at).to_string()
                            on:click=move |_| chosen.set(at)
                        >
                            {format!("{}, {}", recipe.server, kind(recipe.kind))}
                        </button>
                    }
                })
                .collect_view()
        })
    };
    let body = move || {
        store.recipes.with(|all| {
            let recipe = all.recipes.get(chosen.get()).or_else(|| all.recipes.first())?;
            Some(draw(recipe))
        })
    };
    let error =
        move || store.recipes.with(|all| all.error.clone()).map(|error| view! { <ErrorCard error /> });
    view! {
        <Show when=move || is_valid.get()>
            <details class="panel fold recipe" open=open data-testid="recipe">
                <summary>
                    <h2>"Gateway recipe"</h2>
                    <span class="dim">"when the browser may not reach the servers by itself"</span>
                </summary>
                {error}
                <Show when=move || count.get() != 0>
                    <div class="tabs recipe-tabs" role="group" aria-label="Which gateway">{tabs}</div>
                </Show>
                {body}
            </details>
        </Show>
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::OneOrigin => "one origin",
        Kind::Cors => "CORS",
    }
}

fn draw(recipe: &Recipe) -> impl IntoView + use<> {
    let about = match recipe.kind {
        Kind::OneOrigin => {
            "Serves this page and both servers under one address, so that no request crosses an origin."
        }
        Kind::Cors => "Leaves the page where it is, and lets it alone read the servers' answers.",
    };
    let copied = RwSignal::new(None::<bool>);
    let (text, file_name) = (recipe.text.clone(), recipe.file_name.clone());
    let copy = {
        let text = text.clone();
        move |_| {
            let text = text.clone();
            spawn_local(async move { copied.set(Some(browser::copy(text).await)) });
        }
    };
    let save = {
        let (text, name) = (text.clone(), file_name.clone());
        move |_| {
            let _ = browser::download(&name, "text/plain", &text);
        }
    };
    let word = move || match copied.get() {
        None => "Copy",
        Some(true) => "Copied",
        Some(false) => "Copying is not allowed here",
    };
    let urls = recipe
        .urls
        .iter()
        .map(|(field, url)| {
            view! { <div><dt class="mono">{field.clone()}</dt><dd class="mono">{url.clone()}</dd></div> }
        })
        .collect_view();
    let note = recipe.note.trim().to_owned();
    view! {
        <div class="recipe-body" data-testid="recipe-body">
            <p class="dim">{about}</p>
            <div class="row">
                <h3 class="mono">{file_name}</h3>
                <button class="button small push" type="button" on:click=copy>{word}</button>
                <button class="button small" type="button" on:click=save>"Save"</button>
            </div>
            <pre tabindex="0" aria-label="Configuration">{text}</pre>
            <h3>"Start it"</h3>
            <pre tabindex="0" aria-label="How to start it">{recipe.how_to_run.clone()}</pre>
            {(!note.is_empty()).then(|| view! { <p>{note}</p> })}
            <details class="fold inner">
                <summary><h3>"Addresses for the plan"</h3></summary>
                <dl class="facts wide">{urls}</dl>
            </details>
        </div>
    }
}
