//! Whether a verification is one of this job.

use crate::error::{Error, ErrorKind, Result, redact_url};
use crate::model::Window;
use crate::plan::Plan;
use crate::report::VerifyReport;
use crate::report::words::{shorten, show_time};

/// Refuses a verification of another plan, window, tenant or set of selectors.
pub(super) fn check(plan: &Plan, window: Window, verified: &VerifyReport) -> Result<()> {
    let apart = differences(plan, window, verified);
    if apart.is_empty() {
        return Ok(());
    }
    let apart = apart.join("; ");
    Err(Error::new(ErrorKind::Input, format!("the verification to repair from is of another job: {apart}"))
        .remedy("Verify with this plan and window, and repair from that report; or take the plan and window of the report. A report in which names are hidden cannot be repaired from."))
}

fn differences(plan: &Plan, window: Window, verified: &VerifyReport) -> Vec<String> {
    let mut apart = Vec::new();
    let of = Window { start_ms: verified.start_ms, end_ms: verified.end_ms };
    if of != window {
        let show = |window: Window| format!("{} to {}", show_time(window.start_ms), show_time(window.end_ms));
        apart.push(format!("its window is {}, this one is {}", show(of), show(window)));
    }
    let run = &verified.run;
    let source = match &plan.source.capture_manifest_path {
        Some(path) => path.clone(),
        None => redact_url(&plan.source.remote_read_url),
    };
    for (what, its, own) in [
        ("source", &run.source, source),
        ("target", &run.target, redact_url(&plan.target.write_url)),
        ("tenant", &run.tenant, plan.target.tenant.clone()),
    ] {
        // Empty in a file that says nothing about its run.
        if !its.is_empty() && *its != own {
            apart.push(format!("its {what} is {:?}, this one is {:?}", shorten(its), shorten(&own)));
        }
    }
    let its: Vec<&str> = match run.selectors.as_slice() {
        [] => verified.raw_checks.iter().map(|check| check.selector.as_str()).collect(),
        all => all.iter().map(String::as_str).collect(),
    };
    let own: Vec<&str> = plan.selectors.iter().map(|selector| selector.text.as_str()).collect();
    let only = |one: &[&str], other: &[&str]| {
        one.iter().find(|text| !other.contains(text)).map(|text| (*text).to_owned())
    };
    if let Some(text) = only(&its, &own) {
        apart.push(format!("it has the selector {}, the plan does not", shorten(&text)));
    }
    if let Some(text) = only(&own, &its) {
        apart.push(format!("the plan has the selector {}, it does not", shorten(&text)));
    }
    apart
}
