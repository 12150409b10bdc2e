//! Sending calls: pause and cancel, retry with backoff, and errors that say what to do.

use super::after::After;
use super::context::Run;
use super::event::NoticeLevel;
use super::flow::{Breaker, Rank, Turn, Wait, is_unavailable};
use super::reading::cannot_cut;
use crate::answer::CLOCK_HEADER;
use crate::error::{Error, ErrorKind, Result, Side};
use crate::plan::SourceKind;
use crate::port::{Answer, Body, Call, Intake, NetworkCause, Request, StreamCall, TransportError, collect};
use futures_util::future::{Either, select};
use std::cell::{Cell, RefCell};
use std::pin::pin;

/// An answer with what a preflight wants to know about it.
pub(super) struct Timed<T> {
    pub result: Result<T>,
    pub status: Option<u16>,
    pub latency_ms: u64,
}

impl<T> Timed<T> {
    /// What was read, in another form.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Timed<U> {
        let Self { result, status, latency_ms } = self;
        Timed { result: result.map(change), status, latency_ms }
    }
}

impl Timed<u64> {
    /// [`u64::MAX`] for an answer that was broken off because it holds too much.
    pub fn or_too_large(self) -> Self {
        let result = match self.result {
            Err(error) if error.kind == ErrorKind::TooLarge => Ok(u64::MAX),
            other => other,
        };
        Self { result, ..self }
    }
}

/// Reads an answer and keeps what it says: the loop around a call is built once, not once for every kind of answer.
enum Accept<'a> {
    /// Reads it when it is there as a whole, and wanted.
    Whole(&'a mut dyn FnMut(&Answer) -> Result<()>, Option<After<'a>>),
    /// Reads it as it arrives.
    Pieces(&'a mut dyn Streamed),
}

impl Accept<'_> {
    /// For the next attempt.
    fn again(&mut self) -> Accept<'_> {
        match self {
            Self::Whole(read, after) => Accept::Whole(*read, *after),
            Self::Pieces(read) => Accept::Pieces(*read),
        }
    }
}

/// A [`StreamCall`] under way, whatever it yields.
trait Streamed {
    fn open(&mut self, answer: &Answer) -> Result<()>;
    fn feed(&mut self, bytes: &[u8]) -> Result<()>;
    fn finish(&mut self) -> Result<()>;
}

struct Under<'a, T> {
    call: &'a StreamCall<T>,
    intake: Option<Box<dyn Intake<T>>>,
    value: Option<T>,
}

impl<'a, T> Under<'a, T> {
    fn new(call: &'a StreamCall<T>) -> Self {
        Self { call, intake: None, value: None }
    }
}

impl<T> Streamed for Under<'_, T> {
    fn open(&mut self, answer: &Answer) -> Result<()> {
        // What an attempt before this one has read is dropped.
        self.intake = Some((self.call.open)(answer)?);
        Ok(())
    }

    fn feed(&mut self, bytes: &[u8]) -> Result<()> {
        self.intake.as_mut().ok_or_else(unread)?.feed(bytes)
    }

    fn finish(&mut self) -> Result<()> {
        self.value = Some(self.intake.take().ok_or_else(unread)?.finish()?);
        Ok(())
    }
}

impl Run {
    /// Sends a call until it succeeds, fails for good, or runs out of attempts.
    pub async fn call<T>(&self, call: &Call<T>) -> Result<T> {
        self.call_unless(call, |_| false).await
    }

    /// As [`Self::call`], but gives up at once on what `stop` says: what may not simply be sent again.
    pub async fn call_unless<T>(&self, call: &Call<T>, stop: fn(&Error) -> bool) -> Result<T> {
        self.whole(call, None, stop).await
    }

    /// As [`Self::call`], but the answer is only taken and read when `after` says so.
    pub async fn call_after<T>(&self, after: After<'_>, call: &Call<T>) -> Result<T> {
        self.whole(call, Some(after), |_| false).await
    }

    async fn whole<T>(
        &self,
        call: &Call<T>,
        after: Option<After<'_>>,
        stop: fn(&Error) -> bool,
    ) -> Result<T> {
        let mut value = None;
        let mut read = |answer: &Answer| (call.parse)(answer).map(|read| value = Some(read));
        self.attempts(&call.request, call.limit, Accept::Whole(&mut read, after), stop).await?;
        value.ok_or_else(unread)
    }

    /// As [`Self::call`], for an answer that is read as it arrives. An attempt that breaks off in mid-answer counts
    /// for nothing; the next one begins anew.
    pub async fn stream<T>(&self, call: &StreamCall<T>) -> Result<T> {
        let mut under = Under::new(call);
        self.attempts(&call.request, call.limit, Accept::Pieces(&mut under), |_| false).await?;
        under.value.ok_or_else(unread)
    }

