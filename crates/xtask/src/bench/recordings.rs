//! Recordings: InfluxDB line protocol through both tools, and how time and memory grow.

use super::command::{Sample, Tool, run};
use super::results::Results;
use super::{Bench, RUNS, on_sound_target};
use crate::setup::Toolbox;
use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use tsink_migrate_testkit::servers::Tsink;

/// Lines of the recording that both tools migrate; each has three fields.
const LINES: usize = 1_000_000;
/// Lines of an entry: tsink takes 4,096 in a request.
const LINES_A_PAYLOAD: usize = 4_000;
/// Hosts in the recording; each time they all report.
const HOSTS: usize = 1_000;
const START_MS: i64 = 1_763_424_000_000;
const STEP_MS: i64 = 15_000;

/// Runs both tools `runs` times over a recording, and this one over a tenth and ten times of it.
///
/// # Errors
/// When a server does not start, or when a command fails.
pub(super) fn bench(bench: &Bench, results: &mut Results) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let empty = folder.path().join("empty");
    let whole = folder.path().join("whole");
    let tenth = folder.path().join("tenth");
    let tenfold = folder.path().join("tenfold");
    for (folder, lines) in [(&empty, 0), (&tenth, LINES / 10), (&whole, LINES), (&tenfold, LINES * 10)] {
        eprintln!("recording {lines} lines");
        std::fs::create_dir(folder)?;
        record(&folder.join("capture.json"), lines)?;
    }
    let tools = &bench.tools;
    let dry = ["--dry-run"];
    let mut samples = Vec::new();
    for run in 0..bench.runs(RUNS) {
        for tool in Tool::by_turns(run) {
            // Both commands on one server: verify compares what backfill wrote.
            samples.extend(on_sound_target(|tsink| {
                let each = ["backfill", "verify"].into_iter();
                each.map(|what| run_one(tools, tool, what, &whole, LINES, tsink, &[]))
                    .collect::<Result<Vec<_>>>()
            })?);
        }
        samples.extend(on_sound_target(|tsink| {
            let read = |what, folder, lines| run_one(tools, Tool::Ours, what, folder, lines, tsink, &dry);
            Ok([
                read("read 100,000 lines", &tenth, LINES / 10)?,
                read("read 1,000,000 lines", &whole, LINES)?,
                read("read 10,000,000 lines", &tenfold, LINES * 10)?,
                read("read nothing", &empty, 1)?,
            ])
        })?);
    }
    samples.push(on_sound_target(|tsink| {
        run_one(tools, Tool::Ours, "backfill of 10,000,000 lines", &tenfold, LINES * 10, tsink, &[])
    })?);
    results.section(table(&samples));
    results.raw("recordings", samples.iter().map(Sample::json).collect());
    Ok(())
}

fn run_one(
    tools: &Toolbox,
    tool: Tool,
    what: &'static str,
    folder: &Path,
    lines: usize,
    tsink: &Tsink,
    extra: &[&str],
) -> Result<Sample> {
    let plan = folder.join("plan.json");
    std::fs::write(&plan, serde_json::to_string_pretty(&plan_for(&tsink.url()))?)?;
    let command = what.split(' ').next().filter(|word| *word != "read").unwrap_or("backfill");
    let end_ms = START_MS + (lines / HOSTS + 1) as i64 * STEP_MS;
    let extra: Vec<OsString> = extra.iter().map(OsString::from).collect();
    match run(tools, tool, (what, command), &plan, (START_MS, end_ms), &extra, tsink)? {
        (sample, true) => Ok(sample),
        _ => bail!("{} {what} failed", tool.name()),
    }
}

fn plan_for(target: &str) -> Value {
    let at = |path: &str| format!("{target}/api/v1/{path}");
    json!({
        "source": { "kind": "influx_line_protocol", "capture_manifest_path": "capture.json" },
        "target": { "write_url": at("write"), "read_url": at("read"), "metadata_url": at("metadata"), "exemplar_url": at("query_exemplars") },
        "selectors": ["cpu_usage_user", "cpu_usage_system", "cpu_usage_idle"],
        "batch": { "http_timeout_secs": 300 },
    })
}

