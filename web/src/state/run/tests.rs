//! Events in, a model out.

use super::*;
use tsink_migrate_engine::model::Window;

fn progress(stage: Stage, done: u64) -> Event {
    Event::Progress {
        progress: Progress {
            stage,
            done,
            total: 100,
            unit: "samples".to_owned(),
            fraction: done as f64 / 100.0,
            rate: 10.0,
            eta_ms: Some(1_000),
            elapsed_ms: done * 100,
            read: done,
            written: done,
            in_flight: 2,
            waiting: None,
        },
    }
}

#[test]
fn a_backfill_from_start_to_end() {
    let mut run = Run::default();
    let stages = [Stage::Preflight, Stage::Backfill];
    run.begin(&stages, &Inputs { text: "{}".to_owned(), ..Inputs::default() });
    assert!(run.apply(Event::StageStarted { stage: Stage::Backfill }, 5).has(Part::Stages));
    assert_eq!(run.current, Some(Stage::Backfill));
    let slabs = vec![Window { start_ms: 0, end_ms: 999 }.split(4)];
    run.apply(Event::Slabs { stage: Stage::Backfill, selectors: vec!["up".to_owned()], slabs }, 5);
    let slab = Event::Slab { stage: Stage::Backfill, selector: 0, slab: 1, state: SlabState::Done, rows: 60 };
    let changes = run.apply(slab, 5);
    assert!(changes.has(Part::Coverage) && changes.has(Part::Log) && !changes.has(Part::Stages));
    assert_eq!(run.apply(progress(Stage::Backfill, 60), 9), {
        let mut only = Changes::default();
        only.add(Part::Progress);
        only
    });
    let stage = run.stage(Stage::Backfill);
    assert_eq!(stage.state, StageState::Running);
    assert_eq!(stage.inputs.text, "{}");
    assert_eq!(stage.coverage.totals().done, 1);
    assert_eq!(stage.progress.as_ref().map(|progress| progress.done), Some(60));
    run.apply(Event::StageFinished { stage: Stage::Backfill, ok: true }, 10);
    assert_eq!(run.stage(Stage::Backfill).state, StageState::Pass);
    assert_eq!(run.current, None);
    assert_eq!(run.log.problems(), 0);
}

#[test]
fn a_breakdown_stops_the_stage_that_ran() {
    let mut run = Run::default();
    run.begin(&STAGES, &Inputs::default());
    run.apply(Event::StageStarted { stage: Stage::Preflight }, 0);
    run.apply(Event::StageFinished { stage: Stage::Preflight, ok: true }, 0);
    run.apply(Event::StageStarted { stage: Stage::Backfill }, 0);
    run.stop(Error::new(ErrorKind::AuthInvalid, "the token was refused"), 3);
    let states = STAGES.map(|stage| run.stage(stage).state);
    assert_eq!(states[..3], [StageState::Pass, StageState::Stopped, StageState::Todo]);
    assert_eq!(states[3..], [StageState::Todo; 2]);
    assert!(run.stage(Stage::Backfill).error.is_some());
    assert_eq!(run.log.lines(true, 1)[0].message, "the token was refused");
}

#[test]
fn a_new_backfill_forgets_the_old_verification_but_a_preflight_does_not() {
    let mut run = Run::default();
    for stage in STAGES {
        run.apply(Event::StageStarted { stage }, 0);
        run.apply(Event::StageFinished { stage, ok: true }, 0);
    }
    run.begin(&[Stage::Preflight], &Inputs::default());
    let states = STAGES.map(|stage| run.stage(stage).state);
    assert_eq!((states[0], &states[1..]), (StageState::Todo, &[StageState::Pass; 4][..]));
    run.begin(&[Stage::Backfill], &Inputs::default());
    let states = STAGES.map(|stage| run.stage(stage).state);
    assert_eq!(states, [StageState::Todo; 5]);
}

#[test]
fn checks_go_to_the_stage_that_runs() {
    let mut run = Run::default();
    run.apply(Event::StageStarted { stage: Stage::Cutover }, 0);
    run.apply(Event::RawCheck { check: RawCheckReport::default() }, 0);
    run.apply(Event::PromqlCheck { check: PromqlCheckReport::default() }, 0);
    let checks = &run.stage(Stage::Cutover).checks;
    assert_eq!((checks.raw.len(), checks.promql.len()), (1, 1));
    assert!(run.stage(Stage::Verify).checks.raw.is_empty());
}

