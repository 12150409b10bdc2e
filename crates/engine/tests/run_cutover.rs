//! The cutover check and the way back, on servers in memory that answer a little PromQL.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use support::promql::{params, promql};
use support::{START, World, block_on, plan, plan_text, ports, run, run_given, steady};
use tsink_migrate_engine::model::{Series, Window};
use tsink_migrate_engine::port::{Request, Secret};
use tsink_migrate_engine::report::{
    BackfillReport, CheckItem, CutoverReport, Level, PromqlCheckReport, Report, Status,
};
use tsink_migrate_engine::run::{Given, Stage, Undone, undo};
use tsink_migrate_engine::{ErrorKind, Side};

const HOUR: i64 = 3_600_000;
/// What the servers hold; checks look at its second hour, so that ranges never reach back beyond it.
const HELD: Window = Window { start_ms: START, end_ms: START + 2 * HOUR };
const WINDOW: Window = Window { start_ms: START + HOUR, end_ms: START + 2 * HOUR };
const NOW: i64 = WINDOW.end_ms + 60_000;

/// A world that holds the same on both sides and answers queries.
fn world() -> World {
    world_of(steady("m", 2, HELD, 15_000))
}

fn world_of(source: Vec<Series>) -> World {
    let world = World::new(NOW, source);
    let expected = world.expected();
    world.damage(|target| *target = expected);
    world.answers(promql);
    world
}

fn checks(queries: &[&str], more: &str) -> String {
    let checks: Vec<_> =
        queries.iter().map(|query| serde_json::json!({ "query": query, "step": "60s" })).collect();
    plan_text(&["m"], &format!(r#","promql_checks":{}{more}"#, serde_json::to_string(&checks).unwrap()))
}

fn cutover(world: &World, text: &str) -> CutoverReport {
    given(world, text, Given::default())
}

fn given(world: &World, text: &str, given: Given) -> CutoverReport {
    let outcome = run_given(world, plan(text), WINDOW, &[Stage::Cutover], given, |_, _| {});
    match outcome.report() {
        Report::Cutover(report) => report.clone(),
        other => panic!("{other:?}"),
    }
}

fn item<'a>(report: &'a CutoverReport, code: &str) -> &'a CheckItem {
    report.checklist.iter().find(|item| item.code == code).unwrap_or_else(|| panic!("no {code}"))
}

fn explained(check: &PromqlCheckReport) -> Option<(&str, bool)> {
    check.explanation.as_ref().map(|why| (why.code.as_str(), why.whole))
}

