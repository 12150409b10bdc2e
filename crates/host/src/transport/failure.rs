//! What JavaScript throws → [`TransportError`].
//!
//! Browsers say next to nothing (`TypeError: Failed to fetch`). Node.js' `fetch` says `fetch failed` and keeps
//! what happened in `cause`, its `http` module throws it itself: a system error with `code`, or an `AggregateError` of
//! one for each address tried.

use crate::environment::path;
use tsink_migrate_engine::port::TransportError;
use wasm_bindgen::JsValue;

/// No answer at all.
pub(super) fn before_head(error: &JsValue) -> TransportError {
    TransportError::Network { message: message(error), code: code(error) }
}

/// The answer broke off.
pub(super) fn in_body(error: &JsValue) -> TransportError {
    TransportError::Broken { message: message(error) }
}

/// A POST was redirected. The address is only known where the host shows it.
pub(super) fn redirected(location: Option<&str>) -> TransportError {
    // Whoever answered chose this text: a path or a URL, shown without its query.
    let to = location
        .map(|location| location.split(['?', '#']).next().unwrap_or_default())
        .filter(|location| !location.is_empty() && !location.contains('@'))
        .map(|location| format!(" to {}", location.chars().take(200).collect::<String>()))
        .unwrap_or_default();
    TransportError::Invalid {
        message: format!(
            "the server redirects this request{to}, and a redirected write would arrive empty; put the final \
             address into the plan"
        ),
    }
}

fn code(error: &JsValue) -> Option<String> {
    [&["cause", "code"][..], &["cause", "errors", "0", "code"], &["code"]]
        .iter()
        .find_map(|names| path(error, names)?.as_string())
}

/// The most telling message there is.
fn message(error: &JsValue) -> String {
    [
        &["cause", "message"][..],
        &["cause", "errors", "0", "message"],
        &["message"],
        &["errors", "0", "message"],
    ]
    .iter()
    .filter_map(|names| path(error, names)?.as_string())
    .find(|text| !text.is_empty())
    .unwrap_or_else(|| "the request failed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::redirected;

    #[test]
    fn a_redirect_names_its_address_without_what_may_be_secret() {
        let shown = |location| redirected(location).to_string();
        assert!(
            shown(Some("https://h/login?token=x")).contains("redirects this request to https://h/login,")
        );
        assert!(!shown(Some("https://me:pw@h/")).contains("pw"));
        assert!(shown(None).contains("redirects this request, and"));
    }
}
