//! What the target takes.

use super::pill::{Mark, Tone};
use leptos::prelude::*;
use tsink_migrate_engine::plan::SourceKind;
use tsink_migrate_engine::report::Capabilities;

/// Features of the target that matter to the source.
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
    /// Kind of the recording, when the source is one.
    recorded: Option<SourceKind>,
) -> impl IntoView {
    let mut features = vec![
        ("samples", true),
        ("native histograms", capabilities.histograms_enabled),
        ("exemplars", capabilities.exemplars_enabled),
        ("metadata", capabilities.metadata_enabled),
    ];
    // What a recorded source would send live after the cutover.
    features.extend(recorded.map(|kind| match kind {
        SourceKind::Otlp => ("OTLP, live", capabilities.otlp_enabled),
        SourceKind::Statsd => ("StatsD, live", capabilities.statsd_enabled),
        SourceKind::GraphitePlaintext => ("Graphite, live", capabilities.graphite_enabled),
        _ => ("line protocol, live", capabilities.influx_line_protocol_enabled),
    }));
    let rows = features.into_iter().map(|(name, is_on)| {
        let (tone, word) = if is_on { (Tone::Good, "taken") } else { (Tone::Warn, "off") };
        view! { <div><dt>{name}</dt><dd><Mark tone word /></dd></div> }
    });
    view! {
        <section class="panel" data-testid="capabilities" aria-label="What the target takes">
            <div class="panel-head"><h2>"The target takes"</h2><span class="dim">{version}</span></div>
            <dl class="facts">
                {rows.collect_view()}
                {keeps.map(|words| view! { <div><dt>"keeps"</dt><dd>{words}</dd></div> })}
            </dl>
        </section>
    }
}
