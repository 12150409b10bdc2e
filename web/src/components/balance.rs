//! The balance: every row that was read is accounted for, or the run fails.

use super::pill::{Pill, Tone};
use crate::state::run::Part;
use crate::state::{format, store};
use leptos::prelude::*;
use tsink_migrate_engine::report::{Balance, BalanceLine};
use tsink_migrate_engine::run::Stage;

/// The balance; nothing before there is one.
#[component]
pub fn BalancePanel() -> impl IntoView {
    let store = store();
    let balance = Memo::new(move |_| store.read(&[Part::Balance, Part::Stages], |run| run.balance.clone()));
    let is_over = move || {
        !store.phase.get().is_busy()
            || store.read(&[Part::Stages], |run| run.stage(Stage::Backfill).state.is_over())
    };
    let pill = move || {
        balance.with(|balance| {
            let closes = balance.as_ref()?.closes;
            // Half-way through, rows are under way, and a balance that is open is no news.
            (closes || is_over()).then(|| {
                let (tone, word) =
                    if closes { (Tone::Good, "closes") } else { (Tone::Bad, "does not close") };
                view! { <Pill tone word=word.to_owned() /> }
            })
        })
    };
    view! {
        <Show when=move || balance.with(Option::is_some)>
            <section class="panel" data-testid="balance" aria-label="Balance">
                <div class="panel-head"><h2>"Balance"</h2>{pill}</div>
                {move || balance.with(|balance| balance.as_ref().map(|balance| table(balance, is_over())))}
            </section>
        </Show>
    }
}

/// The balance of a report.
#[component]
pub fn FinalBalance(
    /// The balance.
    balance: Balance,
) -> impl IntoView {
    let (tone, word) = if balance.closes { (Tone::Good, "closes") } else { (Tone::Bad, "does not close") };
    view! {
        <section class="panel" data-testid="balance" aria-label="Balance">
            <div class="panel-head"><h2>"Balance"</h2><Pill tone word=word.to_owned() /></div>
            {table(&balance, true)}
        </section>
    }
}

/// The balance as a table.
fn table(balance: &Balance, is_over: bool) -> impl IntoView + use<> {
    let open = if is_over { "unaccounted" } else { "on the way" };
    let kinds: Vec<(&'static str, BalanceLine)> = [
        ("samples", &balance.samples),
        ("histograms", &balance.histograms),
        ("exemplars", &balance.exemplars),
        ("metadata", &balance.metadata),
    ]
    .into_iter()
    .filter(|(name, line)| *name == "samples" || **line != BalanceLine::default())
    .map(|(name, line)| (name, line.clone()))
    .collect();
    let head =
        kinds.iter().map(|(name, _)| view! { <th scope="col" class="num">{*name}</th> }).collect_view();
    let row = |word: String, class: &'static str, pick: &dyn Fn(&BalanceLine) -> String| {
        let cells = kinds.iter().map(|(_, line)| view! { <td class="num">{pick(line)}</td> }).collect_view();
        view! { <tr class=class><th scope="row">{word}</th>{cells}</tr> }
    };
    let mut reasons: Vec<&String> = kinds.iter().flat_map(|(_, line)| line.rejected.keys()).collect();
    tsink_migrate_engine::order::sort(&mut reasons);
    reasons.dedup();
    let rejected = reasons
        .iter()
        .map(|reason| {
            let pick = |line: &BalanceLine| format::count(line.rejected.get(*reason).copied().unwrap_or(0));
            row(format!("refused: {}", reason.replace('_', " ")), "", &pick)
        })
        .collect_view();
    let none_rejected = reasons.is_empty().then(|| row("refused".to_owned(), "", &|_| "0".to_owned()));
    view! {
        <div class="scroll-x">
            <table class="figures-table">
                <thead><tr><td></td>{head}</tr></thead>
                <tbody>
                    {row("read".to_owned(), "", &|line| format::count(line.read))}
                    {row("written".to_owned(), "", &|line| format::count(line.written))}
                    {row("there already".to_owned(), "", &|line| format::count(line.already_there))}
                    {none_rejected}
                    {rejected}
                    {row("read twice".to_owned(), "", &|line| format::count(line.deduplicated))}
                    {row("outside window".to_owned(), "", &|line| format::count(line.outside_window))}
                    {row(open.to_owned(), "total", &unaccounted)}
                </tbody>
            </table>
        </div>
    }
}

fn unaccounted(line: &BalanceLine) -> String {
    let left = line.unaccounted();
    let sign = if left < 0 { "−" } else { "" };
    format!("{sign}{}", format::count(u64::try_from(left.unsigned_abs()).unwrap_or(u64::MAX)))
}
