//! Futures that stay functions of their own.

use futures_util::future::LocalBoxFuture;

/// Keeps a part of the work out of the function that awaits it.
///
/// Awaited directly, the compiler makes one function of both, and of a whole run one of 100 kB, which is entered
/// each time a piece of an answer arrives. So V8 finds it hot and optimises it, which took 2 s of CPU (measured with
/// `--trace-wasm-compilation-times`), more than everything else that a backfill of 5.76 M samples asks of it.
#[inline(never)]
pub fn apart<'a, T>(work: impl Future<Output = T> + 'a) -> LocalBoxFuture<'a, T> {
    Box::pin(work)
}
