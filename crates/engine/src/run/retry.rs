//! How long to wait before the next attempt: exponential backoff with full jitter.
//!
//! Full jitter spreads the attempts of many requests that failed together, so that they do not come back
//! together. A server's `Retry-After` is a lower bound.

/// A server must not be able to hold a run for ever.
const MAX_RETRY_AFTER_MS: u64 = 120_000;

/// Backoff parameters, in ms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// Upper bound of the first delay.
    pub base_ms: u64,
    /// Upper bound of every delay.
    pub cap_ms: u64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base_ms: 200, cap_ms: 10_000 }
    }
}

impl Backoff {
    /// Delay in ms before attempt `attempt + 1`, when `attempt` (1-based) has failed. `random` is any u64.
    pub fn delay_ms(&self, attempt: u32, retry_after_ms: Option<u64>, random: u64) -> u64 {
        let doublings = attempt.saturating_sub(1).min(20);
        let bound = self.base_ms.saturating_mul(1 << doublings).min(self.cap_ms).max(1);
        let jittered = 1 + random % bound;
        jittered.max(retry_after_ms.unwrap_or(0).min(MAX_RETRY_AFTER_MS))
    }

    /// Delay in ms before a server that is gone is asked again, when `tries` such questions have failed: without
    /// jitter, since only one request goes.
    pub fn probe_ms(&self, tries: u32, retry_after_ms: Option<u64>) -> u64 {
        let bound = self.base_ms.saturating_mul(1 << (tries.min(18) + 2)).min(self.cap_ms).max(1);
        bound.max(retry_after_ms.unwrap_or(0).min(MAX_RETRY_AFTER_MS))
    }
}

/// A small deterministic generator (splitmix64) for jitter; seeded by the host.
#[derive(Clone, Debug)]
pub struct Jitter(u64);

impl Jitter {
    /// A generator from a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next value.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::{Backoff, Jitter};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn delays_grow_to_the_cap_and_are_never_nothing(attempt in 1u32..40, seed: u64) {
            let backoff = Backoff::default();
            let delay = backoff.delay_ms(attempt, None, Jitter::new(seed).next());
            prop_assert!(delay >= 1);
            prop_assert!(delay <= backoff.cap_ms);
            let bound = backoff.base_ms.saturating_mul(1 << (attempt - 1).min(20));
            prop_assert!(delay <= bound);
        }
    }

    #[test]
    fn the_whole_range_below_the_bound_is_used() {
        let backoff = Backoff { base_ms: 100, cap_ms: 1_000 };
        let mut jitter = Jitter::new(3);
        let delays: Vec<u64> = (0..400).map(|_| backoff.delay_ms(3, None, jitter.next())).collect();
        assert!(delays.iter().any(|ms| *ms < 40) && delays.iter().any(|ms| *ms > 360), "full jitter");
        assert!(delays.iter().all(|ms| (1..=400).contains(ms)));
        assert_eq!((backoff.probe_ms(0, None), backoff.probe_ms(9, None)), (400, 1_000));
    }

    #[test]
    fn retry_after_is_a_lower_bound_but_not_beyond_two_minutes() {
        let backoff = Backoff::default();
        assert!(backoff.delay_ms(1, Some(5_000), 7) >= 5_000);
        assert!(backoff.probe_ms(0, Some(5_000)) >= 5_000);
        assert_eq!(backoff.delay_ms(1, Some(86_400_000), 7), 120_000);
    }
}
