//! Values of headers: from the environment, from files that it names, and new ones when a server refuses the old.
//!
//! `${NAME}` in a header is the variable `NAME`, or what is in the file that the variable `NAME_FILE` names: container
//! platforms mount secrets as files and write new values into them while a process runs. So when a server refuses in
//! mid-run what it took before, the files are read again until one has changed; then whoever sits at the terminal is
//! asked; and where there is neither, the run ends with an account of what is done.

use super::files;
use crate::host::Host;
use crate::screen::Screen;
use crate::text::one_line;
use futures_util::future::{Either, select};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use tsink_migrate_engine::plan::{self, Plan};
use tsink_migrate_engine::port::{Clock, Secret};
use tsink_migrate_engine::run::Control;
use tsink_migrate_engine::{Error, Side};

/// Bytes of a file with one value at most: headers of servers end at 8 to 64 KiB.
const MAX_VALUE_BYTES: usize = 64 * 1024;
/// How often files are read again, in ms.
const POLL_MS: u64 = 500;
/// How long, in ms: platforms write new secrets within their own period, a minute as a rule.
const PATIENCE_MS: f64 = 60_000.0;

/// Values by name, from the environment and the files that it names. The error is text to print.
pub(super) async fn values(
    host: &Rc<dyn Host>,
    names: &[String],
) -> Result<BTreeMap<String, String>, String> {
    let mut values = BTreeMap::new();
    for name in names {
        let value = host.variable(name).filter(|value| !value.is_empty());
        let value = match (value, file_of(host, name)) {
            (Some(_), Some(_)) => {
                return Err(format!(
                    "error: both {name} and {name}_FILE are set; nothing was sent\nKeep one: the value itself, or the file that holds it.\n"
                ));
            }
            (None, Some(path)) => Some(
                in_file(host, &path).await.map_err(|error| format!("error: {name}_FILE names {error}\n"))?,
            ),
            (value, None) => value,
        };
        values.extend(value.map(|value| (name.clone(), value)));
    }
    Ok(values)
}

fn file_of(host: &Rc<dyn Host>, name: &str) -> Option<String> {
    host.variable(&format!("{name}_FILE")).filter(|path| !path.is_empty())
}

