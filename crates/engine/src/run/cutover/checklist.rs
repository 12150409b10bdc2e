//! The verdict as a checklist: one line for each thing that somebody signs, with what was seen.

use super::ages;
use super::freshness::Newest;
use crate::model::Window;
use crate::report::words::{count_of, grouped, show_duration, show_time};
use crate::report::{
    AgeGroup, BackfillReport, BalanceLine, CheckItem, FeatureProbe, Level, PromqlCheckReport, Status, Undo,
    VerifyReport,
};
use crate::run::context::Run;

/// What the lines are made of.
pub(super) struct Evidence<'a> {
    pub verified: &'a VerifyReport,
    pub probes: &'a [FeatureProbe],
    pub promql_checks: &'a [PromqlCheckReport],
    pub newest: &'a [Newest],
    pub backfill: Option<&'a BackfillReport>,
    pub ages: &'a [AgeGroup],
    pub undo: &'a Undo,
}

impl Run {
    /// The lines, in the order in which they are read.
    pub(super) fn checklist(&self, seen: &Evidence<'_>) -> Vec<CheckItem> {
        vec![
            data_verified(seen.verified, self.window),
            capabilities(seen.probes),
            self.parity_item(seen.promql_checks),
            self.freshness_item(seen.newest),
            self.balance_item(seen.backfill),
            open_differences(seen.verified, seen.ages, self.plan.options.settle_ms),
            way_back(seen.undo),
        ]
    }

    fn parity_item(&self, checks: &[PromqlCheckReport]) -> CheckItem {
        let title = "PromQL gives the same answers";
        if checks.is_empty() {
            let evidence = match self.plan.source.kind.is_recording() {
                true => "A recording answers no queries.",
                false => "No query was compared: the plan has no promql_checks.",
            };
            let remedy = match self.plan.source.kind.is_recording() {
                true => "",
                false => "Add the queries that people run, or import a dashboard or a rules file.",
            };
            return item("parity", title, Level::Info, evidence, remedy);
        }
        let count = |holds: &dyn Fn(&PromqlCheckReport) -> bool| {
            checks.iter().filter(|check| holds(check)).count() as u64
        };
        let accepted = count(&|check| check.accepted);
        let failed = count(&|check| !check.matched && !check.accepted);
        let explained =
            count(&|check| !check.accepted && check.explanation.as_ref().is_some_and(|why| why.whole));
        let points: u64 = checks.iter().map(|check| check.points).sum();
        let mut evidence = format!(
            "{} of {} agree, point by point ({}).",
            grouped(count(&|check| check.matched)),
            count_of(checks.len() as u64, "query", "queries"),
            count_of(points, "point", "points"),
        );
        if accepted > 0 {
            evidence.push_str(&format!(
                " {} for a known cause alone, which the plan accepts.",
                count_of(accepted, "differs", "differ")
            ));
        }
        if failed > 0 {
            evidence.push_str(&format!(" {} not pass", count_of(failed, "does", "do")));
            evidence.push_str(&match explained {
                0 => ".".to_owned(),
                explained => format!("; {} of them differ for a known cause alone.", grouped(explained)),
            });
        }
        let (level, remedy) = match (failed, accepted) {
            (0, 0) => (Level::Ok, ""),
            (0, _) => {
                (Level::Warn, "Tell the people who read these queries that their numbers change a little.")
            }
            _ if failed == explained => {
                (Level::Fail, "If explained differences are good enough, set options.accept_explained.")
            }
            _ => (Level::Fail, "See the queries below; mend the data first, where verification differs too."),
        };
        item("parity", title, level, evidence, remedy)
    }

