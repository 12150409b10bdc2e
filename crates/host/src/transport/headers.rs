//! Request headers, and which of them a host lets us set.

use crate::environment::Environment;
use tsink_migrate_engine::port::{Secret, TransportError};
use web_sys::Headers;

/// What `fetch` settles with the server by itself; setting it is pointless everywhere.
const LEFT_TO_FETCH: &[&str] = &["accept-encoding", "connection", "content-length", "transfer-encoding"];

/// Request headers that a browser drops in silence (Fetch standard, "forbidden request-header"). Dropped in
/// silence, a gateway's cookie would look like a wrong token.
const FORBIDDEN_IN_PAGES: &[&str] = &[
    "accept-charset",
    "access-control-request-headers",
    "access-control-request-method",
    "cookie",
    "cookie2",
    "date",
    "dnt",
    "expect",
    "host",
    "keep-alive",
    "origin",
    "referer",
    "set-cookie",
    "te",
    "trailer",
    "upgrade",
    "via",
];

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Send,
    Skip,
    Refuse,
}

fn judge(environment: &Environment, name: &str) -> Verdict {
    let name = name.to_ascii_lowercase();
    if LEFT_TO_FETCH.contains(&name.as_str()) {
        return Verdict::Skip;
    }
    let in_page = matches!(environment, Environment::Page { .. });
    let forbidden =
        FORBIDDEN_IN_PAGES.contains(&name.as_str()) || name.starts_with("proxy-") || name.starts_with("sec-");
    if in_page && forbidden { Verdict::Refuse } else { Verdict::Send }
}

/// The headers to set, with what is left to the host taken out.
///
/// # Errors
/// [`TransportError::Invalid`] for a header that a page cannot send.
pub(super) fn allowed<'a>(
    environment: &Environment,
    wanted: &'a [(String, Secret)],
) -> Result<Vec<(&'a str, &'a str)>, TransportError> {
    let mut allowed = Vec::with_capacity(wanted.len());
    for (name, value) in wanted {
        match judge(environment, name) {
            Verdict::Skip => {}
            Verdict::Refuse => {
                return Err(invalid(format!(
                    "a browser does not let a page set the header {name}; let a gateway add it, or use the command"
                )));
            }
            Verdict::Send => allowed.push((name.as_str(), value.reveal())),
        }
    }
    Ok(allowed)
}

/// Builds the headers for `fetch`.
///
/// # Errors
/// [`TransportError::Invalid`] for a header that cannot be sent; names the header, never its value.
pub(super) fn build(
    environment: &Environment,
    wanted: &[(String, Secret)],
) -> Result<Headers, TransportError> {
    let headers = Headers::new().map_err(|_| invalid("headers cannot be made here".to_owned()))?;
    for (name, value) in allowed(environment, wanted)? {
        // What JavaScript throws repeats the value, so it is dropped.
        headers.append(name, value).map_err(|_| not_a_header(name))?;
    }
    Ok(headers)
}

/// The error for a header that HTTP does not allow.
pub(super) fn not_a_header(name: &str) -> TransportError {
    invalid(format!("the header {name} has a character that HTTP does not allow"))
}

fn invalid(message: String) -> TransportError {
    TransportError::Invalid { message }
}

#[cfg(test)]
mod tests {
    use super::{Verdict, judge};
    use crate::environment::Environment;

    #[test]
    fn pages_are_told_what_browsers_drop_and_servers_may_send_it() {
        let page = Environment::Page { origin: "https://ops.example.org".to_owned() };
        for name in ["Cookie", "HOST", "Sec-Anything", "Proxy-Authorization"] {
            assert_eq!(judge(&page, name), Verdict::Refuse, "{name}");
            assert_eq!(judge(&Environment::Server, name), Verdict::Send, "{name}");
        }
        for name in ["Authorization", "X-Tsink-Tenant", "Content-Encoding", "Content-Type"] {
            assert_eq!(judge(&page, name), Verdict::Send, "{name}");
        }
        assert_eq!(judge(&page, "Accept-Encoding"), Verdict::Skip);
        assert_eq!(judge(&Environment::Server, "Content-Length"), Verdict::Skip);
    }
}
