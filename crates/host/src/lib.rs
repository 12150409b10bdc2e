//! The one IO shell around the engine: HTTP, timers and clocks, for a web worker and for Node.js alike,
//! and the messages between page and worker.
//!
//! - [`ports`] makes the engine's ports for wherever this code runs.
//! - [`worker`] is the loop of the engine worker behind the page; [`protocol`] are its messages.
//! - [`paths`] finds the files that plans and manifests name among those at hand.
//! - [`panics`] tells about a defect before the wasm instance is gone.

pub mod clock;
pub mod environment;
pub mod files;
pub mod ledgers;
mod memory;
mod outbox;
pub mod panics;
pub mod parcels;
pub mod paths;
pub mod protocol;
pub mod start;
pub mod transport;
pub mod worker;

pub use clock::HostClock;
pub use environment::Environment;
pub use transport::{FetchTransport, NodeTransport, Requester};

use std::rc::Rc;
use tsink_migrate_engine::port::{NoFiles, NoStore, Ports};

/// The engine's ports in this environment: `fetch`, the system's clocks and timers, a random seed. There are no
/// files and no ledgers: the worker puts those of the page in, the command those of its plan.
pub fn ports() -> Ports {
    Ports {
        transport: Rc::new(FetchTransport::new()),
        clock: Rc::new(HostClock),
        files: Rc::new(NoFiles),
        store: Rc::new(NoStore),
        // A seed of jitter needs no cryptography; 2^53 is what a JavaScript number holds exactly.
        seed: (js_sys::Math::random() * 9_007_199_254_740_992.0) as u64,
    }
}
