//! How smoothly the page went on while it worked.

use serde_json::Value;

/// A main thread that is busy for longer makes a page that hesitates (W3C Long Tasks). Browsers tell of longer tasks
/// only.
pub const LONG_MS: f64 = 50.0;

/// What was seen in the time in which a stage worked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Smoothness {
    /// Longest task of the main thread in ms; 0 when none was longer than [`LONG_MS`].
    pub longest_ms: f64,
    /// Tasks longer than [`LONG_MS`].
    pub long_tasks: u64,
    /// Frames of the median second.
    pub median_fps: f64,
    /// Frames of the worst second.
    pub worst_fps: f64,
}

/// Reads what the page's watch has noted: `frames` are `[time in ms, whether a stage worked]`, `tasks` are `[start,
/// duration]` in ms by the same clock.
///
/// `None` when no stage worked for a whole second, or when the watch was not understood.
pub fn smoothness(watch: &Value) -> Option<Smoothness> {
    let pairs = |name: &str| watch[name].as_array();
    let worked: Vec<f64> = pairs("frames")?
        .iter()
        .filter(|frame| frame[1] == true)
        .map(|frame| frame[0].as_f64())
        .collect::<Option<_>>()?;
    let (first, last) = (*worked.first()?, *worked.last()?);
    // Every frame of the time in between, also those between two stages.
    let frames: Vec<f64> = pairs("frames")?.iter().filter_map(|frame| frame[0].as_f64()).collect();
    let seconds = ((last - first) / 1_000.0).floor() as usize;
    let mut counts: Vec<f64> = (0..seconds)
        .map(|second| {
            let from = first + second as f64 * 1_000.0;
            frames.iter().filter(|at| (from..from + 1_000.0).contains(*at)).count() as f64
        })
        .collect();
    counts.sort_by(f64::total_cmp);
    let tasks: Vec<(f64, f64)> = pairs("tasks")?
        .iter()
        .map(|task| Some((task[0].as_f64()?, task[1].as_f64()?)))
        .collect::<Option<_>>()?;
    let during: Vec<f64> = tasks
        .into_iter()
        .filter(|(start, duration)| *start <= last && start + duration >= first && *duration > LONG_MS)
        .map(|(_, duration)| duration)
        .collect();
    Some(Smoothness {
        longest_ms: during.iter().copied().fold(0.0, f64::max),
        long_tasks: during.len() as u64,
        median_fps: super::stats::median(counts.iter().copied()),
        worst_fps: *counts.first()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Frames every `gap` ms in `[from, to)`.
    fn frames(from: f64, to: f64, gap: f64, works: bool) -> Vec<Value> {
        let count = ((to - from) / gap).ceil() as usize;
        (0..count).map(|at| json!([from + at as f64 * gap, works])).collect()
    }

    #[test]
    fn counts_frames_of_whole_seconds_and_tasks_of_the_time_of_work() {
        let mut all = frames(0.0, 1_000.0, 100.0, false);
        all.extend(frames(1_000.0, 3_000.0, 20.0, true));
        all.extend(frames(3_000.0, 4_001.0, 50.0, true));
        all.extend(frames(4_050.0, 9_000.0, 500.0, false));
        let watch = json!({ "frames": all, "tasks": [
            [100.0, 300.0],
            [980.0, 60.0],
            [2_000.0, 50.0],
            [3_500.0, 120.5],
            [4_001.0, 700.0],
        ] });
        let seen = smoothness(&watch).unwrap();
        assert_eq!(seen, Smoothness { longest_ms: 120.5, long_tasks: 2, median_fps: 50.0, worst_fps: 20.0 });
    }

    #[test]
    fn a_page_that_stands_still_has_seconds_without_frames() {
        let watch = json!({ "frames": [[0.0, true], [3_500.0, true]], "tasks": [] });
        let seen = smoothness(&watch).unwrap();
        assert_eq!((seen.longest_ms, seen.worst_fps, seen.median_fps), (0.0, 0.0, 0.0));
    }

    #[test]
    fn no_work_is_nothing_measured() {
        assert_eq!(smoothness(&json!({ "frames": frames(0.0, 5_000.0, 16.0, false), "tasks": [] })), None);
        assert_eq!(smoothness(&json!({ "frames": frames(0.0, 500.0, 16.0, true), "tasks": [] })), None);
        assert_eq!(smoothness(&json!({ "frames": frames(0.0, 5_000.0, 16.0, true) })), None);
        assert_eq!(smoothness(&json!(null)), None);
    }
}
