//! What of the model changes by itself, so that only that is drawn anew.

/// Parts of the model that change by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Part {
    /// States, reports, errors of the stages.
    Stages = 1,
    /// Progress and throughput.
    Progress = 2,
    /// The preflight's table and report.
    Preflight = 4,
    /// The coverage maps.
    Coverage = 8,
    /// The balance.
    Balance = 16,
    /// The event log.
    Log = 32,
    /// Verify's and cutover's checks.
    Checks = 64,
    /// The slowest slabs, and what was done before.
    Timing = 128,
    /// The limits in force, and a token that is asked for.
    Steering = 256,
}

impl Part {
    /// All parts.
    pub const ALL: [Part; 9] = [
        Part::Stages,
        Part::Progress,
        Part::Preflight,
        Part::Coverage,
        Part::Balance,
        Part::Log,
        Part::Checks,
        Part::Timing,
        Part::Steering,
    ];
}

/// A set of parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes(u16);

impl Changes {
    /// Every part.
    pub fn all() -> Self {
        let mut all = Self::default();
        Part::ALL.iter().for_each(|part| all.add(*part));
        all
    }

    /// Adds a part.
    pub fn add(&mut self, part: Part) {
        self.0 |= part as u16;
    }

    /// Adds all of another set.
    pub fn join(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether a part is in it.
    pub fn has(self, part: Part) -> bool {
        self.0 & part as u16 != 0
    }
}
