//! From a checked plan to a job.

use tsink_migrate_engine::plan::{Diagnostic, PlanCheck, Severity};
use tsink_migrate_engine::run::{Given, Job, Stage};
use tsink_migrate_engine::{Error, ErrorKind};

/// The job of a checked plan.
///
/// # Errors
/// [`ErrorKind::Input`] when [`PlanCheck::is_ready`] does not hold, with everything that is missing. Names
/// secrets, never their values.
pub fn job(check: PlanCheck, stages: Vec<Stage>) -> Result<Job, Error> {
    let errors: Vec<&Diagnostic> =
        check.diagnostics.iter().filter(|found| found.severity == Severity::Error).collect();
    if let Some(first) = errors.first() {
        let others = match errors.len() - 1 {
            0 => String::new(),
            1 => "; there is one more error".to_owned(),
            more => format!("; there are {more} more errors"),
        };
        return Err(input(format!("the plan cannot run: {}{others}", line(first)), &first.remedy));
    }
    if !check.missing_secrets.is_empty() {
        let names = check.missing_secrets.join(", ");
        return Err(input(format!("header values are missing: {names}"), "Give each of them a value."));
    }
    match (check.plan, check.window) {
        (Some(plan), Some(window)) => Ok(Job { plan, window, stages, given: Given::default(), fresh: false }),
        (None, _) => Err(input("there is no plan".to_owned(), "Give a plan.")),
        (_, None) => Err(input("there is no time window".to_owned(), "Give its start and its end.")),
    }
}

/// A finding in one line, without its severity and remedy: `14:7: target.status_ulr: unknown field …`.
fn line(found: &Diagnostic) -> String {
    let place = if found.line == 0 { String::new() } else { format!("{}:{}: ", found.line, found.column) };
    let path = if found.path.is_empty() { String::new() } else { format!("{}: ", found.path) };
    format!("{place}{path}{}", found.message)
}

fn input(message: String, remedy: &str) -> Error {
    Error::new(ErrorKind::Input, message).remedy(remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(line: u32, path: &str, message: &str) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            path: path.to_owned(),
            line,
            column: 7,
            message: message.to_owned(),
            remedy: "Do this.".to_owned(),
        }
    }

    #[test]
    fn what_keeps_a_plan_from_running_is_said() {
        let mut check = PlanCheck::default();
        assert_eq!(job(check.clone(), vec![]).unwrap_err().message, "there is no plan");
        check.missing_secrets = vec!["A".to_owned(), "B".to_owned()];
        assert_eq!(job(check.clone(), vec![]).unwrap_err().message, "header values are missing: A, B");
        check.diagnostics = vec![error(14, "target.x", "unknown field x"), error(0, "window.end", "no time")];
        let refused = job(check, vec![]).unwrap_err();
        assert_eq!(
            refused.message,
            "the plan cannot run: 14:7: target.x: unknown field x; there is one more error"
        );
        assert_eq!(refused.remedy, "Do this.");
        assert_eq!(refused.kind, ErrorKind::Input);
    }
}
