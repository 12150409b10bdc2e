//! The built page in real browsers, against real servers.

mod engine;
mod explore;
mod failures;
mod hostile;
mod migrates;
mod recordings;
mod reports;
mod resume;
mod steering;
mod tabs;
