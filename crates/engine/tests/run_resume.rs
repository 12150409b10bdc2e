//! Runs that are killed, and others that go on from their ledger.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use support::{Fault, MemoryStore, START, World, asked, block_until, plan, plan_text, ports, steady};
use tsink_migrate_engine::model::{Labels, Sample, Series, Window};
use tsink_migrate_engine::plan::Plan;
use tsink_migrate_engine::port::{Ports, StoreError};
use tsink_migrate_engine::report::{BackfillReport, Report, Status, VerifyReport};
use tsink_migrate_engine::run::{
    Control, Event, Given, Job, Stage, execute, export_ledger, forget_ledger, import_ledger, ledger_key,
    ledgers,
};
use tsink_migrate_engine::selector::Selector;
use tsink_migrate_engine::{Result, Side};

const DAY: Window = Window { start_ms: START, end_ms: START + 86_399_999 };
const NOW: i64 = START + 2 * 86_400_000;

fn world() -> World {
    World::new(NOW, steady("m", 6, DAY, 60_000))
}

/// Two selectors that overlap, and slabs of a few hundred rows.
fn overlapping() -> Plan {
    plan(&plan_text(
        &["m{i!=\"0\"}", "m{i!=\"1\"}"],
        r#","options":{"slab_samples":900},"batch":{"max_points_per_write":250}"#,
    ))
}

struct Session {
    /// None when it was killed.
    result: Option<Result<Vec<Report>>>,
    events: Vec<Event>,
}

impl Session {
    fn backfill(&self) -> &BackfillReport {
        match self
            .result
            .as_ref()
            .unwrap()
            .as_ref()
            .unwrap()
            .iter()
            .find(|one| one.stage() == Stage::Backfill)
        {
            Some(Report::Backfill(report)) => report,
            other => panic!("{other:?}"),
        }
    }

    fn verify(&self) -> &VerifyReport {
        match self.result.as_ref().unwrap().as_ref().unwrap().last().unwrap() {
            Report::Verify(report) => report,
            other => panic!("{other:?}"),
        }
    }

    fn not_continued(&self) -> Option<String> {
        self.events.iter().find_map(|event| match event {
            Event::NotContinued { reason, .. } => Some(reason.clone()),
            _ => None,
        })
    }

    fn notices(&self) -> Vec<String> {
        let notices = self.events.iter().filter_map(|event| match event {
            Event::Notice { message, .. } => Some(message.clone()),
            _ => None,
        });
        notices.collect()
    }
}

/// Runs a job with a ledger; kills it after so many events.
fn session(world: &World, store: &MemoryStore, job: Job, kill_after: Option<usize>) -> Session {
    let events = Rc::new(RefCell::new(Vec::new()));
    let killed = Rc::new(Cell::new(false));
    let sink = {
        let (events, killed) = (events.clone(), killed.clone());
        Rc::new(move |event: Event| {
            events.borrow_mut().push(event);
            killed.set(kill_after.is_some_and(|most| events.borrow().len() >= most));
        })
    };
    let ports = Ports { store: Rc::new(store.clone()), ..ports(world) };
    let work = execute(ports, job, Control::new(), sink);
    let result = block_until(&world.clock, work, || killed.get());
    Session { result, events: events.take() }
}

fn job(plan: Plan, stages: &[Stage]) -> Job {
    Job { plan, window: DAY, stages: stages.to_vec(), given: Given::default(), fresh: false }
}

/// Selector and window of each slab that the ledger says is done, of a stage.
fn recorded(plan: &Plan, store: &MemoryStore, stage: &str) -> BTreeSet<(String, Window)> {
    let mut done = BTreeSet::new();
    for line in store.text().lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        if line["begin"]["fresh"] == true {
            done.clear();
        }
        let Some(slab) = line.get(stage).map(|line| &line["slab"]) else { continue };
        let selector: &Selector = &plan.selectors[slab["row"].as_u64().unwrap() as usize];
        let window = serde_json::from_value(slab["window"].clone()).unwrap();
        done.insert((format!("{:?}", selector.matchers), window));
    }
    done
}

/// Notes what is asked of the source from now on.
fn watch_source(world: &World) -> Rc<RefCell<Vec<(String, Window)>>> {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let noted = seen.clone();
    world.faults(move |request, _| {
        if request.side == Side::Source && request.url.ends_with("/read") {
            noted.borrow_mut().push(asked(&request.body));
        }
        None
    });
    seen
}

