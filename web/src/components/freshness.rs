//! How far the newest data of both sides are apart, and how old open differences are.

use super::pager::{Pager, shown};
use crate::state::format;
use leptos::prelude::*;
use tsink_migrate_engine::report::{AgeGroup, Freshness};

/// Rows on a page.
const ROWS: usize = 50;

/// One row a selector, those that lag most first.
#[component]
pub fn FreshnessTable(
    /// Newest data, per selector.
    freshness: Vec<Freshness>,
) -> impl IntoView {
    (!freshness.is_empty()).then(|| {
        let mut freshness = freshness;
        tsink_migrate_engine::order::sort_by_key(&mut freshness, |one| {
            // What the target lacks altogether is behind without end.
            let is_absent = one.source_newest_ms.is_some() && one.target_newest_ms.is_none();
            std::cmp::Reverse(if is_absent { i64::MAX } else { one.lag_ms.unwrap_or(i64::MIN) })
        });
        let page = RwSignal::new(0);
        let all = freshness.len();
        let rows = move || shown(&freshness, page.get(), ROWS).iter().map(row).collect_view();
        view! {
            <section class="panel" data-testid="freshness" aria-label="Freshness">
                <div class="panel-head"><h2>"Freshness"</h2><span class="dim">"newest sample, UTC"</span></div>
                <table class="table stacked">
                    <thead>
                        <tr>
                            <th scope="col">"selector"</th>
                            <th scope="col">"source"</th>
                            <th scope="col">"target"</th>
                            <th scope="col" class="num">"the target is"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
                <Pager page all=Signal::stored(all) size=ROWS what="selectors" />
            </section>
        }
    })
}

fn row(one: &Freshness) -> impl IntoView + use<> {
    let newest = |at: Option<i64>| at.map_or_else(|| "none".to_owned(), format::instant);
    view! {
        <tr>
            <td data-label="selector" class="mono break">{one.selector.clone()}</td>
            <td data-label="source" class="mono">{newest(one.source_newest_ms)}</td>
            <td data-label="target" class="mono">{newest(one.target_newest_ms)}</td>
            <td data-label="the target is" class="num">{lag(one)}</td>
        </tr>
    }
}

fn lag(one: &Freshness) -> String {
    match one.lag_ms {
        Some(0) => "level".to_owned(),
        Some(ms @ 1..) => format!("{} behind", format::duration(ms.unsigned_abs())),
        Some(ms) => format!("{} ahead", format::duration(ms.unsigned_abs())),
        None if one.source_newest_ms.is_some() => "without any".to_owned(),
        None => "–".to_owned(),
    }
}

/// Open differences, youngest first.
#[component]
pub fn OpenDifferences(
    /// By age.
    groups: Vec<AgeGroup>,
) -> impl IntoView {
    (!groups.is_empty()).then(|| {
        let names = ages(&groups);
        let rows = groups.into_iter().zip(names).map(|(group, name)| {
            let class = if group.findings > 0 { "differs" } else { "" };
            view! {
                <tr class=class>
                    <th scope="row">{name}</th>
                    <td class="num">{format::count(group.findings)}</td>
                    <td class="num">{format::count(group.rows)}</td>
                </tr>
            }
        });
        view! {
            <section class="panel" data-testid="open-differences" aria-label="Open differences by age">
                <div class="panel-head"><h2>"Open differences by age"</h2></div>
                <table class="figures-table">
                    <thead>
                        <tr><td></td><th scope="col" class="num">"findings"</th><th scope="col" class="num">"rows"</th></tr>
                    </thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </section>
        }
    })
}

/// Each age in words: it begins where the one before ends.
fn ages(groups: &[AgeGroup]) -> Vec<String> {
    let mut from: Option<i64> = None;
    let mut names = Vec::with_capacity(groups.len());
    for group in groups {
        let length = |ms: i64| format::duration(ms.unsigned_abs());
        names.push(match (from, group.younger_than_ms) {
            (None, Some(to)) => format!("younger than {}", length(to)),
            (Some(from), Some(to)) => format!("{} to {}", length(from), length(to)),
            (Some(from), None) => format!("{} and older", length(from)),
            (None, None) => "of any age".to_owned(),
        });
        from = group.younger_than_ms;
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_lags_in_words() {
        let of = |younger_than_ms| AgeGroup { younger_than_ms, findings: 0, rows: 0 };
        assert_eq!(
            ages(&[of(Some(300_000)), of(Some(3_600_000)), of(None)]),
            ["younger than 5 min 00 s", "5 min 00 s to 1 h 00 min", "1 h 00 min and older"]
        );
        assert_eq!(ages(&[of(None)]), ["of any age"]);
        let of = |lag_ms, source_newest_ms| Freshness { lag_ms, source_newest_ms, ..Freshness::default() };
        assert_eq!(lag(&of(Some(15_000), Some(1))), "15.0 s behind");
        assert_eq!(lag(&of(Some(-15_000), Some(1))), "15.0 s ahead");
        assert_eq!(lag(&of(None, Some(1))), "without any");
        assert_eq!(lag(&of(None, None)), "–");
    }
}
