//! stderr: the progress line where it is a terminal, and notices as lines everywhere.

use crate::host::Host;
use crate::progress;
use crate::text::one_line;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use tsink_migrate_engine::port::Clock;
use tsink_migrate_engine::run::{Event, NoticeLevel};

/// Least time between two drawings of the line, in ms.
const REDRAW_MS: f64 = 100.0;
/// To the line's start, and erase it (ECMA-48 EL 2; every terminal and Windows console since 2016).
const ERASE: &str = "\r\u{1b}[2K";

/// Writes to stderr.
pub struct Screen {
    host: Rc<dyn Host>,
    clock: Rc<dyn Clock>,
    line: RefCell<String>,
    drawn_ms: Cell<f64>,
    muted: Cell<bool>,
    held_back: RefCell<String>,
}

impl Screen {
    /// Nothing is drawn yet.
    pub fn new(host: Rc<dyn Host>, clock: Rc<dyn Clock>) -> Self {
        Self {
            host,
            clock,
            line: RefCell::default(),
            drawn_ms: Cell::new(f64::NEG_INFINITY),
            muted: Cell::new(false),
            held_back: RefCell::default(),
        }
    }

    /// Shows an event of a run.
    pub fn show(&self, event: &Event) {
        match event {
            Event::StageStarted { stage } => {
                if let Some(columns) = self.host.columns() {
                    self.draw(progress::begun(*stage, columns));
                }
            }
            Event::Progress { progress } => {
                let now = self.clock.monotonic_ms();
                if let Some(columns) = self.host.columns().filter(|_| now - self.drawn_ms.get() >= REDRAW_MS)
                {
                    self.drawn_ms.set(now);
                    self.draw(progress::line(progress, columns));
                }
            }
            Event::Continued { stage, continued } => self.note(&progress::continued(*stage, continued)),
            Event::NotContinued { reason, .. } => self.note(&format!("warning: {reason}")),
            Event::Notice { level: NoticeLevel::Warn, message, .. } => {
                self.note(&format!("warning: {message}"))
            }
            Event::Notice { level: NoticeLevel::Error, message, .. } => {
                self.note(&format!("error: {message}"))
            }
            _ => {}
        }
    }

    /// Writes a line above the progress line.
    pub fn note(&self, text: &str) {
        if self.muted.get() {
            self.held_back.borrow_mut().push_str(&format!("{}\n", one_line(text)));
            return;
        }
        let line = self.line.borrow().clone();
        let erase = if line.is_empty() { "" } else { ERASE };
        self.host.stderr(&format!("{erase}{}\n{line}", one_line(text)));
    }

    /// Erases the progress line.
    pub fn clear(&self) {
        if !self.line.take().is_empty() {
            self.host.stderr(ERASE);
        }
    }

    /// Leaves the terminal to whoever asks something there; notes wait.
    pub fn mute(&self) {
        self.clear();
        self.muted.set(true);
    }

    /// Goes on, with the notes that have waited.
    pub fn unmute(&self) {
        self.muted.set(false);
        self.host.stderr(&self.held_back.take());
    }

    fn draw(&self, line: String) {
        if self.muted.get() {
            return;
        }
        self.host.stderr(&format!("{ERASE}{line}"));
        *self.line.borrow_mut() = line;
    }
}
