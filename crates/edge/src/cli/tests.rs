use super::*;

fn line(text: &str) -> Result<Ask, Told> {
    parse(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
}

fn run(text: &str) -> Invocation {
    match line(text) {
        Ok(Ask::Run(invocation)) => invocation,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn the_specifications_lines_are_understood() {
    let found = line(
        "backfill --config plan.json --start-ms 1700000000000 --end-ms 1700086400000 --artifact-dir ./out",
    );
    let backfill = Invocation {
        command: Command::Backfill,
        config: "plan.json".to_owned(),
        start: "1700000000000".to_owned(),
        end: "1700086400000".to_owned(),
        artifact_dir: Some("./out".to_owned()),
        dry_run: false,
        allow_outside: false,
        ledger: None,
        fresh: false,
        given: None,
    };
    assert_eq!(found, Ok(Ask::Run(backfill)));
    assert!(run("verify --config p --start 1 --end 2 --allow-outside").allow_outside);
    let kept = run("verify --config p --start 1 --end 2 --ledger l.jsonl --fresh");
    assert_eq!((kept.ledger.as_deref(), kept.fresh), (Some("l.jsonl"), true));
    for (verb, stage) in [
        ("backfill", Stage::Backfill),
        ("verify", Stage::Verify),
        ("repair", Stage::Repair),
        ("cutover-check", Stage::Cutover),
    ] {
        let found = run(&format!("{verb} --config p --start 30d --end now-2h"));
        assert_eq!(found.stages(), [stage]);
        assert_eq!((found.start.as_str(), found.end.as_str()), ("30d", "now-2h"));
        let dry = run(&format!("{verb} --config=p --start-ms=-5 --end-ms 7 --dry-run"));
        assert_eq!(dry.stages(), [Stage::Preflight]);
        assert_eq!(dry.start, "-5");
    }
}

#[test]
fn earlier_reports_are_given_where_they_have_a_meaning() {
    assert_eq!(run("repair --config p --start 1 --end 2 --report r.json").given.as_deref(), Some("r.json"));
    let cutover = run("cutover-check --config p --start 1 --end 2 --backfill-report b.json");
    assert_eq!(cutover.given.as_deref(), Some("b.json"));
    assert!(!line("verify --config p --start 1 --end 2 --report r.json").unwrap_err().asked_for);
}

#[test]
fn the_other_verbs_have_options_of_their_own() {
    let report = line("report r.json --format html --redact-hosts --redact-label a --redact-label b");
    assert_eq!(
        report,
        Ok(Ask::Report(ReportAsk {
            file: "r.json".to_owned(),
            artifact_dir: None,
            format: Some(Format::Html),
            redact_hosts: true,
            redact_labels: vec!["a".to_owned(), "b".to_owned()],
        }))
    );
    let import =
        line("import a.json b.yml --scrape-interval 1m --var $job=a=b --var c= --start 1d --end now");
    assert_eq!(
        import,
        Ok(Ask::Import(ImportAsk {
            files: vec!["a.json".to_owned(), "b.yml".to_owned()],
            scrape_interval_ms: Some(60_000),
            variables: BTreeMap::from([
                ("job".to_owned(), "a=b".to_owned()),
                ("c".to_owned(), String::new())
            ]),
            window: Some(("1d".to_owned(), "now".to_owned())),
        }))
    );
    let Ok(Ask::Undo(undo)) = line("undo --config p --start 1 --end 2 --confirm yes") else { panic!() };
    assert_eq!(undo.confirm.as_deref(), Some("yes"));
    for (wrong, word) in [
        ("import", "FILE"),
        ("import a --var x", "NAME=VALUE"),
        ("import a --var a-b=c", "letters"),
        ("import a --scrape-interval soon", "duration"),
        ("import a --start 1d", "--end-ms"),
        ("report", "REPORT.JSON"),
        ("report r --format pdf", "md"),
        ("undo --config p --start 1", "--end-ms"),
    ] {
        let told = line(wrong).unwrap_err();
        assert!(!told.asked_for && told.text.contains(word), "{wrong}: {}", told.text);
    }
}

#[test]
fn help_and_version_are_answers_and_mistakes_are_not() {
    assert_eq!(
        line("--version"),
        Err(Told { text: format!("tsink-migrate {}\n", env!("CARGO_PKG_VERSION")), asked_for: true })
    );
    let help = line("verify --help").unwrap_err();
    assert!(help.asked_for && help.text.contains("--start-ms") && help.text.contains("now-2h"));
    assert!(!line("").unwrap_err().asked_for);
    let unknown = line("backfil --config p").unwrap_err();
    assert!(!unknown.asked_for && unknown.text.contains("'backfill'"), "{}", unknown.text);
    let missing = line("verify --config p --end 5").unwrap_err();
    assert!(missing.text.contains("--start-ms"), "{}", missing.text);
}

#[test]
fn definitions_hold() {
    use clap::CommandFactory;
    Line::command().debug_assert();
}
