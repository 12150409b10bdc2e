//! The words that all renderers share, and text made safe to show.

use super::document::{
    Capabilities, Continued, EndpointCheck, Finding, FindingKind, Freshness, Level, MetadataCheckReport,
    Note, PreflightReport, RawCheckReport, RecheckReport, Status,
};
use crate::model::Millis;

/// Characters of a series, name or message that a sentence shows at most.
const SHOWN_CHARS: usize = 400;

impl Status {
    /// `pass` or `fail`, as in the JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
        }
    }

    /// [`Status::Pass`] when something holds.
    pub fn of(holds: bool) -> Self {
        if holds { Self::Pass } else { Self::Fail }
    }
}

impl Level {
    /// `ok`, `info`, `warn` or `fail`, as in the JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

impl FindingKind {
    /// The kind in words: `missing samples`.
    pub fn title(self) -> &'static str {
        match self {
            Self::MissingSeries => "missing series",
            Self::ExtraSeries => "extra series",
            Self::MissingSamples => "missing samples",
            Self::ExtraSamples => "extra samples",
            Self::ValueDiffers => "different values",
            Self::StaleNan => "staleness marker against NaN",
            Self::DuplicateTimestamp => "repeated timestamps",
            Self::MissingHistograms => "missing histograms",
            Self::ExtraHistograms => "extra histograms",
            Self::HistogramDiffers => "different histograms",
            Self::MissingExemplars => "missing exemplars",
            Self::ExtraExemplars => "extra exemplars",
            Self::ExemplarDiffers => "different exemplars",
            Self::MetadataDiffers => "different metadata",
            Self::NotCompared => "not compared",
            Self::TimestampShifted => "shifted timestamps",
            Self::PrecisionLost => "lost precision",
        }
    }
}

impl Capabilities {
    /// What can be on or off, by the names that people read.
    pub(crate) fn switches(&self) -> [(&'static str, bool); 7] {
        [
            ("Metadata", self.metadata_enabled),
            ("Exemplars", self.exemplars_enabled),
            ("Native histograms", self.histograms_enabled),
            ("OTLP metrics", self.otlp_enabled),
            ("InfluxDB line protocol", self.influx_line_protocol_enabled),
            ("StatsD", self.statsd_enabled),
            ("Graphite", self.graphite_enabled),
        ]
    }
}

impl Finding {
    /// A finding of a kind about which nothing else is known yet.
    pub fn of(kind: FindingKind) -> Self {
        Self {
            kind,
            selector: String::new(),
            series: String::new(),
            count: 0,
            first_ms: None,
            last_ms: None,
            source_value: None,
            target_value: None,
            field: String::new(),
            absolute_delta: None,
            relative_delta: None,
            shift_ms: None,
            excerpt: None,
            detail: String::new(),
            cause: String::new(),
            remedy: String::new(),
        }
    }

    /// The finding in one sentence, cause and remedy left out.
    pub fn sentence(&self) -> String {
        let title = self.kind.title();
        let detail = &self.detail;
        match self.kind {
            FindingKind::NotCompared => format!("{title}: {} {detail}", shorten(&self.selector)),
            FindingKind::MissingSeries | FindingKind::ExtraSeries => {
                format!("{title} {}: {detail}", shorten(&self.series))
            }
            _ => format!("{title} in {}: {detail}", shorten(&self.series)),
        }
    }
}

impl RawCheckReport {
    /// Whether both sides agree, as far as they were compared, and all of it was.
    pub fn matched(&self) -> bool {
        self.issues.is_empty()
            && self.missing_series == 0
            && self.extra_series == 0
            && self.sample_mismatches == 0
            && self.histogram_mismatches == 0
    }
}

impl Continued {
    /// What was done before.
    pub fn sentence(&self) -> String {
        format!(
            "{} with {} done by {} since {}, in {}; the ledger tells, and what it tells was not read again.",
            count_of(self.slabs, "slab", "slabs"),
            count_of(self.rows, "row was", "rows were"),
            count_of(self.runs, "run before", "runs before"),
            show_time(self.since_ms),
            show_duration(self.elapsed_ms),
        )
    }
}

impl RecheckReport {
    /// What was read again, and what came of it.
    pub fn sentence(&self) -> String {
        format!(
            "A source that is still being written differs for a while. {} younger than {}: read again, {} in all, \
             over {}; {} in the end. What still differed counts.",
            count_of(self.slabs, "differing part", "differing parts"),
            show_duration(self.settle_ms.unsigned_abs()),
            count_of(self.reads, "time", "times"),
            show_duration(self.waited_ms),
            count_of(self.settled, "agreed", "agreed"),
        )
    }
}

impl Freshness {
    /// How far the target is behind: `4 min`, `2 s ahead`, `–`.
    pub fn lag(&self) -> String {
        match self.lag_ms.map(|lag| (lag < 0, show_duration(lag.unsigned_abs()))) {
            Some((true, length)) => format!("{length} ahead"),
            Some((false, length)) => length,
            None => "–".to_owned(),
        }
    }
}

impl MetadataCheckReport {
    /// The issue in one sentence, none when the entries match.
    pub fn issue(&self) -> Option<String> {
        (!self.matched).then(|| {
            format!(
                "metadata mismatch for {} (source entries {}, target entries {})",
                shorten(&self.metric),
                self.source_entries,
                self.target_entries
            )
        })
    }

