//! Time and waiting.

use crate::environment::path;
use futures_util::future::LocalBoxFuture;
use gloo_timers::future::TimeoutFuture;
use tsink_migrate_engine::port::Clock;
use wasm_bindgen::JsCast;

/// The system's clocks and timers, as pages, workers and Node.js have them.
///
/// A page in the background gets timers late (about one a second, after some minutes one a minute); a worker
/// is spared in today's browsers.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostClock;

impl Clock for HostClock {
    fn now_ms(&self) -> i64 {
        js_sys::Date::now() as i64
    }

    fn monotonic_ms(&self) -> f64 {
        // Every host of ours has `performance`; without it a wall clock is better than none.
        path(&js_sys::global(), &["performance"])
            .map_or_else(js_sys::Date::now, |clock| clock.unchecked_into::<web_sys::Performance>().now())
    }

    fn sleep(&self, ms: u64) -> LocalBoxFuture<'static, ()> {
        Box::pin(async move {
            // `setTimeout` takes a signed 32-bit number and fires at once above that.
            const LONGEST_MS: u64 = i32::MAX as u64;
            let mut left = ms;
            loop {
                let now = left.min(LONGEST_MS);
                TimeoutFuture::new(now as u32).await;
                left -= now;
                if left == 0 {
                    return;
                }
            }
        })
    }
}