/// A manifest of `lines` lines: each host reports three fields every 15 s.
fn record(path: &Path, lines: usize) -> Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    write!(out, "[")?;
    for first in (0..lines).step_by(LINES_A_PAYLOAD) {
        let comma = if first > 0 { "," } else { "" };
        write!(
            out,
            "{comma}\n{{\"received_at_ms\":{START_MS},\"query_params\":{{\"db\":\"telegraf\"}},\"body\":\""
        )?;
        for line in first..(first + LINES_A_PAYLOAD).min(lines) {
            let (host, step) = (line % HOSTS, line / HOSTS);
            let at = (START_MS + step as i64 * STEP_MS) * 1_000_000;
            // Values that do not repeat, as real ones.
            let noise = (line.wrapping_mul(2_654_435_761) >> 7) % 10_000;
            write!(
                out,
                "cpu,host=node-{host:04},region=eu usage_user={}.{:02},usage_system={}i,usage_idle={} {at}\\n",
                noise / 100,
                noise % 100,
                noise % 50,
                100 - noise / 100,
            )?;
        }
        write!(out, "\"}}")?;
    }
    writeln!(out, "\n]")?;
    Ok(out.flush()?)
}

fn median(samples: &[Sample], tool: Tool, what: &str, of: impl Fn(&Sample) -> f64) -> f64 {
    super::stats::median(samples.iter().filter(|sample| sample.tool == tool && sample.what == what).map(of))
}

fn table(samples: &[Sample]) -> String {
    let mut text = format!("InfluxDB line protocol, {LINES} lines, {} samples, medians\n\n", LINES * 3);
    let ours = |what, of: fn(&Sample) -> f64| median(samples, Tool::Ours, what, of);
    let native = |what, of: fn(&Sample) -> f64| median(samples, Tool::Native, what, of);
    let wall = |sample: &Sample| sample.usage.wall_s;
    let cpu = |sample: &Sample| sample.usage.cpu_s;
    let engine = |sample: &Sample| sample.engine_mib;
    let _ = writeln!(
        text,
        "| command | native | this | native ÷ this | client CPU native / this | engine memory |"
    );
    let _ = writeln!(text, "|---|---|---|---|---|---|");
    for what in ["backfill", "verify"] {
        let _ = writeln!(
            text,
            "| {what} | {:.2} s | {:.2} s | **{:.2}** | {:.2} s / {:.2} s | {:.0} MiB |",
            native(what, wall),
            ours(what, wall),
            native(what, wall) / ours(what, wall),
            native(what, cpu),
            ours(what, cpu),
            ours(what, engine),
        );
    }
    let nothing = ours("read nothing", cpu);
    let reading = |what| ours(what, cpu) - nothing;
    let (tenth, whole, tenfold) =
        (reading("read 100,000 lines"), reading("read 1,000,000 lines"), reading("read 10,000,000 lines"));
    let _ = writeln!(
        text,
        "\n| lines | CPU of one reading (JSON and normalisation) | × the one before | engine memory |"
    );
    let _ = writeln!(text, "|---|---|---|---|");
    for (what, lines, cpu, before) in [
        ("read 100,000 lines", "100,000", tenth, f64::NAN),
        ("read 1,000,000 lines", "1,000,000", whole, tenth),
        ("read 10,000,000 lines", "10,000,000", tenfold, whole),
    ] {
        let growth = if before.is_nan() { "–".to_owned() } else { format!("{:.1}", cpu / before) };
        let _ = writeln!(text, "| {lines} | {cpu:.2} s | {growth} | {:.0} MiB |", ours(what, engine));
    }
    let _ = writeln!(
        text,
        "\nBackfill of 10,000,000 lines: {:.1} s, engine memory {:.0} MiB.",
        ours("backfill of 10,000,000 lines", wall),
        ours("backfill of 10,000,000 lines", engine)
    );
    text
}
