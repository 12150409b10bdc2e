//! The built page in real browsers, against real servers.

mod failures;
mod migrates;
mod steering;
