//! Preflight of a recording: it is read once from beginning to end, so nothing is estimated.

use super::note;
use crate::error::Side;
use crate::report::{EndpointCheck, Estimate, Level, Note, Recording};
use crate::run::context::Run;
use crate::run::estimate::duration_ms;
use crate::run::recording::survey::Found;

impl Run {
    /// Reads the recording; a row of the endpoint table.
    pub(super) async fn check_recording(&self) -> EndpointCheck {
        let since = self.now();
        let outcome = self.recording().await;
        let latency_ms = (self.now() - since).max(0.0) as u64;
        let (level, message, error) = match outcome {
            Ok(found) => (Level::Ok, summary(&found.recording), None),
            Err(error) => (Level::Fail, error.message.clone(), Some(error)),
        };
        EndpointCheck {
            side: Side::Source,
            name: "capture_manifest_path".to_owned(),
            purpose: "read the recording".to_owned(),
            url: self.plan.source.capture_manifest_path.clone().unwrap_or_default(),
            level,
            status: None,
            latency_ms: Some(latency_ms),
            message,
            error,
        }
    }

    /// What the recording means for this plan.
    pub(super) fn judge_recording(&self, found: &Found, notes: &mut Vec<Note>) {
        let recording = &found.recording;
        if let Some(first) = recording.bad.first() {
            let place = match first.entry {
                Some(entry) => format!("entry {entry} on line {}", first.line),
                None => format!("line {}", first.line),
            };
            let (level, what) = match self.plan.options.strict {
                true => (Level::Fail, "so nothing is written"),
                false => (Level::Warn, "and left out"),
            };
            let count = count(
                recording.bad_entries,
                "entry of the manifest cannot be read",
                "entries of the manifest cannot be read",
            );
            notes.push(note(
                level,
                "bad_entries",
                format!("{count}, {what}. The first: {place}: {}.", first.problem),
                &format!("{} To migrate the others all the same, set options.strict to false.", first.remedy),
            ));
        }
        if recording.entries == 0 && recording.bad_entries == 0 {
            notes.push(note(
                Level::Warn,
                "empty_recording",
                "The manifest has no entries.",
                "Record payloads first.",
            ));
        }
        for group in &recording.refusals {
            let Some(example) = group.examples.first() else { continue };
            let what = recording.unit();
            notes.push(note(
                Level::Warn,
                "refused",
                format!(
                    "{} {what} would be refused by tsink ({}) and are left out. The first: entry {}, {}: {}.",
                    group.count,
                    group.kind.title(),
                    example.entry,
                    example.place,
                    example.message
                ),
                "Live, tsink refuses the whole request that holds one: change the sender before the cutover.",
            ));
        }
        for flag in &recording.flags {
            let (message, remedy) = flag.words();
            notes.push(note(Level::Warn, "flagged", message, remedy));
        }
        if let Some(hint) = recording.hints.first() {
            let more = recording.hints.len() - 1;
            let more = if more > 0 { format!(", and {more} more") } else { String::new() };
            notes.push(note(
                Level::Info,
                "hints",
                format!("In the manifest, {hint}{more}."),
                "Fields that are not known are not read.",
            ));
        }
        if found.outside > 0 {
            let span = recording.first_ms.zip(recording.last_ms).map(|(first, last)| {
                format!(
                    "The recording goes from {} to {}.",
                    crate::plan::format_time(first),
                    crate::plan::format_time(last)
                )
            });
            notes.push(note(
                Level::Warn,
                "outside_window",
                format!(
                    "{} selected samples lie outside of the window and are not written.",
                    recording.outside_window
                ),
                &span.unwrap_or_default(),
            ));
        }
        if recording.not_selected > 0 {
            notes.push(note(
                Level::Info,
                "not_selected",
                format!(
                    "{} samples of the recording are of series that no selector selects.",
                    recording.not_selected
                ),
                "Add selectors if they should move, too.",
            ));
        }
    }

    /// How much there is, which is known.
    pub(in crate::run) fn recorded_estimate(&self, found: &Found, notes: &mut Vec<Note>) -> Estimate {
        for one in found.selectors.iter().filter(|one| one.rows == 0) {
            notes.push(note(
                Level::Warn,
                "nothing_found",
                format!("{}: the recording holds nothing of it in the window.", one.selector),
                "Check the selector and the window against the preview of the recording.",
            ));
        }
        let rows = found.selectors.iter().map(|one| one.rows).sum::<u64>();
        Estimate {
            series: found.selectors.iter().map(|one| one.series).sum(),
            rows,
            duration_ms: duration_ms(rows),
            selectors: found.selectors.clone(),
        }
    }
}

/// `245 entries, 1000000 lines, 3000000 samples of 1000 series`.
fn summary(recording: &Recording) -> String {
    format!(
        "{}, {} {}, {} samples of {} series",
        count(recording.entries, "entry", "entries"),
        recording.units,
        recording.unit(),
        recording.samples,
        recording.series
    )
}

fn count(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
