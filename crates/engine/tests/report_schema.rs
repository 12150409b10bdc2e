//! The published schema of `report.json`: up to date with the types, and true of every report.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "report/fixtures.rs"]
mod fixtures;

use serde_json::{Value, json};
use tsink_migrate_engine::report::{self, Report, SCHEMA_VERSION};

/// The schema as the types have it. `schema_version` is put in by hand, as the writer does.
fn derived() -> String {
    let settings = schemars::generate::SchemaSettings::draft2020_12();
    let schema = settings.into_generator().into_root_schema_for::<Report>();
    let mut schema = schema.to_value();
    schema["$id"] = json!(format!("urn:tsink-migrate:report:{SCHEMA_VERSION}"));
    schema["title"] = json!("report.json of tsink Migrate");
    schema["properties"]["schema_version"] = json!({
        "description": "Version of this schema. Reports of before it was published have none.",
        "const": SCHEMA_VERSION,
    });
    serde_json::to_string_pretty(&schema).unwrap() + "\n"
}

#[test]
fn the_published_schema_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/report.schema.json");
    let derived = derived();
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(path, &derived).unwrap();
    }
    let published = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        published == derived,
        "report.schema.json is out of date: UPDATE_SCHEMA=1 cargo test -p tsink-migrate-engine --test report_schema"
    );
}

fn validator() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(&derived()).unwrap();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

#[test]
fn every_report_is_valid() {
    let validator = validator();
    for (name, document) in fixtures::all() {
        let value: Value = serde_json::from_str(&report::json(&document)).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert_eq!(errors, Vec::<String>::new(), "{name}");
        assert_eq!(value["schema_version"], json!(SCHEMA_VERSION));
    }
}

/// Every field of every report stands in the schema under its name: the fixtures have them all.
#[test]
fn no_field_is_unknown_to_the_schema() {
    let mut schema: Value = serde_json::from_str(&derived()).unwrap();
    fn close(schema: &mut Value) {
        match schema {
            Value::Object(fields) => {
                // Maps have a schema for what they hold; the report itself is a choice, whose fields lie elsewhere.
                if fields.contains_key("properties")
                    && !fields.contains_key("$ref")
                    && !fields.contains_key("oneOf")
                {
                    fields.entry("additionalProperties").or_insert(json!(false));
                }
                fields.values_mut().for_each(close);
            }
            Value::Array(items) => items.iter_mut().for_each(close),
            _ => {}
        }
    }
    for name in schema["$defs"].as_object().unwrap().keys().cloned().collect::<Vec<_>>() {
        if !name.ends_with("Report") || ["RecheckReport", "RawCheckReport"].contains(&name.as_str()) {
            close(&mut schema["$defs"][&name]);
        }
    }
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    for (name, document) in fixtures::all() {
        let value: Value = serde_json::from_str(&report::json(&document)).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{name}");
    }
}

#[test]
fn what_is_no_report_is_invalid() {
    let validator = validator();
    let valid: Value = serde_json::from_str(&report::json(&Report::Verify(fixtures::explored()))).unwrap();
    assert!(validator.is_valid(&valid));
    type Damage = fn(&mut Value);
    let damages: [(&str, Damage); 7] = [
        ("another command", |report| report["command"] = json!("export")),
        ("a newer version", |report| report["schema_version"] = json!(SCHEMA_VERSION + 1)),
        ("a negative count", |report| report["raw_checks"][0]["source_series"] = json!(-1)),
        ("a text for a number", |report| report["start_ms"] = json!("0")),
        ("an unknown kind", |report| report["raw_checks"][0]["findings"][0]["kind"] = json!("gone")),
        ("no status", |report| drop(report.as_object_mut().unwrap().remove("status"))),
        ("no list", |report| report["raw_checks"] = json!({})),
    ];
    for (name, damage) in damages {
        let mut damaged = valid.clone();
        damage(&mut damaged);
        assert!(!validator.is_valid(&damaged), "{name}");
    }
}
