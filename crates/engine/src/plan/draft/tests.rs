//! Tests of drafts.

use super::*;

#[test]
fn a_recording_has_no_server() {
    let draft = Draft::for_recording(SourceKind::Statsd, "c.json", "/tsink");
    let text = draft.to_text();
    assert!(text.contains("\"capture_manifest_path\": \"c.json\"") && !text.contains("remote_read_url"));
    assert_eq!(Draft::from_text(&text), Some(draft));
}

#[test]
fn a_draft_for_victoriametrics() {
    let draft = Draft::for_victoriametrics("http://victoria:8428/prometheus/", "/tsink");
    assert_eq!(draft.source.export_url, "http://victoria:8428/prometheus/api/v1/export");
    let text = draft.to_text();
    assert!(text.contains("\"kind\": \"victoriametrics\"") && !text.contains("remote_read_url"));
    assert!(!text.contains("http://victoria:8428/prometheus/api/v1/query_exemplars"));
    assert_eq!(Draft::from_text(&text), Some(draft));
}

#[test]
fn what_the_form_does_not_know_survives() {
    let text = r#"{
        "_note": "ours", "$schema": "x",
        "source": {"kind": "prometheus", "remote_read_url": "http://p/r", "export_url": "http://v", "metadata_url": 5,
                   "headers": {"Authorization": "Bearer ${T}", "X-A": "1"}},
        "target": {"tenant": "default", "headers": {"A": 1}},
        "selectors": ["up", 7],
        "metadata_metrics": [],
        "exemplar_checks": [{"query": "x", "limit": 5, "why": true}, {"limit": "many"}],
        "promql_checks": [{"query": "up", "step": "1m"}],
        "batch": {"http_timeout_secs": 30.5, "x": null},
        "compare": {"max_absolute_value_delta": 1e-12, "max_relative_value_delta": 0},
        "options": {},
        "unknown": {"deep": [1, {"a": null}]}
    }"#;
    let draft = Draft::from_text(text).unwrap();
    let before: Value = serde_json::from_str(text).unwrap();
    let after: Value = serde_json::from_str(&draft.to_text()).unwrap();
    assert_eq!(before, after);
    assert_eq!(Draft::from_text(&draft.to_text()), Some(draft.clone()));
    assert_eq!(draft.source.headers.len(), 2);
    assert_eq!(draft.exemplar_checks[0].limit, Some(5));
    assert_eq!(draft.selectors, Vec::<String>::new(), "a list with a wrong item is kept aside");
    assert!(!format!("{draft:?}").contains("Bearer"));

    let mut edited = draft;
    edited.selectors.push("node_load1".to_owned());
    edited.source.metadata_url = "http://p/m".to_owned();
    edited.source.remote_read_url.clear();
    let after: Value = serde_json::from_str(&edited.to_text()).unwrap();
    assert_eq!(after["selectors"], serde_json::json!(["up", 7, "node_load1"]));
    assert_eq!(after["source"]["metadata_url"], "http://p/m");
    assert_eq!(after["source"].get("remote_read_url"), None);
    assert_eq!(after["source"]["export_url"], "http://v");
}

#[test]
fn a_draft_for_two_servers() {
    let mut draft = Draft::for_servers("http://prometheus:9090/", " /tsink ");
    draft.selectors = vec!["up".to_owned()];
    insta::assert_snapshot!(draft.to_text(), @r#"
    {
      "source": {
        "kind": "prometheus",
        "remote_read_url": "http://prometheus:9090/api/v1/read",
        "query_range_url": "http://prometheus:9090/api/v1/query_range",
        "metadata_url": "http://prometheus:9090/api/v1/metadata",
        "exemplar_url": "http://prometheus:9090/api/v1/query_exemplars"
      },
      "target": {
        "write_url": "/tsink/api/v1/write",
        "read_url": "/tsink/api/v1/read",
        "query_range_url": "/tsink/api/v1/query_range",
        "metadata_url": "/tsink/api/v1/metadata",
        "exemplar_url": "/tsink/api/v1/query_exemplars",
        "status_url": "/tsink/api/v1/status/tsdb"
      },
      "selectors": [
        "up"
      ]
    }
    "#);
}

#[test]
fn what_a_form_cannot_keep() {
    for text in ["", "[]", "5", "{", r#"{"a": 1, "a": 2}"#, r#"{"source": {"x": 1, "x": 1}}"#, "{} // note"] {
        assert_eq!(Draft::from_text(text), None, "{text}");
    }
    assert_eq!(Draft::from_text("\u{FEFF}{}"), Some(Draft::default()));
    assert_eq!(Draft::default().to_text(), "{}\n");
}
