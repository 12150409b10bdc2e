//! Collects findings with their places in the text.

use super::{Diagnostic, Severity};

/// Findings kept at most; a hostile text could have one per byte.
const LIMIT: usize = 200;
/// Characters shown of a name that somebody wrote.
const SHOWN: usize = 40;

/// Findings about one text, in any order until [`Findings::finish`].
pub(super) struct Findings<'t> {
    text: &'t str,
    /// Byte offset at which each line starts.
    lines: Vec<usize>,
    found: Vec<(usize, Diagnostic)>,
    dropped: usize,
    failed: bool,
}

impl<'t> Findings<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self {
            text,
            lines: std::iter::once(0).chain(starts).collect(),
            found: Vec::new(),
            dropped: 0,
            failed: false,
        }
    }

    /// Whether any error was found.
    pub(super) fn failed(&self) -> bool {
        self.failed
    }

    /// Adds an error at a byte offset.
    pub(super) fn error(
        &mut self,
        at: usize,
        path: &str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.failed = true;
        self.add(Severity::Error, at, path, message.into(), remedy.into());
    }

    /// Adds a warning at a byte offset.
    pub(super) fn warning(
        &mut self,
        at: usize,
        path: &str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add(Severity::Warning, at, path, message.into(), remedy.into());
    }

    fn add(&mut self, severity: Severity, at: usize, path: &str, message: String, remedy: String) {
        if self.found.len() >= LIMIT {
            self.dropped += 1;
            return;
        }
        let (line, column) = self.place(at);
        self.found.push((at, Diagnostic { severity, path: path.to_owned(), line, column, message, remedy }));
    }

    /// 1-based line of a byte offset.
    pub(super) fn line(&self, at: usize) -> u32 {
        self.place(at).0
    }

    fn place(&self, at: usize) -> (u32, u32) {
        let at = at.min(self.text.len());
        let line = self.lines.partition_point(|start| *start <= at).saturating_sub(1);
        let start = self.lines.get(line).copied().unwrap_or(0);
        let before = self.text.as_bytes().get(start..at).unwrap_or_default();
        // Bytes 0b10xxxxxx continue a character.
        let column = before.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
        let number = |count: usize| u32::try_from(count + 1).unwrap_or(u32::MAX);
        (number(line), number(column))
    }

    /// All findings in text order.
    pub(super) fn finish(mut self) -> Vec<Diagnostic> {
        crate::order::sort_by_key(&mut self.found, |(at, _)| *at);
        let (line, column) = self.found.last().map_or((1, 1), |(_, last)| (last.line, last.column));
        let mut list: Vec<Diagnostic> = self.found.into_iter().map(|(_, diagnostic)| diagnostic).collect();
        if self.dropped > 0 {
            list.push(Diagnostic {
                severity: if self.failed { Severity::Error } else { Severity::Warning },
                path: String::new(),
                line,
                column,
                message: format!("{} more findings are not listed", self.dropped),
                remedy: "Mend the first ones.".to_owned(),
            });
        }
        list
    }
}

/// A name as it may be shown: cut, and without control characters.
pub(super) fn shown(name: &str) -> String {
    let mut out: String = name.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if name.chars().nth(SHOWN).is_some() {
        out.push('…');
    }
    out
}

/// The known name that a wrong one most likely means: the same but for case and `-`, a few letters off, or
/// longer or shorter by a whole word (`remote_read_url` for `read_url`).
pub(crate) fn closest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    if name.chars().count() > SHOWN {
        return None;
    }
    let plain = name.to_ascii_lowercase().replace(['-', ' '], "_");
    let allowed = (plain.chars().count() / 3).clamp(1, 3);
    let near = known
        .iter()
        .map(|candidate| (distance(&plain, candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate);
    near.or_else(|| {
        let is_part = |whole: &str, part: &str| {
            part.len() >= 4
                && (whole.strip_suffix(part).is_some_and(|head| head.ends_with('_'))
                    || whole.strip_prefix(part).is_some_and(|tail| tail.starts_with('_')))
        };
        known.iter().copied().find(|candidate| is_part(&plain, candidate) || is_part(candidate, &plain))
    })
}

/// Edit distance with swaps of neighbours (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut older: Vec<usize> = Vec::new();
    let mut old: Vec<usize> = (0..=b.len()).collect();
    let mut last_a = None;
    for (row, ch) in a.chars().enumerate() {
        let mut new = vec![row + 1];
        let mut last_b = None;
        for (column, other) in b.iter().enumerate() {
            let get = |line: &[usize], at: usize| line.get(at).copied().unwrap_or(usize::MAX / 2);
            let mut best = (get(&old, column) + usize::from(ch != *other))
                .min(get(&old, column + 1) + 1)
                .min(get(&new, column) + 1);
            if last_a == Some(*other) && last_b == Some(ch) && column > 0 {
                best = best.min(get(&older, column - 1) + 1);
            }
            new.push(best);
            last_b = Some(*other);
        }
        last_a = Some(ch);
        older = std::mem::replace(&mut old, new);
    }
    old.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_find_their_field() {
        let known = ["write_url", "read_url", "query_range_url", "status_url", "tenant"];
        for (typo, wanted) in [
            ("status_ulr", Some("status_url")),
            ("statusurl", Some("status_url")),
            ("Tenant", Some("tenant")),
            ("read-url", Some("read_url")),
            ("remote_read_url", Some("read_url")),
            ("tenent", Some("tenant")),
            ("bananas", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(closest(typo, &known), wanted, "{typo}");
        }
        assert_eq!(distance("abcd", "abdc"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn places_count_characters() {
        let text = "é\n{ü\u{1F600}x";
        let found = Findings::new(text);
        assert_eq!(found.place(0), (1, 1));
        assert_eq!(found.place(2), (1, 2));
        assert_eq!(found.place(3), (2, 1));
        assert_eq!(found.place(text.len() - 1), (2, 4));
        assert_eq!(found.place(10_000), (2, 5));
    }

    #[test]
    fn a_flood_is_cut_but_not_forgotten() {
        let mut found = Findings::new("x");
        for _ in 0..LIMIT {
            found.warning(0, "", "w", "");
        }
        found.error(0, "", "e", "");
        assert!(found.failed());
        let list = found.finish();
        assert_eq!(list.len(), LIMIT + 1);
        assert_eq!(list[LIMIT].severity, Severity::Error);
    }
}