/// The value in a file, without the line end that editors leave.
async fn in_file(host: &Rc<dyn Host>, path: &str) -> Result<String, String> {
    let text = files::value(host, path, MAX_VALUE_BYTES).await?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// The plan's text and the values that its headers have at present.
pub(super) struct Given {
    pub text: String,
    pub names: Vec<String>,
    pub values: BTreeMap<String, String>,
}

impl Given {
    /// The plan with these values; none when they cannot stand in a header.
    fn plan(&self, values: &BTreeMap<String, String>, now_ms: i64) -> Option<Plan> {
        // Any window will do.
        let context = plan::Context { base: None, secrets: values, now_ms, start: "0", end: "1" };
        let check = plan::check(&self.text, &context);
        check.is_ready().then_some(check.plan).flatten()
    }

    /// Names in the headers of a side.
    fn of(&self, side: Side, now_ms: i64) -> Vec<String> {
        let headers = |values: &BTreeMap<String, String>| {
            self.plan(values, now_ms).map(|plan| headers(&plan, side).to_vec())
        };
        let before = headers(&self.values);
        let depends = |name: &&String| {
            let mut other = self.values.clone();
            other.entry((*name).clone()).or_default().push('x');
            headers(&other) != before
        };
        self.names.iter().filter(depends).cloned().collect()
    }
}

fn headers(plan: &Plan, side: Side) -> &[(String, Secret)] {
    match side {
        Side::Source => &plan.source.headers,
        Side::Target => &plan.target.headers,
    }
}

/// Gets new values when a run asks for them.
pub(super) struct Asker {
    host: Rc<dyn Host>,
    clock: Rc<dyn Clock>,
    screen: Rc<Screen>,
    control: Control,
    given: RefCell<Given>,
    asked: RefCell<VecDeque<(Side, Error)>>,
    waker: Cell<Option<Waker>>,
}

impl Asker {
    pub fn new(
        host: Rc<dyn Host>,
        clock: Rc<dyn Clock>,
        screen: Rc<Screen>,
        control: Control,
        given: Given,
    ) -> Self {
        let (asked, waker) = (RefCell::default(), Cell::default());
        Self { host, clock, screen, control, given: RefCell::new(given), asked, waker }
    }

    /// A server refuses what it took before.
    pub fn ask(&self, side: Side, error: Error) {
        self.asked.borrow_mut().push_back((side, error));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Answers what is asked. Never resolves.
    pub async fn serve(&self) -> Infallible {
        loop {
            let (side, error) = self.next().await;
            if self.read_files(side).await || self.ask_at_terminal(side, &error).await {
                continue;
            }
            if !self.control.is_cancelled() {
                self.screen.note(&format!(
                    "error: no new token for the {side}: the run ends here. What was written stays. Run the same command again with a valid token, and it goes on from there"
                ));
                self.control.decline();
            }
        }
    }

    async fn next(&self) -> (Side, Error) {
        poll_fn(|context| match self.asked.borrow_mut().pop_front() {
            Some(asked) => Poll::Ready(asked),
            None => {
                self.waker.set(Some(context.waker().clone()));
                Poll::Pending
            }
        })
        .await
    }

    /// Names in the headers of a side.
    fn names(&self, side: Side) -> Vec<String> {
        self.given.borrow().of(side, self.clock.now_ms())
    }

    /// Reads files with values of this side again until one holds another value.
    async fn read_files(&self, side: Side) -> bool {
        let names: Vec<(String, String)> = self
            .names(side)
            .into_iter()
            .filter_map(|name| file_of(&self.host, &name).map(|path| (name, path)))
            .collect();
        if names.is_empty() {
            return false;
        }
        let shown: Vec<String> = names.iter().map(|(name, _)| format!("{name}_FILE")).collect();
        self.screen.note(&format!(
            "the {side} refuses its token: waiting up to {} s for a new value in the file of {}",
            PATIENCE_MS / 1000.0,
            shown.join(", ")
        ));
        let begun = self.clock.monotonic_ms();
        loop {
            let mut values = self.given.borrow().values.clone();
            for (name, path) in &names {
                // A file may be away while a new one takes its place.
                if let Ok(value) = in_file(&self.host, path).await
                    && !value.is_empty()
                {
                    values.insert(name.clone(), value);
                }
            }
            if values != self.given.borrow().values && self.renew(values) {
                self.screen.note(&format!("there is a new value for the {side}: the run goes on"));
                return true;
            }
            if self.control.is_cancelled() || self.clock.monotonic_ms() - begun >= PATIENCE_MS {
                return false;
            }
            let sleep = self.clock.sleep(POLL_MS);
            let _ = select(sleep, pin!(self.control.cancelled())).await;
        }
    }

    /// Asks whoever sits at the terminal.
    async fn ask_at_terminal(&self, side: Side, error: &Error) -> bool {
        let names: Vec<String> =
            self.names(side).into_iter().filter(|name| file_of(&self.host, name).is_none()).collect();
        if names.is_empty() || self.control.is_cancelled() {
            return false;
        }
        let mut values = self.given.borrow().values.clone();
        for name in names {
            let prompt = format!("{}\nnew {name} for the {side} (not shown): ", one_line(&error.to_string()));
            self.screen.mute();
            let answer = self.host.ask_secret(&prompt);
            let answer = match select(answer, pin!(self.control.cancelled())).await {
                Either::Left((answer, _)) => answer,
                Either::Right(_) => None,
            };
            self.screen.unmute();
            match answer.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()) {
                Some(value) => values.insert(name, value),
                None => return false,
            };
        }
        let renewed = self.renew(values);
        if !renewed {
            self.screen.note("error: what was entered cannot stand in a header");
        }
        renewed
    }

    /// Gives the run its headers with these values; false when they cannot stand in a header.
    fn renew(&self, values: BTreeMap<String, String>) -> bool {
        let now_ms = self.clock.now_ms();
        let Some(plan) = self.given.borrow().plan(&values, now_ms) else { return false };
        self.given.borrow_mut().values = values;
        self.control.renew(plan.source.headers, plan.target.headers);
        true
    }
}
