//! Recordings as operators have them: a plan, a manifest and payload files in a folder.

use crate::captures::Protocol;
use crate::captures::case::{Case, Payload, Place, Refused};
use crate::captures::held::{ALWAYS, Held};
use crate::command::Window;
use crate::plans::PlanFile;
use crate::world::on_sound;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use tsink_migrate_testkit::servers::{Tsink, TsinkOptions};

/// A window with everything in it.
pub const EVER: Window = ALWAYS;
/// A selector for every series.
pub const EVERYTHING: &str = r#"{__name__!=""}"#;

/// A server whose retention reaches back before 1970, so that negative timestamps can be seen.
///
/// # Panics
/// When it does not start.
pub fn keeps_everything() -> Tsink {
    let options = TsinkOptions { retention: Some("100000d".to_owned()), ..TsinkOptions::default() };
    Tsink::start(options).expect("tsink")
}

/// Runs a test with such a server of its own; see [`on_sound`].
///
/// # Panics
/// As the test does.
pub fn on_tsink(test: impl Fn(&Tsink)) {
    on_sound(keeps_everything, |tsink| tsink, test);
}

/// A plan from the recording `capture.json` into a tenant.
pub fn plan(protocol: Protocol, target: &str, tenant: &str, selectors: &[&str]) -> Value {
    let mut plan = tsink_migrate_testkit::plans::plan(target, target, tenant, selectors);
    plan["source"] = json!({ "kind": protocol.source_kind(), "capture_manifest_path": "capture.json" });
    plan
}

/// Writes a plan and its manifest.
///
/// # Panics
/// When they cannot be written.
pub fn files(plan: &Value, manifest: &[Value]) -> PlanFile {
    let file = PlanFile::new(plan);
    manifest_file(&file, manifest);
    file
}

/// Writes the manifest of a plan, in the place of one that is there.
///
/// # Panics
/// When it cannot be written.
pub fn manifest_file(file: &PlanFile, manifest: &[Value]) {
    // A manifest of many lines, as a person would write it, and one of a single line.
    let text = if manifest.len().is_multiple_of(2) {
        serde_json::to_string_pretty(manifest)
    } else {
        serde_json::to_string(manifest)
    };
    std::fs::write(file.folder().join("capture.json"), text.expect("JSON")).expect("a manifest");
}

/// How a payload lies in a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Text in the manifest; what is no text is [`Form::Base64`].
    Body,
    /// Base64 in the manifest.
    Base64,
    /// A file.
    File,
    /// A file, compressed.
    GzipFile,
    /// Base64 of compressed bytes.
    GzipBase64,
}

/// All forms.
pub const FORMS: [Form; 5] = [Form::Body, Form::GzipFile, Form::Base64, Form::File, Form::GzipBase64];
/// The forms that the native tool reads.
pub const NATIVE_FORMS: [Form; 3] = [Form::Body, Form::Base64, Form::File];

/// Compresses.
///
/// # Panics
/// Never: memory does not fail to be written.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("a write to memory");
    encoder.finish().expect("a write to memory")
}

/// An entry of a manifest with a payload; a file of it goes into the plan's folder.
///
/// # Panics
/// When the file cannot be written.
pub fn entry(file: &PlanFile, form: Form, name: &str, bytes: &[u8]) -> Value {
    let stored = |path: String, bytes: &[u8]| {
        let whole = file.folder().join(&path);
        std::fs::create_dir_all(whole.parent().expect("a folder")).expect("a folder for payloads");
        std::fs::write(whole, bytes).expect("a payload file");
        json!({ "path": path })
    };
    match (form, std::str::from_utf8(bytes)) {
        (Form::Body, Ok(text)) => json!({ "body": text }),
        (Form::Body | Form::Base64, _) => json!({ "body_base64": STANDARD.encode(bytes) }),
        (Form::File, _) => stored(format!("payloads/{name}.bin"), bytes),
        (Form::GzipFile, _) => stored(format!("payloads/deep/{name}.gz"), &gzip(bytes)),
        (Form::GzipBase64, _) => json!({ "body_base64": STANDARD.encode(gzip(bytes)) }),
    }
}

