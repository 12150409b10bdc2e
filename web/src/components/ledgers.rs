//! The ledgers that this browser keeps: what was begun, and can be continued here or elsewhere.

use super::error_banner::ErrorCard;
use super::kept::{KeptList, Servers, Told};
use super::middle::Middle;
use super::open;
use super::pill::{Mark, Tone};
use crate::browser;
use crate::state::{format, ledgers, store};
use leptos::prelude::*;
use tsink_migrate_engine::run::LedgerSummary;

/// The list.
#[component]
pub fn Ledgers() -> impl IntoView {
    let store = store();
    let kept = store.ledgers;
    let count = Memo::new(move |_| kept.all.with(|all| all.as_ref().map_or(0, Vec::len)));
    let rows = move || {
        kept.all.with(|all| {
            let all = all.as_ref()?;
            Some(all.iter().cloned().map(|ledger| view! { <Row ledger /> }).collect_view())
        })
    };
    let actions = || {
        let import = |_| open::choose(open::INPUT);
        view! { <button class="button small" data-testid="import-ledger" on:click=import>"Import…"</button> }
    };
    let told = move || {
        let error = move || kept.error.get().map(|error| view! { <ErrorCard error /> });
        view! { <Told words=kept.told testid="ledgers-told" />{error} }
    };
    view! {
        <KeptList
            title="Ledgers"
            name="ledgers"
            count
            size=Signal::derive(move || count.get().to_string())
            is_known=Signal::derive(move || kept.all.with(Option::is_some))
            empty="Nothing yet. A run writes down what is done, so that it can continue after anything."
            columns=["stands at", "of", "from, to", "last"]
            actions
            told
            rows=move || rows
            means="Kept in this browser only. A downloaded ledger.jsonl continues the run in another browser, or in the command, with the same plan and window. It holds no secrets and no samples."
        />
    }
}

#[component]
fn Row(ledger: LedgerSummary) -> impl IntoView {
    let store = store();
    let asked = RwSignal::new(false);
    let (tone, word) = if ledger.finished {
        (Tone::Good, format!("{} done", ledgers::stage(&ledger)))
    } else {
        let place = if store.ledgers.is_elsewhere(&ledger) { ", in another tab" } else { "" };
        let share = format::percent(ledgers::share(&ledger));
        (Tone::Warn, format!("{} {share}{place}", ledgers::stage(&ledger)))
    };
    let selectors = match ledger.selectors.as_slice() {
        [one] => one.clone(),
        list => format!(
            "{} and {}",
            list.first().cloned().unwrap_or_default(),
            format::counted(list.len().saturating_sub(1) as u64, "other", "others")
        ),
    };
    let all = ledger.selectors.join("\n");
    let when = format!("{} UTC", format::instant(ledger.updated_ms.div_euclid(1000) * 1000));
    let name = format!("ledger of {}", format::route_window(ledger.window));
    let key = ledger.key.clone();
    let save = {
        let key = key.clone();
        move |_| store.export_ledger(key.clone())
    };
    let forget = StoredValue::new(key);
    let actions = {
        let name = name.clone();
        move || {
            if asked.get() {
                view! {
                    <span class="warn-text small">"A run can then no longer continue."</span>
                    <button class="button small" data-testid="ledger-forget-sure" on:click=move |_| store.forget_ledger(forget.get_value())>"Forget it"</button>
                    <button class="button small" on:click=move |_| asked.set(false)>"Keep it"</button>
                }
                .into_any()
            } else {
                let save = save.clone();
                view! {
                    <button class="button small" data-testid="ledger-download" aria-label=format!("Download: {name}") on:click=save>"Download"</button>
                    <button class="button small" data-testid="ledger-forget" aria-label=format!("Forget: {name}") on:click=move |_| asked.set(true)>"Forget…"</button>
                }
                .into_any()
            }
        }
    };
    view! {
        <tr data-testid="ledger-row" data-finished=ledger.finished.to_string()>
            <td data-label="stands at"><Mark tone word /></td>
            <td data-label="of" class="of-selector">
                <p class="mono dim">{format::route_window(ledger.window)}</p>
                <div class="mono" title=all><Middle text=selectors /></div>
                <p class="dim">{ledgers::done(&ledger)}</p>
            </td>
            <Servers source=ledger.source.clone() target=ledger.target.clone() tenant=ledger.tenant.clone() />
            <td data-label="last" class="mono nowrap" title=when>{ledgers::age(browser::now_ms(), ledger.updated_ms)}</td>
            <td data-label=""><div class="row tight">{actions}</div></td>
        </tr>
    }
}
