//! How many writes at once pay: found out from what is acknowledged, not guessed.
//!
//! Time is cut into rounds. In each, the rows acknowledged a second are compared with those of the rounds before one
//! more write was let in: if they rose, one more is tried; if not, it is taken back, and the number is kept for a
//! while before the next try. Every other try is one with a write less, which stays where it costs nothing: one lucky
//! round on a busy machine must not hold memory and the server's connections for the rest of a long run. A refusal (429,
//! 503, a timeout) halves the number at once, whatever the figures say; answers that take twice as long while fewer rows
//! arrive take one back.

/// A round lasts this long at least, in ms, and has [`ROUND_ACKS`] acknowledgements for each write at once.
const ROUND_MS: f64 = 250.0;
const ROUND_ACKS: usize = 2;
/// One more write at once pays when so much more arrives.
const PAYS: f64 = 1.06;
/// Writes at once below which fewer are not tried: with one, the server has nothing to do while an answer is on its way.
const FEWEST_TRIED: usize = 2;
/// Rounds that a number is kept before another is tried; doubled by each try that did not pay.
const KEEP: u32 = 12;
const KEEP_MOST: u32 = 96;

/// The number of writes at once. Times are monotonic ms.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    limit: usize,
    ceiling: usize,
    round: Round,
    /// What is tried at present.
    trial: Option<Trial>,
    /// Rounds until the next try.
    keep: u32,
    keep_next: u32,
    /// Whether the next try is one with a write less.
    fewer_next: bool,
    /// Rows and latency of a usual round at the present number.
    usual: Option<(f64, f64)>,
    fell_at: f64,
}

/// A number that may be kept, and the rows a ms before it.
#[derive(Clone, Copy, Debug)]
enum Trial {
    More(f64),
    /// The first round still counts what had been sent before, and is left out.
    Fewer {
        before: f64,
        settled: bool,
    },
}

#[derive(Clone, Copy, Debug, Default)]
struct Round {
    begun: Option<f64>,
    rows: u64,
    acks: usize,
    latency: f64,
}

impl Pace {
    /// Two writes at once to begin with, so that the server has work while one answer is on its way.
    pub fn new(ceiling: usize) -> Self {
        let ceiling = ceiling.max(1);
        Self {
            limit: ceiling.min(2),
            ceiling,
            round: Round::default(),
            trial: None,
            keep: 0,
            keep_next: KEEP,
            fewer_next: false,
            usual: None,
            fell_at: f64::MIN,
        }
    }

    /// Writes at once.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Never more than so many from now on; when there are to be more, they are tried soon.
    pub fn set_ceiling(&mut self, ceiling: usize) {
        let raised = ceiling > self.ceiling;
        self.ceiling = ceiling.max(1);
        if self.limit > self.ceiling {
            self.go_to(self.ceiling);
        }
        if raised {
            (self.keep, self.keep_next) = (0, KEEP);
        }
    }

    /// A write of so many rows was acknowledged after `latency` ms.
    pub fn acknowledged(&mut self, rows: u64, latency: f64, now: f64) {
        // The first round begins when the first write was sent.
        let begun = *self.round.begun.get_or_insert(now - latency);
        self.round.rows += rows;
        self.round.acks += 1;
        self.round.latency += latency;
        let passed = now - begun;
        if passed < ROUND_MS || self.round.acks < ROUND_ACKS * self.limit {
            return;
        }
        let rate = self.round.rows as f64 / passed;
        let latency = self.round.latency / self.round.acks as f64;
        self.round = Round { begun: Some(now), ..Round::default() };
        self.round_ended(rate, latency);
    }

    /// A write that was sent at `sent` was refused, or not answered in time. Of several that were under way together,
    /// the first one counts.
    pub fn refused(&mut self, sent: f64, now: f64) {
        if sent < self.fell_at {
            return;
        }
        self.fell_at = now;
        self.go_to((self.limit / 2).max(1));
        self.keep = KEEP;
    }

    fn round_ended(&mut self, rate: f64, latency: f64) {
        match self.trial.take() {
            Some(Trial::More(before)) if rate > before * PAYS => {
                self.keep_next = KEEP;
                self.usual = Some((rate, latency));
                return self.rise(rate);
            }
            Some(Trial::More(_)) => return self.take_back(self.limit.saturating_sub(1).max(1)),
            Some(Trial::Fewer { before, settled: false }) => {
                self.trial = Some(Trial::Fewer { before, settled: true });
                return;
            }
            Some(Trial::Fewer { before, .. }) if rate * PAYS > before => {
                self.usual = Some((rate, latency));
                return self.fall(before);
            }
            Some(Trial::Fewer { .. }) => return self.take_back((self.limit + 1).min(self.ceiling)),
            None => {}
        }
        if let Some((usual_rate, usual_latency)) = self.usual
            && latency > usual_latency * 2.0
            && rate < usual_rate * 0.8
            && self.limit > 1
        {
            // The server is another than before: what was found out about it no longer holds.
            self.go_to(self.limit - 1);
            (self.keep, self.keep_next, self.fewer_next) = (KEEP, KEEP, true);
            return;
        }
        let (old_rate, old_latency) = self.usual.unwrap_or((rate, latency));
        self.usual = Some((old_rate * 0.75 + rate * 0.25, old_latency * 0.75 + latency * 0.25));
        let before = self.usual.map_or(rate, |(rate, _)| rate);
        if self.keep > 0 {
            self.keep -= 1;
        } else if self.fewer_next && self.limit > FEWEST_TRIED {
            self.fall(before);
        } else {
            self.rise(before);
        }
    }

    /// Lets one more in, to see whether it pays.
    fn rise(&mut self, before: f64) {
        self.fewer_next = true;
        if self.limit < self.ceiling {
            self.limit += 1;
            self.trial = Some(Trial::More(before));
        }
    }

    /// Lets one less in, to see whether it costs anything against what arrived before the first of them was left out.
    fn fall(&mut self, before: f64) {
        self.fewer_next = false;
        if self.limit > FEWEST_TRIED {
            self.limit -= 1;
            self.trial = Some(Trial::Fewer { before, settled: false });
        }
    }

    /// Ends a try that did not pay.
    fn take_back(&mut self, limit: usize) {
        self.go_to(limit);
        self.keep = self.keep_next;
        self.keep_next = (self.keep_next * 2).min(KEEP_MOST);
    }

    fn go_to(&mut self, limit: usize) {
        self.limit = limit;
        self.trial = None;
        self.usual = None;
        // What is under way was sent at another number.
        self.round = Round::default();
    }
}

#[cfg(test)]
mod tests;
