//! Rendered reports: snapshots of every kind, what the native tool's readers rely on, and hostile text.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "report/fixtures.rs"]
mod fixtures;

use pulldown_cmark::{Event, Options, Parser, Tag};
use serde_json::Value;
use std::collections::BTreeSet;
use tsink_migrate_engine::report::{self, Report, Status};

#[test]
fn snapshots_of_all_reports() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("report/snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for (name, document) in fixtures::all() {
            insta::assert_snapshot!(format!("{name}.json"), report::json(&document));
            insta::assert_snapshot!(format!("{name}.md"), report::markdown(&document));
            insta::assert_snapshot!(format!("{name}.txt"), report::console(&document));
        }
    });
}

#[test]
fn a_report_reads_back_as_itself() {
    for (name, document) in fixtures::all() {
        let text = report::json(&document);
        let again: Report = serde_json::from_str(&text).unwrap();
        assert_eq!(report::json(&again), text, "{name}");
        assert_eq!(again.window().start_ms, fixtures::START);
        assert_eq!(again.issues().is_empty(), again.status() == Status::Pass, "{name}");
    }
}

/// `a.b[].c` for everything in a document.
fn paths(value: &Value, at: &str, out: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                out.insert(path.clone());
                paths(value, &path, out);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| paths(item, &format!("{at}[]"), out)),
        _ => {}
    }
}

/// Real outputs of the native `tsink-migrate` 0.10.2.
#[test]
fn every_field_of_the_native_reports_is_there_under_its_name() {
    let native = [
        (include_str!("reference/tsink-migrate-verify-pass.json"), Report::Verify(fixtures::verify(true))),
        (
            include_str!("reference/tsink-migrate-cutover-fail.json"),
            Report::Cutover(fixtures::cutover(false)),
        ),
    ];
    for (native, own) in native {
        let (native, own): (Value, Value) =
            (serde_json::from_str(native).unwrap(), serde_json::from_str(&report::json(&own)).unwrap());
        let (mut expected, mut found) = (BTreeSet::new(), BTreeSet::new());
        paths(&native, "", &mut expected);
        paths(&own, "", &mut found);
        assert!(expected.len() > 20);
        assert_eq!(expected.difference(&found).collect::<Vec<_>>(), Vec::<&String>::new());
        assert_eq!((&native["command"], &native["status"]), (&own["command"], &own["status"]));
        for (name, value) in native.as_object().unwrap() {
            let other = &own[name];
            assert_eq!(std::mem::discriminant(value), std::mem::discriminant(other), "type of {name}");
        }
    }
}

#[test]
fn the_native_reports_backfill_fields_are_there() {
    let own: Value =
        serde_json::from_str(&report::json(&Report::Backfill(fixtures::backfill(true)))).unwrap();
    for name in [
        "command",
        "status",
        "source_kind",
        "start_ms",
        "end_ms",
        "selector_count",
        "series_written",
        "samples_written",
        "histograms_written",
        "exemplars_written",
        "metadata_written",
        "write_batches",
        "notes",
    ] {
        assert!(own.get(name).is_some(), "{name}");
    }
    assert_eq!(
        (&own["command"], &own["source_kind"]),
        (&Value::from("backfill"), &Value::from("prometheus"))
    );
}

#[test]
fn console_output_is_the_specifications() {
    let backfill = report::BackfillReport {
        selector_count: 2,
        series_written: 18,
        samples_written: 43_200,
        histograms_written: 0,
        exemplars_written: 0,
        metadata_written: 2,
        write_batches: 3,
        continued: None,
        ..fixtures::backfill(true)
    };
    assert_eq!(
        report::console(&Report::Backfill(backfill)),
        "tsink-migrate backfill: pass\n  source_kind: Prometheus\n  selectors: 2\n  series: 18\n  samples: 43200\n  \
         histograms: 0\n  exemplars: 0\n  metadata: 2\n  write_batches: 3"
    );
    assert_eq!(
        report::console(&Report::Verify(report::VerifyReport { continued: None, ..fixtures::verify(true) })),
        "tsink-migrate verify: pass\n  raw_checks: 1\n  metadata_checks: 1\n  exemplar_checks: 1\n  issues: 0"
    );
    assert_eq!(
        report::console(&Report::Cutover(fixtures::cutover(true))),
        "tsink-migrate cutover-check: pass\n  promql_checks: 1\n  issues: 0"
    );
}

#[test]
fn hostile_text_stays_text() {
    for (name, document) in fixtures::all() {
        let console = report::console(&document);
        assert!(!console.contains(['\u{1b}', '\u{202e}', '\r']), "{name}");

        let markdown = report::markdown(&document);
        assert!(!markdown.contains(['\u{1b}', '\u{202e}', '\r']), "{name}");
        let (mut links, mut mentions, mut in_code) = (0, 0, 0);
        for event in Parser::new_ext(&markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
            match event {
                Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::HtmlBlock | Tag::CodeBlock(_))
                | Event::Html(_)
                | Event::InlineHtml(_)
                | Event::Rule => links += 1,
                Event::Text(text) => mentions += text.matches('@').count(),
                Event::Code(code) => in_code += code.matches("@team").count(),
                _ => {}
            }
        }
        assert_eq!((links, mentions), (0, 0), "{name}");
        let hostile = !name.ends_with("pass");
        assert_eq!(in_code > 0, hostile, "{name}: the hostile text is shown, as code");
    }
}

/// Lines of a table have the same number of cells as its head, whatever stands in them.
#[test]
fn tables_keep_their_shape() {
    for (name, document) in fixtures::all() {
        let markdown = report::markdown(&document);
        let (mut head, mut cells, mut in_head) = (0, 0, false);
        for event in Parser::new_ext(&markdown, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::TableHead) => (head, in_head) = (0, true),
                Event::Start(Tag::TableRow) => (cells, in_head) = (0, false),
                Event::Start(Tag::TableCell) if in_head => head += 1,
                Event::Start(Tag::TableCell) => cells += 1,
                Event::End(pulldown_cmark::TagEnd::TableRow) => assert_eq!(cells, head, "{name}"),
                _ => {}
            }
        }
        // The parser evens rows out; the text must not need it.
        for table in markdown.split("\n\n").filter(|block| block.trim_start().starts_with("| ")) {
            let columns: BTreeSet<usize> = table
                .lines()
                .filter(|line| line.starts_with('|'))
                .map(|line| line.replace("\\|", "").matches('|').count())
                .collect();
            assert_eq!(columns.len(), 1, "{name}: {table}");
        }
    }
}
