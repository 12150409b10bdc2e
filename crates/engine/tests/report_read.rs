//! Reading reports, of strangers above all: what is none is refused with its place, what is old is read.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "report/fixtures.rs"]
mod fixtures;

use proptest::prelude::*;
use serde_json::{Value, json};
use tsink_migrate_engine::ErrorKind;
use tsink_migrate_engine::report::{self, Report};

fn refused(text: &str) -> String {
    let error = report::read(text).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Input);
    assert!(!error.remedy.is_empty());
    assert!(error.message.chars().count() < 1_000, "{}", error.message.len());
    assert!(!error.message.contains(['\u{1b}', '\n', '\u{202e}']), "{}", error.message);
    error.message
}

fn text(report: &Report, change: impl FnOnce(&mut Value)) -> String {
    let mut value = serde_json::from_str(&report::json(report)).unwrap();
    change(&mut value);
    serde_json::to_string_pretty(&value).unwrap()
}

#[test]
fn every_report_reads_back_to_the_same_bytes() {
    for (name, document) in fixtures::all() {
        let text = report::json(&document);
        assert!(text.starts_with("{\n  \"schema_version\": 1,\n  \"command\": \""), "{name}");
        let again = report::read(&text).unwrap();
        assert_eq!(report::json(&again), text, "{name}");
        assert_eq!(report::html(&again), report::html(&document), "{name}");
        assert_eq!(report::markdown(&again), report::markdown(&document), "{name}");
        report::read(&format!("\u{feff}\n {text}\n")).unwrap();
    }
}

/// A report is known by its bytes: numbers must come back to the last digit.
#[test]
fn every_number_reads_back_to_its_last_digit() {
    let (_, document) = fixtures::all().into_iter().find(|(_, one)| !one.run().progress.is_empty()).unwrap();
    for rate in ["102.56410256410257", "8.533333333333334e-7", "1.7976931348623157e+308", "5e-324"] {
        let text = text(&document, |value| {
            value["run"]["progress"][0]["rate"] = rate.parse::<f64>().unwrap().into();
        });
        assert!(text.contains(rate), "{rate} is not in the report");
        assert!(report::json(&report::read(&text).unwrap()).contains(rate), "{rate}");
    }
}