#[test]
fn killed_after_any_event_and_continued_every_sample_is_in_place_once() {
    let whole = session(&world(), &MemoryStore::default(), job(overlapping(), &[Stage::Backfill]), None);
    let all = whole.backfill().balance.samples.clone();
    assert_eq!((all.read, all.written, all.deduplicated), (10 * 1440, 6 * 1440, 4 * 1440));
    let events = whole.events.len();
    assert!(events > 60, "{events}");
    let mut continued = 0;
    for kill_after in (1..events).step_by(3) {
        let (world, store) = (world(), MemoryStore::default());
        let plan = overlapping();
        if session(&world, &store, job(plan.clone(), &[Stage::Backfill]), Some(kill_after)).result.is_some() {
            assert!(kill_after + 15 > events, "{kill_after} of {events}");
            continue;
        }
        if kill_after % 2 == 0 {
            // The end of the process was in the middle of a line.
            store.change(|text| text.truncate(text.len().saturating_sub(7)));
            if !store.text().contains('\n') {
                store.change(String::clear);
            }
        }
        let done =
            if store.text().ends_with('\n') { recorded(&plan, &store, "copied") } else { BTreeSet::new() };
        let seen = watch_source(&world);
        let second = session(&world, &store, job(plan, &[Stage::Backfill]), None);
        let report = second.backfill();
        assert_eq!(report.status, Status::Pass, "{kill_after}: {:?}", report.issues);
        assert_eq!(world.target(), world.expected(), "{kill_after}");
        assert_eq!(world.doubled(), 0, "{kill_after}");
        let samples = &report.balance.samples;
        assert_eq!((samples.unaccounted(), samples.read), (0, all.read), "{kill_after}: {samples:?}");
        assert_eq!(samples.written + samples.already_there, 6 * 1440, "{kill_after}");
        assert_eq!(
            report.series_written + u64::from(samples.already_there > 0) * 6,
            6 + u64::from(samples.already_there > 0) * report.series_written,
            "{kill_after}"
        );
        let again: Vec<_> = seen.borrow().iter().filter(|one| done.contains(one)).cloned().collect();
        assert_eq!(again, [], "{kill_after}: slabs that are done are read again");
        if let Some(before) = &report.continued {
            assert_eq!((before.slabs > 0, before.runs, second.not_continued()), (true, 1, None));
            if store.text().ends_with('\n') && !done.is_empty() {
                assert_eq!(before.slabs as usize, done.len());
            }
            continued += 1;
        } else {
            assert!(done.is_empty(), "{kill_after}");
        }
    }
    assert!(continued > 15, "{continued}");
}

#[test]
fn killed_over_and_over_it_gets_to_its_end() {
    let (world, store) = (world(), MemoryStore::default());
    let mut last = None;
    for stage in [Stage::Backfill, Stage::Verify] {
        let mut runs = 0;
        last = loop {
            runs += 1;
            assert!(runs < 60);
            let one = session(&world, &store, job(overlapping(), &[stage]), Some(20 + 12 * runs));
            if one.result.is_some() {
                break Some(one);
            }
        };
        assert!(runs > 1, "{runs}");
    }
    let last = last.unwrap();
    assert_eq!(last.verify().status, Status::Pass, "{:?}", last.verify().issues);
    assert_eq!((world.target(), world.doubled()), (world.expected(), 0));
}

