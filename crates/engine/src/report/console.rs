//! The report as console lines, as the specification's §5 prints them.

use super::words::{shorten, visible};
use super::{Report, Status};
use std::fmt::Write as _;

/// What the command prints at its end: the specification's block, and after it the issues of a failed run,
/// one a line. Text that came from a server cannot write control sequences to the terminal. No line end at
/// the end.
pub fn console(report: &Report) -> String {
    let mut out = format!("tsink-migrate {}: {}", report.command(), report.status().as_str());
    let mut line = |name: &str, value: &dyn std::fmt::Display| {
        // Writing to a String cannot fail.
        let _ = write!(out, "\n  {name}: {value}");
    };
    match report {
        Report::Preflight(report) => {
            line("endpoints", &report.endpoints.len());
            if let Some(estimate) = &report.estimate {
                line("estimated_series", &estimate.series);
                line("estimated_rows", &estimate.rows);
            }
            line("warnings", &report.warnings().len());
            line("issues", &report.issues().len());
        }
        Report::Backfill(report) => {
            line("source_kind", &report.source_kind.title());
            line("selectors", &report.selector_count);
            line("series", &report.series_written);
            line("samples", &report.samples_written);
            line("histograms", &report.histograms_written);
            line("exemplars", &report.exemplars_written);
            line("metadata", &report.metadata_written);
            line("write_batches", &report.write_batches);
            let (samples, histograms) = (&report.balance.samples, &report.balance.histograms);
            match samples.already_there + histograms.already_there {
                0 => {}
                there => line("already_there", &there),
            }
            if let Some(before) = &report.continued {
                line("continued_slabs", &before.slabs);
            }
            if let Some(recording) = &report.preflight.recording {
                line("refused", &recording.refused);
                line("bad_entries", &recording.bad_entries);
            }
        }
        Report::Verify(report) => {
            line("raw_checks", &report.raw_checks.len());
            line("metadata_checks", &report.metadata_checks.len());
            line("exemplar_checks", &report.exemplar_checks.len());
            line("issues", &report.issues.len());
            if let Some(before) = &report.continued {
                line("continued_slabs", &before.slabs);
            }
            if let Some(recheck) = &report.recheck {
                line("read_again", &recheck.slabs);
                line("settled", &recheck.settled);
            }
        }
        Report::Repair(report) => {
            line("selectors", &report.repaired.len());
            line("samples", &report.samples_written);
            line("histograms", &report.histograms_written);
            line("write_batches", &report.write_batches);
            line("unrepairable", &report.unrepairable.len());
            line("issues", &report.issues.len());
        }
        Report::Cutover(report) => {
            line("promql_checks", &report.promql_checks.len());
            line("issues", &report.issues.len());
            let explained = report.promql_checks.iter().filter(|check| check.explanation.is_some()).count();
            if explained > 0 {
                line("explained", &explained);
            }
            for item in &report.checklist {
                let _ = write!(
                    out,
                    "\n  [{}] {}: {}",
                    item.level.as_str(),
                    safe(&item.title),
                    safe(&item.evidence)
                );
            }
        }
    }
    if report.status() == Status::Fail {
        for issue in report.issues() {
            let _ = write!(out, "\n  - {}", safe(&issue));
        }
    }
    if let Report::Preflight(report) = report {
        for warning in report.warnings() {
            let _ = write!(out, "\n  - warning: {}", safe(&warning));
        }
    }
    out
}

/// An issue holds one or two texts of any length; each was cut already, so this bounds the rest.
fn safe(text: &str) -> String {
    match text.char_indices().nth(2000) {
        Some(_) => visible(&shorten(text)),
        None => visible(text),
    }
}
