//! What every stage of a run shares: ports, plan, control, and what is said on the way.

use super::control::Control;
use super::event::{Event, NoticeLevel, Progress, SlabState, Stage};
use super::flow::{Breaker, Gate, Waiting};
use super::history::History;
use super::ledger::{Ledger, Timings};
use super::limits::Limits;
use super::meter::Meter;
use super::recording::survey::Found;
use super::retry::{Backoff, Jitter};
use super::schedule::Slab;
use super::tokens::Tokens;
use crate::error::{Error, redact_url};
use crate::model::{Millis, Window};
use crate::plan::Plan;
use crate::port::Ports;
use crate::report::{ProgressPoint, Rejection, RunInfo, SlabTiming};
use crate::selector::Selector;
use crate::wire::prom_chunks::Mark;
use crate::wire::room::Room;
use futures_util::future::{Either, select};
use rustc_hash::FxHashMap;
use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;

/// Progress events come no closer together than this, in ms.
const PROGRESS_EVERY_MS: f64 = 100.0;

/// A run under way.
pub(super) struct Run {
    pub ports: Ports,
    pub plan: Plan,
    pub window: Window,
    pub control: Control,
    pub sink: Rc<dyn Fn(Event)>,
    pub backoff: Backoff,
    pub jitter: RefCell<Jitter>,
    pub retries: Cell<u64>,
    /// Whether the source is asked for streamed chunks: until it refuses them.
    pub streamed: Cell<bool>,
    /// A sample that the source holds, asked for at the end of every streamed answer.
    pub mark: RefCell<Option<Rc<Mark>>>,
    /// For the next streamed answer: as much as the last one took, decoded.
    pub room: RefCell<Room>,
    /// Why requests wait at present.
    pub waiting: Waiting,
    /// Whether headers of the plan are refused that were taken before.
    pub tokens: Tokens,
    /// Where writes wait for their turn.
    pub gate: Gate,
    /// What the operator asked for when the limits were put into force last.
    pub asked: Cell<Limits>,
    /// Whether source and target are there.
    pub breakers: [RefCell<Breaker>; 2],
    pub meter: RefCell<Option<Meter>>,
    pub rows_read: Cell<u64>,
    pub rows_written: Cell<u64>,
    /// Requests that the target works on.
    pub in_flight: Cell<u64>,
    last_progress: Cell<f64>,
    /// What the recording holds, once it has been read.
    pub found: RefCell<Option<Rc<Found>>>,
    /// Parts that selectors were cut into, by their texts.
    pub parts_known: RefCell<FxHashMap<String, Vec<Rc<Selector>>>>,
    /// Which selectors could not be cut by labels, and why.
    pub cut_notes: RefCell<Vec<String>>,
    /// What the target refused in the backfill before.
    pub refused: RefCell<Vec<Rejection>>,
    history: RefCell<History>,
    /// What is done, for those who continue the run.
    pub ledger: Ledger,
    /// How long slabs take.
    pub timings: RefCell<Timings>,
}

impl Run {
    pub fn new(ports: Ports, plan: Plan, window: Window, control: Control, sink: Rc<dyn Fn(Event)>) -> Self {
        let options = &plan.options;
        Self {
            jitter: RefCell::new(Jitter::new(ports.seed)),
            backoff: Backoff { base_ms: options.backoff_base_ms, cap_ms: options.backoff_cap_ms },
            retries: Cell::new(0),
            streamed: Cell::new(true),
            mark: RefCell::default(),
            room: RefCell::default(),
            waiting: Waiting::default(),
            tokens: Tokens::default(),
            gate: Gate::new(options.max_concurrent_writes),
            asked: Cell::default(),
            breakers: Default::default(),
            meter: RefCell::new(None),
            rows_read: Cell::new(0),
            rows_written: Cell::new(0),
            in_flight: Cell::new(0),
            last_progress: Cell::new(f64::MIN),
            found: RefCell::default(),
            parts_known: RefCell::default(),
            cut_notes: RefCell::default(),
            refused: RefCell::default(),
            history: RefCell::default(),
            ledger: Ledger::new(Rc::clone(&ports.store)),
            timings: RefCell::default(),
            ports,
            plan,
            window,
            control,
            sink,
        }
    }

    pub fn emit(&self, event: Event) {
        (self.sink)(event);
    }