#[test]
fn a_verification_goes_on_and_finds_the_same() {
    let world = world();
    session(&world, &MemoryStore::default(), job(overlapping(), &[Stage::Backfill]), None)
        .result
        .unwrap()
        .unwrap();
    world.damage(|target| {
        let mut series = target.values_mut();
        // One series goes from noon on, of another a single sample.
        series.next().unwrap().split_off(&(START + 43_200_000));
        series.next().unwrap().pop_last();
    });
    let whole = session(&world, &MemoryStore::default(), job(overlapping(), &[Stage::Verify]), None);
    let wanted = serde_json::to_value(&whole.verify().raw_checks).unwrap();
    assert_eq!(whole.verify().status, Status::Fail);
    let mut continued = 0;
    for kill_after in (5..whole.events.len()).step_by(5) {
        let store = MemoryStore::default();
        let plan = overlapping();
        world.faults(|_, _| None);
        session(&world, &store, job(plan.clone(), &[Stage::Verify]), Some(kill_after));
        let done = recorded(&plan, &store, "equal");
        let seen = watch_source(&world);
        let second = session(&world, &store, job(plan, &[Stage::Verify]), None);
        assert!(seen.borrow().iter().all(|one| !done.contains(one)), "{kill_after}");
        assert_eq!(second.verify().continued.as_ref().map_or(0, |before| before.slabs) as usize, done.len());
        let mut found = serde_json::to_value(&second.verify().raw_checks).unwrap();
        // Slabs were cut otherwise, so an excerpt may show other neighbours.
        let mut wanted = wanted.clone();
        for checks in [&mut found, &mut wanted] {
            for finding in checks
                .as_array_mut()
                .unwrap()
                .iter_mut()
                .flat_map(|one| one["findings"].as_array_mut().unwrap())
            {
                finding["excerpt"] = serde_json::Value::Null;
            }
        }
        assert_eq!(found, wanted, "{kill_after}");
        continued += usize::from(!done.is_empty());
    }
    assert!(continued > 4, "{continued}");
    world.faults(|_, _| None);
    // What differs is never taken as done: mended, the rest is compared, and that is all.
    let store = MemoryStore::default();
    session(&world, &store, job(overlapping(), &[Stage::Verify]), None).result.unwrap().unwrap();
    world.damage(|target| *target = world.expected());
    let after = session(&world, &store, job(overlapping(), &[Stage::Verify]), None);
    assert_eq!(after.verify().status, Status::Pass, "{:?}", after.verify().issues);
    assert!(after.verify().continued.as_ref().unwrap().slabs > 0);
    // It passed: the next one begins anew.
    let next = session(&world, &store, job(overlapping(), &[Stage::Verify]), None);
    assert_eq!((next.verify().continued.clone(), next.not_continued()), (None, None));
}

/// A series is in the first and the last slab. The first selector's first slab fails, so the second selector meets the
/// series first, while the first one's last slab, in which it is another's then, is done and recorded.
#[test]
fn what_a_slab_left_to_another_selector_is_not_left_to_nobody() {
    let at = |timestamp| Sample { timestamp, value: 1.0 };
    let late = Series {
        labels: Labels::from_pairs([("__name__", "m"), ("i", "x")]),
        samples: vec![at(START + 5), at(DAY.end_ms - 5)],
        ..Series::default()
    };
    let mut source = steady("m", 2, DAY, 60_000);
    source.push(late);
    let world = World::new(NOW, source);
    let plan = || {
        plan(&plan_text(
            &["m{i!=\"0\"}", "m{i!=\"1\"}"],
            r#","options":{"slab_samples":400,"max_attempts":1}"#,
        ))
    };
    let first = format!("{:?}", plan().selectors[0].matchers);
    // Set when the second selector's first slab has been read: its write takes long, and is not acknowledged before
    // the end.
    let met = Rc::new(Cell::new(false));
    world.faults({
        let (first, met) = (first.clone(), met.clone());
        move |request, _| {
            if request.url.ends_with("/write") && request.body.len() > 64 {
                return met.replace(false).then_some(Fault::Slow(20_000));
            }
            if !request.url.ends_with("/read") || request.side == Side::Target {
                return None;
            }
            let (matchers, window) = asked(&request.body);
            if window.len_ms() < 1_000_000 || window == DAY {
                return None;
            }
            match (matchers == first, window.start_ms == START, window.end_ms == DAY.end_ms) {
                (true, true, _) => Some(Fault::Status(500, "not now")),
                (true, _, true) => Some(Fault::Slow(5_000)),
                (false, true, _) => {
                    met.set(true);
                    None
                }
                _ => None,
            }
        }
    });
    // Killed when the first selector's last slab is done.
    let mut kill_after = 1;
    let store = loop {
        let store = MemoryStore::default();
        world.damage(|target| target.clear());
        met.set(false);
        session(&world, &store, job(plan(), &[Stage::Backfill]), Some(kill_after));
        let done = recorded(&plan(), &store, "copied");
        if done.iter().any(|(matchers, window)| *matchers == first && window.end_ms == DAY.end_ms) {
            // Neither selector's first slab is done.
            assert!(done.iter().all(|(_, window)| window.start_ms != START), "{done:?}");
            break store;
        }
        kill_after += 1;
        assert!(kill_after < 400);
    };
    let own = Labels::from_pairs([("__name__", "m"), ("i", "x")]);
    assert!(
        !world.target().contains_key(&own),
        "the last slab did not leave the series to the other selector"
    );
    world.faults(|_, _| None);
    let second = session(&world, &store, job(plan(), &[Stage::Backfill]), None);
    assert_eq!(second.backfill().status, Status::Pass, "{:?}", second.backfill().issues);
    assert!(second.backfill().continued.is_some());
    assert_eq!((world.target(), world.doubled()), (world.expected(), 0));
}

