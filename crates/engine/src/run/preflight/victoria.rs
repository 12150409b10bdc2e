//! What a preflight finds out about a VictoriaMetrics source.

use super::endpoints::{Asked, Found, needless, row};
use super::note;
use crate::model::{Millis, Window};
use crate::report::{Level, Note};
use crate::run::apart::apart;
use crate::run::context::Run;
use crate::source::victoriametrics::{self, About};

/// Ms of a day.
const DAY_MS: f64 = 86_400_000.0;

impl Run {
    /// Samples; version and limits.
    pub(super) fn victoria_endpoints(&self, last: Window) -> Vec<Asked<'_>> {
        let plan = &self.plan;
        let mut asked: Vec<Asked<'_>> = Vec::new();
        if let Some(selector) = plan.selectors.first() {
            asked.push(apart(async move {
                let call = victoriametrics::count_export(plan, selector, last, false);
                let timed = self.timed_stream(&call).await;
                let name = self.read_endpoint();
                let (row, _) = row(name, "read samples", &call.request, timed, |census| {
                    format!(
                        "{} series in the last minute of the window, as a stream of lines",
                        census.series()
                    )
                });
                row.into()
            }));
        }
        if let Some(call) = victoriametrics::about(plan) {
            asked.push(apart(async move {
                let (mut row, about) =
                    self.endpoint("metrics", "version and limits", &call, About::title).await;
                // It may be behind a key of its own (`-metricsAuthKey`).
                needless(&mut row, "the source does not tell its version and limits");
                let version = about.as_ref().map(About::title);
                let notes = about.map(|about| notes(&about, self.window, self.ports.clock.now_ms()));
                Found { version, notes: notes.unwrap_or_default(), ..row.into() }
            }));
        }
        asked
    }
}

/// What follows from a server's flags.
fn notes(about: &About, window: Window, now_ms: Millis) -> Vec<Note> {
    let mut notes = Vec::new();
    let limits: Vec<String> = [
        ("search.maxExportSeries", "series in one export"),
        ("search.maxUniqueTimeseries", "series in one query"),
        ("search.maxSamplesPerQuery", "samples in one request"),
        ("search.maxExportDuration", "for one export"),
        ("search.maxConcurrentRequests", "requests at once"),
    ]
    .into_iter()
    .filter_map(|(flag, what)| Some(format!("{} {what} (-{flag})", about.flag(flag)?)))
    .collect();
    if !limits.is_empty() {
        let message = format!("VictoriaMetrics gives at most {}.", limits.join(", "));
        let remedy = "A selector with more series is refused: narrow it, or raise the limit. Requests that are too large otherwise are asked again in smaller parts.";
        notes.push(note(Level::Info, "source_limits", message, remedy));
    }
    if let Some((flag, kept_ms)) =
        about.flag("retentionPeriod").and_then(|flag| Some((flag, period_ms(flag)?)))
        && (window.start_ms as f64) < now_ms as f64 - kept_ms
    {
        notes.push(note(
            Level::Warn,
            "source_retention",
            format!(
                "The source keeps {:.0} days (-retentionPeriod={flag}), and the window begins before that: what is older is gone or about to go.",
                kept_ms / DAY_MS
            ),
            "Let the window start later, or raise the source's retention while the migration runs.",
        ));
    }
    if let Some(interval) =
        about.flag("dedup.minScrapeInterval").filter(|value| *value != "0s" && *value != "0")
    {
        notes.push(note(
            Level::Info,
            "source_deduplicates",
            format!("The source keeps one sample of a series for every {interval} (-dedup.minScrapeInterval). What it exports then is what is migrated and compared."),
            "",
        ));
    }
    if let Some(bits) = about.flag("precisionBits").filter(|value| *value != "64") {
        notes.push(note(
            Level::Info,
            "source_rounds",
            format!("The source has rounded values to {bits} bits when it stored them (-precisionBits). What it exports is what is migrated and compared."),
            "",
        ));
    }
    notes
}

/// A period as VictoriaMetrics' flags have it: `12` (months of 31 days), `30d`, `1.5y`, `2w`, `36h`.
fn period_ms(text: &str) -> Option<f64> {
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let days = match unit {
        "" | "M" => 31.0,
        "y" => 365.0,
        "w" => 7.0,
        "d" => 1.0,
        "h" => 1.0 / 24.0,
        _ => return None,
    };
    number
        .parse::<f64>()
        .ok()
        .filter(|number| number.is_finite() && *number >= 0.0)
        .map(|count| count * days * DAY_MS)
}

#[cfg(test)]
mod tests {
    use super::{DAY_MS, notes, period_ms};
    use crate::model::Window;
    use crate::source::victoriametrics::About;

    fn codes(flags: &[(&str, &str)]) -> Vec<String> {
        let flags = flags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let window = Window { start_ms: 0, end_ms: 1000 };
        let about = About { version: None, flags };
        notes(&about, window, 40 * 86_400_000).into_iter().map(|note| note.code).collect()
    }

    #[test]
    fn flags_that_matter_are_told() {
        assert_eq!(codes(&[]), Vec::<String>::new());
        assert_eq!(codes(&[("search.maxExportSeries", "10000000")]), ["source_limits"]);
        assert_eq!(codes(&[("retentionPeriod", "1")]), ["source_retention"]);
        assert_eq!(codes(&[("retentionPeriod", "100y")]), Vec::<String>::new());
        assert_eq!(codes(&[("dedup.minScrapeInterval", "30s")]), ["source_deduplicates"]);
        assert_eq!(
            codes(&[("dedup.minScrapeInterval", "0s"), ("precisionBits", "64")]),
            Vec::<String>::new()
        );
        assert_eq!(codes(&[("precisionBits", "20")]), ["source_rounds"]);
    }

    #[test]
    fn periods() {
        assert_eq!(period_ms("1"), Some(31.0 * DAY_MS));
        assert_eq!(period_ms("100y"), Some(36_500.0 * DAY_MS));
        assert_eq!(period_ms("1.5d"), Some(1.5 * DAY_MS));
        assert_eq!(period_ms("2w"), Some(14.0 * DAY_MS));
        for wrong in ["", "d", "1x", "-1d", "1d2h"] {
            assert_eq!(period_ms(wrong), None, "{wrong}");
        }
    }
}
