//! What the target takes.

use super::pill::{Mark, Tone};
use leptos::prelude::*;
use tsink_migrate_engine::report::Capabilities;

/// Features of the target that matter to a Prometheus source.
#[component]
pub fn CapabilitiesPanel(
    /// What the status endpoint said.
    capabilities: Capabilities,
    /// `tsink 0.10.2`, where it is known.
    #[prop(into)]
    version: Option<String>,
    /// How far back the target keeps samples, where it is known.
    #[prop(into)]
    keeps: Option<String>,
) -> impl IntoView {
    let features = [
        ("samples", true),
        ("native histograms", capabilities.histograms_enabled),
        ("exemplars", capabilities.exemplars_enabled),
        ("metadata", capabilities.metadata_enabled),
    ];
    let rows = features.map(|(name, is_on)| {
        let (tone, word) = if is_on { (Tone::Good, "taken") } else { (Tone::Warn, "off") };
        view! { <div><dt>{name}</dt><dd><Mark tone word /></dd></div> }
    });
    view! {
        <section class="panel" data-testid="capabilities" aria-label="What the target takes">
            <div class="panel-head"><h2>"The target takes"</h2><span class="dim">{version}</span></div>
            <dl class="facts">
                {rows}
                {keeps.map(|words| view! { <div><dt>"keeps"</dt><dd>{words}</dd></div> })}
            </dl>
        </section>
    }
}