/// Kills a backfill when some slabs are done.
fn half_done(world: &World, store: &MemoryStore) {
    let mut kill_after = 40;
    while recorded(&overlapping(), store, "copied").len() < 5 {
        assert!(kill_after < 300);
        store.change(String::clear);
        world.damage(|target| target.clear());
        let store_again = store.clone();
        session(world, &store_again, job(overlapping(), &[Stage::Backfill]), Some(kill_after));
        kill_after += 3;
    }
}

#[test]
fn an_emptied_target_is_noticed() {
    let (world, store) = (world(), MemoryStore::default());
    half_done(&world, &store);
    world.damage(|target| target.clear());
    let second = session(&world, &store, job(overlapping(), &[Stage::Backfill]), None);
    assert!(
        second.not_continued().unwrap().contains("emptied, or is another one"),
        "{:?}",
        second.not_continued()
    );
    assert_eq!(second.backfill().continued, None);
    assert_eq!(second.backfill().samples_written, 6 * 1440);
    assert_eq!(world.target(), world.expected());
}

#[test]
fn another_plan_is_explained_and_the_old_one_can_still_be_continued() {
    let (world, store) = (world(), MemoryStore::default());
    half_done(&world, &store);
    let shorter = Window { end_ms: DAY.end_ms - 1, ..DAY };
    let other = Job { window: shorter, ..job(overlapping(), &[Stage::Backfill]) };
    let second = session(&world, &store, other, None);
    let told = second.not_continued().unwrap();
    let wanted = format!("give --start-ms {} --end-ms {} to continue that one", DAY.start_ms, DAY.end_ms);
    assert!(told.contains(&wanted), "{told}");
    assert_eq!(second.backfill().status, Status::Pass);
    let third = session(&world, &store, job(overlapping(), &[Stage::Backfill]), None);
    assert!(third.backfill().continued.as_ref().unwrap().slabs >= 5);
    assert_eq!((third.not_continued(), world.doubled()), (None, 0));
}

#[test]
fn fresh_begins_anew_and_a_finished_stage_does_so_by_itself() {
    let (world, store) = (world(), MemoryStore::default());
    half_done(&world, &store);
    let fresh = Job { fresh: true, ..job(overlapping(), &[Stage::Backfill]) };
    let second = session(&world, &store, fresh, None);
    assert_eq!((second.backfill().continued.clone(), second.not_continued()), (None, None));
    assert_eq!(world.doubled(), 0);
    let third = session(&world, &store, job(overlapping(), &[Stage::Backfill]), None);
    assert_eq!((third.backfill().continued.clone(), third.not_continued()), (None, None));
    assert_eq!(third.backfill().balance.samples.already_there, 6 * 1440);
}

#[test]
fn a_store_that_fails_is_told_once_and_the_run_goes_on() {
    for (at, error) in [
        (0, StoreError::Full { message: "quota exceeded".into() }),
        (3, StoreError::Failed { message: "I/O error".into() }),
        (6, StoreError::Full { message: "no space left on the device".into() }),
    ] {
        let (world, store) = (world(), MemoryStore::default());
        let (watched, failing) = (store.clone(), error.clone());
        world.faults(move |_, _| {
            watched.fail((watched.writes() >= at).then(|| failing.clone()));
            None
        });
        let outcome = session(&world, &store, job(overlapping(), &[Stage::Backfill, Stage::Verify]), None);
        assert_eq!(outcome.verify().status, Status::Pass);
        let told: Vec<String> =
            outcome.notices().into_iter().filter(|line| line.contains("goes on without")).collect();
        assert!(told.len() == 1 && told[0].contains(&error.to_string()), "{at}: {told:?}");
        assert_eq!((world.target(), store.writes()), (world.expected(), at + 1));
    }
}

