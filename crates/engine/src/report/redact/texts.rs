//! Every text of a report. Each type is taken apart without `..`: a field that is added has to be thought of here.

use super::Role::{self, Metric, Series, Text};
use crate::Error;
use crate::report::*;
use std::collections::BTreeMap;

/// What is done with a text.
type See<'a> = &'a mut dyn FnMut(&mut String, Role);

/// Calls `see` for every text, servers first.
pub(super) fn each(report: &mut Report, see: See<'_>) {
    match report {
        Report::Preflight(report) => preflight(report, see),
        Report::Backfill(report) => backfill(report, see),
        Report::Verify(report) => verify(report, see),
        Report::Repair(report) => repair(report, see),
        Report::Cutover(report) => cutover(report, see),
    }
}

fn all<'a>(texts: impl IntoIterator<Item = &'a mut String>, see: See<'_>) {
    texts.into_iter().for_each(|text| see(text, Text));
}

/// Keys of counts. Counts of what is the same afterwards are put together.
fn keys(counts: &mut BTreeMap<String, u64>, see: See<'_>) {
    for (mut key, count) in std::mem::take(counts) {
        see(&mut key, Text);
        let sum = counts.entry(key).or_default();
        *sum = sum.saturating_add(count);
    }
}

fn run(info: &mut RunInfo, see: See<'_>) {
    let RunInfo {
        tool,
        version,
        started_ms: _,
        finished_ms: _,
        duration_ms: _,
        source,
        target,
        tenant,
        selectors,
        progress: _,
    } = info;
    all([source, target, tenant, tool, version], see);
    all(selectors, see);
}

fn error(error: &mut Error, see: See<'_>) {
    let Error {
        kind: _,
        message,
        remedy,
        side: _,
        url,
        status: _,
        server_message,
        selector,
        slab: _,
        retry_after_ms: _,
    } = error;
    all(url, see);
    all([message, remedy], see);
    all(server_message, see);
    all(selector, see);
}

fn note(note: &mut Note, see: See<'_>) {
    let Note { level: _, code, message, remedy } = note;
    all([code, message, remedy], see);
}

fn capabilities(payloads: &mut Capabilities, see: See<'_>) {
    let Capabilities {
        metadata_enabled: _,
        exemplars_enabled: _,
        histograms_enabled: _,
        otlp_enabled: _,
        otlp_supported_shapes,
        influx_line_protocol_enabled: _,
        statsd_enabled: _,
        graphite_enabled: _,
    } = payloads;
    all(otlp_supported_shapes, see);
}

fn preflight(report: &mut PreflightReport, see: See<'_>) {
    let PreflightReport {
        status: _,
        start_ms: _,
        end_ms: _,
        endpoints,
        source_version,
        target_version,
        target_payloads,
        target_retention_ms: _,
        target_oldest_ms: _,
        estimate,
        recording,
        notes,
        run: info,
    } = report;
    run(info, see);
    for check in endpoints {
        let EndpointCheck {
            side: _,
            name,
            purpose,
            url,
            level: _,
            status: _,
            latency_ms: _,
            message,
            error: failure,
        } = check;
        all([url, name, purpose, message], see);
        failure.iter_mut().for_each(|failure| error(failure, see));
    }
    all(source_version, see);
    all(target_version, see);
    target_payloads.iter_mut().for_each(|payloads| capabilities(payloads, see));
    if let Some(Estimate { selectors, series: _, rows: _, duration_ms: _ }) = estimate {
        for SelectorEstimate { selector, series: _, rows: _, has_histograms: _ } in selectors {
            see(selector, Series);
        }
    }
    if let Some(held) = recording {
        self::recording(held, see);
    }
    notes.iter_mut().for_each(|one| note(one, see));
}

fn recording(held: &mut Recording, see: See<'_>) {
    let Recording {
        kind: _,
        manifest,
        manifest_bytes: _,
        entries: _,
        payload_bytes: _,
        bad_entries: _,
        bad,
        units: _,
        refused: _,
        refusals,
        flags: _,
        hints,
        series: _,
        samples: _,
        exemplars: _,
        not_selected: _,
        outside_window: _,
        first_ms: _,
        last_ms: _,
        metrics,
        metrics_omitted: _,
        shapes,
    } = held;
    see(manifest, Text);
    // What a line becomes has its labels in selector syntax: it says what to look for in the lines.
    for MetricPreview { name, kind: _, series: _, samples: _, first_ms: _, last_ms: _, line, becomes } in
        metrics
    {
        see(name, Metric);
        see(becomes, Series);
        see(line, Text);
    }
    for BadEntry { entry: _, line: _, problem, remedy } in bad {
        all([problem, remedy], see);
    }
    for RefusalGroup { kind: _, count: _, examples } in refusals {
        for RefusalExample { entry: _, place, text, message } in examples {
            all([place, text, message], see);
        }
    }
    all(hints, see);
    keys(shapes, see);
}

