//! `undo`: a tombstone delete at the target, behind a typed confirmation.

use super::plan;
use crate::cli::UndoAsk;
use crate::host::Host;
use crate::text::{clean, one_line};
use std::rc::Rc;
use tsink_migrate_engine::plan::format_time;
use tsink_migrate_engine::port::Ports;
use tsink_migrate_engine::report::{Undo, grouped};
use tsink_migrate_engine::run::{self, Undone};

/// Says what would be deleted; with a confirmation, deletes it. The error is text to print.
pub(super) async fn run(host: &Rc<dyn Host>, ports: Ports, ask: &UndoAsk) -> Result<i32, String> {
    let (checked, _) = plan::check(host, &ports, &ask.config, &ask.start, &ask.end).await?;
    let job = tsink_migrate_host::start::job(checked, Vec::new()).map_err(|error| super::told(&error))?;
    let Some(confirmation) = &ask.confirm else {
        host.stdout(&clean(&preview(&run::undo_plan(&job.plan, job.window))));
        host.stderr("nothing was deleted; to delete, add --confirm with the phrase above\n");
        return Ok(super::FAILED);
    };
    if job.plan.options.dry_run {
        return Err("error: nothing was deleted: the plan says options.dry_run\n".to_owned());
    }
    let undone = run::undo(ports, &job.plan, job.window, confirmation).await;
    let undone = undone.map_err(|error| super::told(&error))?;
    host.stdout(&clean(&done(&undone)));
    if undone.rows_left > 0 {
        host.stderr(&format!("error: tsink still shows {} rows of the window\n", grouped(undone.rows_left)));
        return Ok(super::FAILED);
    }
    Ok(super::PASSED)
}

fn preview(undo: &Undo) -> String {
    let mut out = "tsink-migrate undo would delete:\n".to_owned();
    if let Some(url) = &undo.url {
        out.push_str(&format!("  at: {}\n", one_line(url)));
    }
    out.push_str(&format!("  tenant: {}\n", one_line(&undo.tenant)));
    for selector in &undo.selectors {
        out.push_str(&format!("  selector: {}\n", one_line(selector)));
    }
    out.push_str(&format!("  window: {} to {}\n", format_time(undo.start_ms), format_time(undo.end_ms)));
    if let Some(series) = undo.series {
        out.push_str(&format!("  series: {}\n", grouped(series)));
    }
    for warning in &undo.warnings {
        out.push_str(&format!("  - {}\n", one_line(warning)));
    }
    out.push_str(&format!("  confirm with: {}\n", one_line(&undo.confirmation)));
    out
}

fn done(undone: &Undone) -> String {
    format!(
        "tsink-migrate undo: {}\n  tenant: {}\n  selectors: {}\n  window: {} to {}\n  matched_series: {}\n  tombstones: {}\n  rows_left: {}\n",
        if undone.rows_left == 0 { "pass" } else { "fail" },
        one_line(&undone.tenant),
        undone.selectors.len(),
        format_time(undone.start_ms),
        format_time(undone.end_ms),
        undone.matched_series,
        undone.tombstones,
        undone.rows_left,
    )
}
