//! Steps through a long list.

use crate::state::format;
use leptos::prelude::*;

/// Pages of a list; nothing when all of it fits on one.
#[component]
pub fn Pager(
    /// Page shown, from 0.
    page: RwSignal<usize>,
    /// Entries in all.
    #[prop(into)]
    all: Signal<usize>,
    /// Entries on a page.
    size: usize,
    /// What the entries are, for the buttons' names: `series`.
    what: &'static str,
) -> impl IntoView {
    let last = move || all.get().div_ceil(size.max(1)).saturating_sub(1);
    let is_long = move || all.get() > size;
    let is_last = move || page.get() >= last();
    let words = move || {
        let from = page.get() * size;
        let to = (from + size).min(all.get());
        format!(
            "{}–{} of {}",
            format::count(from as u64 + 1),
            format::count(to as u64),
            format::count(all.get() as u64)
        )
    };
    view! {
        <Show when=is_long>
            <div class="row pager" role="group" aria-label=format!("Pages of {what}")>
                <button
                    class="button small"
                    type="button"
                    aria-label=format!("Previous {what}")
                    disabled=move || page.get() == 0
                    on:click=move |_| page.update(|page| *page = page.saturating_sub(1))
                >
                    "Previous"
                </button>
                <span class="dim small" role="status">{words}</span>
                <button
                    class="button small"
                    type="button"
                    aria-label=format!("Next {what}")
                    disabled=is_last
                    on:click=move |_| page.update(|page| *page = (*page + 1).min(last()))
                >
                    "Next"
                </button>
            </div>
        </Show>
    }
}

/// The entries of a page.
pub fn shown<T>(list: &[T], page: usize, size: usize) -> &[T] {
    let from = page.saturating_mul(size).min(list.len());
    list.get(from..(from + size).min(list.len())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn pages() {
        let list = [1, 2, 3, 4, 5];
        assert_eq!(shown(&list, 0, 2), [1, 2]);
        assert_eq!(shown(&list, 2, 2), [5]);
        assert_eq!(shown(&list, 9, 2), [0; 0]);
        assert_eq!(shown(&list, usize::MAX, 2), [0; 0]);
    }
}
