//! The command against a machine made of maps: what it prints where, what it reads, and its exit codes.

#[path = "support/machine.rs"]
mod machine;

use machine::{Machine, PLAN, run};
use std::rc::Rc;

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
    assert_eq!(err, "error: the plan plan.json has more than 1 MiB; is it the right file?\n");
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

#[test]
fn a_header_value_may_be_in_a_file() {
    let mut machine = Machine::with_plan(PLAN);
    machine.variables.insert("SOURCE_TOKEN_FILE".to_owned(), "/run/secrets/token".to_owned());
    machine.files.insert("/run/secrets/token".to_owned(), b"hunter2\n".to_vec());
    let (code, _, err) = run(&Rc::new(machine), LINE);
    assert_eq!(code, 1);
    assert!(err.contains("nothing listens"), "it got as far as the servers: {err}");

    let told = |set: &[(&str, &str)], file: Option<&[u8]>| {
        let mut machine = Machine::with_plan(PLAN);
        for (name, value) in set {
            machine.variables.insert((*name).to_owned(), (*value).to_owned());
        }
        machine.files.extend(file.map(|bytes| ("token".to_owned(), bytes.to_vec())));
        let (code, out, err) = run(&Rc::new(machine), LINE);
        assert_eq!((code, out.as_str()), (1, ""));
        assert!(!err.contains("hunter2"), "{err}");
        err
    };
    let in_file = ("SOURCE_TOKEN_FILE", "token");
    assert_eq!(
        told(&[in_file], None),
        "error: SOURCE_TOKEN_FILE names token, which cannot be read: there is no such file or directory\n"
    );
    assert_eq!(
        told(&[in_file], Some(b"hunter2\xff")),
        "error: SOURCE_TOKEN_FILE names token, which is not UTF-8 text\n"
    );
    assert!(told(&[in_file], Some(&[b'x'; 70_000])).contains("more than 64 KiB"));
    assert!(told(&[in_file], Some(b"\n")).contains("not set or empty: SOURCE_TOKEN"));
    let both = told(&[in_file, ("SOURCE_TOKEN", "hunter2")], Some(b"hunter2"));
    assert!(both.contains("both SOURCE_TOKEN and SOURCE_TOKEN_FILE are set"), "{both}");
    // A second line would be another header.
    assert!(told(&[in_file], Some(b"one\nhunter2")).contains("line break"));
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
