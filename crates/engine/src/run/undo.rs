//! Taking back what was written: a tombstone delete at the target.

use super::context::Run;
use super::control::Control;
use super::reading::Piece;
use crate::error::{Error, ErrorKind, Result, Side, redact_url};
use crate::model::{Millis, Window, calendar};
use crate::plan::Plan;
use crate::port::Ports;
use crate::report::words::count_of;
use crate::report::{Undo, VerifyReport};
use crate::target::tsink::{self, TargetStatus};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use std::rc::Rc;

/// Reads at once when what is left is counted.
const READS_AT_ONCE: usize = 2;
/// Length of a part that is read back, in ms, and parts at most.
const READ_MS: i64 = 2 * 3_600_000;
const MAX_READS: usize = 64;
/// Characters of all selectors together up to which a confirmation names each of them: beyond, nobody types it right.
const NAMED_SELECTORS: usize = 80;

/// What the target did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undone {
    /// Tenant that it concerned.
    pub tenant: String,
    /// Selectors that it covered.
    pub selectors: Vec<String>,
    /// Start of the window.
    pub start_ms: Millis,
    /// End of the window, included.
    pub end_ms: Millis,
    /// Series that matched.
    pub matched_series: u64,
    /// Tombstones that were set.
    pub tombstones: u64,
    /// Rows of these selectors that the target still shows in the window.
    pub rows_left: u64,
}

/// What [`undo`] would delete, and the phrase that confirms it. Asks no server: the number of series is not known.
pub fn undo_plan(plan: &Plan, window: Window) -> Undo {
    Undo {
        url: tsink::delete_url(plan).map(|url| redact_url(&url)),
        tenant: plan.target.tenant.clone(),
        selectors: plan.selectors.iter().map(|selector| selector.text.clone()).collect(),
        start_ms: window.start_ms,
        end_ms: window.end_ms,
        series: None,
        warnings: [
            "It hides everything that these selectors find in the window, whoever wrote it.",
            "It cannot be taken back, and rows written again under the tombstones are acknowledged and never shown, \
             also after a restart of tsink 0.10.2: backfill the same window again into another tenant or a fresh data \
             folder.",
            "Exemplars and metadata stay: tsink keeps them apart, and nothing deletes them.",
            "It needs the admin API: tsink-server with --enable-admin-api, and its admin token in target.headers.",
        ]
        .map(str::to_owned)
        .to_vec(),
        confirmation: phrase(plan, window),
    }
}

/// Deletes what the plan's selectors find at the target in the window, with tombstones. `confirmation` is what
/// [`crate::report::Undo::confirmation`] asks for.
///
/// # Errors
/// When the confirmation does not fit, or the target refuses.
pub async fn undo(ports: Ports, plan: &Plan, window: Window, confirmation: &str) -> Result<Undone> {
    let wanted = phrase(plan, window);
    let same = |one: &str, other: &str| one.split_whitespace().eq(other.split_whitespace());
    if !same(confirmation, &wanted) {
        return Err(Error::new(
            ErrorKind::Input,
            "nothing was deleted: the confirmation does not fit this plan and window",
        )
        .side(Side::Target)
        .remedy(format!("To delete, confirm with: {wanted}")));
    }
    let control = Control::new();
    // Nobody is asked for another token: both requests say what is wrong with this one.
    control.decline();
    let run = Run::new(ports, plan.clone(), window, control, Rc::new(|_| {}));
    // The same request again does no harm: a tombstone that is there is not set again.
    let deleted = run.call(&tsink::delete(plan, window)?).await?;
    let rows_left = run.rows_left().await.map_err(|error| {
        let done = format!(
            "the delete was done ({}, {}), but what is left could not be read back: {}",
            count_of(deleted.matched_series, "series", "series"),
            count_of(deleted.tombstones, "tombstone", "tombstones"),
            error.message
        );
        let remedy = match error.kind {
            ErrorKind::AuthMissing | ErrorKind::AuthInvalid | ErrorKind::AuthScope => {
                "The token may delete and not read: verify with the token for reading; the target should have none of \
                 the window."
                    .to_owned()
            }
            _ => error.remedy.clone(),
        };
        Error { message: done, remedy, ..error }
    })?;
    Ok(Undone {
        tenant: plan.target.tenant.clone(),
        selectors: plan.selectors.iter().map(|selector| selector.text.clone()).collect(),
        start_ms: window.start_ms,
        end_ms: window.end_ms,
        matched_series: deleted.matched_series,
        tombstones: deleted.tombstones,
        rows_left,
    })
}

impl Run {
    /// Rows that the target shows of the plan's selectors in the window.
    async fn rows_left(&self) -> Result<u64> {
        // Little or nothing is expected; an answer that is too large is asked for in halves.
        let parts = usize::try_from(self.window.len_ms() / READ_MS + 1).unwrap_or(MAX_READS).min(MAX_READS);
        let slabs = self.window.split(parts);
        let parts =
            self.plan.selectors.iter().flat_map(|selector| slabs.iter().map(move |slab| (selector, *slab)));
        stream::iter(parts)
            .map(|(selector, slab)| async move {
                let mut rows = 0;
                let count = |(_, data): Piece| rows += data.sample_count() + data.histogram_count();
                self.each_of(Side::Target, selector, slab, count).await.map(|()| rows)
            })
            .buffered(READS_AT_ONCE)
            .try_fold(0u64, |all, rows| async move { Ok(all + rows) })
            .await
    }

    /// The way back for this plan and window.
    pub(super) fn way_back(&self, verified: &VerifyReport, status: Option<&TargetStatus>) -> Undo {
        let mut undo = undo_plan(&self.plan, self.window);
        let rows: u64 = verified.raw_checks.iter().map(|check| check.target_rows).sum();
        undo.series = Some(verified.raw_checks.iter().map(|check| check.target_series).sum());
        undo.warnings.insert(
            0,
            format!(
                "At the time of this check the target shows {} in the window that would be hidden.",
                count_of(rows, "row", "rows")
            ),
        );
        if status.is_some_and(|status| status.cluster_role.is_some()) {
            undo.warnings.push(
                "The target is a cluster: tsink 0.10.2 deletes on the node that is asked, and on no other."
                    .to_owned(),
            );
        }
        undo
    }
}

/// What the operator types: it names tenant, selectors (by their number where they are too long to type) and window.
fn phrase(plan: &Plan, window: Window) -> String {
    let selectors: Vec<&str> = plan.selectors.iter().map(|selector| selector.text.as_str()).collect();
    let named = selectors.join(" and ");
    let plain = named.chars().count() <= NAMED_SELECTORS && !named.contains(|c: char| c.is_control());
    let what = if plain { named } else { count_of(selectors.len() as u64, "selector", "selectors") };
    format!(
        "delete {what} of tenant {} from {} to {}",
        plan.target.tenant,
        instant(window.start_ms),
        instant(window.end_ms)
    )
}

/// An instant, as short as it is exact: `2025-11-18T00:00Z`, `2025-11-18T23:59:59.999Z`.
fn instant(at: Millis) -> String {
    match calendar::rfc3339(at) {
        Some(text) => match text.strip_suffix(":00Z") {
            Some(short) => format!("{short}Z"),
            None => text,
        },
        None => format!("{at} ms"),
    }
}
