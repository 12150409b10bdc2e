//! Waiting for a time at which Prometheus takes new series without losing any of their samples.
//!
//! When its head is collected after a compaction, a series that is being created at that moment is thrown away, with
//! the sample that created it; the write is acknowledged all the same (prometheus/prometheus#16333 describes and mends
//! it; 2.42 has it). A compaction begins after a write that lets the head reach over more than three hours, so one write
//! of new series is safe while none goes on and none is due.

use crate::client::Endpoint;
use anyhow::{Result, ensure};
use std::thread;
use std::time::{Duration, Instant};

/// Longest time that compactions may take.
const LIMIT: Duration = Duration::from_secs(60);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(5);
/// Length of the head from which on it is compacted, in s: 1.5 times the shortest block.
const COMPACTED_FROM_S: f64 = 1.5 * 7_200.0;

/// What tells whether Prometheus' head is, or is about to be, collected.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Head {
    /// First and last time that it holds, in s. Of an empty one, the last is before the first.
    span_s: (f64, f64),
    /// Collections that were begun, and that were done.
    collections: (f64, f64),
}

impl Head {
    /// From Prometheus' own metrics; none of any other server's.
    fn read(metrics: &str) -> Option<Self> {
        let value = |name: &str| {
            metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse::<f64>().ok())
        };
        Some(Self {
            span_s: (
                value("prometheus_tsdb_head_min_time_seconds")?,
                value("prometheus_tsdb_head_max_time_seconds")?,
            ),
            collections: (
                value("prometheus_tsdb_head_truncations_total")?,
                value("prometheus_tsdb_head_gc_duration_seconds_count")?,
            ),
        })
    }

    fn is_settled(self) -> bool {
        self.span_s.1 - self.span_s.0 <= COMPACTED_FROM_S && self.collections.0 == self.collections.1
    }
}

/// Waits until Prometheus neither collects its head nor is about to. Any other server is not waited for.
///
/// # Errors
/// When that takes too long, or there is no answer.
pub(super) fn settle(server: &Endpoint) -> Result<()> {
    let began = Instant::now();
    let mut before = None;
    loop {
        let answer = server.get("/metrics")?;
        let Some(head) = Head::read(&String::from_utf8_lossy(&answer.body)) else { return Ok(()) };
        // Twice: a collection moves the head's first time just before it counts as begun.
        if head.is_settled() && before == Some(head) {
            return Ok(());
        }
        ensure!(began.elapsed() < LIMIT, "Prometheus compacts its head without end: {head:?}");
        before = Some(head);
        thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::Head;

    fn head(first: &str, last: &str, begun: u32, done: u32) -> Option<Head> {
        Head::read(&format!(
            "# HELP prometheus_tsdb_head_min_time_seconds x\nprometheus_tsdb_head_min_time_seconds {first}\n\
             prometheus_tsdb_head_max_time_seconds {last}\nprometheus_tsdb_head_truncations_total {begun}\n\
             prometheus_tsdb_head_gc_duration_seconds_sum 0.5\n\
             prometheus_tsdb_head_gc_duration_seconds_count {done}\n"
        ))
    }

    #[test]
    fn a_head_is_settled_when_nothing_is_collected_or_due() {
        assert!(head("1.7e+09", "1.7000108e+09", 2, 2).unwrap().is_settled());
        assert!(!head("1.7e+09", "1.7000109e+09", 2, 2).unwrap().is_settled(), "a compaction is due");
        assert!(!head("1.7e+09", "1.7000001e+09", 3, 2).unwrap().is_settled(), "a collection goes on");
        assert!(head("9.223372036854776e+15", "-9.223372036854776e+15", 0, 0).unwrap().is_settled(), "empty");
        assert_eq!(Head::read("tsink_up 1\n"), None);
    }
}
