//! The table and the raw data under `target/bench/`.

use crate::paths;
use anyhow::{Context, Result};
use serde_json::{Map, Value};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// What is asked of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wanted {
    /// At least this, with a unit.
    Least(f64, &'static str),
    /// At most this, with a unit.
    Most(f64, &'static str),
    /// That it holds.
    Holds(&'static str),
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    work: String,
    native: String,
    this: String,
    figure: f64,
    wanted: Wanted,
}

impl Row {
    /// How many times as fast as the native tool; both in s.
    pub fn times_as_fast(work: &str, native_s: f64, this_s: f64, least: f64) -> Self {
        Self {
            work: work.to_owned(),
            native: format!("{native_s:.2} s"),
            this: format!("{this_s:.2} s"),
            figure: native_s / this_s,
            wanted: Wanted::Least(least, "×"),
        }
    }

    /// A figure that is to be large or small enough. `native` and `this` are shown as they are.
    pub fn figure(work: &str, native: &str, this: &str, figure: f64, wanted: Wanted) -> Self {
        Self { work: work.to_owned(), native: native.to_owned(), this: this.to_owned(), figure, wanted }
    }

    /// Something that holds or does not.
    pub fn holds(work: &str, this: &str, holds: bool, wanted: &'static str) -> Self {
        let figure = if holds { 1.0 } else { 0.0 };
        Self::figure(work, "–", this, figure, Wanted::Holds(wanted))
    }

    fn reached(&self) -> bool {
        // As shown: a reader who sees 2.00 beside 2.0 must not read that it was missed.
        let shown: f64 = format!("{:.2}", self.figure).parse().unwrap_or(f64::NAN);
        match self.wanted {
            Wanted::Least(least, _) => shown >= least,
            Wanted::Most(most, _) => shown <= most,
            Wanted::Holds(_) => self.figure == 1.0,
        }
    }

    fn line(&self) -> String {
        let unit =
            |unit: &str| if unit.is_empty() || unit == "×" { unit.to_owned() } else { format!(" {unit}") };
        let (figure, wanted) = match self.wanted {
            Wanted::Least(least, of) => {
                (format!("**{:.2}**{}", self.figure, unit(of)), format!("≥ {least}{}", unit(of)))
            }
            Wanted::Most(most, of) => {
                (format!("**{:.2}**{}", self.figure, unit(of)), format!("≤ {most}{}", unit(of)))
            }
            Wanted::Holds(what) => (String::new(), what.to_owned()),
        };
        let reached = if self.reached() { "yes" } else { "**no**" };
        format!("| {} | {} | {} | {figure} | {wanted} | {reached} |", self.work, self.native, self.this)
    }
}

/// What has been measured so far.
#[derive(Debug)]
pub struct Results {
    head: String,
    rows: Vec<Row>,
    sections: Vec<String>,
    raw: Map<String, Value>,
}

impl Results {
    /// Nothing yet. `machine` are a sentence for the table and the same as data.
    pub fn new((head, machine): (String, Value)) -> Self {
        let raw = Map::from_iter([("machine".to_owned(), machine)]);
        Self { head, rows: Vec::new(), sections: Vec::new(), raw }
    }

    /// Adds lines to the table.
    pub fn rows(&mut self, rows: impl IntoIterator<Item = Row>) {
        self.rows.extend(rows);
    }

    /// Adds Markdown below the table.
    pub fn section(&mut self, text: String) {
        self.sections.push(text);
    }

    /// Adds a part's raw data.
    pub fn raw(&mut self, part: &str, data: Value) {
        self.raw.insert(part.to_owned(), data);
    }

    /// Everything as Markdown that can stand in the README as it is.
    pub fn table(&self) -> String {
        let mut text = format!("{}\n", self.head);
        if !self.rows.is_empty() {
            text.push_str(
                "\n| work | native | this | figure | wanted | reached |\n|---|---|---|---|---|---|\n",
            );
            for row in &self.rows {
                let _ = writeln!(text, "{}", row.line());
            }
        }
        for section in &self.sections {
            let _ = write!(text, "\n{}\n", section.trim_end());
        }
        text
    }

    /// Writes `table.md` and `raw.json`.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&self) -> Result<()> {
        let folder = paths::target().join("bench");
        write_to(&folder, "table.md", &self.table())?;
        write_to(&folder, "raw.json", &serde_json::to_string_pretty(&self.raw)?)
    }
}

fn write_to(folder: &Path, name: &str, text: &str) -> Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join(name), text).with_context(|| format!("cannot write {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_was_wanted_and_whether_it_was_reached() {
        let line = |row: Row| row.line();
        assert_eq!(
            line(Row::times_as_fast("verify", 5.0, 2.0, 2.5)),
            "| verify | 5.00 s | 2.00 s | **2.50**× | ≥ 2.5× | yes |"
        );
        assert_eq!(
            line(Row::times_as_fast("verify", 5.0, 2.02, 2.5)),
            "| verify | 5.00 s | 2.02 s | **2.48**× | ≥ 2.5× | **no** |"
        );
        let cpu = |s: f64| Row::figure("CPU", "–", "–", s, Wanted::Most(1.5, "s"));
        assert_eq!(line(cpu(1.504)), "| CPU | – | – | **1.50** s | ≤ 1.5 s | yes |");
        assert_eq!(line(cpu(1.51)), "| CPU | – | – | **1.51** s | ≤ 1.5 s | **no** |");
        assert_eq!(
            line(Row::holds("results", "other", false, "identical")),
            "| results | – | other |  | identical | **no** |"
        );
    }

    #[test]
    fn what_was_not_measured_is_not_reached() {
        for wanted in [Wanted::Least(0.0, ""), Wanted::Most(1.0, "")] {
            assert!(!Row::figure("nothing", "–", "–", f64::NAN, wanted).reached());
        }
    }
}