    /// Probable cause and remedy of a mismatch.
    pub fn explanation(&self) -> (&'static str, &'static str) {
        match (self.source_entries, self.target_entries) {
            _ if self.matched => ("", ""),
            (_, 0) => (
                "The backfill has not sent it, or the target does not take metadata.",
                "Set source.metadata_url and switch metadata on at the target \
                 (TSINK_REMOTE_WRITE_METADATA_ENABLED=true), then backfill again.",
            ),
            (0, _) => (
                "Prometheus knows metadata of metrics that it scrapes now, and has forgotten this one.",
                "Nothing is lost at the target. Leave the metric out of metadata_metrics if it is retired.",
            ),
            _ => (
                "It changed at the source since the backfill, or several targets of the source disagree.",
                "Backfill again, so that the target has the present entries.",
            ),
        }
    }
}

impl EndpointCheck {
    /// The check in one sentence, without its remedy.
    pub fn sentence(&self) -> String {
        format!("{} {}: {}", self.side, self.name, self.message)
    }

    /// What to do; may be empty.
    pub fn remedy(&self) -> &str {
        self.error.as_ref().map_or("", |error| &error.remedy)
    }
}

impl Note {
    /// Message and remedy.
    pub fn sentence(&self) -> String {
        with_remedy(&self.message, &self.remedy)
    }
}

impl PreflightReport {
    /// Everything that keeps the run from starting.
    pub fn issues(&self) -> Vec<String> {
        self.at_level(Level::Fail)
    }

    /// Everything to read before starting.
    pub fn warnings(&self) -> Vec<String> {
        self.at_level(Level::Warn)
    }

    fn at_level(&self, level: Level) -> Vec<String> {
        let endpoints = self.endpoints.iter().filter(|check| check.level == level);
        let notes = self.notes.iter().filter(|note| note.level == level);
        endpoints
            .map(|check| with_remedy(&check.sentence(), check.remedy()))
            .chain(notes.map(Note::sentence))
            .collect()
    }
}

fn with_remedy(message: &str, remedy: &str) -> String {
    if remedy.is_empty() {
        return message.to_owned();
    }
    let stop = if message.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{message}{stop} {remedy}")
}

/// A number with thousands separators: `5,760,000`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number that need not be exact to the last digit of its size: `0.25`, `1000001`, `2.5e12`.
pub(crate) fn show_number(value: f64) -> String {
    if (1e-4..1e9).contains(&value.abs()) || value == 0.0 { value.to_string() } else { format!("{value:e}") }
}

/// A sum that stays at the largest number: what a file claims may be anything.
pub(crate) fn total(counts: impl IntoIterator<Item = u64>) -> u64 {
    counts.into_iter().fold(0, u64::saturating_add)
}

/// `1 sample`, `1,234 samples`.
pub fn count_of(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// A time for sentences: RFC 3339 in UTC, or the bare number where the calendar ends.
pub(crate) fn show_time(at: Millis) -> String {
    crate::plan::format_time(at)
}

/// A duration for sentences: `850 ms`, `18.7 s`, `2 min 3 s`, `1 h 5 min`, `3 d 2 h`.
pub(crate) fn show_duration(ms: u64) -> String {
    let two = |big: u64, big_unit: &str, small: u64, small_unit: &str| {
        if small == 0 {
            format!("{big} {big_unit}")
        } else {
            format!("{big} {big_unit} {small} {small_unit}")
        }
    };
    let seconds = ms / 1000;
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..60_000 => {
            let tenths = ms % 1000 / 100;
            if tenths == 0 { format!("{seconds} s") } else { format!("{seconds}.{tenths} s") }
        }
        60_000..3_600_000 => two(seconds / 60, "min", seconds % 60, "s"),
        3_600_000..172_800_000 => two(seconds / 3600, "h", seconds / 60 % 60, "min"),
        _ => two(seconds / 86_400, "d", seconds / 3600 % 24, "h"),
    }
}

/// The beginning of a text that may be of any length.
pub(crate) fn shorten(text: &str) -> std::borrow::Cow<'_, str> {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()).into(),
        None => text.into(),
    }
}

/// A text whose every character can be seen: control characters (line ends, terminal escapes), characters
/// that reverse or hide their neighbours, and invisible ones are written as escapes.
pub(crate) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || is_invisible(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// Format characters: zero width, bidirectional control, line separators, variation and language tags.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::{grouped, shorten, show_duration, show_time, visible};

    #[test]
    fn numbers_times_and_durations() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (5_760_000, "5,760,000")] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(grouped(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(show_time(1_763_510_400_123), "2025-11-19T00:00:00.123Z");
        assert_eq!(show_time(i64::MAX), "9223372036854775807 ms");
        for (ms, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (18_742, "18.7 s"),
            (60_000, "1 min"),
            (123_000, "2 min 3 s"),
            (86_400_000, "24 h"),
            (3_900_000, "1 h 5 min"),
            (30 * 86_400_000, "30 d"),
        ] {
            assert_eq!(show_duration(ms), text);
        }
    }

    #[test]
    fn hidden_characters_show() {
        assert_eq!(visible("a\nb\u{1b}[31m"), "a\\nb\\u{1b}[31m");
        assert_eq!(visible("evil\u{202e}gpj.exe"), "evil\\u{202e}gpj.exe");
        assert_eq!(visible("temperature °C 🦀"), "temperature °C 🦀");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(shorten("short"), "short");
        let long = "é".repeat(500);
        assert_eq!(shorten(&long).chars().count(), 401);
    }
}
