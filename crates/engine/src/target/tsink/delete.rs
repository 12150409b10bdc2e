//! `POST /api/v1/admin/delete_series` of tsink-server 0.10.2: tombstones over what selectors find.

use crate::answer::{Asked, Purpose};
use crate::error::{Error, ErrorKind, Side};
use crate::model::Window;
use crate::plan::Plan;
use crate::port::{Answer, Call};
use crate::prom_api::{Errand, SMALL_LIMIT, Server, sibling};
use crate::source::prometheus::selector_text;
use serde_json::{Value, json};

/// What the server says that it did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Series that the selectors found; one that two of them find counts twice.
    pub matched_series: u64,
    /// Tombstones set.
    pub tombstones: u64,
}

/// Where the request goes: beside `write_url`. `None` when that does not tell.
pub fn delete_url(plan: &Plan) -> Option<String> {
    sibling(&plan.target.write_url, "/api/v1/write", "/api/v1/admin/delete_series")
}

/// Sets tombstones over everything that the plan's selectors find in the window, for the plan's tenant: one request.
///
/// The server takes `end` as excluded (measured; its documents do not say), so 1 ms more is sent. Samples and native
/// histograms are hidden at once; exemplars and metadata are other stores and stay. **A tombstone outlives what it
/// covers**: rows written again inside its range are acknowledged and never shown, also after a restart (measured).
///
/// # Errors
/// When `write_url` does not tell where the admin API is, or holds parameters that the server would take for the
/// request's own.
pub fn delete(plan: &Plan, window: Window) -> crate::Result<Call<Deleted>> {
    let wrong = |message: &str, remedy: &str| {
        Error::new(ErrorKind::Input, message).side(Side::Target).url(&plan.target.write_url).remedy(remedy)
    };
    let Some(url) = delete_url(plan) else {
        return Err(wrong(
            "target.write_url does not end with /api/v1/write, so where the admin API is cannot be told",
            "Set target.write_url to the server's own address for writes.",
        ));
    };
    let own = |name: &str| matches!(name, "match[]" | "start" | "end");
    if url::Url::parse(&url).is_ok_and(|url| url.query_pairs().any(|(name, _)| own(&name))) {
        return Err(wrong(
            "target.write_url has parameters that the server would take for those of the delete",
            "Remove match[], start and end from it.",
        ));
    }
    let selectors: Vec<String> = plan.selectors.iter().map(selector_text).collect();
    let end = window.end_ms.saturating_add(1);
    let body = json!({ "selectors": selectors, "start": window.start_ms, "end": end });
    let errand = Errand { purpose: Purpose::Delete, field: "target.write_url", url: &url };
    let tenant = plan.target.tenant.clone();
    Ok(Server::target(plan)
        .post_json(&errand, &body, SMALL_LIMIT, move |answer, asked| read(answer, asked, &tenant)))
}

fn read(answer: &Answer, asked: &Asked, tenant: &str) -> crate::Result<Deleted> {
    let root: Value =
        serde_json::from_slice(&answer.body).map_err(|error| asked.unreadable(answer, &error.to_string()))?;
    let data = root.get("data").ok_or_else(|| asked.unreadable(answer, "there is no `data`"))?;
    if let Some(other) = data.get("tenantId").and_then(Value::as_str).filter(|other| *other != tenant) {
        let other: String = other.chars().filter(|c| !c.is_control()).take(80).collect();
        return Err(asked.wrong(
            answer,
            ErrorKind::Internal,
            format!("the server deleted in the tenant {other}, not in {tenant}"),
            "Something between here and the server changes the tenant's header. See what that tenant has lost.".to_owned(),
        ));
    }
    let number = |name: &str| {
        data.get(name)
            .and_then(Value::as_u64)
            .ok_or_else(|| asked.unreadable(answer, &format!("there is no `{name}`")))
    };
    Ok(Deleted { matched_series: number("matchedSeries")?, tombstones: number("tombstonesApplied")? })
}
