//! The plan of a command: read, checked, and with the values that its headers name.

use super::{files, tokens};
use crate::diagnostics;
use crate::host::Host;
use crate::text::one_line;
use std::collections::BTreeMap;
use std::rc::Rc;
use tsink_migrate_engine::plan::{self, PlanCheck};
use tsink_migrate_engine::port::Ports;

/// Bytes of a plan file at most, as the engine has it.
const MAX_PLAN_BYTES: usize = 1024 * 1024;

/// Reads and checks the plan, and prints what was found. Of the environment, only the variables that it names, and
/// those with `_FILE` behind, are looked at. The error is text to print.
pub(super) async fn check(
    host: &Rc<dyn Host>,
    ports: &Ports,
    config: &str,
    start: &str,
    end: &str,
) -> Result<(PlanCheck, tokens::Given), String> {
    let text = files::read(host, "the plan", config, MAX_PLAN_BYTES).await?;
    let now_ms = ports.clock.now_ms();
    let with = |secrets: &BTreeMap<String, String>| {
        plan::check(&text, &plan::Context { base: None, secrets, now_ms, start, end })
    };
    let mut values = BTreeMap::new();
    let mut checked = with(&values);
    if !checked.secret_names.is_empty() {
        values = tokens::values(host, &checked.secret_names).await?;
        checked = with(&values);
    }
    let config = one_line(config);
    host.stderr(&diagnostics::lines(&config, &checked));
    if !checked.is_ready() {
        return Err(format!("error: {config} cannot run; nothing was sent\n"));
    }
    let names = checked.secret_names.clone();
    Ok((checked, tokens::Given { text, names, values }))
}
