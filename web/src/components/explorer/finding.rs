//! One finding: both sides around the difference, and everything that is known about it.

use super::Look;
use super::groups::name;
use crate::components::excerpt::ExcerptPicture;
use crate::components::pill::{Pill, Tone};
use crate::components::prose::Prose;
use crate::state::findings::beside;
use crate::state::{format, words};
use leptos::prelude::*;
use tsink_migrate_engine::report::{Finding, FindingKind};

/// Id of the panel, where the focus goes when a finding is chosen.
pub const PLACE: &str = "finding";

/// The chosen finding.
#[component]
pub fn OneFinding(look: Look) -> impl IntoView {
    let step = move |back: bool, word: &'static str, testid: &'static str| {
        let to = Memo::new(move |_| {
            let of = look.chosen.get()?;
            look.groups.with(|groups| beside(groups, of, back))
        });
        view! {
            <button
                class="button small"
                type="button"
                aria-label=format!("{word} finding")
                data-testid=testid
                disabled=move || to.get().is_none()
                on:click=move |_| {
                    if let Some(at) = to.get_untracked() {
                        look.chosen.set(Some(at));
                    }
                }
            >
                {word}
            </button>
        }
    };
    let body = move || {
        let at = look.chosen.get()?;
        look.found.with_value(|found| found.get(at).cloned()).map(draw)
    };
    view! {
        <Show when=move || look.chosen.get().is_some()>
            <section class="panel finding" id=PLACE tabindex="-1" data-testid="finding" aria-label="One finding">
                <div class="panel-head">
                    <h2>"One finding"</h2>
                    <div class="row push">
                        {step(true, "Previous", "previous-finding")}
                        {step(false, "Next", "next-finding")}
                    </div>
                </div>
                {body}
            </section>
        </Show>
    }
}

fn draw(finding: Finding) -> impl IntoView {
    let tone = if finding.kind == FindingKind::NotCompared { Tone::Warn } else { Tone::Bad };
    let title = name(&finding);
    let facts = facts(&finding)
        .into_iter()
        .map(|(term, value)| view! { <div><dt>{term}</dt><dd class="mono break">{value}</dd></div> })
        .collect_view();
    let advice = |term: &'static str, text: String| {
        (!text.is_empty()).then(|| view! { <p><b>{term}</b> " " <Prose text /></p> })
    };
    view! {
        <div class="row finding-title">
            <Pill tone word=words::finding(finding.kind).to_owned() />
            <h3 class="mono break">{title}</h3>
        </div>
        <p data-testid="finding-detail"><Prose text=finding.detail.clone() /></p>
        {finding.excerpt.clone().map(|excerpt| view! { <ExcerptPicture excerpt /> })}
        <div class="columns">
            <dl class="facts" data-testid="finding-facts">{facts}</dl>
            <div class="stack advice">
                {advice("Probable cause:", finding.cause.clone())}
                {advice("What to do:", finding.remedy.clone())}
            </div>
        </div>
    }
}

/// What is known, by name.
fn facts(finding: &Finding) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let mut add = |term, value: Option<String>| facts.extend(value.map(|value| (term, value)));
    let first = finding.first_ms.or(finding.last_ms);
    let when = first.map(|first| {
        let last = finding.last_ms.unwrap_or(first).max(first);
        format!("{} UTC", format::span(first, last))
    });
    add("time", when);
    add("concerns", Some(words::finding_count(finding.kind, finding.count)));
    add("field", Some(finding.field.clone()).filter(|field| !field.is_empty()));
    let has_values = finding.source_value.is_some() || finding.target_value.is_some();
    let side =
        |value: &Option<String>| has_values.then(|| value.clone().unwrap_or_else(|| "none".to_owned()));
    add("source", side(&finding.source_value));
    add("target", side(&finding.target_value));
    add("apart by", finding.absolute_delta.map(format::number));
    add("relative to the source", finding.relative_delta.map(format::relative));
    add("shifted by", finding.shift_ms.map(shift));
    let is_told =
        finding.series.is_empty() || finding.selector.is_empty() || finding.selector == finding.series;
    add("selector", (!is_told).then(|| finding.selector.clone()));
    facts
}

/// A shift in words: which side is later.
fn shift(ms: i64) -> String {
    let by = format::duration(ms.unsigned_abs());
    match ms {
        0 => by,
        1.. => format!("{by}, the target is later"),
        _ => format!("{by}, the target is earlier"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_is_said() {
        let finding =
            Finding { count: 1, series: "up".to_owned(), ..Finding::of(FindingKind::MissingSeries) };
        assert_eq!(facts(&finding), [("concerns", "1 row".to_owned())]);
        let finding = Finding {
            count: 3,
            selector: "up".to_owned(),
            series: "up{a=\"b\"}".to_owned(),
            first_ms: Some(0),
            source_value: Some("1".to_owned()),
            absolute_delta: Some(0.5),
            relative_delta: Some(0.5),
            shift_ms: Some(-1),
            field: "sum".to_owned(),
            ..Finding::of(FindingKind::HistogramDiffers)
        };
        let words: Vec<String> =
            facts(&finding).into_iter().map(|(term, value)| format!("{term} {value}")).collect();
        assert_eq!(
            words,
            [
                "time 1970-01-01 00:00 UTC",
                "concerns 3 histograms",
                "field sum",
                "source 1",
                "target none",
                "apart by 0.5",
                "relative to the source 50.00 %",
                "shifted by 1 ms, the target is earlier",
                "selector up",
            ]
        );
    }
}