    /// As [`Self::timed`], for an answer that is read as it arrives.
    pub async fn timed_stream<T>(&self, call: &StreamCall<T>) -> Timed<T> {
        let mut under = Under::new(call);
        let Timed { result, status, latency_ms } =
            self.attempt(&call.request, call.limit, Accept::Pieces(&mut under)).await;
        Timed { result: result.and_then(|()| under.value.ok_or_else(unread)), status, latency_ms }
    }

    /// Sends a call once. Waits while the run is paused; a cancel aborts the request.
    pub async fn once<T>(&self, call: &Call<T>) -> Result<T> {
        self.timed(call).await.result
    }

    /// Sends a call once and takes the time.
    pub async fn timed<T>(&self, call: &Call<T>) -> Timed<T> {
        let mut value = None;
        let mut read = |answer: &Answer| (call.parse)(answer).map(|read| value = Some(read));
        let Timed { result, status, latency_ms } =
            self.attempt(&call.request, call.limit, Accept::Whole(&mut read, None)).await;
        Timed { result: result.and_then(|()| value.ok_or_else(unread)), status, latency_ms }
    }

    async fn attempts(
        &self,
        request: &Request,
        limit: usize,
        mut accept: Accept<'_>,
        stop: fn(&Error) -> bool,
    ) -> Result<()> {
        let mut attempt = 1;
        loop {
            let edition = self.token(request.side).await?;
            let error = match self.attempt(request, limit, accept.again()).await.result {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if self.token_refused(request, edition, &error) {
                continue;
            }
            if !error.kind.is_retryable() || cannot_cut(&error) || stop(&error) {
                return Err(error);
            }
            match self.next_attempt(request.side, attempt, &error).await? {
                Some(next) => attempt = next,
                None => return Err(self.gone(request.side).unwrap_or(error)),
            }
        }
    }

    /// Waits before the attempt after `attempt`, which failed, and says why. Gives the number of the next one; `None`
    /// when there is none left, or the server is gone. While the run is held, attempts do not count.
    ///
    /// # Errors
    /// When the operator cancels.
    pub async fn next_attempt(&self, side: Side, attempt: u32, error: &Error) -> Result<Option<u32>> {
        let most = self.plan.options.max_attempts;
        let (is_held, is_gone) = {
            let breaker = self.breaker(side).borrow();
            (breaker.is_open(), breaker.gone().is_some())
        };
        if is_gone || !is_held && attempt >= most {
            return Ok(None);
        }
        self.retries.set(self.retries.get() + 1);
        if is_held {
            // The breaker says when the next one goes.
            return Ok(Some(attempt));
        }
        let random = self.jitter.borrow_mut().next();
        let delay = self.backoff.delay_ms(attempt, error.retry_after_ms, random);
        let answered = match error.status {
            Some(status) => format!("answered {status}"),
            None => format!("did not answer ({})", error.message),
        };
        let _told = self.waiting.begin(
            Rank::Retry,
            format!(
                "The {side} {answered}; attempt {} of {most} in {delay} ms, {} writes at once.",
                attempt + 1,
                self.gate.limit(),
            ),
        );
        self.notice(
            NoticeLevel::Warn,
            error.status.map(|status| status.to_string()).unwrap_or_default(),
            format!("{error}; retry {attempt} in {delay} ms"),
        );
        self.progress(false);
        self.sleep(delay).await?;
        Ok(Some(attempt + 1))
    }

    /// Waits, or ends with the operator's cancel.
    async fn sleep(&self, ms: u64) -> Result<()> {
        match select(self.ports.clock.sleep(ms), pin!(self.control.cancelled())).await {
            Either::Left(_) => Ok(()),
            Either::Right(_) => Err(cancelled()),
        }
    }

    /// What is known of whether a side is there.
    pub fn breaker(&self, side: Side) -> &RefCell<Breaker> {
        let [source, target] = &self.breakers;
        match side {
            Side::Source => source,
            Side::Target => target,
        }
    }

    /// Why a side counts as gone, if it does.
    pub fn gone(&self, side: Side) -> Option<Error> {
        self.breaker(side).borrow().gone().cloned()
    }

    /// Waits while the side is gone. Tells whether this request is the one that finds out whether it is back.
    async fn turn(&self, side: Side) -> Result<bool> {
        let mut told: Option<Wait> = None;
        loop {
            let turn = self.breaker(side).borrow_mut().turn(self.now());
            match turn {
                Turn::Go => return Ok(false),
                Turn::Probe(_) => return Ok(true),
                Turn::Gone(error) => return Err(*error),
                Turn::Wait(ms) => {
                    let text = format!(
                        "The {side} is not available. Nothing is given up: one request after the other finds out whether \
                         it is back (attempt {} of {}).",
                        self.breaker(side).borrow().tries().max(1),
                        self.plan.options.max_attempts,
                    );
                    match &told {
                        Some(told) => told.say(text),
                        None => told = Some(self.waiting.begin(Rank::Held, text)),
                    }
                    self.sleep(ms).await?;
                }
            }
            self.control.ready().await;
        }
    }

    /// Learns from what became of an attempt.
    fn learn(&self, side: Side, probe: bool, sent: f64, result: &Result<()>) {
        let now = self.now();
        let mut breaker = self.breaker(side).borrow_mut();
        let Err(error) = result else {
            if breaker.answered() {
                self.notice(NoticeLevel::Info, "", format!("The {side} is back; the run goes on."));
            }
            return;
        };
        if side == Side::Target
            && matches!(error.kind, ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::Timeout)
        {
            self.gate.refused(sent, now);
        }
        if is_unavailable(error) {
            let delay = self.backoff.probe_ms(breaker.tries(), error.retry_after_ms);
            if breaker.failed(probe, error, delay, self.plan.options.max_attempts, now) {
                let text = format!("The {side} is not available; the run is held until it is back. {error}");
                self.notice(NoticeLevel::Warn, "", text);
            } else if let Some(gone) = breaker.gone().filter(|_| probe) {
                self.notice(NoticeLevel::Error, "", format!("The run ends: {gone}"));
            }
        } else if error.status.is_some() {
            breaker.answered();
        } else if probe {
            breaker.undecided();
        }
    }

    async fn attempt(&self, request: &Request, limit: usize, accept: Accept<'_>) -> Timed<()> {
        self.control.ready().await;
        let probe = match self.turn(request.side).await {
            Ok(probe) => probe,
            Err(error) => return Timed { result: Err(error), status: None, latency_ms: 0 },
        };
        let begun = self.now();
        // Counted here: whoever waits for a pause to end holds a permit and asks nothing.
        let _under_way = (request.side == Side::Target).then(|| UnderWay::new(&self.in_flight));
        let work = pin!(self.exchange(request, limit, accept));
        let (result, status) = match select(work, pin!(self.control.cancelled())).await {
            Either::Left((done, _)) => done,
            Either::Right(_) => (Err(cancelled()), None),
        };
        self.learn(request.side, probe, begun, &result);
        let result = match result {
            Ok(()) => {
                self.token_taken(request);
                Ok(())
            }
            Err(error) => Err(self.without_token(error)),
        };
        Timed { result, status, latency_ms: (self.now() - begun).max(0.0) as u64 }
    }

    async fn exchange(
        &self,
        request: &Request,
        limit: usize,
        accept: Accept<'_>,
    ) -> (Result<()>, Option<u16>) {
        if self.control.is_cancelled() {
            return (Err(cancelled()), None);
        }
        let mut response = match self.ports.transport.send(self.with_token(request)).await {
            Ok(response) => response,
            Err(failure) => return (Err(self.transport_error(request, failure).await), None),
        };
        // `Retry-After` with a date counts from the server's own clock; where it does not tell, from this one.
        response.headers.push((CLOCK_HEADER.to_owned(), self.ports.clock.now_ms().to_string()));
        let status = response.status;
        let read = match accept {
            Accept::Pieces(streamed) if (200..300).contains(&status) => {
                take(response.body.as_mut(), status, response.headers, streamed).await
            }
            accept => {
                let length = response.header("content-length").and_then(|length| length.parse().ok());
                let (mut turn, mut likely) = (None, length.unwrap_or(0));
                if let Accept::Whole(_, Some(after)) = &accept {
                    turn = after.turn(&*self.ports.clock).await;
                    likely = likely.max(after.room);
                }
                match collect(response.body.as_mut(), likely, limit).await {
                    Err(failure) => Err(failure),
                    Ok(body) => {
                        let answer = Answer { status, headers: response.headers, body };
                        Ok(match accept {
                            Accept::Whole(read, after) => {
                                let _turn = match after {
                                    Some(after) => after.wanted(turn).await,
                                    None => None,
                                };
                                read(&answer)
                            }
                            Accept::Pieces(streamed) => streamed.open(&answer),
                        })
                    }
                }
            }
        };
        let result = match read {
            Ok(result) => result,
            Err(failure) => {
                let error = self.transport_error(request, failure).await;
                Err(Error { status: Some(status), ..error })
            }
        };
        (result, Some(status))
    }

    async fn transport_error(&self, request: &Request, failure: TransportError) -> Error {
        let error = match &failure {
            TransportError::Network { message, .. } => {
                let cause = self.ports.transport.diagnose(request.url.clone(), failure.clone()).await;
                let (what, remedy) = network_words(cause, request.side, self.plan.source.kind);
                let message = if cause == NetworkCause::NoCors { what.to_owned() } else { format!("{what} ({message})") };
                Error::new(ErrorKind::Network(cause), message).remedy(remedy)
            }
            TransportError::Timeout { .. } => Error::new(ErrorKind::Timeout, failure.to_string())
                .remedy("Raise batch.http_timeout_secs, or lower options.slab_samples so that one answer is smaller."),
            TransportError::Broken { .. } => Error::new(ErrorKind::Network(NetworkCause::Reset), failure.to_string())
                .remedy("The connection broke while the answer was on its way. If it happens again, look for a proxy with a short timeout or a small limit between here and the server."),
            TransportError::TooLarge { .. } => Error::new(ErrorKind::TooLarge, failure.to_string())
                .remedy("Lower options.slab_samples, so that one answer is smaller."),
            TransportError::Invalid { .. } => Error::new(ErrorKind::Input, failure.to_string())
                .remedy("Mend the URL or the header in the plan."),
        };
        error.side(request.side).url(&request.url)
    }
}

/// Reads a body piece by piece.
///
/// # Errors
/// What the body reports; inside, what its reader says.
async fn take(
    body: &mut dyn Body,
    status: u16,
    headers: Vec<(String, String)>,
    streamed: &mut dyn Streamed,
) -> std::result::Result<Result<()>, TransportError> {
    let first = body.chunk().await?.unwrap_or_default();
    let answer = Answer { status, headers, body: first };
    if let Err(error) = streamed.open(&answer).and_then(|()| streamed.feed(&answer.body)) {
        return Ok(Err(error));
    }
    drop(answer);
    while let Some(piece) = body.chunk().await? {
        if let Err(error) = streamed.feed(&piece) {
            return Ok(Err(error));
        }
    }
    Ok(streamed.finish())
}

/// A request that the target works on.
struct UnderWay<'a>(&'a Cell<u64>);

