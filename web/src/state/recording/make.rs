//! Manifests for raw recordings that came without one (specification §6).

use crate::state::format;
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use tsink_migrate_engine::model::Millis;
use tsink_migrate_engine::plan::SourceKind;

/// What was recorded. The words are those of a plan's `source.kind`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// InfluxDB line protocol.
    #[default]
    Influx,
    /// StatsD packets.
    Statsd,
    /// Graphite plaintext.
    Graphite,
    /// OTLP protobuf requests.
    Otlp,
}

impl Kind {
    /// All, in the specification's order.
    pub const ALL: [Self; 4] = [Self::Otlp, Self::Influx, Self::Statsd, Self::Graphite];

    /// The plan's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Influx => "influx_line_protocol",
            Self::Statsd => "statsd",
            Self::Graphite => "graphite_plaintext",
            Self::Otlp => "otlp",
        }
    }

    /// The engine's kind.
    pub fn source(self) -> SourceKind {
        match self {
            Self::Influx => SourceKind::InfluxLineProtocol,
            Self::Statsd => SourceKind::Statsd,
            Self::Graphite => SourceKind::GraphitePlaintext,
            Self::Otlp => SourceKind::Otlp,
        }
    }

    /// How people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Influx => "InfluxDB line protocol",
            Self::Statsd => "StatsD",
            Self::Graphite => "Graphite plaintext",
            Self::Otlp => "OTLP protobuf",
        }
    }

    /// The kind that a plan's word names.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Whether payloads need the time at which they arrived.
    pub fn needs_arrival(self) -> bool {
        self != Self::Otlp
    }
}

/// What a raw recording does not say of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// What was recorded.
    pub kind: Kind,
    /// When everything arrived; where it is not known, each file counts as arrived when it was last changed.
    pub arrived_ms: Option<Millis>,
    /// Query parameters of InfluxDB requests: `db`, `rp`, `bucket`, `org`, `precision`. Empty ones are left out.
    pub query: BTreeMap<&'static str, String>,
}

/// A raw recording.
#[derive(Clone, Copy, Debug)]
pub struct Raw<'a> {
    /// Its path as the manifest names it.
    pub path: &'a str,
    /// When it was last changed, Unix ms.
    pub modified_ms: Millis,
}

#[derive(Serialize)]
struct Entry<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    received_at_ms: Option<Millis>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    query_params: BTreeMap<&'a str, &'a str>,
}