/// The manifest of a case. Its payloads take the forms in turn, from `turn` on; `bytes` says what a payload is.
///
/// # Panics
/// When a payload file cannot be written.
pub fn manifest(
    file: &PlanFile,
    protocol: Protocol,
    case: &Case,
    forms: &[Form],
    turn: usize,
    bytes: impl Fn(&Payload) -> Vec<u8>,
) -> Vec<Value> {
    let one = |(number, payload): (usize, &Payload)| {
        let form = forms[(turn + number) % forms.len()];
        let mut entry = entry(file, form, &format!("{turn}-{number}"), &bytes(payload));
        // OTLP says its times itself.
        if protocol != Protocol::Otlp || turn.is_multiple_of(2) {
            entry["received_at_ms"] = case.received_at(number).into();
        }
        if !case.query_params.is_empty() || turn.is_multiple_of(2) {
            entry["query_params"] = json!(case.query_params);
        }
        entry
    };
    case.payloads.iter().enumerate().map(one).collect()
}

/// One selector for each metric name of cases. A histogram's exemplars are of a series without samples.
pub fn selectors<'a>(cases: impl Iterator<Item = &'a Case>) -> Vec<String> {
    let names: BTreeSet<&String> = cases
        .flat_map(|case| {
            let series = case.series.iter().map(|series| &series.labels);
            series.chain(case.exemplars.iter().map(|series| &series.labels))
        })
        .filter_map(|labels| labels.get("__name__"))
        .collect();
    names.into_iter().map(|name| format!("{{__name__={}}}", Value::from(name.as_str()))).collect()
}

/// A case of OTLP as it is in another tenant: series carry its name.
pub fn in_tenant(mut case: Case, tenant: &str) -> Case {
    let series = case.series.iter_mut().map(|series| &mut series.labels);
    for labels in series.chain(case.exemplars.iter_mut().map(|series| &mut series.labels)) {
        if let Some(own) = labels.get_mut("__tenant_id") {
            tenant.clone_into(own);
        }
    }
    case
}

/// What a tenant holds and should not, or the other way round.
///
/// # Panics
/// When the server does not answer.
pub fn differences(tsink: &Tsink, tenant: &str, case: &Case) -> Vec<String> {
    Held::read(&tsink.endpoint(tenant), &[], None).differences(&Held::of(case))
}

/// Whether a case's payloads are refused whole.
pub fn is_whole(refused: &Refused) -> bool {
    refused.line.is_none() && refused.place.is_none()
}

/// How many lines, events, data points or exemplars a case refuses, by kind. A metric without data points that
/// is refused counts as one.
pub fn refusals(case: &Case) -> BTreeMap<String, u64> {
    let mut kinds = BTreeMap::new();
    for refused in &case.refused {
        let count = match (refused.place, &case.payloads[refused.payload]) {
            (Some(place), Payload::Bytes { otlp: Some(json), .. }) => points(json, place),
            _ => 1,
        };
        *kinds.entry(refused.kind.clone()).or_default() += count;
    }
    kinds
}

/// Data points below a place.
fn points(json: &Value, place: Place) -> u64 {
    if place.point.is_some() {
        return 1;
    }
    let list = |value: &Value, name: &str, at: Option<usize>| -> Vec<Value> {
        let all = value[name].as_array().cloned().unwrap_or_default();
        all.into_iter()
            .enumerate()
            .filter(|(number, _)| at.is_none_or(|at| at == *number))
            .map(|one| one.1)
            .collect()
    };
    let of_metric = |metric: &Value| {
        let data = ["gauge", "sum", "histogram", "exponentialHistogram", "summary"];
        let points = data.iter().filter_map(|name| metric[*name]["dataPoints"].as_array());
        points.map(Vec::len).sum::<usize>().max(1) as u64
    };
    list(json, "resourceMetrics", Some(place.resource))
        .iter()
        .flat_map(|resource| list(resource, "scopeMetrics", place.scope))
        .flat_map(|scope| list(&scope, "metrics", place.metric))
        .map(|metric| of_metric(&metric))
        .sum()
}
