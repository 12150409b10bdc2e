//! Reports to drop onto the page, made by the engine's own model.

use tsink_migrate_engine::report::{
    Excerpt, ExcerptPoint, Finding, FindingKind, RawCheckReport, Report, RunInfo, Status, VerifyReport, json,
};

/// A finding about some samples of a series.
pub fn finding(series: &str) -> Finding {
    let point = |at_ms, value: &str| ExcerptPoint { at_ms, value: value.to_owned() };
    Finding {
        kind: FindingKind::MissingSamples,
        selector: "node_load1".to_owned(),
        series: series.to_owned(),
        count: 12,
        first_ms: Some(1_763_424_000_000),
        last_ms: Some(1_763_424_165_000),
        source_value: Some("1.5".to_owned()),
        target_value: None,
        field: String::new(),
        absolute_delta: None,
        relative_delta: None,
        shift_ms: None,
        excerpt: Some(Excerpt {
            source: vec![point(1_763_424_000_000, "1.5"), point(1_763_424_015_000, "1.25")],
            target: vec![point(1_763_424_015_000, "1.25")],
            differing_ms: vec![1_763_424_000_000],
        }),
        detail: "12 samples are missing in the target".to_owned(),
        cause: "one write was lost".to_owned(),
        remedy: "Repair this part.".to_owned(),
    }
}

/// A verification that failed with these findings.
pub fn verification(findings: Vec<Finding>) -> VerifyReport {
    let mismatches = findings.iter().map(|finding| finding.count).sum();
    VerifyReport {
        status: Status::Fail,
        start_ms: 1_763_424_000_000,
        end_ms: 1_763_510_399_999,
        raw_checks: vec![RawCheckReport {
            selector: "node_load1".to_owned(),
            source_series: 2,
            target_series: 2,
            source_rows: 11_520,
            target_rows: 11_508,
            source_samples: 11_520,
            target_samples: 11_508,
            sample_mismatches: mismatches,
            missing_samples: mismatches,
            findings,
            issues: vec!["12 samples are missing in the target".to_owned()],
            ..RawCheckReport::default()
        }],
        metadata_checks: Vec::new(),
        exemplar_checks: Vec::new(),
        recheck: None,
        issues: vec!["12 samples are missing in the target".to_owned()],
        notes: vec!["a note of the run".to_owned()],
        run: RunInfo {
            tool: "tsink-migrate (wasm)".to_owned(),
            version: "0.1.0".to_owned(),
            started_ms: 1_763_510_400_000,
            finished_ms: 1_763_510_409_100,
            duration_ms: 9_100,
            source: "http://prom.hidden.example:9090".to_owned(),
            target: "http://tsink.hidden.example:9201".to_owned(),
            tenant: "default".to_owned(),
            selectors: vec!["node_load1".to_owned()],
            progress: Vec::new(),
        },
        continued: None,
        slowest: Vec::new(),
    }
}

/// A small failed verification as `report.json`.
pub fn small() -> String {
    json(&Report::Verify(verification(vec![finding("node_load1{instance=\"10.1.0.9:9100\"}")])))
}

/// One that is too large for a link: `series` findings, each of another series.
pub fn large(series: usize) -> String {
    // Names that do not fold into each other: a multiplicative sequence of 64 bits.
    let mut state = 1u64;
    let mut name = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("node_load1{{instance=\"{state:016x}\", pod=\"{:016x}\"}}", state.rotate_left(17))
    };
    json(&Report::Verify(verification((0..series).map(|_| finding(&name())).collect())))
}
