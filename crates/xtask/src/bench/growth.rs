//! Whether memory follows the window: one day and ten.

use super::command::{Planned, Sample, Tool};
use super::results::{Results, Row, Wanted};
use super::stats::{grouped, median, of_runs};
use super::{Bench, on_sound_target, plan_for, source};
use anyhow::Result;
use serde_json::{Value, json};
use tsink_migrate_testkit::history::Bulk;

/// What is run, and how often on one target: how much of both sides' answers a verification holds at once varies.
const COMMANDS: [(&str, usize); 2] = [("backfill", 1), ("verify", 5)];
/// Lengths of the windows, in days.
const DAYS: [i64; 2] = [1, 10];
/// Most memory of the engine, in MiB.
const MOST_MIB: f64 = 128.0;
/// The larger window's may differ by so many percent.
const MOST_PERCENT: f64 = 10.0;

/// Measures, and adds to the results.
///
/// # Errors
/// When a server does not start, or when a backfill or verify fails.
pub(super) fn bench(bench: &Bench, results: &mut Results) -> Result<()> {
    let whole = bench.bulk(24 * 10)?;
    let prometheus = source(whole)?;
    let mut measured: Vec<(i64, Sample)> = Vec::new();
    // A backfill of ten days takes minutes, and its memory hardly varies.
    for _ in 0..bench.runs(1) {
        for days in DAYS {
            // The last days of the same history.
            let start_ms = whole.end_ms() + whole.step_ms - days * 24 * super::HOUR_MS;
            eprintln!("{days} days, {} samples", grouped(samples_of(whole, days)));
            let done = on_sound_target(|tsink| {
                let plan = plan_for(&prometheus.url(), &tsink.url());
                let planned = Planned::new(&bench.tools, &plan, (start_ms, whole.end_ms()))?;
                COMMANDS
                    .into_iter()
                    .flat_map(|(command, times)| std::iter::repeat_n(command, times))
                    .map(|command| planned.pass(Tool::Ours, command, tsink))
                    .collect::<Result<Vec<_>>>()
            })?;
            measured.extend(done.into_iter().map(|sample| (days, sample)));
        }
    }
    results.rows(rows(whole, &measured));
    let each = COMMANDS.map(|(what, times)| format!("{what}: {}", of_runs(bench.runs(1) * times)));
    results.section(format!("Engine memory over one day and ten: {}.", each.join(", ")));
    let raw = |(days, sample): &(i64, Sample)| -> Value {
        let mut raw = sample.json();
        raw["samples"] = json!(samples_of(whole, *days));
        raw
    };
    results.raw("growth", measured.iter().map(raw).collect());
    Ok(())
}

fn samples_of(whole: Bulk, days: i64) -> u64 {
    Bulk { hours: 24 * days, ..whole }.samples()
}

fn rows(whole: Bulk, measured: &[(i64, Sample)]) -> Vec<Row> {
    let engine = |days: i64, what: &str| {
        let own = measured.iter().filter(|(own, sample)| *own == days && sample.what == what);
        median(own.map(|(_, sample)| sample.engine_mib))
    };
    let wall = |days: i64, what: &str| {
        let own = measured.iter().filter(|(own, sample)| *own == days && sample.what == what);
        median(own.map(|(_, sample)| sample.usage.wall_s))
    };
    let mut rows = Vec::new();
    for (what, _) in COMMANDS {
        for days in DAYS {
            let mib = engine(days, what);
            rows.push(Row::figure(
                &format!("{what} of {} samples, engine memory", grouped(samples_of(whole, days))),
                "–",
                &format!("{mib:.1} MiB, {:.1} s", wall(days, what)),
                mib,
                Wanted::Most(MOST_MIB, "MiB"),
            ));
        }
        let [short, long] = DAYS.map(|days| engine(days, what));
        let percent = apart(short, long);
        rows.push(Row::figure(
            &format!("{what}, engine memory of both apart"),
            "–",
            &format!("{short:.1} MiB, {long:.1} MiB"),
            percent,
            Wanted::Most(MOST_PERCENT, "%"),
        ));
    }
    rows
}

/// How far two figures are apart, in percent of the smaller one.
fn apart(a: f64, b: f64) -> f64 {
    (a - b).abs() / a.min(b) * 100.0
}

#[cfg(test)]
mod tests {
    use super::apart;

    #[test]
    fn apart_is_the_same_both_ways() {
        assert_eq!(apart(100.0, 110.0), 10.0);
        assert_eq!(apart(110.0, 100.0), 10.0);
        assert_eq!(apart(64.0, 64.0), 0.0);
        assert!(apart(f64::NAN, 64.0).is_nan());
    }
}
