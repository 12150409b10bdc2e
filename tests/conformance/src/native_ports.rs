//! The engine's ports in this process, over a blocking HTTP client: whole runs against real servers without a build
//! of the command.

use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tsink_migrate_engine::model::Window;
use tsink_migrate_engine::plan::Plan;
use tsink_migrate_engine::port::{
    Body, Clock, NetworkCause, NoFiles, NoStore, Ports, Request, Response, Transport, TransportError,
};
use tsink_migrate_engine::report::Report;
use tsink_migrate_engine::run::{Control, Given, Job, Stage, execute};
use tsink_migrate_testkit::client::Endpoint;

type Local<T> = Pin<Box<dyn Future<Output = T>>>;

/// Ports of this process.
pub fn ports() -> Ports {
    Ports {
        transport: Rc::new(Http),
        clock: Rc::new(Now(Instant::now())),
        files: Rc::new(NoFiles),
        store: Rc::new(NoStore),
        seed: 7,
    }
}

/// Runs stages of a plan over a window and gives their reports.
///
/// # Errors
/// As [`execute`].
pub fn run(
    plan: &Plan,
    window: Window,
    stages: &[Stage],
    given: Given,
) -> tsink_migrate_engine::Result<Vec<Report>> {
    let job = Job { plan: plan.clone(), window, stages: stages.to_vec(), given, fresh: false };
    block_on(execute(ports(), job, Control::new(), Rc::new(|_| {})))
}

/// Polls a future to its end. Requests block, so only waiting leaves it pending.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut context) {
            return done;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

struct Now(Instant);

impl Clock for Now {
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
        i64::try_from(since.as_millis()).expect("a time in reach")
    }

    fn monotonic_ms(&self) -> f64 {
        self.0.elapsed().as_secs_f64() * 1000.0
    }

    fn sleep(&self, ms: u64) -> Local<()> {
        Box::pin(Until(Instant::now() + Duration::from_millis(ms)))
    }
}

struct Until(Instant);

impl Future for Until {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.0 {
            return Poll::Ready(());
        }
        // Futures that run beside each other are polled again only when they were woken.
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

struct Http;

impl Transport for Http {
    fn send(&self, request: Request) -> Local<Result<Response, TransportError>> {
        let (base, path) = request.url.split_at(request.url.match_indices('/').nth(2).expect("a path").0);
        let headers: Vec<(&str, &str)> =
            request.headers.iter().map(|(name, value)| (name.as_str(), value.reveal())).collect();
        let answer = Endpoint::new(base)
            .send(request.method.as_str(), path, &headers, &request.body)
            .map(|answer| Response {
                status: answer.status,
                headers: answer.headers,
                body: Box::new(Whole(Some(answer.body.into()))),
            })
            .map_err(|error| TransportError::Network {
                message: format!("{error:#}"),
                code: Some("ECONNREFUSED".to_owned()),
            });
        Box::pin(std::future::ready(answer))
    }

    fn diagnose(&self, _: String, _: TransportError) -> Local<NetworkCause> {
        Box::pin(std::future::ready(NetworkCause::Refused))
    }
}

struct Whole(Option<bytes::Bytes>);

impl Body for Whole {
    fn chunk(&mut self) -> Pin<Box<dyn Future<Output = Result<Option<bytes::Bytes>, TransportError>> + '_>> {
        let body = self.0.take();
        Box::pin(async move { Ok(body) })
    }
}
