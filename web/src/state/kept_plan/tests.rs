//! What of a plan may be kept.

use super::*;
use tsink_migrate_engine::model::Window;

fn plan(headers: &str, url: &str) -> String {
    format!(
        r#"{{"source": {{"kind": "prometheus", "remote_read_url": "{url}", "headers": {{{headers}}}}},
           "target": {{"write_url": "/t/api/v1/write", "read_url": "/t/api/v1/read"}}, "selectors": ["up"],
           "options": {{"settle_ms": 5}}}}"#
    )
}

#[test]
fn plans_without_secrets_are_kept_as_they_are() {
    for headers in ["", r#""Authorization": "Bearer ${TOKEN}", "X-Key": " ${KEY_2} ""#] {
        let text = plan(headers, "http://p:9090/api/v1/read");
        assert_eq!(harmless(&text).as_deref(), Some(text.as_str()), "{headers}");
    }
}

#[test]
fn no_header_value_is_kept() {
    let headers = [
        r#""Authorization": "Bearer hunter2", "X-Scope-OrgID": "hunter2-team", "X-Both": "${A} hunter2""#,
        r#""A": "hunter2 ${A}", "B": "Bearer ${A}hunter2", "C": "${hunter2:-x}", "D": "${A}${hunter2-b}""#,
    ];
    for headers in headers {
        let kept = harmless(&plan(headers, "http://p:9090/api/v1/read")).expect("it can be kept");
        assert!(!kept.contains("hunter2"), "{kept}");
        assert!(kept.contains("settle_ms"), "{kept}");
    }
    let kept = harmless(&plan(headers[0], "/p/api/v1/read")).expect("it can be kept");
    let draft = Draft::from_text(&kept).expect("it is a plan");
    let value = |name: &str| {
        draft.source.headers.iter().find(|header| header.name == name).map(|header| header.value.clone())
    };
    assert_eq!(value("Authorization").as_deref(), Some("${SOURCE_AUTHORIZATION}"));
    assert_eq!(value("X-Scope-OrgID").as_deref(), Some("${SOURCE_X_SCOPE_ORGID}"));
}

#[test]
fn what_may_hold_a_secret_elsewhere_is_not_kept() {
    for url in
        ["http://me:pw@p:9090/read", "http://p/read?token=x", "http://p/read#x", "//me@p/read", "me@p/r"]
    {
        assert_eq!(harmless(&plan("", url)), None, "{url}");
    }
    for text in [
        "",
        "[]",
        "{ // a token\n \"source\": {} }",
        r#"{"source": {"headers": [["a", "b"]]}}"#,
        r#"{"source": {"headers": {"a": ["b"]}}}"#,
        r#"{"source": {"headers": {"a": "x", "a": "${A}"}}}"#,
    ] {
        assert_eq!(harmless(text), None, "{text}");
    }
    assert_eq!(harmless(&format!("{}{}", plan("", "/read"), " ".repeat(LARGEST))), None);
    let kept = harmless(r#"{"_note": "hunter2", "source": {"kind": "prometheus", "password": "hunter2"}}"#);
    assert!(kept.is_some_and(|kept| !kept.contains("hunter2") && kept.contains("prometheus")));
}

#[test]
fn an_unfinished_ledger_of_the_same_window_is_of_the_plan() {
    let kept = KeptPlan {
        text: Some(plan("", "/read")),
        name: "plan.json".to_owned(),
        start: "2025-11-18T00:00:00Z".to_owned(),
        end: "2025-11-18T01:00:00.250Z".to_owned(),
        stages: vec![Stage::Backfill],
        begun_ms: 5,
    };
    let json = serde_json::to_string(&kept).expect("it can be written");
    assert_eq!(serde_json::from_str::<KeptPlan>(&json).ok().as_ref(), Some(&kept));
    let ledger = LedgerSummary {
        key: "a".to_owned(),
        source: String::new(),
        target: String::new(),
        tenant: "default".to_owned(),
        selectors: Vec::new(),
        window: Window { start_ms: 1_763_424_000_000, end_ms: 1_763_427_600_250 },
        stage: Some(Stage::Backfill),
        slabs: 1,
        rows: 1,
        expected: 2,
        updated_ms: 0,
        finished: false,
    };
    let has = |one: LedgerSummary| kept.ledger(&[one]).is_some();
    assert!(has(ledger.clone()));
    assert!(!has(LedgerSummary { finished: true, ..ledger.clone() }));
    assert!(!has(LedgerSummary { tenant: "b".to_owned(), ..ledger.clone() }));
    assert!(!has(LedgerSummary { window: Window { start_ms: 0, end_ms: 1 }, ..ledger }));
}
