//! The report as one self-contained HTML page, `report.html`.

use super::Report;

/// The whole page.
pub fn html(report: &Report) -> String {
    super::markdown(report)
}
