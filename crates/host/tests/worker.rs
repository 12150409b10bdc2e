//! The worker's message loop, in a global scope that looks like a dedicated worker's.
#![cfg(target_arch = "wasm32")]
// Clippy's allowances for tests know `#[test]` only.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use js_sys::{Array, Function, Object, Reflect};
use std::collections::BTreeMap;
use tsink_migrate_engine::plan::{Redaction, SourceKind};
use tsink_migrate_engine::port::Clock;
use tsink_migrate_engine::run::{Event, Stage};
use tsink_migrate_engine::{Error, ErrorKind};
use tsink_migrate_host::protocol::{FromEngine, Print, ToEngine, from_js, to_js};
use tsink_migrate_host::{HostClock, worker};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

/// The page's side.
struct Page {
    posted: Array,
}

impl Page {
    /// Starts a worker whose messages are kept.
    fn start() -> Self {
        let scope = Function::new_no_args(
            "globalThis.DedicatedWorkerGlobalScope = class { static [Symbol.hasInstance]() { return true; } };
             const posted = [];
             globalThis.postMessage = (message, transfer) => void posted.push(structuredClone(message, { transfer }));
             return posted;",
        );
        let posted = scope.call0(&JsValue::UNDEFINED).unwrap().unchecked_into();
        // The worker's own hook would hide what a failing test says.
        let hook = std::panic::take_hook();
        worker::run("this build");
        std::panic::set_hook(hook);
        Self { posted }
    }

    fn tell(&self, message: &ToEngine) {
        self.post(to_js(message).unwrap().into());
    }

    fn post(&self, data: JsValue) {
        let event = Object::new();
        Reflect::set(&event, &"data".into(), &data).unwrap();
        let listener: Function =
            Reflect::get(&js_sys::global(), &"onmessage".into()).unwrap().unchecked_into();
        listener.call1(&JsValue::UNDEFINED, &event).unwrap();
    }

    fn heard(&self) -> Vec<FromEngine> {
        // A message that brings files is the first of an array.
        let first = |message: JsValue| message.dyn_ref::<Array>().map_or(message.clone(), |all| all.get(0));
        self.posted.iter().map(|message| from_js(&first(message)).unwrap()).collect()
    }

    /// Everything heard from now on to the end of a job.
    async fn until_next_end(&self) -> Vec<FromEngine> {
        self.posted.set_length(0);
        self.until_end().await
    }

    /// Everything heard up to the end of a job.
    async fn until_end(&self) -> Vec<FromEngine> {
        for _ in 0..1000 {
            let heard = self.heard();
            if matches!(heard.last(), Some(FromEngine::Finished { .. } | FromEngine::Failed { .. })) {
                return heard;
            }
            HostClock.sleep(10).await;
        }
        panic!("no end; last: {:?}", self.heard().last());
    }
}

/// Nothing listens on port 2 of this machine (and `fetch` does not refuse it, as it does port 9).
const PLAN: &str = r#"{
  "source": { "kind": "prometheus", "remote_read_url": "read" },
  "target": { "write_url": "write", "read_url": "/t/read", "headers": { "Authorization": "${TOKEN}" } },
  "selectors": ["up"]
}"#;

fn start(stages: Vec<Stage>, token: &str) -> ToEngine {
    ToEngine::Start {
        text: PLAN.to_owned(),
        base: "http://127.0.0.1:2/page/".to_owned(),
        secrets: BTreeMap::from([("TOKEN".to_owned(), token.to_owned())]),
        start: "2025-11-18".to_owned(),
        end: "2025-11-19".to_owned(),
        stages,
        given: Vec::new(),
        fresh: false,
    }
}

fn check(id: u32) -> ToEngine {
    let ToEngine::Start { text, base, secrets, start, end, .. } = start(vec![], "") else { unreachable!() };
    ToEngine::Check { id, text, base, secrets, start, end }
}

fn failure(message: &FromEngine) -> &Error {
    match message {
        FromEngine::Failed { error } => error,
        other => panic!("{other:?}"),
    }
}

#[wasm_bindgen_test]
async fn plans_are_checked_also_while_a_run_goes_on() {
    let page = Page::start();
    assert!(matches!(&page.heard()[..], [FromEngine::Ready { build }] if build == "this build"));

    page.tell(&check(7));
    let Some(FromEngine::Checked { id: 7, check: found }) = page.heard().pop() else { panic!() };
    assert_eq!((found.missing_secrets.as_slice(), found.diagnostics.len()), (&["TOKEN".to_owned()][..], 0));
    assert_eq!(found.summary.map(|summary| summary.source_host).as_deref(), Some("127.0.0.1:2"));

    page.tell(&start(vec![Stage::Preflight], "hunter2"));
    page.tell(&check(8));
    assert!(matches!(page.heard().last(), Some(FromEngine::Checked { id: 8, .. })));
    page.tell(&start(vec![Stage::Preflight], "hunter2"));
    assert_eq!(failure(page.heard().last().unwrap()).message, "a run is under way");

    // The first run is not disturbed by that.
    let heard = page.until_next_end().await;
    assert!(matches!(heard.last(), Some(FromEngine::Finished { ok: false })), "{heard:?}");
}