/// Writes a manifest: one entry a file and line, in the order in which the files arrived, as far as that is known.
/// Relative StatsD gauges depend on it.
pub fn manifest(files: &[Raw<'_>], settings: &Settings) -> String {
    let arrived = |file: &Raw<'_>| settings.arrived_ms.unwrap_or(file.modified_ms);
    let mut files = files.to_vec();
    tsink_migrate_engine::order::sort_by(&mut files, |one, other| {
        arrived(one).cmp(&arrived(other)).then_with(|| by_number(one.path, other.path))
    });
    let mut text = String::from("[");
    for (at, file) in files.iter().enumerate() {
        let query = settings.query.iter().filter(|(_, value)| !value.is_empty());
        let entry = Entry {
            path: file.path,
            received_at_ms: settings.kind.needs_arrival().then(|| arrived(file)),
            query_params: match settings.kind {
                Kind::Influx => query.map(|(name, value)| (*name, value.as_str())).collect(),
                _ => BTreeMap::new(),
            },
        };
        text.push_str(if at == 0 { "\n  " } else { ",\n  " });
        text.push_str(&serde_json::to_string(&entry).unwrap_or_default());
    }
    text.push_str("\n]\n");
    text
}

/// Compares names as people count: `batch-2` before `batch-10`.
fn by_number(one: &str, other: &str) -> Ordering {
    let (mut one_rest, mut other_rest) = (one, other);
    loop {
        let (one_part, one_next) = part(one_rest);
        let (other_part, other_next) = part(other_rest);
        let digits = |part: &str| part.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
        let order = if digits(one_part) && digits(other_part) {
            let (one, other) = (one_part.trim_start_matches('0'), other_part.trim_start_matches('0'));
            one.len().cmp(&other.len()).then_with(|| one.cmp(other))
        } else {
            one_part.cmp(other_part)
        };
        if order != Ordering::Equal || (one_next.is_empty() && other_next.is_empty()) {
            return order.then_with(|| one.cmp(other));
        }
        (one_rest, other_rest) = (one_next, other_next);
    }
}

/// Splits off what stands before the next change between digits and others.
fn part(text: &str) -> (&str, &str) {
    let is_digit = |letter: char| letter.is_ascii_digit();
    let first = text.starts_with(is_digit);
    text.split_at(text.find(|letter| is_digit(letter) != first).unwrap_or(text.len()))
}

/// When the files arrived if each counts as arrived when it was last changed, in words.
pub fn span(modified: impl Iterator<Item = Millis>) -> Option<String> {
    let (mut first, mut last) = (Millis::MAX, Millis::MIN);
    modified.for_each(|at| (first, last) = (first.min(at), last.max(at)));
    match first.cmp(&last) {
        Ordering::Less => Some(format!("{} UTC to {} UTC", format::instant(first), format::instant(last))),
        Ordering::Equal => Some(format!("{} UTC", format::instant(first))),
        Ordering::Greater => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn raw(path: &str, modified_ms: Millis) -> Raw<'_> {
        Raw { path, modified_ms }
    }

    fn made(files: &[Raw<'_>], settings: &Settings) -> Value {
        serde_json::from_str(&manifest(files, settings)).unwrap()
    }

    #[test]
    fn entries_say_what_the_recording_does_not() {
        let query = BTreeMap::from([
            ("db", "telegraf".to_owned()),
            ("precision", "ms".to_owned()),
            ("rp", String::new()),
        ]);
        let mut settings = Settings { arrived_ms: Some(7), query, ..Settings::default() };
        let files = [raw("payloads/\"odd\" ü.lp", 5)];
        assert_eq!(
            manifest(&files, &settings),
            "[\n  {\"path\":\"payloads/\\\"odd\\\" ü.lp\",\"received_at_ms\":7,\
             \"query_params\":{\"db\":\"telegraf\",\"precision\":\"ms\"}}\n]\n"
        );
        // Nothing but InfluxDB has query parameters.
        settings.kind = Kind::Statsd;
        assert_eq!(made(&[raw("a", 5)], &settings), json!([{ "path": "a", "received_at_ms": 7 }]));
        settings.kind = Kind::Otlp;
        assert_eq!(made(&[raw("a", 5)], &settings), json!([{ "path": "a" }]));
        assert_eq!(made(&[], &settings), json!([]));
    }

    #[test]
    fn files_stand_in_the_order_of_their_arrival() {
        let files =
            [raw("b-10", 3), raw("b-9", 3), raw("c", 1), raw("b-09", 3), raw("b-9-x", 3), raw("a", 9)];
        let order = |settings: &Settings| -> Vec<String> {
            let entries = made(&files, settings);
            entries
                .as_array()
                .unwrap()
                .iter()
                .map(|entry| entry["path"].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(order(&Settings::default()), ["c", "b-09", "b-9", "b-9-x", "b-10", "a"]);
        let settings = Settings { arrived_ms: Some(1), ..Settings::default() };
        assert_eq!(order(&settings), ["a", "b-09", "b-9", "b-9-x", "b-10", "c"]);
    }

    #[test]
    fn kinds_are_known_by_the_plans_words() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of_word(kind.word()), Some(kind));
        }
        assert_eq!(Kind::of_word("prometheus"), None);
    }

    #[test]
    fn arrival_is_said_in_words() {
        assert_eq!(span([].into_iter()), None);
        assert_eq!(span([0].into_iter()), Some(format!("{} UTC", format::instant(0))));
        let both = span([86_400_000, 0].into_iter()).unwrap();
        assert!(both.starts_with(&format::instant(0)) && both.ends_with("UTC"), "{both}");
    }
}