fn balance(balance: &mut Balance, see: See<'_>) {
    let Balance { samples, histograms, exemplars, metadata, closes: _ } = balance;
    for line in [samples, histograms, exemplars, metadata] {
        let BalanceLine {
            read: _,
            written: _,
            already_there: _,
            rejected,
            deduplicated: _,
            outside_window: _,
        } = line;
        keys(rejected, see);
    }
}

fn rejection(rejection: &mut Rejection, see: See<'_>) {
    let Rejection { reason, selector, series, rows: _, first_ms: _, last_ms: _, error: failure } = rejection;
    selector.iter_mut().for_each(|selector| see(selector, Series));
    series.iter_mut().for_each(|series| see(series, Series));
    see(reason, Text);
    error(failure, see);
}

fn slow(slabs: &mut [SlabTiming], see: See<'_>) {
    slabs
        .iter_mut()
        .for_each(|SlabTiming { selector, window: _, rows: _, took_ms: _ }| see(selector, Series));
}

fn backfill(report: &mut BackfillReport, see: See<'_>) {
    let BackfillReport {
        status: _,
        source_kind: _,
        start_ms: _,
        end_ms: _,
        selector_count: _,
        series_written: _,
        samples_written: _,
        histograms_written: _,
        exemplars_written: _,
        metadata_written: _,
        write_batches: _,
        notes,
        cancelled: _,
        balance: lines,
        rejections,
        rejections_omitted: _,
        retries: _,
        write_consistency,
        issues,
        preflight: before,
        continued: _,
        slowest,
        run: info,
    } = report;
    run(info, see);
    rejections.iter_mut().for_each(|one| rejection(one, see));
    balance(lines, see);
    all(write_consistency, see);
    all(issues, see);
    all(notes, see);
    preflight(before, see);
    slow(slowest, see);
}

fn repair(report: &mut RepairReport, see: See<'_>) {
    let RepairReport {
        status: _,
        start_ms: _,
        end_ms: _,
        repaired,
        samples_written: _,
        histograms_written: _,
        exemplars_written: _,
        metadata_written: _,
        write_batches: _,
        retries: _,
        balance: lines,
        rejections,
        rejections_omitted: _,
        unrepairable,
        verify: again,
        issues,
        notes,
        run: info,
    } = report;
    run(info, see);
    for RepairedSelector { selector, windows: _ } in repaired {
        see(selector, Series);
    }
    rejections.iter_mut().for_each(|one| rejection(one, see));
    verify(again, see);
    balance(lines, see);
    all(unrepairable, see);
    all(issues, see);
    all(notes, see);
}

fn excerpt(excerpt: &mut Option<Excerpt>, see: See<'_>) {
    if let Some(Excerpt { source, target, differing_ms: _ }) = excerpt {
        for ExcerptPoint { at_ms: _, value } in source.iter_mut().chain(target) {
            see(value, Text);
        }
    }
}

fn finding(finding: &mut Finding, see: See<'_>) {
    let Finding {
        kind,
        selector,
        series,
        count: _,
        first_ms: _,
        last_ms: _,
        source_value,
        target_value,
        field,
        absolute_delta: _,
        relative_delta: _,
        shift_ms: _,
        excerpt: drawn,
        detail,
        cause,
        remedy,
    } = finding;
    see(series, if *kind == FindingKind::MetadataDiffers { Metric } else { Series });
    see(selector, Series);
    all(source_value, see);
    all(target_value, see);
    all([field, detail, cause, remedy], see);
    excerpt(drawn, see);
}

