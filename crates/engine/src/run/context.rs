//! What every stage of a run shares: ports, plan, control, and what is said on the way.

use super::control::Control;
use super::event::{Event, NoticeLevel, Progress};
use super::history::History;
use super::meter::Meter;
use super::permits::{Aimd, Permits};
use super::recording::survey::Found;
use super::retry::{Backoff, Jitter};
use crate::error::{Error, redact_url};
use crate::model::{Millis, Window};
use crate::plan::Plan;
use crate::port::Ports;
use crate::report::{ProgressPoint, Rejection, RunInfo};
use std::cell::{Cell, RefCell};
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
    /// Why requests wait at present; the newest reason counts.
    pub waiting: RefCell<Option<String>>,
    /// Write requests at once.
    pub writes: Permits,
    pub adapt: RefCell<Aimd>,
    pub meter: RefCell<Option<Meter>>,
    pub rows_read: Cell<u64>,
    pub rows_written: Cell<u64>,
    /// Requests that the target works on.
    pub in_flight: Cell<u64>,
    last_progress: Cell<f64>,
    /// What the recording holds, once it has been read.
    pub found: RefCell<Option<Rc<Found>>>,
    /// What the target refused in the backfill before.
    pub refused: RefCell<Vec<Rejection>>,
    history: RefCell<History>,
}

impl Run {
    pub fn new(ports: Ports, plan: Plan, window: Window, control: Control, sink: Rc<dyn Fn(Event)>) -> Self {
        let ceiling = plan.options.max_concurrent_writes;
        Self {
            jitter: RefCell::new(Jitter::new(ports.seed)),
            backoff: Backoff::default(),
            retries: Cell::new(0),
            streamed: Cell::new(true),
            waiting: RefCell::new(None),
            writes: Permits::new(ceiling),
            adapt: RefCell::new(Aimd::new(ceiling)),
            meter: RefCell::new(None),
            rows_read: Cell::new(0),
            rows_written: Cell::new(0),
            in_flight: Cell::new(0),
            last_progress: Cell::new(f64::MIN),
            found: RefCell::default(),
            refused: RefCell::default(),
            history: RefCell::default(),
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
            self.waiting.borrow().clone()
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

    /// Tells the progress at least four times a second, also while requests take long. Never resolves.
    pub async fn tick(&self) {
        loop {
            self.ports.clock.sleep(250).await;
            self.progress(false);
        }
    }

    /// Tool and times for a report that began at `since` (wall, monotonic).
    pub fn info_since(&self, since: (Millis, f64)) -> RunInfo {
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
        (self.ports.clock.now_ms(), self.now())
    }
}
