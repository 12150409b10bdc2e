//! What the target says about each feature that source and plan use, in its own words.

use super::checklist::level_name;
use super::pill::{Mark, of_level};
use super::prose::Prose;
use crate::state::format;
use leptos::prelude::*;
use tsink_migrate_engine::report::{FeatureProbe, Level};

/// One row a feature, the worst first.
#[component]
pub fn FeatureProbes(
    /// Probes.
    probes: Vec<FeatureProbe>,
) -> impl IntoView {
    (!probes.is_empty()).then(|| {
        let mut probes = probes;
        tsink_migrate_engine::order::sort_by_key(&mut probes, |probe| std::cmp::Reverse(probe.level));
        let (needed, others): (Vec<_>, Vec<_>) =
            probes.into_iter().partition(|probe| !probe.needed_for.is_empty() || probe.level >= Level::Warn);
        let count = others.len() as u64;
        let others = (count > 0).then(|| {
            view! {
                <details class="fold inner">
                    <summary>{format!("{} that this plan does not need", format::counted(count, "feature", "features"))}</summary>
                    <ul class="notes">{rows(others)}</ul>
                </details>
            }
        });
        view! {
            <section class="panel" data-testid="probes" aria-label="What the target says">
                <div class="panel-head"><h2>"What the target says"</h2></div>
                <ul class="notes">{rows(needed)}</ul>
                {others}
            </section>
        }
    })
}

fn rows(probes: Vec<FeatureProbe>) -> impl IntoView {
    probes
        .into_iter()
        .map(|probe| {
            let (tone, word) = of_level(probe.level);
            view! {
                <li data-feature=probe.feature.clone() data-level=level_name(probe.level)>
                    <Mark tone word />
                    <div>
                        <p><b>{probe.feature.replace('_', " ")}</b> " " <span class="dim"><Prose text=probe.needed_for /></span></p>
                        {(!probe.remedy.is_empty()).then(|| view! { <p><Prose text=probe.remedy.clone() /></p> })}
                        {(!probe.server_words.is_empty()).then(|| view! {
                            <details class="fold inner words">
                                <summary>"its own words"</summary>
                                <pre class="mono break" tabindex="0">{probe.server_words.clone()}</pre>
                            </details>
                        })}
                    </div>
                </li>
            }
        })
        .collect_view()
}