    /// Says what became of a slab, and how long the slowest ones took.
    pub fn slab_state(&self, stage: Stage, slab: &Slab, state: SlabState, rows: u64) {
        self.emit(Event::Slab { stage, selector: slab.row, slab: slab.at, state, rows });
        let (key, now) = ((slab.row, slab.at), self.now());
        let mut timings = self.timings.borrow_mut();
        if state == SlabState::InFlight {
            timings.begin(key, now);
            return;
        }
        let Some(took_ms) = timings.end(key, now) else { return };
        let selector = slab.selector.text.clone();
        if timings.add(SlabTiming { selector, window: slab.window, rows, took_ms }) {
            let slabs = timings.slowest();
            drop(timings);
            self.emit(Event::Slowest { stage, slabs });
        }
    }

    pub fn notice(&self, level: NoticeLevel, tag: impl Into<String>, message: impl Into<String>) {
        self.emit(Event::Notice {
            at_ms: self.ports.clock.now_ms(),
            level,
            tag: tag.into(),
            message: message.into(),
        });
    }

    /// A failure as a line in the log.
    pub fn notice_error(&self, level: NoticeLevel, error: &Error) {
        let tag = error.status.map(|status| status.to_string()).unwrap_or_default();
        self.notice(level, tag, error.to_string());
    }

    /// Begins to count a stage's work.
    pub fn start_meter(&self, meter: Meter) {
        *self.meter.borrow_mut() = Some(meter);
        *self.history.borrow_mut() = History::default();
        self.rows_read.set(0);
        self.rows_written.set(0);
        self.last_progress.set(f64::MIN);
        self.follow_limits();
        self.progress(true);
    }

    pub fn now(&self) -> f64 {
        self.ports.clock.monotonic_ms()
    }

    /// Changes the meter and says so, not too often.
    pub fn advance(&self, change: impl FnOnce(&mut Meter)) {
        if let Some(meter) = self.meter.borrow_mut().as_mut() {
            change(meter);
        }
        self.progress(false);
    }

    /// Says where the stage stands; `always`, or when the last time is long enough ago.
    pub fn progress(&self, always: bool) {
        let now = self.now();
        if !always && now - self.last_progress.get() < PROGRESS_EVERY_MS {
            return;
        }
        let Some(progress) = self.meter.borrow_mut().as_mut().map(|meter| meter.progress(now)) else {
            return;
        };
        self.last_progress.set(now);
        self.history.borrow_mut().push(ProgressPoint {
            elapsed_ms: progress.elapsed_ms,
            done: progress.done,
            read: self.rows_read.get(),
            rate: 0.0,
            in_flight: self.in_flight.get(),
        });
        let waiting = if self.control.is_paused() {
            Some("Paused. Nothing is asked of either server until you resume.".to_owned())
        } else {
            self.tokens.waiting().or_else(|| self.waiting.told())
        };
        self.emit(Event::Progress {
            progress: Progress {
                read: self.rows_read.get(),
                written: self.rows_written.get(),
                in_flight: self.in_flight.get(),
                waiting,
                ..progress
            },
        });
    }

    /// Tells the progress at least four times a second, also while requests take long, and puts new limits into force
    /// when they come. Never resolves.
    pub async fn tick(&self) {
        loop {
            let changed = pin!(self.control.limits_other_than(self.asked.get()));
            if let Either::Right(_) = select(self.ports.clock.sleep(250), changed).await {
                self.follow_limits();
            }
            self.progress(false);
        }
    }

    /// Tool and times for a report that began at `since` (wall, monotonic).
    pub fn info_since(&self, since: (Millis, f64)) -> RunInfo {
        // The last point is where it ended.
        self.progress(true);
        RunInfo {
            tool: "tsink-migrate (WebAssembly)".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_ms: since.0,
            finished_ms: self.ports.clock.now_ms(),
            duration_ms: (self.now() - since.1).max(0.0) as u64,
            source: match &self.plan.source.capture_manifest_path {
                Some(path) => path.clone(),
                None => redact_url(self.plan.source.samples_url()),
            },
            target: redact_url(&self.plan.target.write_url),
            tenant: self.plan.target.tenant.clone(),
            selectors: self.plan.selectors.iter().map(|selector| selector.text.clone()).collect(),
            progress: self.history.borrow().points(),
        }
    }

    /// Wall and monotonic time now, for [`Self::info_since`]: a stage begins.
    pub fn stamp(&self) -> (Millis, f64) {
        *self.history.borrow_mut() = History::default();
        *self.timings.borrow_mut() = Timings::default();
        (self.ports.clock.now_ms(), self.now())
    }
}
