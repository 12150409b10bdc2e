//! What is hidden, and what stands in for it.

use super::Role;
use super::spans::{Span, hosts, is_word, values};
use crate::plan::Redaction;
use rustc_hash::{FxHashMap, FxHashSet};

/// Words that say nothing about anybody, and that reports use themselves. As hosts or values they are hidden where
/// they stand as such: in URLs, before a port, in quotes.
const COMMON: [&str; 18] = [
    "default",
    "fail",
    "false",
    "grafana",
    "info",
    "mimir",
    "null",
    "pass",
    "prometheus",
    "sample",
    "samples",
    "series",
    "source",
    "target",
    "thanos",
    "true",
    "tsink",
    "victoriametrics",
];

/// Something hidden.
struct Original {
    text: String,
    /// `host`, or the label.
    kind: usize,
    stand_in: String,
    is_host: bool,
    /// Whether it may be any word, so that it is hidden only in quotes or where a host stands.
    is_common: bool,
}

/// Everything hidden in a report.
pub(super) struct Names<'a> {
    redaction: &'a Redaction,
    originals: Vec<Original>,
    /// By kind and text.
    known: FxHashMap<(usize, String), usize>,
    /// By the first bytes, the longest first.
    needles: FxHashMap<Vec<u8>, Vec<(String, usize)>>,
}

/// Bytes by which needles are found.
const HEAD: usize = 3;

impl<'a> Names<'a> {
    pub fn new(redaction: &'a Redaction) -> Self {
        Self { redaction, originals: Vec::new(), known: FxHashMap::default(), needles: FxHashMap::default() }
    }

    /// Notes what is to be hidden of a text.
    pub fn collect(&mut self, text: &str, role: Role) {
        if self.redaction.hosts {
            for (_, host, port) in hosts(text) {
                let host = host.to_ascii_lowercase();
                if let Some(port) = port {
                    let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
                    self.note(&format!("{host}:{port}"), 0, true);
                }
                self.note(&host, 0, true);
            }
        }
        for (at, label) in self.redaction.labels.iter().enumerate() {
            if label == "__name__"
                && let Some(name) = metric(text, role)
            {
                self.note(name, at + 1, false);
            }
            for span in values(text, label) {
                if !span.is_cut {
                    self.note(&span.value, at + 1, false);
                }
            }
        }
    }

    fn note(&mut self, text: &str, kind: usize, is_host: bool) {
        if text.is_empty() || self.known.contains_key(&(kind, text.to_owned())) {
            return;
        }
        let is_distinct = text.len() >= HEAD && text.contains(|c: char| c.is_alphabetic());
        let is_address = is_host && text.contains(['.', ':']);
        self.known.insert((kind, text.to_owned()), self.originals.len());
        self.originals.push(Original {
            text: text.to_owned(),
            kind,
            stand_in: String::new(),
            is_host,
            is_common: !is_address && (!is_distinct || COMMON.contains(&text)),
        });
    }

