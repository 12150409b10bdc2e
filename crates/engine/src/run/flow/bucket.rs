//! A number of rows a second, as a token bucket that may go into debt: a batch goes as soon as there is no debt, and
//! its rows are paid off before the next one. So a batch larger than a second's rows goes, too, and the average holds.

/// What may be saved up while nothing is sent, in ms.
const SAVED_MS: f64 = 250.0;

/// The bucket. Times are monotonic ms.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bucket {
    rate: u64,
    level: f64,
    at: f64,
}

impl Bucket {
    /// Rows a second from now on; 0 for as many as there are.
    pub fn set_rate(&mut self, rate: u64, now: f64) {
        self.refill(now);
        if rate == 0 || self.rate == 0 {
            self.level = 0.0;
        }
        self.rate = rate;
    }

    /// Rows a second; 0 for no limit.
    pub fn rate(&self) -> u64 {
        self.rate
    }

    /// How long the next batch has to wait, in ms; 0 when it may go.
    pub fn wait_ms(&mut self, now: f64) -> u64 {
        self.refill(now);
        if self.rate == 0 || self.level >= 0.0 {
            return 0;
        }
        (-self.level * 1000.0 / self.rate as f64).ceil().max(1.0) as u64
    }

    /// A batch goes.
    pub fn take(&mut self, rows: u64, now: f64) {
        self.refill(now);
        if self.rate > 0 {
            self.level -= rows as f64;
        }
    }

    fn refill(&mut self, now: f64) {
        let passed = (now - self.at).max(0.0);
        self.at = now;
        let most = self.rate as f64 * SAVED_MS / 1000.0;
        self.level = (self.level + passed * self.rate as f64 / 1000.0).min(most);
    }
}

#[cfg(test)]
mod tests {
    use super::Bucket;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_average_holds(rate in 1u64..1_000_000, batches in proptest::collection::vec(1u64..50_000, 1..60)) {
            let (mut bucket, mut now, mut sent) = (Bucket::default(), 0.0, 0u64);
            bucket.set_rate(rate, now);
            for rows in &batches {
                now += bucket.wait_ms(now) as f64;
                prop_assert_eq!(bucket.wait_ms(now), 0);
                bucket.take(*rows, now);
                sent += rows;
            }
            // What was sent before the last batch has been paid for.
            let paid = (sent - batches.last().unwrap()) as f64;
            prop_assert!(now * rate as f64 / 1000.0 >= paid - rate as f64 * 0.25 - 1.0);
            prop_assert!(now <= paid * 1000.0 / rate as f64 + batches.len() as f64 + 1.0);
        }
    }

    #[test]
    fn a_new_rate_counts_at_once() {
        let mut bucket = Bucket::default();
        bucket.take(1_000_000, 0.0);
        assert_eq!(bucket.wait_ms(0.0), 0, "without a rate there is nothing to pay");
        bucket.set_rate(1_000, 0.0);
        bucket.take(10_000, 0.0);
        assert_eq!(bucket.wait_ms(0.0), 10_000);
        bucket.set_rate(10_000, 0.0);
        assert_eq!(bucket.wait_ms(0.0), 1_000);
        bucket.set_rate(0, 0.0);
        assert_eq!(bucket.wait_ms(0.0), 0);
    }
}
