//! A machine made of maps, on which nothing listens anywhere.
#![allow(dead_code)] // Each test file uses a part of it.

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, ready};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use tsink_migrate_edge::command;
use tsink_migrate_edge::host::{Host, PlanFile};
use tsink_migrate_engine::port::{
    Clock, FileError, NetworkCause, NoFiles, NoStore, Ports, Request, Response, StoreError, Transport,
    TransportError,
};

/// Files, variables, and everything that was written or asked for.
#[derive(Default)]
pub struct Machine {
    pub files: BTreeMap<String, Vec<u8>>,
    pub variables: BTreeMap<String, String>,
    pub read_only: bool,
    pub locked: bool,
    /// What is typed at the terminal, the first answer last.
    pub answers: RefCell<Vec<String>>,
    out: RefCell<String>,
    err: RefCell<String>,
    pub made: RefCell<Vec<String>>,
    pub written: RefCell<Vec<String>>,
    pub texts: RefCell<BTreeMap<String, String>>,
}

impl Machine {
    pub fn with_plan(plan: impl Into<Vec<u8>>) -> Self {
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

    fn write_file(&self, dir: &str, name: &str, text: &str) -> LocalBoxFuture<'static, Result<(), String>> {
        self.written.borrow_mut().push(format!("{dir}/{name}"));
        self.texts.borrow_mut().insert(format!("{dir}/{name}"), text.to_owned());
        Box::pin(ready(Ok(())))
    }

    fn ledger_lock(&self, path: &str) -> LocalBoxFuture<'static, Result<(), StoreError>> {
        let busy = self.locked.then(|| StoreError::Busy { message: format!("process 4711 has {path}") });
        Box::pin(ready(busy.map_or(Ok(()), Err)))
    }

    fn ledger_read(&self, path: &str) -> LocalBoxFuture<'static, Result<Option<String>, StoreError>> {
        Box::pin(ready(Ok(self.texts.borrow().get(path).cloned())))
    }

    fn ledger_append(&self, path: &str, text: &str) -> LocalBoxFuture<'static, Result<(), StoreError>> {
        self.texts.borrow_mut().entry(path.to_owned()).or_default().push_str(text);
        Box::pin(ready(Ok(())))
    }

    fn ledger_replace(&self, path: &str, text: &str) -> LocalBoxFuture<'static, Result<(), StoreError>> {
        self.texts.borrow_mut().insert(path.to_owned(), text.to_owned());
        Box::pin(ready(Ok(())))
    }

    fn ledger_move(&self, from: &str, to: &str) -> LocalBoxFuture<'static, Result<(), StoreError>> {
        let mut texts = self.texts.borrow_mut();
        if let Some(text) = texts.remove(from) {
            texts.insert(to.to_owned(), text);
        }
        Box::pin(ready(Ok(())))
    }

    fn ledger_remove(&self, path: &str) -> LocalBoxFuture<'static, Result<(), StoreError>> {
        self.texts.borrow_mut().remove(path);
        Box::pin(ready(Ok(())))
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn ask_secret(&self, prompt: &str) -> LocalBoxFuture<'static, Option<String>> {
        self.err.borrow_mut().push_str(prompt);
        Box::pin(ready(self.answers.borrow_mut().pop()))
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
pub fn run(machine: &Rc<Machine>, line: &str) -> (i32, String, String) {
    let (code, out, err, _) = run_words(machine, &line.split_whitespace().collect::<Vec<_>>());
    (code, out, err)
}

/// Exit code, stdout, stderr, URLs that were asked.
pub fn run_words(machine: &Rc<Machine>, words: &[&str]) -> (i32, String, String, Vec<String>) {
    let transport = Rc::new(Deaf::default());
    let ports = Ports {
        transport: transport.clone(),
        clock: Rc::new(Still),
        files: Rc::new(NoFiles),
        store: Rc::new(NoStore),
        seed: 1,
    };
    let arguments = words.iter().map(|word| (*word).to_owned()).collect();
    let Some(code) = command::run(machine.clone(), ports, arguments).now_or_never() else {
        unreachable!("nothing here takes time")
    };
    (code, machine.out.take(), machine.err.take(), transport.asked.take())
}

pub const PLAN: &str = r#"{
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
