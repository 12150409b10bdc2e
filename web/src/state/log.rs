//! The event log: the newest lines, in bounded memory.

use std::collections::VecDeque;
use tsink_migrate_engine::model::Millis;
use tsink_migrate_engine::run::NoticeLevel;

/// Lines kept at most.
pub const MOST_LINES: usize = 500;

/// A line.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Counts up; a line's identity.
    pub id: u64,
    /// Unix ms.
    pub at_ms: Millis,
    /// How loud.
    pub level: NoticeLevel,
    /// HTTP status or another short tag; may be empty.
    pub tag: String,
    /// The line.
    pub message: String,
}

/// The newest lines, the newest first.
#[derive(Clone, Debug, Default)]
pub struct Log {
    lines: VecDeque<Line>,
    next: u64,
    problems: u64,
}

impl Log {
    /// Adds a line; the oldest makes room.
    pub fn push(&mut self, at_ms: Millis, level: NoticeLevel, tag: &str, message: String) {
        if self.lines.len() >= MOST_LINES {
            self.lines.pop_back();
        }
        self.problems += u64::from(level != NoticeLevel::Info);
        self.lines.push_front(Line { id: self.next, at_ms, level, tag: tag.to_owned(), message });
        self.next += 1;
    }

    /// The newest lines, the newest first, `most` of them at most; without those of mere information if asked for.
    pub fn lines(&self, problems_only: bool, most: usize) -> Vec<Line> {
        self.wanted(problems_only).take(most).cloned().collect()
    }

    /// How many lines there are to show.
    pub fn kept(&self, problems_only: bool) -> usize {
        if problems_only { self.wanted(true).count() } else { self.lines.len() }
    }

    fn wanted(&self, problems_only: bool) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| !problems_only || line.level != NoticeLevel::Info)
    }

    /// How many lines there ever were.
    pub fn total(&self) -> u64 {
        self.next
    }

    /// How many of them were warnings or errors.
    pub fn problems(&self) -> u64 {
        self.problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_stay() {
        let mut log = Log::default();
        for at in 0..1_200 {
            let level = if at % 100 == 0 { NoticeLevel::Warn } else { NoticeLevel::Info };
            log.push(at, level, "", format!("line {at}"));
        }
        let lines = log.lines(false, 1_000);
        assert_eq!(lines.len(), MOST_LINES);
        assert_eq!(lines[0].message, "line 1199");
        assert_eq!(log.total(), 1_200);
        assert_eq!(log.problems(), 12);
        assert_eq!(log.lines(true, 1_000).len(), 5);
        assert_eq!((log.kept(false), log.kept(true)), (MOST_LINES, 5));
        assert_eq!(log.lines(false, 2).iter().map(|line| line.id).collect::<Vec<_>>(), [1_199, 1_198]);
    }
}
