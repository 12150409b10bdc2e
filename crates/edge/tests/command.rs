//! The command against a machine made of maps: what it prints where, what it reads, and its exit codes.

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, ready};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use tsink_migrate_edge::command;
use tsink_migrate_edge::host::{Host, PlanFile};
use tsink_migrate_engine::port::{
    Clock, FileError, NetworkCause, NoFiles, Ports, Request, Response, Transport, TransportError,
};

/// Files, variables, and everything that was written or asked for.
#[derive(Default)]
struct Machine {
    files: BTreeMap<String, Vec<u8>>,
    variables: BTreeMap<String, String>,
    read_only: bool,
    out: RefCell<String>,
    err: RefCell<String>,
    made: RefCell<Vec<String>>,
    written: RefCell<Vec<String>>,
}

impl Machine {
    fn with_plan(plan: impl Into<Vec<u8>>) -> Self {
        Self { files: BTreeMap::from([("plan.json".to_owned(), plan.into())]), ..Self::default() }
    }
}

impl Machine {
    fn plan_file(&self, file: &PlanFile) -> Result<Vec<u8>, FileError> {
        if file.path.starts_with("..") && !file.allow_outside {
            return Err(FileError::Outside { path: file.path.clone() });
        }
        self.files.get(&file.path).cloned().ok_or(FileError::NotFound { path: file.path.clone() })
    }
}

impl Host for Machine {
    fn read_file(&self, path: &str, limit: usize) -> LocalBoxFuture<'static, Result<Vec<u8>, String>> {
        let file = self.files.get(path).map(|bytes| bytes.iter().copied().take(limit).collect());
        Box::pin(ready(file.ok_or_else(|| "there is no such file or directory".to_owned())))
    }

    fn file_size(&self, file: &PlanFile) -> LocalBoxFuture<'static, Result<u64, FileError>> {
        let size = self.plan_file(file).map(|bytes| bytes.len() as u64);
        Box::pin(ready(size))
    }

    fn read_part(
        &self,
        file: &PlanFile,
        offset: u64,
        length: usize,
    ) -> LocalBoxFuture<'static, Result<Bytes, FileError>> {
        let part = self
            .plan_file(file)
            .map(|bytes| bytes.into_iter().skip(offset as usize).take(length).collect::<Vec<u8>>().into());
        Box::pin(ready(part))
    }

    fn make_dir(&self, path: &str) -> LocalBoxFuture<'static, Result<(), String>> {
        if self.read_only {
            return Box::pin(ready(Err("permission denied".to_owned())));
        }
        self.made.borrow_mut().push(path.to_owned());
        Box::pin(ready(Ok(())))
    }

    fn write_file(&self, dir: &str, name: &str, _text: &str) -> LocalBoxFuture<'static, Result<(), String>> {
        self.written.borrow_mut().push(format!("{dir}/{name}"));
        Box::pin(ready(Ok(())))
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn stdout(&self, text: &str) {
        self.out.borrow_mut().push_str(text);
    }

    fn stderr(&self, text: &str) {
        self.err.borrow_mut().push_str(text);
    }

    fn columns(&self) -> Option<usize> {
        None
    }

    fn on_interrupt(&self, _callback: Box<dyn Fn()>) {}
}

/// Nothing listens anywhere; counts who asked.
#[derive(Default)]
struct Deaf {
    asked: RefCell<Vec<String>>,
}

impl Transport for Deaf {
    fn send(&self, request: Request) -> LocalBoxFuture<'static, Result<Response, TransportError>> {
        self.asked.borrow_mut().push(request.url);
        let message = "connect ECONNREFUSED 127.0.0.1:9090".to_owned();
        Box::pin(ready(Err(TransportError::Network { message, code: Some("ECONNREFUSED".to_owned()) })))
    }

    fn diagnose(&self, _url: String, _failure: TransportError) -> LocalBoxFuture<'static, NetworkCause> {
        Box::pin(ready(NetworkCause::Refused))
    }
}

struct Still;

impl Clock for Still {
    fn now_ms(&self) -> i64 {
        1_763_424_000_000
    }

    fn monotonic_ms(&self) -> f64 {
        0.0
    }

    fn sleep(&self, _ms: u64) -> LocalBoxFuture<'static, ()> {
        Box::pin(ready(()))
    }
}

/// Exit code, stdout, stderr.
fn run(machine: &Rc<Machine>, line: &str) -> (i32, String, String) {
    let transport = Rc::new(Deaf::default());
    let ports =
        Ports { transport: transport.clone(), clock: Rc::new(Still), files: Rc::new(NoFiles), seed: 1 };
    let arguments = line.split_whitespace().map(str::to_owned).collect();
    let Some(code) = command::run(machine.clone(), ports, arguments).now_or_never() else {
        unreachable!("nothing here takes time")
    };
    (code, machine.out.take(), machine.err.take())
}

const PLAN: &str = r#"{
  "source": {
    "kind": "prometheus",
    "remote_read_url": "http://127.0.0.1:9090/api/v1/read",
    "headers": { "Authorization": "Bearer ${SOURCE_TOKEN}" }
  },
  "target": {
    "write_url": "http://127.0.0.1:9201/api/v1/write",
    "read_url": "http://127.0.0.1:9201/api/v1/read"
  },
  "selectors": ["up"]
}"#;

