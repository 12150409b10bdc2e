//! What became of a slab.

/// What became of a slab, or of a part of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Copied {
    /// Whether everything was acknowledged.
    pub whole: bool,
    /// Samples and histograms that were read.
    pub rows: u64,
}

impl Default for Copied {
    fn default() -> Self {
        Self { whole: true, rows: 0 }
    }
}

impl Copied {
    /// Adds what became of another part.
    pub fn add(&mut self, other: Self) {
        self.whole &= other.whole;
        self.rows += other.rows;
    }
}
