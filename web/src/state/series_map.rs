//! Series × time of a finished comparison: the report's map, read into runs of equal cells.

use super::format;
use tsink_migrate_engine::model::Window;
use tsink_migrate_engine::report::Coverage;

/// Columns drawn at most; a file may hold anything.
const MOST_COLUMNS: usize = 2_000;

/// What a cell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// Nothing on either side.
    Nothing,
    /// Equal.
    Equal,
    /// Missing at the target.
    Missing,
    /// In the target only.
    Extra,
    /// Other values, or several kinds.
    Differs,
    /// Not compared.
    NotCompared,
}

impl Agreement {
    /// All, in the order of the legend.
    pub const ALL: [Self; 6] =
        [Self::Equal, Self::Missing, Self::Extra, Self::Differs, Self::NotCompared, Self::Nothing];

    fn of(letter: char) -> Self {
        match letter {
            '.' => Self::Nothing,
            '=' => Self::Equal,
            '-' => Self::Missing,
            '+' => Self::Extra,
            'x' => Self::Differs,
            _ => Self::NotCompared,
        }
    }

    /// Name for the style sheet.
    pub fn class(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Equal => "equal",
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Differs => "differs",
            Self::NotCompared => "unknown",
        }
    }

    /// In words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing on either side",
            Self::Equal => "equal",
            Self::Missing => "missing in the target",
            Self::Extra => "in the target only",
            Self::Differs => "differs",
            Self::NotCompared => "not compared",
        }
    }

    /// Whether something is wrong.
    pub fn is_bad(self) -> bool {
        !matches!(self, Self::Nothing | Self::Equal)
    }
}

/// Neighbouring cells that say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// What they say.
    pub state: Agreement,
    /// First column.
    pub from: usize,
    /// Columns.
    pub len: usize,
}

impl Run {
    /// Its time.
    pub fn window(&self, map: &Coverage) -> Window {
        let edge = |at: usize| {
            let at = i64::try_from(at).unwrap_or(i64::MAX);
            map.start_ms.saturating_add(at.saturating_mul(map.column_ms))
        };
        let start_ms = edge(self.from);
        Window { start_ms, end_ms: edge(self.from + self.len).saturating_sub(1).max(start_ms) }
    }
}

/// The runs of a row.
pub fn runs(cells: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (from, letter) in cells.chars().take(MOST_COLUMNS).enumerate() {
        let state = Agreement::of(letter);
        match runs.last_mut().filter(|run| run.state == state) {
            Some(run) => run.len += 1,
            None => runs.push(Run { state, from, len: 1 }),
        }
    }
    runs
}

/// A row in words: what differs, and for how much of the time.
pub fn spoken(cells: &str) -> String {
    let all = cells.chars().count();
    let parts: Vec<String> = Agreement::ALL
        .into_iter()
        .filter(|state| state.is_bad())
        .filter_map(|state| {
            let own = cells.chars().filter(|letter| Agreement::of(*letter) == state).count();
            (own > 0).then(|| format!("{own} {}", state.word()))
        })
        .collect();
    if parts.is_empty() {
        return "equal throughout".to_owned();
    }
    format!("of {}: {}", format::counted(all as u64, "part", "parts"), parts.join(", "))
}

/// The whole time of a map.
pub fn window(map: &Coverage) -> Option<Window> {
    let columns = map.rows.iter().map(|row| row.cells.chars().count()).max()?.min(MOST_COLUMNS);
    (columns > 0 && map.column_ms > 0)
        .then(|| Run { state: Agreement::Nothing, from: 0, len: columns }.window(map))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tsink_migrate_engine::report::CoverageRow;

    #[test]
    fn cells_become_runs_with_their_times() {
        let cells = "..==--x?+";
        let found = runs(cells);
        let words: Vec<_> = found.iter().map(|run| (run.state.class(), run.from, run.len)).collect();
        assert_eq!(
            words,
            [
                ("nothing", 0, 2),
                ("equal", 2, 2),
                ("missing", 4, 2),
                ("differs", 6, 1),
                ("unknown", 7, 1),
                ("extra", 8, 1)
            ]
        );
        let rows = vec![CoverageRow { series: String::new(), cells: cells.to_owned() }];
        let map = Coverage { start_ms: 1_000, column_ms: 500, rows, series_omitted: 0 };
        assert_eq!(found[2].window(&map), Window { start_ms: 3_000, end_ms: 3_999 });
        assert_eq!(window(&map), Some(Window { start_ms: 1_000, end_ms: 5_499 }));
        assert_eq!(
            spoken(cells),
            "of 9 parts: 2 missing in the target, 1 in the target only, 1 differs, 1 not compared"
        );
        assert_eq!(spoken("==."), "equal throughout");
    }

    #[test]
    fn a_map_of_a_stranger() {
        assert_eq!(window(&Coverage::default()), None);
        assert!(runs("").is_empty());
        assert_eq!(runs(&"=x".repeat(100_000)).len(), MOST_COLUMNS);
        let rows = vec![CoverageRow { series: String::new(), cells: "==".to_owned() }];
        let far = Coverage { start_ms: i64::MAX, column_ms: i64::MAX, rows, series_omitted: 0 };
        assert!(window(&far).is_some_and(|window| window.start_ms <= window.end_ms));
    }
}