    /// Numbers what was noted. No stand-in is itself something that is hidden.
    pub fn give_stand_ins(&mut self) {
        let taken: FxHashSet<String> = self.originals.iter().map(|original| original.text.clone()).collect();
        let mut counts = vec![0u64; self.redaction.labels.len() + 1];
        // A host has the stand-in of its first port: they appear together.
        let mut of_host: FxHashMap<String, String> = FxHashMap::default();
        for at in 0..self.originals.len() {
            let Some(original) = self.originals.get(at) else { continue };
            let known = of_host.get(&original.text).cloned();
            let stand_in = match known.filter(|_| original.is_host) {
                Some(stand_in) => stand_in,
                None => loop {
                    let Some(count) = counts.get_mut(original.kind) else { return };
                    *count += 1;
                    let kind =
                        match original.kind.checked_sub(1).and_then(|label| self.redaction.labels.get(label))
                        {
                            Some(label) => label.as_str(),
                            None => "host",
                        };
                    let stand_in = format!("{kind}-{count}");
                    if !taken.contains(&stand_in) {
                        break stand_in;
                    }
                },
            };
            if original.is_host
                && let Some((host, _)) = original
                    .text
                    .rsplit_once(':')
                    .filter(|(host, _)| !host.contains(':') || host.ends_with(']'))
            {
                let host = host.trim_matches(['[', ']']).to_owned();
                of_host.entry(host).or_insert_with(|| stand_in.clone());
            }
            let text = original.text.clone();
            if let Some(original) = self.originals.get_mut(at) {
                original.stand_in = stand_in;
            }
            let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            if escaped != text {
                self.needle(escaped, at);
            }
            self.needle(text, at);
        }
        for needles in self.needles.values_mut() {
            crate::order::sort_by(needles, |(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        }
    }

    fn needle(&mut self, text: String, at: usize) {
        let head = head(text.as_bytes());
        self.needles.entry(head).or_default().push((text, at));
    }

    /// Replaces everything hidden.
    pub fn replace(&self, text: &mut String, role: Role) {
        let mut spans: Vec<(usize, Span)> = Vec::new();
        for (at, label) in self.redaction.labels.iter().enumerate() {
            spans.extend(values(text, label).into_iter().map(|span| (at + 1, span)));
        }
        crate::order::sort_by_key(&mut spans, |(_, span)| span.at.start);
        let mut spans = spans.into_iter().peekable();
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            while spans.next_if(|(_, span)| span.at.start < at).is_some() {}
            if let Some((kind, span)) = spans.next_if(|(_, span)| span.at.start == at) {
                let (stand_in, end) = self.of_span(text, kind, &span);
                out.push_str(&stand_in);
                at = end;
                continue;
            }
            // A name that is a whole text, however common.
            let is_whole = role == Role::Metric && at == 0;
            match self.at(text, at, is_whole) {
                Some((original, len)) => {
                    out.push_str(&original.stand_in);
                    at += len;
                }
                None => {
                    let Some(c) = rest.chars().next() else { break };
                    out.push(c);
                    at += c.len_utf8();
                }
            }
        }
        *text = out;
    }

    /// The stand-in of a label's value, and where it ends in the text.
    fn of_span(&self, text: &str, kind: usize, span: &Span) -> (String, usize) {
        if let Some(original) =
            self.known.get(&(kind, span.value.clone())).and_then(|at| self.originals.get(*at))
        {
            return (original.stand_in.clone(), span.at.end);
        }
        // It was cut: whose beginning it is, if that is known, and else nobody's.
        let raw = text.get(span.at.clone()).unwrap_or_default();
        let (shown, end) = match raw.find('…') {
            Some(cut) => (raw.get(..cut).unwrap_or_default(), span.at.start + cut),
            None => (raw, span.at.end),
        };
        let whole = self
            .originals
            .iter()
            .find(|original| original.kind == kind && !shown.is_empty() && original.text.starts_with(shown));
        match whole {
            Some(original) => (original.stand_in.clone(), end),
            None => ("hidden".to_owned(), span.at.end),
        }
    }

    /// What stands at a place, and its length there.
    fn at(&self, text: &str, at: usize, is_whole: bool) -> Option<(&Original, usize)> {
        let before = text.get(..at)?.chars().next_back();
        let rest = text.get(at..)?;
        if before.is_some_and(is_word) {
            return None;
        }
        let bytes = rest.as_bytes();
        // Needles shorter than a head are found by all of theirs.
        let needles = (1..=HEAD).rev().filter_map(|len| self.needles.get(&head(bytes.get(..len)?))).flatten();
        for (needle, index) in needles {
            let original = self.originals.get(*index)?;
            let len = match rest.get(..needle.len()) {
                Some(found)
                    if found == needle || (original.is_host && found.eq_ignore_ascii_case(needle)) =>
                {
                    needle.len()
                }
                // Cut in the middle, it is hidden all the same.
                _ => match rest.find('…') {
                    Some(cut) if cut > HEAD && needle.starts_with(rest.get(..cut)?) => cut,
                    _ => continue,
                },
            };
            let after = rest.get(len..).and_then(|after| after.chars().next());
            if after.is_some_and(is_word) {
                continue;
            }
            let is_quote = |c: Option<char>| matches!(c, Some('"' | '\'' | '`' | '\\'));
            let is_url = original.is_host
                && (text.get(..at)?.ends_with("//") || before == Some('@') || is_port(rest.get(len..)));
            if !original.is_common
                || is_url
                || (is_quote(before) && is_quote(after))
                || (is_whole && len == text.len())
            {
                return Some((original, len));
            }
        }
        None
    }
}

/// Whether a colon and a number follow.
fn is_port(rest: Option<&str>) -> bool {
    rest.and_then(|rest| rest.strip_prefix(':'))
        .is_some_and(|port| port.starts_with(|c: char| c.is_ascii_digit()))
}

/// Hosts are found whatever their case.
fn head(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().take(HEAD).map(u8::to_ascii_lowercase).collect()
}

/// The metric name of a series, or of a metric.
fn metric(text: &str, role: Role) -> Option<&str> {
    match role {
        Role::Text => None,
        Role::Metric => Some(text),
        Role::Series => match text.split('{').next().unwrap_or_default() {
            "" => text.strip_prefix("{\"")?.split('"').next(),
            name => Some(name),
        },
    }
    .filter(|name| !name.is_empty())
}
