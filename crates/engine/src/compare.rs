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
//!    So is what only the whole series shows (`evidence`): that its rows are all shifted in time, that its values
//!    lost their digits, that it is there under other labels (`relabelled`).
//! 3. `causes` adds what probably caused a finding, and what to do.
//!
//! Memory follows the number of series (24 bytes each in a hash table while they agree, some 200 once they
//! differ), not the number of samples.

mod causes;
mod coverage;
mod evidence;
mod excerpt;
mod exemplars;
mod findings;
mod grid;
mod histograms;
mod metadata;
mod parity;
mod raw;
mod relabelled;
mod rows;
mod shifted;
mod values;

pub use exemplars::compare_exemplars;
pub(crate) use grid::join_within;
pub use histograms::reset_hints_compatible;
pub use metadata::compare_metadata;
pub use parity::{Asked, ParityHints, compare_query, explain, unexplained};
pub(crate) use raw::Agreed;
pub use raw::{RawComparison, SlabOutcome};
pub(crate) use values::agree as values_agree;

use crate::model::Millis;
use crate::plan::ReadVia;
use crate::report::Rejection;

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
    /// What the target refused when it was written to.
    pub refused: Vec<Rejection>,
}
