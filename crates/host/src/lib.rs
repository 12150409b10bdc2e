//! The one IO shell around the engine: `fetch`, timers and clocks, for a web worker and for Node.js alike,
//! and the messages between page and worker.

pub mod protocol;
