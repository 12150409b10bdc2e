//! What the target says about each feature that source and plan use, in its own words.

use super::checklist::level_name;
use super::pill::{Mark, of_level};
use super::prose::Prose;
use leptos::prelude::*;
use tsink_migrate_engine::report::FeatureProbe;

/// One row a feature, the worst first.
#[component]
pub fn FeatureProbes(
    /// Probes.
    probes: Vec<FeatureProbe>,
) -> impl IntoView {
    (!probes.is_empty()).then(|| {
        let mut probes = probes;
        tsink_migrate_engine::order::sort_by_key(&mut probes, |probe| std::cmp::Reverse(probe.level));
        let rows = probes.into_iter().map(|probe| {
            let (tone, word) = of_level(probe.level);
            let needed = if probe.needed_for.is_empty() {
                "not needed by this plan".to_owned()
            } else {
                probe.needed_for
            };
            view! {
                <li data-feature=probe.feature.clone() data-level=level_name(probe.level)>
                    <Mark tone word />
                    <div>
                        <p><b>{probe.feature.replace('_', " ")}</b> " " <span class="dim"><Prose text=needed /></span></p>
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
        });
        view! {
            <section class="panel" data-testid="probes" aria-label="What the target says">
                <div class="panel-head"><h2>"What the target says"</h2></div>
                <ul class="notes">{rows.collect_view()}</ul>
            </section>
        }
    })
}
