//! Which label cuts a selector most evenly, and into which groups of values.

use crate::selector::escaped;
use crate::source::Counts;

/// Bytes of all expressions of a cut together: the rest's has them all, and no server or proxy minds such a length.
const MOST_EXPRESSION: usize = 5_000;
/// A cut whose largest part has more of the series than this is none.
const USEFUL: f64 = 0.9;

/// Values that make up a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// Finds the values, anchored on both sides.
    pub expression: String,
    /// Series that were counted.
    pub series: u64,
}

/// How a selector is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// By this label.
    pub label: String,
    /// Parts with values that are named.
    pub groups: Vec<Group>,
    /// Series that were counted of the rest.
    pub rest: u64,
}

impl Cut {
    /// Series of the largest part.
    pub fn worst(&self) -> u64 {
        self.groups.iter().map(|group| group.series).max().unwrap_or(0).max(self.rest)
    }

    /// Finds all values that are named.
    pub fn all_expressions(&self) -> String {
        self.groups.iter().map(|group| group.expression.as_str()).collect::<Vec<_>>().join("|")
    }
}

/// The label that cuts `total` series most evenly into parts of about `most`; `None` where none does.
pub(super) fn choose(
    total: u64,
    labels: impl IntoIterator<Item = (String, Counts)>,
    most: u64,
) -> Option<Cut> {
    let mut best: Option<Cut> = None;
    for (label, counts) in labels {
        let Some(cut) = cut_by(label, counts, total, most) else { continue };
        let better = |best: &Cut| (cut.worst(), cut.groups.len()) < (best.worst(), best.groups.len());
        if best.as_ref().is_none_or(better) {
            best = Some(cut);
        }
    }
    best.filter(|cut| cut.worst() as f64 <= total as f64 * USEFUL)
}

fn cut_by(label: String, mut counts: Counts, total: u64, most: u64) -> Option<Cut> {
    // As many characters as the expressions have room for: the finer the keys, the more even the parts.
    let mut keys: Vec<(String, u64)>;
    loop {
        keys = counts.keys().map(|(key, series)| (expression(key, counts.chars()), series)).collect();
        let length: usize = keys.iter().map(|(text, _)| text.len() + 1).sum();
        if length <= MOST_EXPRESSION {
            break;
        }
        let longest = counts.keys().map(|(key, _)| key.chars().count()).max().unwrap_or(0);
        let shorter = longest.min(counts.chars()).checked_sub(1).filter(|chars| *chars > 0)?;
        counts.shorten(shorter);
    }
    if keys.is_empty() {
        return None;
    }
    let named: u64 = counts.total();
    let mut groups: Vec<Group> = Vec::new();
    for (text, series) in keys {
        match groups.last_mut().filter(|group| group.series + series <= most) {
            Some(group) => {
                group.expression.push('|');
                group.expression.push_str(&text);
                group.series += series;
            }
            None => groups.push(Group { expression: text, series }),
        }
    }
    Some(Cut { label, groups, rest: total.saturating_sub(named) })
}

/// Finds the values of a key. `(?s:.*)` is any text, line breaks included, in RE2 and in Rust's `regex`.
fn expression(key: &str, chars: usize) -> String {
    let mut text = escaped(key);
    if key.chars().count() >= chars {
        text.push_str("(?s:.*)");
    }
    text
}
