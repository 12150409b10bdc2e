//! `import`: `promql_checks` of dashboards and rules files.

use super::files;
use crate::cli::ImportAsk;
use crate::host::Host;
use crate::text::{clean, one_line};
use std::collections::BTreeMap;
use std::rc::Rc;
use tsink_migrate_engine::import::{self, Import, ImportKind, ImportOptions, MAX_BYTES};
use tsink_migrate_engine::plan::{parse_step_ms, parse_time};
use tsink_migrate_engine::port::Ports;

/// Characters of a query in a remark.
const SHOWN: usize = 100;

/// Reads the files and prints the checks. The error is text to print.
pub(super) async fn run(host: &Rc<dyn Host>, ports: &Ports, ask: &ImportAsk) -> Result<i32, String> {
    let options = ImportOptions {
        window_ms: window(ask, ports.clock.now_ms())?,
        scrape_interval_ms: ask.scrape_interval_ms,
        variables: ask.variables.clone(),
    };
    let mut checks = Checks::default();
    let mut all_read = true;
    for path in &ask.files {
        match read(host, path, &options).await {
            Ok(import) => {
                host.stderr(&clean(&remarks(path, &import)));
                checks.take(&import);
            }
            Err(told) => {
                all_read = false;
                host.stderr(&told);
            }
        }
    }
    if checks.list.is_empty() {
        return Err("error: there is no query to check\n".to_owned());
    }
    host.stdout(&checks.json());
    Ok(if all_read { super::PASSED } else { super::FAILED })
}

async fn read(host: &Rc<dyn Host>, path: &str, options: &ImportOptions) -> Result<Import, String> {
    let text = files::read(host, "the file", path, MAX_BYTES).await?;
    import::read(path, &text, options).map_err(|error| super::told(&error))
}

/// Length of the window in ms.
fn window(ask: &ImportAsk, now_ms: i64) -> Result<Option<i64>, String> {
    let Some((start, end)) = &ask.window else { return Ok(None) };
    let time = |text: &str, option: &str| {
        parse_time(text, now_ms)
            .map_err(|error| format!("error: {option}: {}. {}\n", one_line(&error.message), error.remedy))
    };
    let length = time(end, "--end-ms")?.saturating_sub(time(start, "--start-ms")?);
    if length <= 0 {
        return Err("error: --end-ms: the window ends before it begins. Give a later end.\n".to_owned());
    }
    Ok(Some(length))
}

/// Queries of all files, each once with the shortest of its steps.
#[derive(Default)]
struct Checks {
    list: Vec<(String, String)>,
    at: BTreeMap<String, usize>,
}

impl Checks {
    fn take(&mut self, import: &Import) {
        for query in &import.queries {
            let known = self.at.get(&query.query).and_then(|at| self.list.get_mut(*at));
            let Some((_, step)) = known else {
                self.at.insert(query.query.clone(), self.list.len());
                self.list.push((query.query.clone(), query.step.clone()));
                continue;
            };
            if parse_step_ms(&query.step).ok() < parse_step_ms(step).ok() {
                step.clone_from(&query.step);
            }
        }
    }

    /// `{ "promql_checks": […] }`, one check a line. What could steer a terminal is escaped.
    fn json(&self) -> String {
        let string = |text: &str| super::report::json(&serde_json::Value::from(text).to_string());
        let lines: Vec<String> = self
            .list
            .iter()
            .map(|(query, step)| {
                format!("    {{ \"query\": {}, \"step\": {} }}", string(query), string(step))
            })
            .collect();
        format!("{{\n  \"promql_checks\": [\n{}\n  ]\n}}\n", lines.join(",\n"))
    }
}

/// What was decided, with line ends.
fn remarks(path: &str, import: &Import) -> String {
    let kind = match import.kind {
        ImportKind::GrafanaDashboard => format!("Grafana dashboard \"{}\"", one_line(&import.title)),
        ImportKind::PrometheusRules => "Prometheus rules".to_owned(),
    };
    let mut out = format!(
        "{}: {kind}: {} to check, {} left out\n",
        one_line(path),
        count(import.queries.len()),
        count(import.skipped.len())
    );
    for variable in &import.variables {
        out.push_str(&format!(
            "  ${} = {}  {}\n",
            one_line(&variable.name),
            one_line(&variable.value),
            one_line(&variable.reason)
        ));
    }
    let mut notes: Vec<(&str, Vec<&str>)> = Vec::new();
    for query in &import.queries {
        for note in &query.notes {
            let origin = query.origins.first().map(String::as_str).unwrap_or_default();
            match notes.iter_mut().find(|(known, _)| *known == note.as_str()) {
                Some((_, places)) => places.push(origin),
                None => notes.push((note.as_str(), vec![origin])),
            }
        }
    }
    for (note, places) in notes {
        let place = match places.as_slice() {
            [one] => one_line(one),
            [first, rest @ ..] => format!("{} and {} more", one_line(first), rest.len()),
            [] => String::new(),
        };
        out.push_str(&format!("  {place}: {}\n", one_line(note)));
    }
    for skipped in &import.skipped {
        out.push_str(&format!("  left out: {}: {}", one_line(&skipped.origin), one_line(&skipped.why)));
        if !skipped.written.is_empty() {
            out.push_str(&format!(": {}", short(&one_line(&skipped.written))));
        }
        out.push('\n');
    }
    out
}

fn count(queries: usize) -> String {
    match queries {
        1 => "1 query".to_owned(),
        more => format!("{more} queries"),
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
