//! Messages survive the way through JavaScript values.
#![cfg(target_arch = "wasm32")]
// Clippy's allowances for tests know `#[test]` only.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use js_sys::Uint8Array;
use serde::Serialize;
use std::collections::BTreeMap;
use tsink_migrate_engine::import::{Import, ImportKind, ImportedQuery};
use tsink_migrate_engine::model::Window;
use tsink_migrate_engine::plan::PlanCheck;
use tsink_migrate_engine::port::NetworkCause;
use tsink_migrate_engine::report::{Balance, BalanceLine, RawCheckReport};
use tsink_migrate_engine::run::{Event, NoticeLevel, Progress, SlabState, Stage, Undone};
use tsink_migrate_engine::{Error, ErrorKind, Feature, Side};
use tsink_migrate_host::parcels::Parcel;
use tsink_migrate_host::protocol::{FromEngine, Print, ToEngine, from_js, to_js};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

/// As `postMessage` copies it.
fn cloned(value: &JsValue) -> JsValue {
    let clone: js_sys::Function =
        js_sys::Reflect::get(&js_sys::global(), &"structuredClone".into()).unwrap().unchecked_into();
    clone.call1(&JsValue::UNDEFINED, value).unwrap()
}

/// Compares by the JSON form: not every document has equality.
fn same<T: Serialize>(one: &T, other: &T) {
    assert_eq!(serde_json::to_value(one).unwrap(), serde_json::to_value(other).unwrap());
}

/// Page → engine, there and back.
fn arrives(message: &ToEngine) {
    same(&from_js::<ToEngine>(&cloned(&to_js(message).unwrap())).unwrap(), message);
}

/// Engine → page, there and back.
fn survives(message: &FromEngine) {
    same(&from_js(&cloned(&to_js(message).unwrap())).unwrap(), message);
}

fn events(at_ms: i64, rows: u64) -> FromEngine {
    let progress = Progress {
        stage: Stage::Verify,
        done: rows,
        total: 10,
        unit: "samples".to_owned(),
        fraction: 1.0,
        rate: 0.5,
        eta_ms: None,
        elapsed_ms: 1,
        read: rows,
        written: 0,
        in_flight: 2,
        waiting: Some("the target is busy".to_owned()),
    };
    let rejected = BTreeMap::from([("retention".to_owned(), rows)]);
    let samples = BalanceLine { read: rows, rejected, ..BalanceLine::default() };
    let window = Window { start_ms: at_ms, end_ms: at_ms };
    FromEngine::Events {
        events: vec![
            Event::StageStarted { stage: Stage::Preflight },
            Event::Progress { progress },
            Event::Slabs {
                stage: Stage::Backfill,
                selectors: vec!["up".to_owned()],
                slabs: vec![vec![window]],
            },
            Event::Slab { stage: Stage::Backfill, selector: 0, slab: 3, state: SlabState::InFlight, rows },
            Event::Balance { balance: Balance { samples, ..Balance::default() } },
            Event::RawCheck { check: RawCheckReport { selector: "up".to_owned(), ..Default::default() } },
            Event::Notice {
                at_ms,
                level: NoticeLevel::Warn,
                tag: "429".to_owned(),
                message: "größe\u{0}\u{1F600}".to_owned(),
            },
        ],
    }
}

#[wasm_bindgen_test]
fn what_the_engine_says_survives() {
    survives(&events(1_763_424_000_000, 5_760_000));
    survives(&events(-1, 0));
    survives(&FromEngine::Ready { build: "4f0c".to_owned() });
    survives(&FromEngine::Finished { ok: true });
    survives(&FromEngine::Artifacts { stage: Stage::Cutover, print: Print::of("{}") });
    survives(&FromEngine::Findings { parcel: Parcel { list: 7, findings: Vec::new() } });
    survives(&FromEngine::Rendered {
        id: 3,
        rendered: Err(Error::new(ErrorKind::Input, "this is no report")),
    });
    survives(&FromEngine::Undone { undone: Ok(Undone { rows_left: u64::MAX, ..Undone::default() }) });
    let query = ImportedQuery {
        query: "up".to_owned(),
        step: "30s".to_owned(),
        written: "up{job=\"$job\"}".to_owned(),
        origins: vec!["panel".to_owned()],
        notes: Vec::new(),
    };
    let import = Import {
        kind: ImportKind::GrafanaDashboard,
        title: "größe".to_owned(),
        queries: vec![query],
        variables: Vec::new(),
        skipped: Vec::new(),
    };
    survives(&FromEngine::Imported { id: 4, import: Ok(import) });
    let window = Window { start_ms: -5, end_ms: 1_763_424_000_000 };
    survives(&FromEngine::Checked {
        id: u32::MAX,
        check: Box::new(PlanCheck { window: Some(window), ..PlanCheck::default() }),
    });
    for kind in [
        ErrorKind::Network(NetworkCause::NoCors),
        ErrorKind::FeatureDisabled(Feature::Exemplars),
        ErrorKind::Timeout,
    ] {
        let error = Error::new(kind, "it failed").side(Side::Target).at("up", window);
        survives(&FromEngine::Failed { error });
    }
}

#[wasm_bindgen_test]
fn numbers_beyond_those_of_javascript_survive() {
    survives(&events(i64::MIN, u64::MAX));
    survives(&events(i64::MAX, (1 << 53) + 1));
}

#[wasm_bindgen_test]
fn what_the_page_asks_survives_and_hides_its_secrets() {
    let secrets = BTreeMap::from([("TOKEN".to_owned(), "hunter2".to_owned())]);
    let (text, base) = ("{}".to_owned(), "https://ops.example.org/x".to_owned());
    let (start, end) = ("30d".to_owned(), "now".to_owned());
    let stages = vec![Stage::Preflight, Stage::Backfill, Stage::Verify, Stage::Cutover];
    let ask = ToEngine::Start { text, base, secrets, start, end, stages, given: Vec::new(), fresh: false };
    arrives(&ask);
    assert!(!format!("{ask:?}").contains("hunter2"));
    for message in [ToEngine::Pause, ToEngine::Resume, ToEngine::Cancel] {
        arrives(&message);
    }
}

#[wasm_bindgen_test]
fn a_message_of_another_build_is_refused() {
    let bytes = |bytes: &[u8]| JsValue::from(Uint8Array::from(bytes));
    for other in [JsValue::NULL, "{}".into(), js_sys::Object::new().into(), bytes(&[]), bytes(&[99; 9])] {
        assert!(from_js::<FromEngine>(&other).is_err());
        assert!(from_js::<ToEngine>(&other).is_err());
    }
}
