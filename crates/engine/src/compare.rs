//! Source and target side by side: differences, each classified.
//!
//! Everything is compared by **timestamp**, never by position, so one missing sample is one finding and not
//! a mismatch of everything after it. Counts are always complete; what is listed with its details is capped,
//! and the choice of what is listed depends on the data only, not on the order in which it came:
//!
//! 1. [`RawComparison`] is fed slab by slab. A slab's series are joined by labels, their samples and native
//!    histograms by time (`rows`).
//! 2. What a slab shows of a series is added to a `findings::Tally`, and this to the state of the whole
//!    check. A series that one side lacks in *this* slab may still come in another, so whether it is a
//!    missing series or a series with missing samples is settled in [`RawComparison::finish`].
//! 3. `causes` adds what probably caused a finding, and what to do.
//!
//! Memory follows the number of series (16 bytes each in a hash table while they agree), not the number of
//! samples.

mod causes;
mod exemplars;
mod findings;
mod histograms;
mod metadata;
mod parity;
mod raw;
mod rows;
mod values;

pub use exemplars::compare_exemplars;
pub use histograms::reset_hints_compatible;
pub use metadata::compare_metadata;
pub use parity::{Asked, ParityHints, compare_query, explain, unexplained};
pub use raw::{RawComparison, SlabOutcome};

use crate::model::Millis;
use crate::plan::ReadVia;

/// What is known about both servers; turns a difference into a probable cause and a remedy.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    /// Oldest time that the target keeps, in Unix ms, if it could be found out.
    pub target_oldest_ms: Option<Millis>,
    /// Time of the comparison in Unix ms; 0 when unknown.
    pub now_ms: Millis,
    /// Target tenant.
    pub tenant: String,
    /// How the source was read.
    pub source_read_via: ReadVia,
}