const LINE: &str = "backfill --config plan.json --start-ms 1d --end-ms now --artifact-dir out";

#[test]
fn help_goes_to_stdout_and_usage_errors_to_stderr() {
    let machine = Rc::new(Machine::default());
    let (code, out, err) = run(&machine, "--help");
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("cutover-check"), "{out}");
    let (code, out, err) = run(&machine, "verify");
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("--config"), "{err}");
}

#[test]
fn a_plan_that_cannot_be_read_is_named() {
    let (code, _, err) = run(&Rc::new(Machine::default()), LINE);
    assert_eq!(code, 1);
    assert_eq!(err, "error: the plan plan.json cannot be read: there is no such file or directory\n");

    let (code, _, err) = run(&Rc::new(Machine::with_plan(*b"{\"a\": \"\xff\"}")), LINE);
    assert_eq!(code, 1);
    assert_eq!(err, "error: the plan plan.json is not UTF-8 text (at byte 7)\n");

    let (code, _, err) = run(&Rc::new(Machine::with_plan("é".repeat(1024 * 1024))), LINE);
    assert_eq!(code, 1);
    assert_eq!(err, "error: the plan plan.json has more than 1 MiB; is it a plan?\n");
}

#[test]
fn every_mistake_in_a_plan_is_printed_at_once_and_nothing_is_sent() {
    let plan = PLAN.replace("\"read_url\"", "\"raed_url\"").replace("[\"up\"]", "[\"up{\"]");
    let machine = Rc::new(Machine::with_plan(plan));
    let (code, out, err) = run(&machine, &LINE.replace("--end-ms now", "--end-ms soon"));
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("plan.json:9:5: error: target.raed_url: unknown field raed_url."), "{err}");
    assert!(err.contains("plan.json:11:17: error: selectors[0]: "), "{err}");
    assert!(err.contains("error: --end-ms: "), "{err}");
    assert!(err.contains("not set or empty: SOURCE_TOKEN."), "{err}");
    assert!(err.ends_with("error: plan.json cannot run; nothing was sent\n"), "{err}");
    assert!(machine.made.take().is_empty());
}

#[test]
fn relative_urls_are_an_error_because_there_is_no_page() {
    let plan = PLAN.replace("http://127.0.0.1:9201/api/v1/write", "/api/v1/write");
    let (code, _, err) = run(&Rc::new(Machine::with_plan(plan)), LINE);
    assert_eq!(code, 1);
    assert!(err.contains("plan.json:8:18: error: target.write_url: "), "{err}");
}

#[test]
fn an_artifact_directory_that_cannot_be_made_stops_before_the_work() {
    let mut machine = Machine::with_plan(PLAN);
    machine.variables.insert("SOURCE_TOKEN".to_owned(), "hunter2".to_owned());
    machine.read_only = true;
    let (code, out, err) = run(&Rc::new(machine), LINE);
    assert_eq!((code, out.as_str()), (1, ""));
    assert_eq!(err, "error: the directory out cannot be made: permission denied\n");
}

#[test]
fn a_breakdown_writes_no_artifacts_and_shows_no_secret() {
    let mut machine = Machine::with_plan(PLAN);
    machine.variables.insert("SOURCE_TOKEN".to_owned(), "hunter2".to_owned());
    let machine = Rc::new(machine);
    let (code, out, err) = run(&machine, LINE);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("error: "), "{err}");
    assert!(!err.contains("hunter2"), "{err}");
    assert_eq!(machine.made.take(), ["out"]);
    assert!(machine.written.take().is_empty());
}

const RECORDED: &str = r#"{
  "source": { "kind": "influx_line_protocol", "capture_manifest_path": "MANIFEST" },
  "target": { "write_url": "http://127.0.0.1:9201/api/v1/write", "read_url": "http://127.0.0.1:9201/api/v1/read" },
  "selectors": ["cpu"]
}"#;

#[test]
fn a_recording_outside_of_the_plans_folder_needs_leave() {
    let mut machine = Machine::with_plan(RECORDED.replace("MANIFEST", "../c.json"));
    machine.files.insert("../c.json".to_owned(), b"[]".to_vec());
    let machine = Rc::new(machine);
    let (code, _, err) = run(&machine, LINE);
    assert_eq!(code, 1);
    assert!(
        err.contains("../c.json lies outside of the plan's folder") && err.contains("--allow-outside"),
        "{err}"
    );
    let (code, _, err) = run(&machine, &format!("{LINE} --allow-outside"));
    assert_eq!(code, 1);
    assert!(err.contains("ECONNREFUSED") || err.contains("127.0.0.1:9201"), "{err}");
    let gone = Machine::with_plan(RECORDED.replace("MANIFEST", "c.json"));
    let (_, _, err) = run(&Rc::new(gone), LINE);
    assert!(err.contains("c.json is not there"), "{err}");
}

#[test]
fn the_package_has_the_workspaces_version() {
    let package: serde_json::Value = serde_json::from_str(include_str!("../npm/package.json")).unwrap();
    assert_eq!(package["version"], env!("CARGO_PKG_VERSION"));
}