    fn freshness_item(&self, newest: &[Newest]) -> CheckItem {
        let title = "The target is as fresh as the source";
        if self.plan.source.kind.is_recording() {
            return item(
                "freshness",
                title,
                Level::Info,
                "A recording has an end; nothing comes after it.",
                "",
            );
        }
        let mut level = Level::Ok;
        let mut words: Vec<String> = Vec::new();
        let mut worst: Option<i64> = None;
        for one in newest {
            let selector = &one.row.selector;
            match (one.row.source_newest_ms, one.row.target_newest_ms) {
                _ if !one.failed.is_empty() => {
                    level = level.max(Level::Warn);
                    words.push(format!("{selector}: {}.", one.failed));
                }
                (None, _) => words.push(format!("{selector}: the source has nothing in the window.")),
                (Some(at), None) => {
                    level = Level::Fail;
                    words.push(format!(
                        "{selector}: the target has nothing in the window, the source has rows up to {}.",
                        show_time(at)
                    ));
                }
                (Some(source), Some(target)) => {
                    let lag = source - target;
                    worst = worst.max(Some(lag));
                    let allowed = allowed_lag(one.interval_ms, self.plan.options.settle_ms);
                    if lag > allowed {
                        level = level.max(Level::Warn);
                        words.push(format!(
                            "{selector}: {} behind (newest {} at the source, {} at the target; {} would be normal: twice \
                             the time between samples, or options.settle_secs).",
                            show_duration(lag.unsigned_abs()),
                            show_time(source),
                            show_time(target),
                            show_duration(allowed.unsigned_abs()),
                        ));
                    }
                }
            }
        }
        if let Some(worst) = worst.filter(|_| level == Level::Ok) {
            words.push(match worst {
                0 => "The newest rows of both sides have the same time.".to_owned(),
                lag if lag > 0 => {
                    format!("The target is at most {} behind.", show_duration(lag.unsigned_abs()))
                }
                _ => "The target is ahead of the source.".to_owned(),
            });
        }
        let since = self.ports.clock.now_ms().saturating_sub(self.window.end_ms);
        if since > self.plan.options.settle_ms.max(3_600_000) {
            level = level.max(Level::Info);
            words.push(format!(
                "The window ended {} before this check: what came since was not looked at.",
                show_duration(since.unsigned_abs())
            ));
        }
        let remedy = match level {
            Level::Ok | Level::Info => "",
            Level::Warn => {
                "Wait for what is on its way, or backfill the last part of the window again, then check again."
            }
            Level::Fail => "Backfill these selectors, or look for another tenant in the plan.",
        };
        item("freshness", title, level, words.join(" "), remedy)
    }

    fn balance_item(&self, backfill: Option<&BackfillReport>) -> CheckItem {
        let title = "Every row that was read is accounted for";
        let give = "Give the backfill's report.json to this check (--backfill-report on the command; the page remembers its own).";
        let Some(report) = backfill else {
            return item("balance", title, Level::Info, "No report of the backfill was given.", give);
        };
        let its = Window { start_ms: report.start_ms, end_ms: report.end_ms };
        let balance = &report.balance;
        let lines = [
            ("samples", &balance.samples),
            ("histograms", &balance.histograms),
            ("exemplars", &balance.exemplars),
            ("metadata entries", &balance.metadata),
        ];
        let shown: Vec<String> = lines
            .iter()
            .filter(|(_, line)| line.read > 0)
            .map(|(what, line)| line_words(what, line))
            .collect();
        let mut evidence = match shown.is_empty() {
            true => "The backfill read nothing.".to_owned(),
            false => format!("{}.", shown.join("; ")),
        };
        let foreign = report.run.tenant != self.plan.target.tenant;
        let partly = its.start_ms > self.window.start_ms || its.end_ms < self.window.end_ms;
        if !balance.closes {
            evidence.push_str(" The balance does not close: rows are unaccounted for.");
            return item(
                "balance",
                title,
                Level::Fail,
                evidence,
                "Backfill again; rows that are there are not written twice.",
            );
        }
        let rejected: u64 = lines.iter().map(|(_, line)| line.rejected_total()).sum();
        evidence.insert_str(0, "The balance closes. ");
        if foreign {
            evidence.push_str(&format!(" It is of another tenant ({}).", report.run.tenant));
        }
        if partly {
            evidence.push_str(&format!(
                " It covers {} to {} only.",
                show_time(its.start_ms),
                show_time(its.end_ms)
            ));
        }
        let (level, remedy) = if foreign || partly {
            (Level::Warn, give)
        } else if rejected > 0 || report.status == Status::Fail {
            (Level::Warn, "See the backfill's report for what was refused, and why.")
        } else {
            (Level::Ok, "")
        };
        item("balance", title, level, evidence, remedy)
    }
}