/// What reports had before there was a schema.
#[test]
fn reports_of_before_are_read() {
    fn strip(value: &mut Value) {
        let later = [
            "schema_version",
            "selectors",
            "progress",
            "field",
            "absolute_delta",
            "relative_delta",
            "shift_ms",
            "excerpt",
            "by_kind",
            "differing",
            "coverage",
            "shifted_samples",
            "recheck",
            "checklist",
            "probes",
            "freshness",
            "open_differences",
            "undo",
            "explanation",
            "accepted",
            "max_absolute_delta",
            "explained",
        ];
        match value {
            Value::Object(fields) => {
                // The estimate had selectors before; those of the run are the later ones.
                fields
                    .retain(|name, value| !later.contains(&name.as_str()) || value[0].get("rows").is_some());
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let old = fixtures::all().into_iter().filter(|(name, _)| !name.starts_with("repair"));
    for (name, document) in old {
        // A backfill's balance is a field of old, a cutover's is not.
        let old = text(&document, |value| {
            strip(value);
            if value["command"] == "cutover" {
                value.as_object_mut().unwrap().remove("balance");
            }
        });
        let read = report::read(&old).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(read.issues(), document.issues(), "{name}");
        report::html(&read);
        report::markdown(&read);
    }
}

#[test]
fn unknown_fields_are_ignored() {
    let document = Report::Verify(fixtures::explored());
    let more = text(&document, |value| {
        value["later"] = json!({ "deep": [[[{}]]] });
        value["raw_checks"][0]["findings"][0]["later"] = json!(1e300);
    });
    assert_eq!(report::json(&report::read(&more).unwrap()), report::json(&document));
}

#[test]
fn a_newer_schema_is_told_with_both_versions() {
    let document = Report::Verify(fixtures::explored());
    for version in [2, 999] {
        let message = refused(&text(&document, |value| value["schema_version"] = json!(version)));
        assert_eq!(
            message,
            format!("this report has schema version {version}; this tool reads up to version 1")
        );
    }
    // It may be of any shape.
    assert!(refused(r#"{"schema_version": 3}"#).contains("version 3"));
}

#[test]
fn the_native_tools_reports_are_known_as_such() {
    for native in [
        include_str!("reference/tsink-migrate-verify-pass.json"),
        include_str!("reference/tsink-migrate-cutover-fail.json"),
    ] {
        assert!(refused(native).starts_with("this is a report of the native tool tsink-migrate"));
    }
}

#[test]
fn what_is_no_report_is_refused_with_its_place() {
    let document = Report::Verify(fixtures::explored());
    let damaged = |change: fn(&mut Value)| refused(&text(&document, change));
    for (message, expected) in [
        (refused(""), "it is no JSON object"),
        (refused("<html>"), "it is no JSON object"),
        (refused("[]"), "it is no JSON object"),
        (refused("{}"), "“command” is missing"),
        (refused(r#"{"command": "ex\u001bport"}"#), "its command is “ex\\u{1b}port”"),
        (refused(r#"{"command": 1}"#), "line 1 column 13, in command"),
        (
            refused("{\"command\": \"verify\",\n\"schema_version\": 1, \n \"status\": \"perhaps\"}"),
            "line 3 column 20, in status",
        ),
        (
            damaged(|value| value["raw_checks"][0]["findings"][2]["count"] = json!(-1)),
            "in raw_checks[0].findings[2].count",
        ),
        (
            damaged(|value| value["raw_checks"][0]["source_rows"] = json!(18_446_744_073_709_551_616.0)),
            "in raw_checks[0].source_rows",
        ),
        (damaged(|value| value["start_ms"] = json!(1.5)), "in start_ms"),
        (damaged(|value| drop(value.as_object_mut().unwrap().remove("issues"))), "missing field `issues`"),
        (
            refused(&report::json(&document).replacen("\"count\": 12", "\"count\": 1e999", 1)),
            "in raw_checks[0].findings[0].count",
        ),
    ] {
        assert!(message.contains(expected), "{message} has not {expected}");
    }
    let whole = report::json(&document);
    let cut = &whole[..whole.char_indices().nth(whole.chars().count() / 2).unwrap().0];
    assert!(refused(cut).contains("line "));
}

#[test]
fn depth_and_lists_have_bounds() {
    let head = r#"{"command":"verify","run":{},"x":"#;
    let deep = format!("{head}{}", "[".repeat(1_000_000));
    assert_eq!(
        refused(&deep),
        "this report is refused: more than 64 brackets in brackets, in x[0][0][0][0][0][0][0][0][0][0][0] (line 1)"
    );
    let objects = format!("{head}{}", r#"{"a":"#.repeat(1_000_000));
    assert!(refused(&objects).contains("more than 64 brackets in brackets, in x.a.a."));
    let wide = format!("{head}[{}0]}}", "0,".repeat(300_000));
    assert!(refused(&wide).contains("more than 200000 entries, in x (line 1)"), "{}", refused(&wide));
    let large = format!("{head}\"{}\"}}", "a".repeat(64 << 20));
    assert_eq!(refused(&large), "this report has 64 MiB; reports are read up to 64 MiB");
    // Brackets in texts are none.
    let document = Report::Verify(fixtures::explored());
    let texts = text(&document, |value| value["notes"] = json!(["[".repeat(1000), "\\\"{\\".repeat(1000)]));
    report::read(&texts).unwrap();
}

proptest! {
    #[test]
    fn any_bytes_are_refused_or_read(at in 0usize..20_000, with in r#"[\[\]{}",:\\0-9a-e.\- ]{0,6}"#, cut in 0usize..12) {
        let text = report::json(&Report::Verify(fixtures::explored()));
        let from = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        let to = (from..=text.len()).find(|to| *to >= (from + cut).min(text.len()) && text.is_char_boundary(*to)).unwrap();
        let damaged = format!("{}{with}{}", &text[..from], &text[to..]);
        if let Ok(read) = report::read(&damaged) {
            report::html(&read);
            report::markdown(&read);
            report::console(&read);
        }
    }

    #[test]
    fn any_text_is_refused(text in r"\PC{0,200}") {
        prop_assert!(report::read(&text).is_err());
    }
}