impl<'a> UnderWay<'a> {
    fn new(count: &'a Cell<u64>) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

/// A call that succeeded has been read; this error is never seen.
fn unread() -> Error {
    Error::new(ErrorKind::Internal, "an answer was accepted and not read")
}

/// The operator's cancel.
pub(super) fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "cancelled by the operator")
        .remedy("What the target has acknowledged stays there; run the same plan again to complete it.")
}

/// What a cause means, and what to do about it.
fn network_words(cause: NetworkCause, side: Side, source: SourceKind) -> (&'static str, &'static str) {
    match cause {
        NetworkCause::NoCors => (
            "the server answers, but its answer carries no CORS header (Access-Control-Allow-Origin), so the browser does not let this page read it",
            match side {
                Side::Source if source == SourceKind::VictoriaMetrics => {
                    "Put the page and the servers behind one origin, or a gateway that adds CORS in front of the server: the page has the recipe for this plan. VictoriaMetrics lets a page on another origin read queries; its export only from 1.138 on, and nothing in 1.79.5 that is asked for with a token. The command has no such limit."
                }
                Side::Source => {
                    "Put the page and the servers behind one origin, or a gateway that adds CORS in front of the server: the page has the recipe for this plan. For float samples only, options.read_via = \"instant_query\" reads Prometheus through an endpoint that has CORS. The command has no such limit."
                }
                Side::Target => {
                    "Put the page and the servers behind one origin, or a gateway that adds CORS in front of the server: the page has the recipe for this plan. The command has no such limit. (A refused token can look the same: an error without a CORS header is hidden too.)"
                }
            },
        ),
        NetworkCause::MixedContent => (
            "a page that came by https may not call a server by plain http (mixed content)",
            "Serve the server by https, through the gateway recipe for instance, or open the page by http on a trusted network.",
        ),
        NetworkCause::Refused => (
            "nothing listens at this address",
            "Check host and port in the plan, and whether the server runs.",
        ),
        NetworkCause::NameNotFound => {
            ("the host name cannot be resolved", "Check the host name in the plan.")
        }
        NetworkCause::Tls => (
            "the TLS connection failed",
            "Check the server's certificate: its name, its validity, and whether its authority is trusted here.",
        ),
        NetworkCause::Reset => (
            "the connection was reset",
            "Try again; if it happens often, look for a proxy between here and the server.",
        ),
        NetworkCause::Timeout => (
            "the server did not answer in time",
            "Check the address and any firewall; raise batch.http_timeout_secs for a slow server.",
        ),
        NetworkCause::Unreachable => (
            "the server cannot be reached",
            "The server is down, its name does not resolve, its certificate is not trusted, or a firewall is in between; no more is told here, and browsers never tell. Open the URL in a new tab to see more.",
        ),
    }
}
