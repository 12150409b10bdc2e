//! The metadata check of one metric.

use crate::model::Metadata;
use crate::report::{Finding, FindingKind, MetadataCheckReport, MetadataEntry};
use std::collections::BTreeSet;

/// Compares type, help and unit of one metric. A metric may have several entries, when its targets disagree;
/// order and repetition do not matter. Entries of other metrics are left out: a server may ignore the filter.
pub fn compare_metadata(metric: &str, source: Vec<Metadata>, target: Vec<Metadata>) -> MetadataCheckReport {
    let (source, target) = (entries(metric, source), entries(metric, target));
    let matched = source == target;
    let mut report = MetadataCheckReport {
        metric: metric.to_owned(),
        source_entries: source.len() as u64,
        target_entries: target.len() as u64,
        matched,
        ..MetadataCheckReport::default()
    };
    if !matched {
        let only_source: Vec<&MetadataEntry> = source.difference(&target).collect();
        let only_target: Vec<&MetadataEntry> = target.difference(&source).collect();
        let (cause, remedy) = report.explanation();
        report.findings = findings(metric, &only_source, &only_target, (cause, remedy));
        report.source = source.into_iter().collect();
        report.target = target.into_iter().collect();
    }
    report
}

fn entries(metric: &str, list: Vec<Metadata>) -> BTreeSet<MetadataEntry> {
    let own = list.into_iter().filter(|entry| entry.metric == metric);
    crate::order::set(own.map(|entry| MetadataEntry {
        metric_type: entry.metric_type.as_str().to_owned(),
        help: entry.help,
        unit: entry.unit,
    }))
}

/// Entries of a side that are looked at one by one. A metric has one, or a few when its targets disagree.
const SHOWN: usize = 20;

const FIELDS: [&str; 3] = ["type", "help", "unit"];

fn fields(entry: &MetadataEntry) -> [&str; 3] {
    [&entry.metric_type, &entry.help, &entry.unit]
}

/// One finding for each field that differs. Of several entries, each is held against the one at the other side that
/// has most in common with it; what is left over has no counterpart.
fn findings(
    metric: &str,
    source: &[&MetadataEntry],
    target: &[&MetadataEntry],
    (cause, remedy): (&str, &str),
) -> Vec<Finding> {
    let finding = |field: &str, one: Option<&str>, other: Option<&str>, detail: String| Finding {
        series: metric.to_owned(),
        count: 1,
        source_value: one.map(str::to_owned),
        target_value: other.map(str::to_owned),
        field: field.to_owned(),
        detail,
        cause: cause.to_owned(),
        remedy: remedy.to_owned(),
        ..Finding::of(FindingKind::MetadataDiffers)
    };
    let mut left: Vec<&MetadataEntry> = target.to_vec();
    let mut findings = Vec::new();
    for entry in source.iter().take(SHOWN) {
        let apart = |other: &MetadataEntry| {
            fields(entry).iter().zip(fields(other)).filter(|(one, other)| *one != other).count()
        };
        let nearest = left.iter().enumerate().min_by_key(|(_, other)| apart(other)).map(|(at, _)| at);
        let Some(at) = nearest else {
            let text = shown(entry);
            let detail = format!("{text} only at the source");
            findings.push(finding("", Some(&text), None, detail));
            continue;
        };
        let other = left.remove(at);
        for ((name, one), other) in FIELDS.into_iter().zip(fields(entry)).zip(fields(other)) {
            if one != other {
                let detail = format!("{name}: source {one:?}, target {other:?}");
                findings.push(finding(name, Some(one), Some(other), detail));
            }
        }
    }
    for entry in left.into_iter().take(SHOWN) {
        let text = shown(entry);
        let detail = format!("{text} only at the target");
        findings.push(finding("", None, Some(&text), detail));
    }
    findings
}

fn shown(entry: &MetadataEntry) -> String {
    let unit = if entry.unit.is_empty() { String::new() } else { format!(", unit {:?}", entry.unit) };
    format!("{} {:?}{unit}", entry.metric_type, entry.help)
}
