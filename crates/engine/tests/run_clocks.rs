//! A wall clock that jumps while a run is under way; what counts time goes on by itself, as it does in reality.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use futures_util::future::LocalBoxFuture;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use support::{Fault, START, VirtualClock, World, block_on, plan, plan_text, ports, steady};
use tsink_migrate_engine::model::Window;
use tsink_migrate_engine::port::{Clock, Ports};
use tsink_migrate_engine::report::{Report, Status};
use tsink_migrate_engine::run::{Control, Event, Given, Job, Stage, execute};

const DAY: Window = Window { start_ms: START, end_ms: START + 86_399_999 };
const HOUR: i64 = 3_600_000;

/// Jumps to and fro, by up to a year, every time that somebody looks.
struct Jumping {
    clock: VirtualClock,
    looks: Cell<usize>,
}

impl Clock for Jumping {
    fn now_ms(&self) -> i64 {
        const BY: [i64; 6] = [0, HOUR, -HOUR, 26 * HOUR, -26 * HOUR, 365 * 24 * HOUR];
        let look = self.looks.get();
        self.looks.set(look + 1);
        self.clock.now_ms() + BY[look % BY.len()]
    }

    fn monotonic_ms(&self) -> f64 {
        self.clock.monotonic_ms()
    }

    fn sleep(&self, ms: u64) -> LocalBoxFuture<'static, ()> {
        self.clock.sleep(ms)
    }
}

#[test]
fn a_wall_clock_that_jumps_changes_nothing_that_is_copied_or_found() {
    for lost in [0, 1] {
        let world = World::new(START + 48 * HOUR, steady("m", 20, DAY, 15_000));
        // Retries, too: their delays are on the clock that does not jump.
        let busy = Cell::new(0);
        world.faults(move |request, number| {
            let refuses = number > 40 && request.url.ends_with("/write") && busy.get() < 6;
            refuses.then(|| {
                busy.set(busy.get() + 1);
                Fault::Status(503, "unavailable")
            })
        });
        let text = plan_text(&["m"], r#","batch":{"max_points_per_write":1000}"#);
        let events = Rc::new(RefCell::new(Vec::new()));
        let sink = {
            let (events, damaged) = (events.clone(), world.clone());
            Rc::new(move |event: Event| {
                if let Event::StageFinished { stage: Stage::Backfill, .. } = event
                    && lost > 0
                {
                    damaged.damage(|target| {
                        target.values_mut().next().unwrap().pop_first();
                    });
                }
                events.borrow_mut().push(event);
            })
        };
        let clock = Rc::new(Jumping { clock: world.clock.clone(), looks: Cell::new(0) });
        let ports = Ports { clock: clock.clone(), ..ports(&world) };
        let stages = vec![Stage::Preflight, Stage::Backfill, Stage::Verify];
        let given = Given::default();
        let job = Job { plan: plan(&text), window: DAY, stages, given, fresh: false };
        let begun = world.clock.now_ms();
        let reports = block_on(&world.clock, execute(ports, job, Control::new(), sink)).unwrap();
        assert!(clock.looks.get() > 10, "somebody looked at the clock");
        let Report::Backfill(report) = &reports[1] else { panic!("{reports:?}") };
        assert_eq!((report.status, report.balance.closes), (Status::Pass, true), "{:?}", report.issues);
        assert_eq!((report.balance.samples.written, world.doubled()), (20 * 5760, 0));
        let Report::Verify(report) = &reports[2] else { panic!("{reports:?}") };
        assert_eq!(report.raw_checks[0].missing_samples, lost);
        assert_eq!(report.status == Status::Pass, lost == 0);
        // What it says of durations comes from the other clock.
        let passed = (world.clock.now_ms() - begun) as u64;
        let longest = reports.iter().map(|report| report.run().duration_ms).max().unwrap();
        assert!(longest <= passed, "{longest} ms in a run of {passed}");
        let etas = events.borrow().iter().any(|event| match event {
            Event::Progress { progress } => progress.eta_ms.is_some_and(|eta| eta > HOUR as u64),
            _ => false,
        });
        assert!(!etas, "a jump of the clock shows in the time left");
    }
}
