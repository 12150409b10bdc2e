use super::Pace;
use proptest::prelude::*;

/// A server on a virtual clock: a batch of 25,000 rows takes `work` ms of one of `cores`, and `wire` ms on its way.
struct Server {
    cores: usize,
    work: f64,
    wire: f64,
    now: f64,
}

impl Server {
    /// Lets the pace work for so long; gives rows a second and the numbers of writes at once that were seen.
    fn run(&mut self, pace: &mut Pace, for_ms: f64) -> (f64, Vec<usize>) {
        let (end, begun) = (self.now + for_ms, self.now);
        let mut under_way: Vec<(f64, f64)> = Vec::new();
        let mut core_free = vec![self.now; self.cores];
        let (mut rows, mut seen) = (0u64, vec![pace.limit()]);
        while self.now < end {
            while under_way.len() < pace.limit() {
                core_free.sort_by(f64::total_cmp);
                let start = core_free[0].max(self.now + self.wire / 2.0);
                core_free[0] = start + self.work;
                under_way.push((self.now, start + self.work + self.wire / 2.0));
            }
            under_way.sort_by(|a, b| a.1.total_cmp(&b.1));
            let (sent, done) = under_way.remove(0);
            self.now = done;
            rows += 25_000;
            pace.acknowledged(25_000, done - sent, done);
            if seen.last() != Some(&pace.limit()) {
                seen.push(pace.limit());
            }
        }
        (rows as f64 * 1000.0 / (self.now - begun), seen)
    }
}

#[test]
fn two_at_once_from_the_start_and_more_only_where_they_pay() {
    // As measured with tsink on two shared cores: two writers are all it takes.
    let mut server = Server { cores: 2, work: 160.0, wire: 10.0, now: 0.0 };
    let mut pace = Pace::new(4);
    assert_eq!(pace.limit(), 2);
    let (rate, seen) = server.run(&mut pace, 20_000.0);
    assert!(rate > 0.9 * 2.0 * 25_000.0 / 0.160, "{rate}");
    assert!(seen.iter().all(|at| (2..=3).contains(at)), "{seen:?}");
    assert!(seen.len() < 16, "tries become rare: {seen:?}");
}

#[test]
fn a_large_server_gets_all_that_is_allowed() {
    let mut server = Server { cores: 16, work: 40.0, wire: 60.0, now: 0.0 };
    let mut pace = Pace::new(8);
    let (_, seen) = server.run(&mut pace, 6_000.0);
    assert_eq!(seen.last(), Some(&8), "{seen:?}");
    assert_eq!(pace.limit(), 8);
}

#[test]
fn writes_that_no_longer_pay_are_given_up_one_by_one() {
    let mut server = Server { cores: 16, work: 40.0, wire: 60.0, now: 0.0 };
    let mut pace = Pace::new(8);
    server.run(&mut pace, 6_000.0);
    assert_eq!(pace.limit(), 8);
    // Somebody else needs the cores; what is under way waits there, and nothing is refused.
    server.cores = 1;
    let (rate, _) = server.run(&mut pace, 60_000.0);
    assert!(rate > 0.95 * 25_000.0 / 0.040, "{rate}");
    let (_, seen) = server.run(&mut pace, 20_000.0);
    assert!(seen.iter().all(|at| (2..=4).contains(at)), "{seen:?}");
    server.cores = 16;
    let (_, seen) = server.run(&mut pace, 60_000.0);
    assert_eq!(seen.iter().max(), Some(&8), "they come back: {seen:?}");
    assert!(seen.iter().skip_while(|at| **at < 8).all(|at| *at >= 7), "and stay: {seen:?}");
}

#[test]
fn refusals_halve_once_for_what_was_under_way_together() {
    let mut pace = Pace::new(8);
    Server { cores: 16, work: 40.0, wire: 60.0, now: 0.0 }.run(&mut pace, 6_000.0);
    for _ in 0..8 {
        pace.refused(6_000.0, 6_100.0);
    }
    assert_eq!(pace.limit(), 4);
    pace.refused(6_150.0, 6_200.0);
    pace.refused(6_250.0, 6_300.0);
    pace.refused(6_350.0, 6_400.0);
    assert_eq!(pace.limit(), 1);
    // When it takes writes again, they come back.
    let (_, seen) = Server { cores: 16, work: 40.0, wire: 60.0, now: 7_000.0 }.run(&mut pace, 20_000.0);
    assert_eq!(pace.limit(), 8, "{seen:?}");
}

#[test]
fn answers_that_take_longer_while_less_arrives_take_one_back() {
    let mut server = Server { cores: 8, work: 50.0, wire: 50.0, now: 0.0 };
    let mut pace = Pace::new(4);
    server.run(&mut pace, 5_000.0);
    assert_eq!(pace.limit(), 4);
    (server.cores, server.work) = (1, 200.0);
    let (_, seen) = server.run(&mut pace, 10_000.0);
    assert!(seen.contains(&3), "{seen:?}");
}

#[test]
fn a_new_ceiling_holds_at_once_and_a_higher_one_is_tried() {
    let mut server = Server { cores: 8, work: 50.0, wire: 50.0, now: 0.0 };
    let mut pace = Pace::new(4);
    server.run(&mut pace, 5_000.0);
    pace.set_ceiling(1);
    assert_eq!(pace.limit(), 1);
    server.run(&mut pace, 2_000.0);
    assert_eq!(pace.limit(), 1);
    pace.set_ceiling(6);
    server.run(&mut pace, 5_000.0);
    assert_eq!(pace.limit(), 6);
}

proptest! {
    #[test]
    fn it_stays_between_one_and_the_ceiling(
        ceiling in 0usize..70,
        steps in proptest::collection::vec((0u8..3, 0u64..50_000, 0.0f64..5_000.0), 0..300),
    ) {
        let (mut pace, mut now) = (Pace::new(ceiling), 0.0);
        for (kind, rows, ms) in steps {
            now += ms;
            match kind {
                0 => pace.refused(now - ms, now),
                1 => pace.acknowledged(rows, ms, now),
                _ => pace.set_ceiling(rows as usize % 70),
            }
            prop_assert!(pace.limit() >= 1 && pace.limit() <= 70);
        }
        pace.set_ceiling(3);
        prop_assert!((1..=3).contains(&pace.limit()));
    }
}
