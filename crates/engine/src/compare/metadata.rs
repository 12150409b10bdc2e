//! The metadata check of one metric.

use crate::model::Metadata;
use crate::report::{MetadataCheckReport, MetadataEntry};
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
