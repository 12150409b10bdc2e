//! From Prometheus: both tools, the three commands, and what the server alone allows.

use super::ceiling::Ceiling;
use super::command::{Planned, Sample, Tool};
use super::parity::{self, Numbers};
use super::process::cpu_s;
use super::results::{Results, Row, Wanted};
use super::stats::{grouped, median, of_runs};
use super::{Bench, RUNS, on_sound_target, plan_for, source};
use anyhow::Result;
use serde_json::json;
use std::fmt::Write as _;
use tsink_migrate_testkit::history::Bulk;
use tsink_migrate_testkit::servers::Prometheus;

/// The three commands in the order of a migration.
const COMMANDS: [&str; 3] = ["backfill", "verify", "cutover-check"];
/// What the project wants to reach: times as fast as the native tool.
const TIMES: [f64; 3] = [2.0, 2.5, 7.0];
/// At most this many times what the server alone takes for the backfill.
const OF_ALONE: f64 = 1.15;
/// Client CPU for the backfill, in s.
const CLIENT_CPU_S: f64 = 1.5;

/// What one run of both tools gave, beside times.
struct Checked {
    /// Of our report, and of the native one's raw checks against ours.
    numbers: Vec<Numbers>,
    same_raw_checks: bool,
    /// Both sides' whole answers, compared here.
    whole: Option<Numbers>,
}

/// Measures, and adds to the results.
///
/// # Errors
/// When a server does not start, or when a backfill or verify fails.
pub(super) fn bench(bench: &Bench, results: &mut Results) -> Result<()> {
    let bulk = bench.bulk(24)?;
    let prometheus = source(bulk)?;
    let mut ceiling = Ceiling::new(bulk)?;
    let mut samples = Vec::new();
    let mut checked = Checked { numbers: Vec::new(), same_raw_checks: true, whole: None };
    let mut source_cpu_s = 0.0;
    let runs = bench.runs(RUNS);
    for run in 0..runs {
        eprintln!("run {} of {runs}", run + 1);
        // The server alone goes last, first, last …, so that it meets the machine as both tools do.
        if run % 2 == 1 {
            ceiling.measure()?;
        }
        let before = cpu_s(prometheus.id());
        let mut reports = Vec::new();
        for tool in Tool::by_turns(run) {
            let done = on_sound_target(|tsink| {
                let planned = Planned::new(
                    &bench.tools,
                    &plan_for(&prometheus.url(), &tsink.url()),
                    (bulk.start_ms, bulk.end_ms()),
                )?;
                let mut done = Vec::new();
                for command in COMMANDS {
                    // Prometheus 2 and tsink take ranges otherwise, so neither tool's cutover check passes.
                    done.push(match command {
                        "cutover-check" => planned.run(tool, command, tsink)?.0,
                        _ => planned.pass(tool, command, tsink)?,
                    });
                }
                let whole = match (tool, checked.whole) {
                    (Tool::Ours, None) => Some(whole(&prometheus, tsink, bulk)?),
                    _ => None,
                };
                Ok((done, planned.report(tool)?, whole))
            })?;
            samples.extend(done.0);
            if tool == Tool::Ours {
                checked.numbers.push(Numbers::of_report(&done.1)?);
            }
            reports.push(done.1);
            checked.whole = checked.whole.or(done.2);
        }
        source_cpu_s += cpu_s(prometheus.id()) - before;
        checked.same_raw_checks &= matches!(reports.as_slice(), [a, b] if parity::same_raw_checks(a, b));
        if run % 2 == 0 {
            ceiling.measure()?;
        }
    }
    results.rows(rows(&samples, &ceiling, &checked));
    results.section(details(&samples, &ceiling, bulk, runs));
    results.raw(
        "history",
        json!({
            "samples": bulk.samples(),
            "runs": samples.iter().map(Sample::json).collect::<Vec<_>>(),
            "server_alone": ceiling.json(),
            "source_cpu_s_a_run": source_cpu_s / runs as f64,
        }),
    );
    Ok(())
}

