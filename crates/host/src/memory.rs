//! What the jobs of a session found out, for the jobs that go on from it: a repair from a verification, a cutover
//! check from a backfill. Nothing in it is hidden, whatever the reports that leave the worker hide.

use tsink_migrate_engine::model::Window;
use tsink_migrate_engine::plan::Plan;
use tsink_migrate_engine::report::Report;
use tsink_migrate_engine::run::{Given, Job, Stage};

/// The newest reports that are about one plan and window.
#[derive(Debug, Default)]
pub struct Memory {
    about: Option<About>,
    given: Given,
}

/// What a report is about: data, and where it goes. How it is written, compared and queried does not matter.
#[derive(Debug, PartialEq)]
struct About {
    source: String,
    manifest: Option<String>,
    target: String,
    tenant: String,
    selectors: Vec<String>,
    window: Window,
}

impl About {
    fn of(plan: &Plan, window: Window) -> Self {
        Self {
            source: format!("{} {}", plan.source.kind.as_str(), plan.source.remote_read_url),
            manifest: plan.source.capture_manifest_path.clone(),
            target: plan.target.write_url.clone(),
            tenant: plan.target.tenant.clone(),
            selectors: plan.selectors.iter().map(|selector| selector.text.clone()).collect(),
            window,
        }
    }
}

impl Memory {
    /// What a job may go on from. What it finds out anew is forgotten, and everything when it is about other data.
    pub fn begin(&mut self, job: &Job) -> Given {
        let about = About::of(&job.plan, job.window);
        if self.about.as_ref() != Some(&about) {
            *self = Self { about: Some(about), given: Given::default() };
        }
        if job.stages.contains(&Stage::Backfill) {
            self.given = Given::default();
        }
        if job.stages.contains(&Stage::Verify) {
            self.given.verify = None;
        }
        self.given.clone()
    }

    /// Keeps a report of the job that began last.
    pub fn take(&mut self, report: &Report) {
        if !matches!(report, Report::Preflight(_)) {
            self.given.take(report.clone());
        }
    }

    /// Other files may have come under the names of a recording.
    pub fn forget_recording(&mut self) {
        if self.about.as_ref().is_some_and(|about| about.manifest.is_some()) {
            *self = Self::default();
        }
    }

    /// What was written is taken back: nothing that was found out holds any more.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use tsink_migrate_engine::plan::{self, Context};
    use tsink_migrate_engine::report::{RunInfo, Status, VerifyReport};

    fn job(more: &str, end: &str, stages: Vec<Stage>) -> Job {
        let text = format!(
            r#"{{"source": {{"kind": "prometheus", "remote_read_url": "http://p/read"}},
                "target": {{"write_url": "http://t/write", "read_url": "http://t/read"}}, {more}}}"#
        );
        let secrets = BTreeMap::new();
        let context = Context { base: None, secrets: &secrets, now_ms: 0, start: "2025-11-18", end };
        crate::start::job(plan::check(&text, &context), stages).unwrap()
    }

    fn report(issue: &str) -> Report {
        Report::Verify(VerifyReport {
            status: Status::Fail,
            start_ms: 0,
            end_ms: 1,
            raw_checks: Vec::new(),
            metadata_checks: Vec::new(),
            exemplar_checks: Vec::new(),
            recheck: None,
            issues: vec![issue.to_owned()],
            notes: Vec::new(),
            run: RunInfo::default(),
            continued: None,
            slowest: Vec::new(),
        })
    }

    const UP: &str = r#""selectors": ["up"]"#;
    const DAY: &str = "2025-11-19";

    #[test]
    fn a_repair_goes_on_from_the_verification_of_the_same_data() {
        let mut memory = Memory::default();
        assert!(memory.begin(&job(UP, DAY, vec![Stage::Verify])).verify.is_none());
        memory.take(&report("one is missing"));
        // How much is written at a time is no data.
        let more = r#""selectors": ["up"], "batch": {"max_points_per_write": 5}"#;
        let given = memory.begin(&job(more, DAY, vec![Stage::Repair]));
        assert_eq!(given.verify.map(|report| report.issues), Some(vec!["one is missing".to_owned()]));
        assert!(memory.begin(&job(UP, "2025-11-20", vec![Stage::Repair])).verify.is_none());
        // Gone for good: what lies between was about other data.
        assert!(memory.begin(&job(UP, DAY, vec![Stage::Repair])).verify.is_none());
    }

    #[test]
    fn what_a_job_finds_out_anew_is_not_given_to_it() {
        let mut memory = Memory::default();
        for stages in [vec![Stage::Verify], vec![Stage::Preflight, Stage::Backfill]] {
            memory.begin(&job(UP, DAY, vec![Stage::Repair]));
            memory.take(&report("old"));
            assert!(memory.begin(&job(UP, DAY, stages)).verify.is_none());
        }
        memory.take(&report("old"));
        memory.forget_recording();
        assert!(memory.begin(&job(UP, DAY, vec![Stage::Repair])).verify.is_some());
        memory.forget();
        assert!(memory.begin(&job(UP, DAY, vec![Stage::Repair])).verify.is_none());
    }
}
