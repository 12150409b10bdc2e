//! A list of what this browser keeps: a panel with what can be done with all of it, what became of the last thing, and
//! a table, newest first.

use leptos::prelude::*;

/// The panel.
#[component]
pub fn KeptList(
    /// Its heading.
    title: &'static str,
    /// Its hook, id and style.
    name: &'static str,
    /// Rows there are.
    count: Memo<usize>,
    /// That in words, beside the heading.
    #[prop(into)]
    size: Signal<String>,
    /// Whether the browser has said what there is.
    #[prop(into)]
    is_known: Signal<bool>,
    /// What stands there as long as nothing is kept.
    empty: &'static str,
    /// What the columns are called, save the last one, which has the buttons.
    columns: [&'static str; 4],
    /// What can be done with the list as a whole.
    #[prop(into)]
    actions: ViewFn,
    /// What became of the last thing.
    #[prop(into)]
    told: ViewFn,
    /// The rows of the table.
    #[prop(into)]
    rows: ViewFn,
    /// What it means that they are kept.
    #[prop(into)]
    means: String,
) -> impl IntoView {
    let is_empty = move || count.get() == 0;
    view! {
        <section
            class=format!("panel history {name}")
            id=name
            tabindex="-1"
            data-testid=name
            aria-label=title
            data-count=move || count.get().to_string()
        >
            <div class="panel-head">
                <h2>{title}</h2>
                <Show when=move || !is_empty()><span class="dim">{size}</span></Show>
                <div class="row push">{actions.run()}</div>
            </div>
            <div role="status">{told.run()}</div>
            <Show
                when=move || !is_empty()
                fallback=move || view! { <p class="empty dim">{move || is_known.get().then_some(empty)}</p> }
            >
                <table class="table stacked">
                    <thead>
                        <tr>
                            {columns.map(|column| view! { <th scope="col">{column}</th> })}
                            <th scope="col"><span class="visually-hidden">"what to do"</span></th>
                        </tr>
                    </thead>
                    <tbody>{rows.run()}</tbody>
                </table>
            </Show>
            <p class="means">{means}</p>
        </section>
    }
}

/// What became of the last thing; nothing while there is nothing to tell.
#[component]
pub fn Told(words: RwSignal<Option<String>>, testid: &'static str) -> impl IntoView {
    move || {
        words.get().map(|told| {
            view! {
                <div class="told">
                    <p data-testid=testid>{told}</p>
                    <button class="button quiet small push" on:click=move |_| words.set(None)>"Close"</button>
                </div>
            }
        })
    }
}

/// The cell that says from where to where something went.
#[component]
pub fn Servers(source: String, target: String, tenant: String) -> impl IntoView {
    let (from, to) = (host(&source), host(&target));
    view! {
        <td data-label="from, to" class="mono break">
            <p title=source>{from}</p>
            <p title=target><span class="dim">"→ "</span>{to}<span class="dim">{format!(" {tenant}")}</span></p>
        </td>
    }
}

/// Host and port of a URL; what is none stays as it is.
fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    if host.is_empty() { url.to_owned() } else { host.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn hosts_are_what_is_between_scheme_and_path() {
        assert_eq!(host("http://prom.example:9090/api/v1/read?x"), "prom.example:9090");
        assert_eq!(host("https://[::1]:9201"), "[::1]:9201");
        assert_eq!(host("capture.json"), "capture.json");
        assert_eq!(host("/prometheus/"), "/prometheus/");
        assert_eq!(host(""), "");
    }
}