#[test]
fn an_endpoint_is_one_row_however_often_it_is_checked() {
    use tsink_migrate_engine::Side;
    use tsink_migrate_engine::report::Level;
    let check = |level, latency_ms| EndpointCheck {
        side: Side::Source,
        name: "remote_read_url".to_owned(),
        purpose: "read samples".to_owned(),
        url: "http://p/api/v1/read".to_owned(),
        level,
        status: Some(200),
        latency_ms: Some(latency_ms),
        message: String::new(),
        error: None,
    };
    let mut run = Run::default();
    run.apply(Event::Endpoint { check: check(Level::Fail, 1) }, 0);
    run.apply(Event::Endpoint { check: check(Level::Ok, 2) }, 0);
    assert_eq!(run.endpoints.len(), 1);
    assert_eq!(run.endpoints[0].level, Level::Ok);
}

#[test]
fn a_continued_run_says_what_was_done_before() {
    let stage = Stage::Backfill;
    let mut run = Run::default();
    run.apply(Event::StageStarted { stage }, 0);
    let continued =
        Continued { since_ms: 1_763_424_180_000, runs: 2, slabs: 37, rows: 1_204_000, elapsed_ms: 723_000 };
    let changes = run.apply(Event::Continued { stage, continued: continued.clone() }, 0);
    assert!(changes.has(Part::Timing) && !changes.has(Part::Stages));
    assert_eq!(run.stage(stage).continued.as_ref(), Some(&continued));
    assert_eq!(
        run.log.lines(false, 1)[0].message,
        "Continued from 2025-11-18 00:03 UTC: 37 slabs with 1.20 M rows were done before in 2 runs, in 12 min 03 s."
    );
    run.apply(Event::NotContinued { stage, reason: "the target was emptied".to_owned() }, 0);
    assert_eq!(run.stage(stage).not_continued.as_deref(), Some("the target was emptied"));
}

#[test]
fn a_token_is_waited_for_until_it_comes_or_the_run_ends() {
    let ask = || Event::Ask { side: Side::Target, error: Error::new(ErrorKind::AuthInvalid, "expired") };
    let mut run = Run::default();
    run.apply(Event::StageStarted { stage: Stage::Verify }, 0);
    assert!(run.apply(ask(), 0).has(Part::Steering));
    assert_eq!(run.asked.as_ref().map(|asked| asked.side), Some(Side::Target));
    assert!(run.apply(Event::Renewed, 0).has(Part::Steering));
    assert_eq!(run.asked, None);
    for end in
        [Run::finish as fn(&mut Run), |run: &mut Run| run.stop(Error::new(ErrorKind::Cancelled, ""), 0)]
    {
        run.apply(ask(), 0);
        end(&mut run);
        assert_eq!(run.asked, None);
    }
}

#[test]
fn limits_and_slow_slabs_are_those_of_the_run() {
    let stage = Stage::Backfill;
    let mut run = Run::default();
    run.apply(Event::StageStarted { stage }, 0);
    let limits = Limits { max_concurrent_writes: Some(4), ..Limits::default() };
    run.apply(Event::Limits { limits }, 0);
    assert_eq!(run.limits, Some(limits));
    let slab = SlabTiming {
        selector: "up".to_owned(),
        window: Window { start_ms: 0, end_ms: 1 },
        rows: 5,
        took_ms: 7,
    };
    assert!(run.apply(Event::Slowest { stage, slabs: vec![slab.clone()] }, 0).has(Part::Timing));
    assert_eq!(run.stage(stage).slowest, [slab]);
    run.begin(&[stage], &Inputs::default());
    assert_eq!(run.limits, None);
    assert!(run.stage(stage).slowest.is_empty());
}

#[test]
fn a_renewed_header_is_the_same_plan() {
    let mut run = Run::default();
    run.begin(&[Stage::Backfill], &Inputs { text: "old".to_owned(), ..Inputs::default() });
    run.reworded("other", "new");
    assert_eq!(run.stage(Stage::Backfill).inputs.text, "old");
    run.reworded("old", "new");
    assert_eq!(run.stage(Stage::Backfill).inputs.text, "new");
}

#[test]
fn a_new_cut_reaches_the_map() {
    let stage = Stage::Backfill;
    let mut run = Run::default();
    run.apply(Event::StageStarted { stage }, 0);
    let slabs = vec![Window { start_ms: 0, end_ms: 999 }.split(2)];
    run.apply(Event::Slabs { stage, selectors: vec!["up".to_owned()], slabs }, 0);
    let slabs = Window { start_ms: 0, end_ms: 999 }.split(5);
    assert!(run.apply(Event::Recut { stage, selector: 0, slabs }, 0).has(Part::Coverage));
    assert_eq!(run.stage(stage).coverage.totals().todo, 5);
}