/// How far the target may be behind, in ms: two samples, or the time in which young rows are not counted.
fn allowed_lag(interval_ms: Option<i64>, settle_ms: i64) -> i64 {
    interval_ms.unwrap_or(0).saturating_mul(2).max(settle_ms)
}

fn line_words(what: &str, line: &BalanceLine) -> String {
    let mut words = format!("{} {what} read, {} written", grouped(line.read), grouped(line.written));
    for (count, what) in [
        (line.already_there, "already there"),
        (line.rejected_total(), "refused"),
        (line.deduplicated, "read twice"),
        (line.outside_window, "outside the window"),
    ] {
        if count > 0 {
            words.push_str(&format!(", {} {what}", grouped(count)));
        }
    }
    words
}

fn data_verified(verified: &VerifyReport, window: Window) -> CheckItem {
    let sum = |of: fn(&crate::report::RawCheckReport) -> u64| verified.raw_checks.iter().map(of).sum::<u64>();
    let mut evidence = format!(
        "{} to {}: {} with {} and {} at the source; {} with {} and {} at the target.",
        show_time(window.start_ms),
        show_time(window.end_ms),
        count_of(sum(|check| check.source_series), "series", "series"),
        count_of(sum(|check| check.source_samples), "sample", "samples"),
        count_of(sum(|check| check.source_histograms), "native histogram", "native histograms"),
        count_of(sum(|check| check.target_series), "series", "series"),
        count_of(sum(|check| check.target_samples), "sample", "samples"),
        count_of(sum(|check| check.target_histograms), "native histogram", "native histograms"),
    );
    let metrics = verified.metadata_checks.len() as u64;
    let exemplars: u64 = verified.exemplar_checks.iter().map(|check| check.source_exemplars).sum();
    if metrics > 0 {
        evidence.push_str(&format!(" Metadata of {} compared.", count_of(metrics, "metric", "metrics")));
    }
    if exemplars > 0 {
        evidence.push_str(&format!(" {} compared.", count_of(exemplars, "exemplar", "exemplars")));
    }
    let differing = verified.issues.len() as u64;
    let (level, remedy) = match verified.status {
        Status::Fail => {
            evidence.push_str(&format!(" {}.", count_of(differing, "thing differs", "things differ")));
            (Level::Fail, "See the findings; repair what is missing, then verify again.")
        }
        Status::Pass if sum(|check| check.source_rows) == 0 => {
            (Level::Warn, "There was nothing to compare: check selectors and window.")
        }
        Status::Pass => (Level::Ok, ""),
    };
    item("data_verified", "The data are the same on both sides", level, evidence, remedy)
}

