//! The engine's module: what runs in the worker behind the page. The page fetches it when there is a plan.
#![forbid(unsafe_code)]

fn main() {
    tsink_migrate_host::worker::run(env!("BUILD_STAMP"));
}
