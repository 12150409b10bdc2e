//! Real servers, real history, and a same-origin gateway: what tests, demo and benchmarks share.
//!
//! * [`tools`] finds the programs (environment variable, `PATH`, the tools cache);
//! * [`servers`] starts tsink, Prometheus, Caddy and nginx on free ports in temporary folders and ends them
//!   when their handle is dropped, or when this process dies;
//! * [`history`] makes samples, histograms, exemplars and metadata from a seed, and [`client`] writes them
//!   to a server and reads them back, with decoders of its own, independent of the engine's;
//! * [`demo`] is the sample history and the plan that `cargo xtask demo` shows;
//! * [`exposition`] is a scrape target, because Prometheus serves metadata of scraped targets only;
//! * [`faults`] is a proxy that breaks exchanges on purpose;
//! * [`gateway`] serves static files and both servers on one origin;
//! * [`live`] is tsink with its live endpoints, and senders for them;
//! * [`otlp`] makes OTLP metrics requests, by the standard and as tsink numbers them;
//! * [`otlp_json`] makes OTLP's protobuf form from its JSON form, in either numbering;
//! * [`plans`] are plans for two servers;
//! * [`prebuilt`] are requests made before the clock starts;
//! * [`native`] runs the native `tsink-migrate`, the yardstick.
#![forbid(unsafe_code)]

pub mod client;
pub mod demo;
pub mod exposition;
pub mod faults;
pub mod gateway;
pub mod history;
pub mod live;
pub mod native;
pub mod otlp;
pub mod otlp_json;
pub mod plans;
pub mod prebuilt;
pub mod process;
pub mod servers;
pub mod tools;
pub mod wire;