#[test]
fn known_causes_are_established_and_shown() {
    let world = world();
    let queries =
        ["sum(count_over_time(m[5m]))", "sum(increase(m[5m]))", "count_over_time(m[5m])", "increase(m[7m])"];
    let report = cutover(&world, &checks(&queries, ""));
    let [count, sum, named, both] = report.promql_checks.as_slice() else { panic!() };
    for (check, code) in [
        (count, "closed_range_windows"),
        (sum, "closed_range_windows"),
        (named, "closed_range_windows+metric_name_kept"),
        (both, "closed_range_windows+metric_name_kept"),
    ] {
        assert_eq!(explained(check), Some((code, true)), "{check:#?}");
        let why = check.explanation.as_ref().unwrap();
        assert_eq!(why.points, check.differing_points);
        assert!(why.established.contains("ms]"), "{}", why.established);
        assert!(!check.accepted && check.differences.iter().all(|one| one.explained));
    }
    assert_eq!((count.points, count.differing_points), (61, 61));
    let one = &count.differences[0];
    assert_eq!((one.max_absolute_delta, one.source_value.as_deref()), (Some(2.0), Some("42")));
    let excerpt = one.excerpt.as_ref().unwrap();
    assert_eq!((excerpt.source.len(), excerpt.target.len(), excerpt.differing_ms.len()), (24, 24, 24));
    assert_eq!((excerpt.source[0].at_ms, excerpt.target[0].value.as_str()), (WINDOW.start_ms, "40"));
    assert_eq!((report.status, report.issues.len()), (Status::Fail, 4));
    assert!(report.issues.iter().all(|issue| issue.contains("all are explained")), "{:?}", report.issues);

    // Accepted, they pass, and stay shown.
    let report = cutover(&world, &checks(&queries, r#","options":{"accept_explained":true}"#));
    assert_eq!(report.status, Status::Pass, "{:?}", report.issues);
    assert!(report.promql_checks.iter().all(|check| check.accepted && !check.matched));
    assert_eq!(report.notes.iter().filter(|note| note.starts_with("accepted:")).count(), 4);
    assert_eq!(item(&report, "parity").level, Level::Warn);
}

#[test]
fn nothing_is_asked_again_where_nothing_differs() {
    let world = world();
    // Ranges that no sample's age meets: a second between two scrapes.
    let report = cutover(&world, &checks(&["sum(count_over_time(m[4999ms]))"], ""));
    assert!(report.promql_checks[0].matched, "{:?}", report.promql_checks[0]);
    let asked =
        world.log().iter().filter(|line| line.contains("Source") && line.ends_with("query_range")).count();
    assert_eq!(asked, 2, "the query in two parts");
    assert_eq!((report.status, item(&report, "parity").level), (Status::Pass, Level::Ok));
}

#[test]
fn damage_is_never_explained_away() {
    let accept = r#","options":{"accept_explained":true}"#;
    let at = WINDOW.start_ms + 20 * 60_000;
    type Damage = fn(&mut BTreeMap<i64, u64>, i64);
    let damages: [(&str, Damage); 4] = [
        ("a value", |rows, at| {
            rows.insert(at, 5e9f64.to_bits());
        }),
        ("a sample lost", |rows, at| {
            rows.remove(&at);
        }),
        // As many samples as a closed window has: the first comparison finds them equal.
        ("a sample more", |rows, at| {
            rows.insert(at + 7_000, 1f64.to_bits());
        }),
        ("a sample late", |rows, at| {
            let bits = rows.remove(&at).unwrap();
            rows.insert(at + 1, bits);
        }),
    ];
    for (what, damage) in damages {
        for query in ["sum(increase(m[5m]))", "increase(m[5m])", "sum(count_over_time(m[5m]))"] {
            // No straight lines: a lost sample would be none to an increase.
            let mut source = steady("m", 2, HELD, 15_000);
            for one in &mut source {
                for (n, sample) in one.samples.iter_mut().enumerate() {
                    sample.value = (n * n) as f64;
                }
            }
            let world = world_of(source);
            world.damage(|target| damage(target.values_mut().next().unwrap(), at));
            let report = cutover(&world, &checks(&[query], accept));
            let check = &report.promql_checks[0];
            assert_eq!(report.status, Status::Fail, "{what}, {query}");
            if what == "a value" && query.contains("count")
                || what == "a sample late" && query.contains("count")
            {
                // Counting does not see it; verification does.
                assert_eq!(report.raw_verify.status, Status::Fail);
                continue;
            }
            assert!(!check.accepted, "{what}, {query}: {check:#?}");
            let why = check.explanation.as_ref().expect(what);
            assert!(!why.whole && why.points > 0, "{what}, {query}: {why:?}");
        }
    }
    // A whole series under another name is no name that was kept.
    let world = world();
    world.damage(|target| {
        let rows = target.pop_first().unwrap().1;
        let labels = tsink_migrate_engine::model::Labels::from_pairs([("__name__", "other"), ("i", "7")]);
        target.insert(labels, rows);
    });
    let report = cutover(&world, &checks(&["count_over_time(m[5m])"], accept));
    assert!(!report.promql_checks[0].accepted);
    assert!(!report.promql_checks[0].explanation.as_ref().unwrap().whole);
    assert!(
        report.promql_checks[0].cause.starts_with("What is not explained"),
        "{}",
        report.promql_checks[0].cause
    );
    // A source whose windows are like tsink's: the guess at them is taken back.
    let world = world_of(steady("m", 2, HELD, 15_000));
    world.damage(|target| {
        target.values_mut().next().unwrap().insert(at + 7_000, 1f64.to_bits());
    });
    world.answers(|world, request| {
        let open = Request { side: Side::Target, ..request.clone() };
        if request.side == Side::Target {
            return promql(world, request);
        }
        let stored = world.target();
        world.damage(|target| *target = world.expected());
        let answer = promql(world, &open);
        world.damage(|target| *target = stored);
        answer
    });
    let check = cutover(&world, &checks(&["sum(count_over_time(m[5m]))"], accept)).promql_checks.remove(0);
    assert!(!check.accepted && check.explanation.is_none(), "{check:#?}");
    assert_eq!(check.differing_points, 5);
    assert!(check.cause.starts_with("It is not the edges"), "{}", check.cause);
}

#[test]
fn a_query_that_a_side_refuses_fails_alone() {
    let world = world();
    let report = cutover(&world, &checks(&["sum(deriv(m[5m]))", "sum(count_over_time(m[4999ms]))"], ""));
    let [refused, good] = report.promql_checks.as_slice() else { panic!() };
    assert!(good.matched && !refused.matched);
    assert_eq!(refused.issues.len(), 2);
    assert!(refused.issues[0].starts_with("the source does not answer"), "{:?}", refused.issues);
    assert!(refused.issues.iter().all(|issue| issue.contains("unknown function")));
    assert_eq!(report.status, Status::Fail);
    // A source that does not take the shorter question leaves the difference unexplained.
    world.answers(|world, request| match params(request).get("query") {
        Some(query) if query.contains("ms]") => Some((422, b"no".to_vec())),
        _ => promql(world, request),
    });
    let report = cutover(&world, &checks(&["sum(count_over_time(m[5m]))"], ""));
    assert!(report.promql_checks[0].explanation.is_none() && report.promql_checks[0].differing_points == 61);
}

#[test]
fn probes_quote_the_server() {
    let world = world();
    let exemplars = r#","metadata_metrics":["m"]"#;
    let report = cutover(&world, &checks(&[], exemplars));
    let words = |feature: &str| {
        let row = report.probes.iter().find(|row| row.feature == feature).unwrap();
        (row.level, row.server_words.clone(), row.needed_for.clone())
    };
    let on = (Level::Ok, r#"{"enabled":true}"#.to_owned(), "metadata of 1 metric".to_owned());
    assert_eq!(words("metadata"), on);
    assert_eq!(words("otlp:gauge").1, r#"{"supportedShapes":["gauge"]}"#);
    assert_eq!(words("statsd").0, Level::Info);
    let names: Vec<&str> = report.probes.iter().map(|row| row.feature.as_str()).collect();
    let all = [
        "metadata",
        "exemplars",
        "histograms",
        "otlp",
        "otlp:gauge",
        "influx_line_protocol",
        "statsd",
        "graphite",
    ];
    assert_eq!(names, all);

    // A status that cannot be read is a failed row and an issue, and the rest goes on.
    world.answers(|world, request| match request.url.contains("/status/tsdb") {
        true => Some((403, b"forbidden for Bearer hush".to_vec())),
        false => promql(world, request),
    });
    let report = cutover(&world, &checks(&["sum(count_over_time(m[4999ms]))"], ""));
    assert_eq!((report.probes.len(), report.probes[0].level), (1, Level::Fail));
    assert!(report.probes[0].server_words.starts_with("403: forbidden"), "{:?}", report.probes);
    assert!(report.promql_checks[0].matched && report.target_payloads.is_none());
    assert_eq!((report.status, report.issues.len()), (Status::Fail, 1));
    assert_eq!(item(&report, "capabilities").level, Level::Fail);
}

#[test]
fn lag_is_measured_and_warns() {
    let world = world();
    let cut = |before: i64| {
        world.damage(|target| {
            target.values_mut().for_each(|rows| rows.retain(|at, _| *at <= WINDOW.end_ms - before));
        });
    };
    let settled = r#","options":{"settle_secs":60}"#;
    let report = cutover(&world, &checks(&[], settled));
    assert_eq!(report.freshness[0].lag_ms, Some(0));
    assert_eq!(item(&report, "freshness").level, Level::Ok);
    cut(30_000);
    assert_eq!(item(&cutover(&world, &checks(&[], settled)), "freshness").level, Level::Ok);
    // Far behind: found in a few growing parts, without reading the window.
    cut(40 * 60_000);
    let report = cutover(&world, &checks(&[], settled));
    assert_eq!(report.freshness[0].lag_ms, Some(40 * 60_000));
    let line = item(&report, "freshness");
    assert!(line.level == Level::Warn && line.evidence.contains("40 min behind"), "{line:?}");
    world.damage(BTreeMap::clear);
    let line = item(&cutover(&world, &checks(&[], settled)), "freshness").clone();
    assert!(line.level == Level::Fail && line.evidence.contains("the target has nothing"), "{line:?}");
}

#[test]
fn open_differences_are_grouped_by_age() {
    let world = world();
    world.damage(|target| {
        for (before, rows) in [0, 50 * 60_000].into_iter().zip(target.values_mut()) {
            rows.remove(&(WINDOW.end_ms - before)).unwrap();
        }
    });
    let report = cutover(&world, &checks(&[], ""));
    let groups: Vec<(Option<i64>, u64, u64)> = report
        .open_differences
        .iter()
        .map(|group| (group.younger_than_ms, group.findings, group.rows))
        .collect();
    assert_eq!(
        groups,
        [(Some(300_000), 1, 1), (Some(3_600_000), 1, 1), (Some(86_400_000), 0, 0), (None, 0, 0)]
    );
    let line = item(&report, "open_differences");
    assert!(
        line.level == Level::Fail && line.evidence.starts_with("0 min to 5 min old: 1 finding over 1 row"),
        "{line:?}"
    );
    assert_eq!(item(&report, "data_verified").level, Level::Fail);
}

#[test]
fn the_balance_is_the_given_backfills() {
    let world = World::new(NOW, steady("m", 2, HELD, 15_000));
    world.answers(promql);
    let text = checks(&[], "");
    let outcome = run(&world, plan(&text), WINDOW, &[Stage::Backfill, Stage::Cutover]);
    let reports = outcome.result.as_ref().unwrap();
    let [Report::Backfill(backfill), Report::Cutover(report)] = reports.as_slice() else { panic!() };
    // Of the same job.
    assert_eq!(report.balance.as_ref(), Some(&backfill.balance));
    let line = item(report, "balance");
    assert_eq!(
        (line.level, line.evidence.as_str()),
        (Level::Ok, "The balance closes. 482 samples read, 482 written.")
    );

    let with = |change: fn(&mut BackfillReport)| {
        let mut report = backfill.clone();
        change(&mut report);
        let mut known = Given::default();
        known.take(Report::Backfill(report));
        given(&world, &text, known)
    };
    assert_eq!(item(&with(|_| {}), "balance").level, Level::Ok);
    assert_eq!(item(&with(|report| report.start_ms += 1), "balance").level, Level::Warn);
    assert_eq!(item(&with(|report| report.run.tenant = "b".to_owned()), "balance").level, Level::Warn);
    let open = with(|report| report.balance.closes = false);
    assert_eq!((item(&open, "balance").level, open.status), (Level::Fail, Status::Fail));
    // None given: said, and how to.
    let none = cutover(&world, &text);
    assert_eq!((item(&none, "balance").level, none.status), (Level::Info, Status::Pass));
    let codes: Vec<&str> = none.checklist.iter().map(|item| item.code.as_str()).collect();
    let all =
        ["data_verified", "capabilities", "parity", "freshness", "balance", "open_differences", "way_back"];
    assert_eq!(codes, all);
}

/// Lets the world's target delete, as tsink does with the admin API on; keeps the bodies of the requests.
fn admin(world: &World) -> Rc<RefCell<Vec<serde_json::Value>>> {
    let bodies = Rc::new(RefCell::new(Vec::new()));
    let seen = bodies.clone();
    world.answers(move |world, request| {
        if !request.url.ends_with("/api/v1/admin/delete_series") {
            return None;
        }
        let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        let (start, end) = (body["start"].as_i64().unwrap(), body["end"].as_i64().unwrap());
        let mut matched = 0;
        world.damage(|target| {
            for rows in target.values_mut() {
                matched += u64::from(rows.range(start..end).next().is_some());
                rows.retain(|at, _| !(start..end).contains(at));
            }
        });
        seen.borrow_mut().push(body);
        let tenant = request.headers.iter().find(|(name, _)| name == "X-Tsink-Tenant").unwrap().1.reveal().to_owned();
        let answer = serde_json::json!({ "status": "success", "data": {
            "tenantId": tenant, "matchersProcessed": 1, "matchedSeries": matched, "tombstonesApplied": matched,
            "start": start, "end": end } });
        Some((200, answer.to_string().into_bytes()))
    });
    bodies
}

fn take_back(world: &World, text: &str, words: &str) -> tsink_migrate_engine::Result<Undone> {
    let plan = plan(text);
    block_on(&world.clock, undo(ports(world), &plan, WINDOW, words))
}

#[test]
fn undo_wants_the_very_words_and_takes_the_window_alone() {
    let world = world();
    let bodies = admin(&world);
    let text = checks(&[], "");
    let back = cutover(&world, &text).undo.unwrap();
    assert_eq!(back.confirmation, "delete m of tenant default from 2025-11-18T01:00Z to 2025-11-18T02:00Z");
    assert_eq!(
        (back.series, back.url.as_deref()),
        (Some(2), Some("http://target/api/v1/admin/delete_series"))
    );
    for words in ["", "delete", "DELETE M", &back.confirmation.replace("02:00Z", "03:00Z")] {
        assert_eq!(take_back(&world, &text, words).unwrap_err().kind, ErrorKind::Input, "{words}");
    }
    assert!(bodies.borrow().is_empty());

    let undone = take_back(&world, &text, &format!("  {}\n", back.confirmation.replace(' ', "  "))).unwrap();
    assert_eq!((undone.matched_series, undone.tombstones, undone.rows_left), (2, 2, 0));
    assert_eq!(
        (undone.start_ms, undone.end_ms, undone.tenant.as_str()),
        (WINDOW.start_ms, WINDOW.end_ms, "default")
    );
    let body = serde_json::json!({ "selectors": ["{__name__=\"m\"}"], "start": WINDOW.start_ms, "end": WINDOW.end_ms + 1 });
    assert_eq!(*bodies.borrow(), [body]);
    // To the last ms, and not a ms more.
    for rows in world.target().values() {
        assert_eq!(rows.last_key_value().unwrap().0, &(WINDOW.start_ms - 15_000));
    }
}

#[test]
fn undo_says_what_stands_in_its_way() {
    let text = checks(&[], "");
    let words = cutover(&world(), &text).undo.unwrap().confirmation;
    for (status, said, kind, remedy) in [
        (404, "not found", ErrorKind::NotFound, "--enable-admin-api"),
        (401, "unauthorized", ErrorKind::AuthMissing, "--admin-auth-token"),
        (403, "forbidden", ErrorKind::AuthScope, "--admin-auth-token"),
        (409, "delete_series rejected: compute-only", ErrorKind::Conflict, "stores the data"),
    ] {
        let world = world();
        world.answers(move |_, request| request.url.contains("/admin/").then(|| (status, said.into())));
        let error = take_back(&world, &text, &words).unwrap_err();
        assert_eq!((error.kind, error.status), (kind, Some(status)));
        assert!(error.remedy.contains(remedy), "{}", error.remedy);
        assert_eq!(world.target(), world.expected());
    }
    // Done, and not to be read back: the error says both.
    let (sound, world) = (world(), world());
    let _ = admin(&world);
    world.faults(|request, _| {
        request.url.ends_with("/read").then_some(support::Fault::Status(401, "unauthorized"))
    });
    let error = take_back(&world, &text, &words).unwrap_err();
    assert!(error.message.starts_with("the delete was done (2 series, 2 tombstones)"), "{}", error.message);
    // Where the admin API is cannot be told.
    let odd = text.replace("http://target/api/v1/write", "http://target/ingest");
    assert_eq!(take_back(&world, &odd, &words).unwrap_err().kind, ErrorKind::Input);
    assert_eq!(item(&cutover(&sound, &odd), "way_back").level, Level::Warn);
    // Parameters that the server would take for the request's own.
    let sly = text.replace("/api/v1/write", "/api/v1/write?match[]=up&start=0");
    assert_eq!(take_back(&world, &sly, &words).unwrap_err().kind, ErrorKind::Input);
}

#[test]
fn an_answer_of_another_tenant_is_no_success() {
    let world = world();
    world.answers(|_, request| {
        let answer =
            r#"{"status":"success","data":{"tenantId":"theirs","matchedSeries":9,"tombstonesApplied":9}}"#;
        request.url.contains("/admin/").then(|| (200, answer.into()))
    });
    let text = checks(&[], "");
    let words = cutover(&world, &text).undo.unwrap().confirmation;
    let mut plan = plan(&text);
    plan.target.headers = vec![("Authorization".to_owned(), Secret::new("Bearer hush"))];
    let error = block_on(&world.clock, undo(ports(&world), &plan, WINDOW, &words)).unwrap_err();
    assert!(error.message.contains("in the tenant theirs, not in default"), "{}", error.message);
    assert!(!format!("{error:?}").contains("hush"));
}

#[test]
fn many_selectors_are_counted_in_the_confirmation() {
    let long = [
        "m",
        r#"{__name__="m",i="0",a="bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}"#,
    ];
    let text = plan_text(&long, "");
    let world = world();
    let back = cutover(&world, &text).undo.unwrap();
    assert!(
        back.confirmation.starts_with("delete 2 selectors of tenant default from"),
        "{}",
        back.confirmation
    );
    assert_eq!(back.selectors.len(), 2);
}
