//! The `tsink-migrate` command as an npm package for Node.js ≥ 20, with nothing to install.
//!
//! All of it is here and in the engine; `npm/bin/` only lends HTTP, files, streams,
//! environment variables and signals.
//!
//! # How the package is made
//! ```text
//! cargo build --release --target wasm32-unknown-unknown -p tsink-migrate-edge
//! wasm-bindgen --target web --no-typescript --out-dir dist/edge/engine --out-name tsink_migrate_edge \
//!     target/wasm32-unknown-unknown/release/tsink_migrate_edge.wasm
//! wasm-opt -O3 … dist/edge/engine/tsink_migrate_edge_bg.wasm        # optional
//! cp -r crates/edge/npm/. dist/edge/
//! ```
//! which gives
//! ```text
//! dist/edge/package.json  README.md
//! dist/edge/bin/{tsink-migrate.mjs, http.mjs, ledger.mjs}
//! dist/edge/engine/{tsink_migrate_edge.js, tsink_migrate_edge_bg.wasm}
//! ```
//! `--target web` because its glue neither reads files nor touches the network when it is given the module's
//! bytes: the same two files serve Node.js and edge runtimes. The version in `package.json` equals the
//! workspace's; a test holds them together.

pub mod cli;
pub mod command;
pub mod diagnostics;
pub mod host;
mod js;
pub mod ledger;
pub mod progress;
pub mod screen;
pub mod text;

pub use js::run;