fn capabilities(probes: &[FeatureProbe]) -> CheckItem {
    let title = "The target takes what the source sends";
    let named = |level: Level| {
        let names: Vec<&str> =
            probes.iter().filter(|row| row.level == level).map(|row| row.feature.as_str()).collect();
        names.join(", ")
    };
    let needed = probes.iter().filter(|row| !row.needed_for.is_empty()).count() as u64;
    let worst = probes.iter().filter(|row| !row.needed_for.is_empty()).map(|row| row.level).max();
    let asked = probes.iter().any(|row| row.feature != "status");
    let (level, evidence) = match (worst, asked) {
        (Some(Level::Fail), false) => (Level::Fail, "Its status could not be read.".to_owned()),
        (Some(Level::Fail), true) => (Level::Fail, format!("Needed and off: {}.", named(Level::Fail))),
        (Some(Level::Warn), _) => (Level::Warn, format!("On, and yet doubtful: {}.", named(Level::Warn))),
        (_, false) => (Level::Info, "Not asked: target.status_url is not configured.".to_owned()),
        (_, true) => (
            Level::Ok,
            match needed {
                0 => "Plain samples need nothing else.".to_owned(),
                needed => format!("{} needed, all on.", count_of(needed, "feature is", "features are")),
            },
        ),
    };
    let remedy = probes
        .iter()
        .filter(|row| row.level == level)
        .map(|row| row.remedy.as_str())
        .find(|text| !text.is_empty());
    item("capabilities", title, level, evidence, remedy.filter(|_| level != Level::Ok).unwrap_or_default())
}

fn open_differences(verified: &VerifyReport, groups: &[AgeGroup], settle_ms: i64) -> CheckItem {
    let title = "No difference is open";
    let findings: u64 = groups.iter().map(|group| group.findings).sum();
    let unlisted = ages::unlisted(verified);
    if findings + unlisted == 0 {
        return match verified.issues.is_empty() {
            true => item("open_differences", title, Level::Ok, "None.", ""),
            false => item(
                "open_differences",
                title,
                Level::Fail,
                verified.issues.join("; "),
                "See the verification.",
            ),
        };
    }
    let mut before = "0 min".to_owned();
    let mut words: Vec<String> = Vec::new();
    for group in groups {
        let limit = group.younger_than_ms.map(|ms| show_duration(ms.unsigned_abs()));
        if group.findings > 0 {
            let age = match &limit {
                Some(limit) => format!("{before} to {limit} old"),
                None => format!("older than {before}, or without a time"),
            };
            words.push(format!(
                "{age}: {} over {}",
                count_of(group.findings, "finding", "findings"),
                count_of(group.rows, "row", "rows")
            ));
        }
        before = limit.unwrap_or_default();
    }
    if unlisted > 0 {
        words.push(format!("{} that are counted and not listed", count_of(unlisted, "finding", "findings")));
    }
    let old = groups
        .iter()
        .any(|group| group.findings > 0 && group.younger_than_ms.is_none_or(|limit| limit > settle_ms));
    let (level, remedy) = match old || unlisted > 0 {
        true => (Level::Fail, "Repair what is missing, then check again."),
        false => (Level::Warn, "The source may still be writing there: check again in a few minutes."),
    };
    item("open_differences", title, level, format!("{}.", words.join("; ")), remedy)
}

fn way_back(undo: &Undo) -> CheckItem {
    let title = "The way back is known";
    let evidence = format!(
        "A tombstone delete would cover {} of tenant {} from {} to {}{}.",
        count_of(undo.selectors.len() as u64, "selector", "selectors"),
        undo.tenant,
        show_time(undo.start_ms),
        show_time(undo.end_ms),
        undo.series
            .map(|series| format!(", {} at the target", count_of(series, "series", "series")))
            .unwrap_or_default(),
    );
    match undo.url {
        Some(_) => item(
            "way_back",
            title,
            Level::Info,
            evidence,
            "Read its warnings before you use it: what it hides cannot be written again into the same tenant.",
        ),
        None => item(
            "way_back",
            title,
            Level::Warn,
            format!("{evidence} Where the admin API is cannot be told from target.write_url."),
            "Set target.write_url to an address that ends with /api/v1/write.",
        ),
    }
}

fn item(code: &str, title: &str, level: Level, evidence: impl Into<String>, remedy: &str) -> CheckItem {
    CheckItem {
        code: code.to_owned(),
        title: title.to_owned(),
        level,
        evidence: evidence.into(),
        remedy: remedy.to_owned(),
    }
}