#[wasm_bindgen_test]
async fn a_report_comes_with_its_artifacts_before_the_end() {
    let page = Page::start();
    page.tell(&start(vec![Stage::Preflight], "hunter2"));
    let heard = page.until_end().await;
    assert!(matches!(heard.last(), Some(FromEngine::Finished { ok: false })), "{heard:?}");

    let artifacts = heard.iter().position(|message| matches!(message, FromEngine::Artifacts { .. })).unwrap();
    let FromEngine::Artifacts { stage, print } = &heard[artifacts] else { unreachable!() };
    assert_eq!(*stage, Stage::Preflight);
    let files: Array = page.posted.get(artifacts as u32).unchecked_into();
    assert_eq!(files.length(), 4);
    for at in [1, 2, 3] {
        let file: web_sys::Blob = files.get(at).unchecked_into();
        let text = wasm_bindgen_futures::JsFuture::from(file.text()).await.unwrap().as_string().unwrap();
        assert!(text.contains("127.0.0.1:2") && !text.contains("hunter2"));
        assert_eq!(Print::of(&text) == *print, at == 1);
    }
    let reported = heard.iter().position(|message| {
        let FromEngine::Events { events } = message else { return false };
        events.iter().any(|event| matches!(event, Event::Report { .. }))
    });
    assert!(reported.unwrap() < artifacts);
    assert!(!format!("{heard:?}").contains("hunter2"));
}

#[wasm_bindgen_test]
async fn what_breaks_down_is_told_and_the_next_run_may_start() {
    let page = Page::start();
    page.tell(&start(vec![Stage::Backfill], ""));
    assert_eq!(failure(page.heard().last().unwrap()).message, "header values are missing: TOKEN");

    page.tell(&start(vec![Stage::Backfill], "hunter2"));
    page.tell(&ToEngine::Pause);
    page.tell(&ToEngine::Resume);
    let heard = page.until_next_end().await;
    assert!(matches!(failure(heard.last().unwrap()).kind, ErrorKind::Network(_)), "{heard:?}");

    page.tell(&start(vec![Stage::Verify], "hunter2"));
    page.tell(&ToEngine::Cancel);
    let heard = page.until_next_end().await;
    assert_eq!(failure(heard.last().unwrap()).kind, ErrorKind::Cancelled, "{heard:?}");
}

#[wasm_bindgen_test]
fn a_page_of_another_build_is_told_so() {
    let page = Page::start();
    page.post(JsValue::from_str("hello"));
    assert!(failure(page.heard().last().unwrap()).remedy.contains("reload the page"));
}

#[wasm_bindgen_test]
async fn a_report_comes_as_a_file_and_is_read_in_the_worker() {
    let page = Page::start();
    page.tell(&start(vec![Stage::Preflight], "hunter2"));
    let heard = page.until_end().await;
    let at = heard.iter().position(|message| matches!(message, FromEngine::Artifacts { .. })).unwrap();
    let FromEngine::Artifacts { print, .. } = heard[at] else { unreachable!() };
    let report = page.posted.get(at as u32).unchecked_into::<Array>().get(1);

    page.posted.set_length(0);
    let ask = |id, file: JsValue| {
        let question = to_js(&ToEngine::Render { id, redaction: Redaction::default() }).unwrap();
        page.post(Array::of2(&question.into(), &file).into());
    };
    ask(1, report);
    ask(2, file("x.json", "{}"));
    ask(3, JsValue::UNDEFINED);
    let new = Function::new_no_args("return new Blob([new Uint8Array([123, 255])]);");
    ask(4, new.call0(&JsValue::UNDEFINED).unwrap());
    for _ in 0..1000 {
        if page.posted.length() == 4 {
            break;
        }
        HostClock.sleep(10).await;
    }
    let mut said = BTreeMap::new();
    for message in page.heard() {
        let FromEngine::Rendered { id, rendered } = message else { panic!("{message:?}") };
        said.insert(id, rendered.map(|one| one.print).map_err(|error| error.message));
    }
    // The same, byte for byte.
    assert_eq!(said.remove(&1).unwrap(), Ok(print));
    for (id, words) in [(2, "no report"), (3, "cannot be read"), (4, "no text in UTF-8, from its byte 1 on")]
    {
        let why = said.remove(&id).unwrap().unwrap_err();
        assert!(why.contains(words), "{why}");
    }
}

/// A `File` of the page.
fn file(name: &str, text: &str) -> JsValue {
    let new = Function::new_with_args("name, text", "return new File([text], name);");
    new.call2(&JsValue::UNDEFINED, &name.into(), &text.into()).unwrap()
}

#[wasm_bindgen_test]
async fn a_recording_of_dropped_files_is_previewed() {
    let page = Page::start();
    let manifest = r#"[{ "path": "payloads/a.lp", "received_at_ms": 1700000000000 }, { "body": "mem value=2", "received_at_ms": 1700000000000 },
        { "path": "payloads/gone.lp", "received_at_ms": 1700000000000 }]"#;
    let paths = vec!["job/capture.json".to_owned(), "job/payloads/a.lp".to_owned()];
    let files = Array::of3(
        &to_js(&ToEngine::Files { paths, folders: vec!["job".to_owned()] }).unwrap().into(),
        &file("capture.json", manifest),
        &file("a.lp", &"cpu,host=a value=1\n".repeat(100_000)),
    );
    page.post(files.into());
    let question = |id| ToEngine::Preview {
        id,
        kind: SourceKind::InfluxLineProtocol,
        manifest: "capture.json".to_owned(),
        tenant: "default".to_owned(),
    };
    // The first question is no longer asked when the second comes.
    page.tell(&question(1));
    page.tell(&question(2));
    for _ in 0..1000 {
        let heard = page.heard();
        if let Some(FromEngine::Previewed { id, recording, error }) = heard.last() {
            assert_eq!((*id, error), (2, &None));
            let recording = recording.as_ref().unwrap();
            assert_eq!((recording.entries, recording.samples, recording.series), (3, 100_001, 2));
            assert_eq!(recording.bad[0].problem, "payloads/gone.lp is not there");
            assert!(heard.iter().any(|message| matches!(message, FromEngine::Scanned { id: 2, .. })));
            return;
        }
        HostClock.sleep(10).await;
    }
    panic!("no answer; last: {:?}", page.heard().last());
}