fn verify(report: &mut VerifyReport, see: See<'_>) {
    let VerifyReport {
        status: _,
        start_ms: _,
        end_ms: _,
        raw_checks,
        metadata_checks,
        exemplar_checks,
        recheck: _,
        issues,
        notes,
        continued: _,
        slowest,
        run: info,
    } = report;
    run(info, see);
    raw_checks.iter_mut().for_each(|check| raw(check, see));
    for check in metadata_checks {
        let MetadataCheckReport {
            metric,
            source_entries: _,
            target_entries: _,
            matched: _,
            source,
            target,
            findings,
        } = check;
        see(metric, Metric);
        for MetadataEntry { metric_type, help, unit } in source.iter_mut().chain(target) {
            all([metric_type, help, unit], see);
        }
        findings.iter_mut().for_each(|one| finding(one, see));
    }
    for check in exemplar_checks {
        let ExemplarCheckReport {
            query,
            source_series: _,
            target_series: _,
            missing_series: _,
            extra_series: _,
            exemplar_mismatches: _,
            source_exemplars: _,
            target_exemplars: _,
            findings,
            findings_omitted: _,
            issues,
        } = check;
        see(query, Series);
        findings.iter_mut().for_each(|one| finding(one, see));
        all(issues, see);
    }
    all(issues, see);
    all(notes, see);
    slow(slowest, see);
}

fn raw(check: &mut RawCheckReport, see: See<'_>) {
    let RawCheckReport {
        selector,
        source_series: _,
        target_series: _,
        source_rows: _,
        target_rows: _,
        source_samples: _,
        target_samples: _,
        source_histograms: _,
        target_histograms: _,
        missing_series: _,
        extra_series: _,
        sample_mismatches: _,
        histogram_mismatches: _,
        missing_samples: _,
        extra_samples: _,
        differing_samples: _,
        shifted_samples: _,
        by_kind: _,
        differing: _,
        coverage,
        findings,
        findings_omitted: _,
        issues,
    } = check;
    see(selector, Series);
    findings.iter_mut().for_each(|one| finding(one, see));
    let Coverage { start_ms: _, column_ms: _, rows, series_omitted: _ } = coverage;
    for CoverageRow { series, cells: _ } in rows {
        see(series, Series);
    }
    all(issues, see);
}

fn parity(check: &mut PromqlCheckReport, see: See<'_>) {
    let PromqlCheckReport {
        query,
        step,
        matched: _,
        source_warnings,
        target_warnings,
        target_partial_response: _,
        issues,
        source_series: _,
        target_series: _,
        points: _,
        differing_points: _,
        differences,
        differences_omitted: _,
        cause,
        explanation,
        accepted: _,
    } = check;
    // A query begins with a function as likely as with a metric.
    all([query, step], see);
    for difference in differences {
        let ParityDifference {
            series,
            points: _,
            first_ms: _,
            source_value,
            target_value,
            max_relative_delta: _,
            max_absolute_delta: _,
            explained: _,
            excerpt: drawn,
        } = difference;
        see(series, Series);
        all(source_value, see);
        all(target_value, see);
        excerpt(drawn, see);
    }
    if let Some(Explanation { code, text, established, points: _, whole: _ }) = explanation {
        all([code, text, established], see);
    }
    all(source_warnings, see);
    all(target_warnings, see);
    all(issues, see);
    see(cause, Text);
}

fn cutover(report: &mut CutoverReport, see: See<'_>) {
    let CutoverReport {
        status: _,
        start_ms: _,
        end_ms: _,
        target_payloads,
        raw_verify,
        promql_checks,
        checklist,
        probes,
        freshness,
        open_differences: _,
        balance: lines,
        undo,
        issues,
        notes,
        run: info,
    } = report;
    run(info, see);
    verify(raw_verify, see);
    promql_checks.iter_mut().for_each(|check| parity(check, see));
    target_payloads.iter_mut().for_each(|payloads| capabilities(payloads, see));
    for CheckItem { code, title, level: _, evidence, remedy } in checklist {
        all([code, title, evidence, remedy], see);
    }
    for FeatureProbe { feature, needed_for, level: _, server_words, remedy } in probes {
        all([feature, needed_for, server_words, remedy], see);
    }
    for Freshness { selector, source_newest_ms: _, target_newest_ms: _, lag_ms: _ } in freshness {
        see(selector, Series);
    }
    lines.iter_mut().for_each(|lines| balance(lines, see));
    if let Some(undo) = undo {
        let Undo { url, tenant, selectors, start_ms: _, end_ms: _, series: _, warnings, confirmation } = undo;
        all(url, see);
        see(tenant, Text);
        selectors.iter_mut().for_each(|selector| see(selector, Series));
        all(warnings, see);
        see(confirmation, Text);
    }
    all(issues, see);
    all(notes, see);
}