fn whole(
    prometheus: &Prometheus,
    tsink: &tsink_migrate_testkit::servers::Tsink,
    bulk: Bulk,
) -> Result<Numbers> {
    eprintln!("  asking both servers for the whole query at once, as the native tool does");
    parity::whole(&prometheus.endpoint(), &tsink.endpoint("default"), (bulk.start_ms, bulk.end_ms()))
}

fn of(samples: &[Sample], tool: Tool, what: &str, figure: impl Fn(&Sample) -> f64) -> f64 {
    median(samples.iter().filter(|sample| sample.tool == tool && sample.what == what).map(figure))
}

fn wall(sample: &Sample) -> f64 {
    sample.usage.wall_s
}

fn cpu(sample: &Sample) -> f64 {
    sample.usage.cpu_s
}

fn rows(samples: &[Sample], ceiling: &Ceiling, checked: &Checked) -> Vec<Row> {
    let mut rows = Vec::new();
    for (command, least) in COMMANDS.into_iter().zip(TIMES) {
        let (native, this) =
            (of(samples, Tool::Native, command, wall), of(samples, Tool::Ours, command, wall));
        rows.push(Row::times_as_fast(&format!("{command}, command"), native, this, least));
        if command == "backfill" {
            let (writers, alone, _) = ceiling.best();
            rows.push(Row::figure(
                &format!("the same against the server alone ({alone:.2} s with {writers} writers)"),
                &format!("{:.2}×", native / alone),
                &format!("{:.2}×", this / alone),
                this / alone,
                Wanted::Most(OF_ALONE, "×"),
            ));
        }
    }
    let same = checked.same_raw_checks
        && checked.whole.is_some_and(|whole| checked.numbers.iter().all(|numbers| *numbers == whole));
    let numbers = checked.numbers.first().map_or_else(String::new, |numbers| {
        format!(
            "{} points, {} differ between the servers",
            grouped(numbers.points),
            grouped(numbers.differing)
        )
    });
    rows.push(Row::holds("cutover-check, results against the whole query", &numbers, same, "identical"));
    let client = |tool| of(samples, tool, "backfill", cpu);
    rows.push(Row::figure(
        "backfill, client CPU",
        &format!("{:.2} s", client(Tool::Native)),
        &format!("{:.2} s", client(Tool::Ours)),
        client(Tool::Ours),
        Wanted::Most(CLIENT_CPU_S, "s"),
    ));
    rows
}

/// What the ratios are made of.
fn details(samples: &[Sample], ceiling: &Ceiling, bulk: Bulk, runs: usize) -> String {
    let mut text = format!("The commands: {} samples, {}.\n\n", grouped(bulk.samples()), of_runs(runs));
    text.push_str(
        "| command | server alone | client CPU native / this | tsink's CPU native / this | peak memory native / this | engine memory |\n|---|---|---|---|---|---|\n",
    );
    let (_, alone_s, alone_cpu_s) = ceiling.best();
    for command in COMMANDS {
        let alone = match command {
            "backfill" => format!("{alone_s:.2} s, tsink's CPU {alone_cpu_s:.2} s"),
            "verify" => format!("{:.2} s", ceiling.read_s()),
            _ => format!("{:.2} s and {:.2} s of PromQL", ceiling.read_s(), ceiling.query_s()),
        };
        let both = |figure: fn(&Sample) -> f64, digits: usize, unit: &str| {
            let [native, this] = [Tool::Native, Tool::Ours].map(|tool| of(samples, tool, command, figure));
            format!("{native:.digits$} {unit} / {this:.digits$} {unit}")
        };
        let _ = writeln!(
            text,
            "| {command} | {alone} | {} | {} | {} | {:.0} MiB |",
            both(cpu, 2, "s"),
            both(|sample| sample.target_cpu_s, 2, "s"),
            both(|sample| sample.usage.peak_mib, 0, "MiB"),
            of(samples, Tool::Ours, command, |sample| sample.engine_mib),
        );
    }
    let native = of(samples, Tool::Native, "backfill", wall);
    let _ = write!(
        text,
        "\nThe server alone: the same data in {}, made before the clock starts; everything read back in 4 parts, two at a \
         time; the query in 12 parts, two at a time. With such requests no client on this machine could be more \
         than {:.2} times as fast as the native backfill.",
        ceiling.describe(),
        native / alone_s,
    );
    text
}
