//! How a report crosses to a surface: with its command outside, where `report.json` has it inside. A tag inside
//! would make serde build every reader of every report a second time. For `#[serde(with)]`.

use super::{BackfillReport, CutoverReport, PreflightReport, RepairReport, Report, VerifyReport};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(remote = "Report", rename_all = "snake_case")]
enum Crossing {
    Preflight(PreflightReport),
    Backfill(BackfillReport),
    Verify(VerifyReport),
    Repair(RepairReport),
    Cutover(CutoverReport),
}

/// Writes the report.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(report: &Report, serializer: S) -> Result<S::Ok, S::Error> {
    Crossing::serialize(report, serializer)
}

/// Reads the report.
///
/// # Errors
/// Those of the deserializer.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<Report>, D::Error> {
    Crossing::deserialize(deserializer).map(Box::new)
}