#[test]
fn a_second_run_at_once_is_refused() {
    let (world, store) = (world(), MemoryStore::default());
    store.fail(Some(StoreError::Busy { message: "process 4711".into() }));
    let outcome = session(&world, &store, job(overlapping(), &[Stage::Backfill]), None);
    let error = outcome.result.unwrap().unwrap_err();
    assert!(error.message.contains("process 4711") && error.remedy.contains("twice"), "{error}");
    assert!(world.target().is_empty());
}

#[test]
fn a_ledger_goes_to_a_file_and_back() {
    let (world, store) = (world(), MemoryStore::default());
    half_done(&world, &store);
    let key = ledger_key(&overlapping(), DAY);
    let listed = support::block_on(&world.clock, ledgers(&store)).unwrap();
    let [summary] = listed.as_slice() else { panic!("{listed:?}") };
    assert_eq!((&summary.key, summary.stage, summary.finished), (&key, Some(Stage::Backfill), false));
    assert_eq!((summary.source.as_str(), summary.selectors.len()), ("http://source/api/v1/read", 2));
    assert!(summary.slabs >= 5 && summary.rows > 0 && summary.expected >= summary.rows, "{summary:?}");
    let text = support::block_on(&world.clock, export_ledger(&store, &key)).unwrap();
    // Elsewhere.
    let other = MemoryStore::default();
    let taken = support::block_on(&world.clock, import_ledger(&other, &text)).unwrap();
    assert_eq!(&taken, summary);
    let second = session(&world, &other, job(overlapping(), &[Stage::Backfill]), None);
    assert_eq!(second.backfill().continued.as_ref().unwrap().slabs, summary.slabs);
    assert_eq!((world.target(), world.doubled()), (world.expected(), 0));
    // What is here and further is not lost to an old file.
    let refused = support::block_on(&world.clock, import_ledger(&other, &text)).unwrap_err();
    assert!(refused.message.contains("more is done"), "{refused}");
    for wrong in ["", "no ledger", "{\"format\":\"tsink-migrate-ledger\",\"version\":2}\n"] {
        assert!(support::block_on(&world.clock, import_ledger(&other, wrong)).is_err());
    }
    support::block_on(&world.clock, forget_ledger(&other, &key)).unwrap();
    assert_eq!(other.text(), "");
}

#[test]
fn a_ledger_holds_no_secret() {
    let (world, store) = (world(), MemoryStore::default());
    let text = plan_text(&["m"], "")
        .replace("\"target\":{", "\"target\":{\"headers\":{\"Authorization\":\"Bearer hunter3\"},");
    let text = text.replace("http://source/api/v1/read", "http://source/api/v1/read?password=hunter2");
    let text = text.replace("/api/v1/write\"", "/api/v1/write?token=hunter4\"");
    session(&world, &store, job(plan(&text), &[Stage::Backfill, Stage::Verify]), None);
    assert!(store.text().lines().count() > 4);
    assert!(!store.text().contains("hunter"), "{}", store.text());
}

#[test]
fn the_progress_goes_on_from_what_is_done_with_an_eta_at_once() {
    let (world, store) = (world(), MemoryStore::default());
    half_done(&world, &store);
    let second = session(&world, &store, job(overlapping(), &[Stage::Backfill]), None);
    let before = second.backfill().continued.clone().unwrap();
    let first = second.events.iter().find_map(|event| match event {
        Event::Progress { progress } if progress.stage == Stage::Backfill => Some(progress.clone()),
        _ => None,
    });
    let first = first.unwrap();
    assert_eq!(first.done, before.rows);
    assert!(first.eta_ms.is_some() && first.fraction > 0.0, "{first:?}");
    let continued = second.events.iter().position(|event| matches!(event, Event::Continued { .. })).unwrap();
    let slabs = second.events.iter().position(|event| matches!(event, Event::Slabs { .. })).unwrap();
    assert!(continued < slabs);
    let slowest = &second.backfill().slowest;
    assert!(slowest.len() == 5 && slowest.is_sorted_by(|a, b| a.took_ms >= b.took_ms), "{slowest:?}");
}
