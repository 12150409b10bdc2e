//! Progress as one line of a terminal.

use crate::text::{duration, one_line};
use tsink_migrate_engine::plan::format_time;
use tsink_migrate_engine::report::{Continued, grouped};
use tsink_migrate_engine::run::{Progress, Stage};

/// Characters of the bar.
const BAR: usize = 20;
/// Below so many columns the bar makes way for the numbers.
const BAR_FROM: usize = 90;

/// The stage's word.
pub fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Preflight => "preflight",
        Stage::Backfill => "backfill",
        Stage::Verify => "verify",
        Stage::Repair => "repair",
        Stage::Cutover => "cutover-check",
    }
}

/// The line for a stage that has not counted anything yet.
pub fn begun(stage: Stage, columns: usize) -> String {
    cut(&format!("{}: asking the servers", stage_name(stage)), columns)
}

/// What was done before, as a line.
pub fn continued(stage: Stage, before: &Continued) -> String {
    let one_or = |count: u64, one: &str, more: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{} {more}", grouped(count)),
    };
    format!(
        "{}: continuing; {} with {} samples were done in {} since {}, in {}",
        stage_name(stage),
        one_or(before.slabs, "slab", "slabs"),
        grouped(before.rows),
        one_or(before.runs, "run", "runs"),
        format_time(before.since_ms),
        duration(before.elapsed_ms),
    )
}

/// The line: stage, bar, percent, done and total, rate, time left. Where it waits, the reason takes the place of done
/// and total, at the end, where it may be cut off. Fits into the columns with one to spare, so that no terminal wraps it.
pub fn line(progress: &Progress, columns: usize) -> String {
    let fraction = if progress.fraction.is_finite() { progress.fraction.clamp(0.0, 1.0) } else { 0.0 };
    let mut parts = Vec::new();
    if columns >= BAR_FROM {
        let full = (fraction * BAR as f64) as usize;
        parts.push(format!("[{}{}]", "#".repeat(full), ".".repeat(BAR - full)));
    }
    // Rounded down: 100 % is said when it is done.
    parts.push(format!("{} %", (fraction * 100.0) as u64));
    let reason = progress.waiting.as_deref().filter(|reason| !reason.is_empty());
    if reason.is_none() {
        let unit = one_line(&progress.unit);
        parts.push(match progress.total {
            0 => format!("{} {unit}", grouped(progress.done)),
            total => format!("{} / {} {unit}", grouped(progress.done), grouped(total)),
        });
    }
    if progress.rate.is_finite() && progress.rate >= 1.0 {
        parts.push(format!("{}/s", grouped(progress.rate as u64)));
    }
    if let Some(left) = progress.eta_ms.filter(|left| *left > 0) {
        // Whole seconds: a guess does not come in milliseconds.
        parts.push(format!("{} left", duration(left.div_ceil(1000).saturating_mul(1000))));
    }
    parts.extend(reason.map(|reason| format!("waiting: {}", one_line(reason))));
    cut(&format!("{} {}", stage_name(progress.stage), parts.join("  ")), columns)
}

/// A line that is too long ends with a mark.
fn cut(text: &str, columns: usize) -> String {
    let most = columns.saturating_sub(1);
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain((most > 0).then_some('…')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress() -> Progress {
        Progress {
            stage: Stage::Backfill,
            done: 2_712_000,
            total: 5_760_000,
            unit: "samples".to_owned(),
            fraction: 0.4709,
            rate: 310_512.7,
            eta_ms: Some(9_816),
            elapsed_ms: 8_700,
            read: 3_000_000,
            written: 2_712_000,
            in_flight: 4,
            waiting: None,
        }
    }

    #[test]
    fn a_wide_terminal_shows_everything() {
        assert_eq!(
            line(&progress(), 120),
            "backfill [#########...........]  47 %  2,712,000 / 5,760,000 samples  310,512/s  10 s left"
        );
    }

    #[test]
    fn the_reason_for_waiting_is_told_beside_rate_and_time_left_and_the_line_never_wraps() {
        let waiting = Progress {
            waiting: Some("the target is busy\u{1b}[0m, next attempt in 2 s".to_owned()),
            rate: 0.0,
            eta_ms: None,
            ..progress()
        };
        let shown = line(&waiting, 60);
        assert_eq!(shown, "backfill 47 %  waiting: the target is busy\\u{1b}[0m, next …");
        assert_eq!(shown.chars().count(), 59);
        let slowed = Progress { waiting: Some("the target is busy".to_owned()), ..progress() };
        assert_eq!(line(&slowed, 80), "backfill 47 %  310,512/s  10 s left  waiting: the target is busy");
    }

    #[test]
    fn what_was_done_before_is_one_line() {
        let before = Continued {
            since_ms: 1_763_424_000_000,
            runs: 1,
            slabs: 12,
            rows: 3_456_000,
            elapsed_ms: 12_000,
        };
        assert_eq!(
            continued(Stage::Backfill, &before),
            "backfill: continuing; 12 slabs with 3,456,000 samples were done in 1 run since 2025-11-18T00:00:00Z, in 12 s"
        );
    }

    #[test]
    fn odd_numbers_do_no_harm() {
        let odd = Progress {
            fraction: f64::NAN,
            rate: f64::INFINITY,
            total: 0,
            eta_ms: Some(u64::MAX),
            ..progress()
        };
        assert!(line(&odd, 200).starts_with("backfill [....................]  0 %  2,712,000 samples  "));
        let over = Progress { fraction: 7.0, ..progress() };
        assert!(line(&over, 200).contains("[####################]  100 %"));
        assert_eq!(line(&progress(), 0), "");
    }
}
