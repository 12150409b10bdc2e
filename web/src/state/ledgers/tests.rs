//! Which ledger a plan may go on from, and in which words.

use super::*;
use tsink_migrate_engine::plan::{Batch, Compare, Options};
use tsink_migrate_engine::run::Stage;

const WINDOW: Window = Window { start_ms: 1_763_424_000_000, end_ms: 1_763_510_400_000 };

fn plan(selectors: &[&str]) -> PlanSummary {
    PlanSummary {
        source_kind: "prometheus".to_owned(),
        source_host: "p:9090".to_owned(),
        source: "http://p:9090/api/v1/read".to_owned(),
        target_host: "t:9201".to_owned(),
        target: "http://t:9201/api/v1/write".to_owned(),
        tenant: "default".to_owned(),
        selectors: selectors.iter().map(|one| (*one).to_owned()).collect(),
        metadata_metrics: Vec::new(),
        exemplar_checks: Vec::new(),
        promql_checks: Vec::new(),
        batch: Batch::default(),
        compare: Compare::default(),
        options: Options::default(),
        defaults: Vec::new(),
    }
}

fn ledger(key: &str, selectors: &[&str], window: Window) -> LedgerSummary {
    LedgerSummary {
        key: key.to_owned(),
        source: "http://p:9090/api/v1/read".to_owned(),
        target: "http://t:9201/api/v1/write".to_owned(),
        tenant: "default".to_owned(),
        selectors: selectors.iter().map(|one| (*one).to_owned()).collect(),
        window,
        stage: Some(Stage::Backfill),
        slabs: 37,
        rows: 1_200_000,
        expected: 5_760_000,
        updated_ms: 0,
        finished: false,
    }
}

fn key(offer: Option<Offer>) -> String {
    offer.map(|offer| offer.ledger.key).unwrap_or_default()
}

#[test]
fn the_same_plan_comes_before_a_newer_one_that_is_only_near() {
    let other = Window { start_ms: 0, end_ms: 5 };
    let all = [ledger("moved", &["up"], other), ledger("same", &["up"], WINDOW)];
    let found = offer(&plan(&["up"]), Some(WINDOW), &all);
    assert!(found.as_ref().is_some_and(Offer::is_same));
    assert_eq!(key(found), "same");
}

#[test]
fn the_order_of_selectors_is_no_difference() {
    let all = [ledger("a", &["b", "a"], WINDOW)];
    assert!(offer(&plan(&["a", "b"]), Some(WINDOW), &all).is_some_and(|offer| offer.is_same()));
}

#[test]
fn what_differs_is_told() {
    let other = Window { start_ms: 1_763_424_000_000, end_ms: 1_763_427_600_000 };
    let found = offer(&plan(&["up"]), Some(WINDOW), &[ledger("a", &["up"], other)]);
    let found = found.expect("the servers are the same");
    assert!(found.moved && !found.is_same());
    assert_eq!(found.differs, ["its window is 2025-11-18 00:00 – 01:00 UTC"]);

    let found =
        offer(&plan(&["up", "new"]), Some(WINDOW), &[ledger("a", &["up", "o1", "o2", "o3", "o4"], WINDOW)]);
    let found = found.expect("the servers are the same");
    assert!(!found.moved);
    assert_eq!(
        found.differs,
        [
            "the plan has 1 selector that it has not: new",
            "it has 4 selectors that the plan has not: o1, o2, o3, and 1 more"
        ]
    );
}

#[test]
fn other_servers_and_ended_stages_are_no_offer() {
    let finished = LedgerSummary { finished: true, ..ledger("a", &["up"], WINDOW) };
    let other = LedgerSummary { tenant: "b".to_owned(), ..ledger("a", &["up"], WINDOW) };
    let target = LedgerSummary { target: "http://t:1/".to_owned(), ..ledger("a", &["up"], WINDOW) };
    let empty = LedgerSummary { stage: None, ..ledger("a", &["up"], WINDOW) };
    assert_eq!(offer(&plan(&["up"]), Some(WINDOW), &[finished, other, target, empty]), None);
}

#[test]
fn ledgers_say_what_they_are_in_their_first_line() {
    assert!(is_ledger("{\"format\":\"tsink-migrate-ledger\",\"version\":1}\n{\"x\":1}\n"));
    assert!(is_ledger("\u{FEFF}{ \"version\": 1, \"format\" : \"tsink-migrate-ledger\" }"));
    for other in [
        "",
        "{}",
        "{\"format\":\"other\"}",
        "{\"x\":{\"format\":\"tsink-migrate-ledger\"}}",
        "{\"x\":1}\n{\"format\":\"tsink-migrate-ledger\"}",
    ] {
        assert!(!is_ledger(other), "{other}");
    }
}

#[test]
fn words() {
    let one = ledger("a", &["up"], WINDOW);
    assert_eq!(done(&one), "37 slabs, 1.20 M of 5.76 M rows");
    assert_eq!(done(&LedgerSummary { expected: 0, slabs: 1, ..one.clone() }), "1 slab, 1.20 M rows");
    assert!((share(&one) - 0.2083).abs() < 0.001);
    assert_eq!(share(&LedgerSummary { finished: true, ..one.clone() }), 1.0);
    assert!(share(&LedgerSummary { rows: u64::MAX, ..one }) < 1.0);
    let ages =
        [(30_000, "just now"), (720_000, "12 min ago"), (7_200_000, "2 h ago"), (500_000_000, "5 days ago")];
    for (ms, words) in ages {
        assert_eq!(age(ms, 0), words);
    }
    assert_eq!(age(0, 9_999_999), "just now");
}
