//! Why a request got no answer, as far as the host can tell.
//!
//! Node.js gives a system code. A page learns nothing by design, so two questions are asked instead: may this
//! page call that server at all (mixed content), and does the server answer when the browser is told that
//! nobody will read the answer (`mode: no-cors`)? If it does, only the CORS header was missing.

use super::exchange::Exchange;
use super::fetch;
use crate::environment::Environment;
use tsink_migrate_engine::port::{NetworkCause, TransportError};
use url::{Host, Url};
use wasm_bindgen_futures::JsFuture;
use web_sys::{RequestCache, RequestCredentials, RequestInit, RequestMode};

/// How long to wait for the second question, in ms.
const PROBE_MS: u64 = 5_000;

pub(super) async fn diagnose(environment: Environment, url: String, failure: TransportError) -> NetworkCause {
    if let Some(cause) = known(&failure) {
        return cause;
    }
    let Environment::Page { origin } = environment else { return NetworkCause::Unreachable };
    let Ok(url) = Url::parse(&url) else { return NetworkCause::Unreachable };
    if is_mixed_content(&origin, &url) {
        return NetworkCause::MixedContent;
    }
    let answers = probe(url.as_str()).await;
    in_page(url.origin().ascii_serialization() == origin, answers)
}

/// What the failure says by itself.
fn known(failure: &TransportError) -> Option<NetworkCause> {
    match failure {
        TransportError::Network { code, .. } => code.as_deref().map(of_code),
        TransportError::Timeout { .. } => Some(NetworkCause::Timeout),
        TransportError::Broken { .. } => Some(NetworkCause::Reset),
        TransportError::TooLarge { .. } | TransportError::Invalid { .. } => Some(NetworkCause::Unreachable),
    }
}

/// Codes of libuv, OpenSSL and undici, as Node.js 20 to 24 shows them.
fn of_code(code: &str) -> NetworkCause {
    const TLS: &[&str] = &[
        "CERT_",
        "ERR_TLS",
        "ERR_SSL",
        "DEPTH_ZERO",
        "SELF_SIGNED",
        "UNABLE_TO_",
        "HOSTNAME_MISMATCH",
        "EPROTO",
    ];
    match code {
        "ECONNREFUSED" => NetworkCause::Refused,
        "ENOTFOUND" | "ENODATA" => NetworkCause::NameNotFound,
        // undici: the peer closed the connection before an answer.
        "ECONNRESET" | "ECONNABORTED" | "EPIPE" | "UND_ERR_SOCKET" => NetworkCause::Reset,
        "ETIMEDOUT" => NetworkCause::Timeout,
        _ if code.starts_with("EAI_") => NetworkCause::NameNotFound,
        _ if code.starts_with("UND_ERR_") && code.ends_with("_TIMEOUT") => NetworkCause::Timeout,
        _ if TLS.iter().any(|start| code.starts_with(start)) => NetworkCause::Tls,
        _ => NetworkCause::Unreachable,
    }
}

/// Whether the browser blocks the request because the page came over https. Loopback addresses are exempt
/// (W3C Mixed Content §3.1, Secure Contexts §3.1).
fn is_mixed_content(origin: &str, url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    };
    origin.starts_with("https:") && url.scheme() == "http" && !loopback
}

/// What a page can conclude.
fn in_page(same_origin: bool, answers: bool) -> NetworkCause {
    match (answers, same_origin) {
        // CORS does not apply: it answers now, so the connection had broken.
        (true, true) => NetworkCause::Reset,
        (true, false) => NetworkCause::NoCors,
        (false, _) => NetworkCause::Unreachable,
    }
}

/// Whether the server answers a GET whose answer nobody reads.
async fn probe(url: &str) -> bool {
    let Ok(exchange) = Exchange::begin(PROBE_MS) else { return false };
    let init = RequestInit::new();
    init.set_mode(RequestMode::NoCors);
    init.set_cache(RequestCache::NoStore);
    init.set_credentials(RequestCredentials::Omit);
    init.set_signal(Some(&exchange.signal()));
    // The exchange is dropped at the end, which aborts the body.
    match fetch(url, &init) {
        Ok(pending) => JsFuture::from(pending).await.is_ok(),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_codes_have_causes() {
        for (code, cause) in [
            ("ECONNREFUSED", NetworkCause::Refused),
            ("ENOTFOUND", NetworkCause::NameNotFound),
            ("EAI_AGAIN", NetworkCause::NameNotFound),
            ("ECONNRESET", NetworkCause::Reset),
            ("UND_ERR_SOCKET", NetworkCause::Reset),
            ("UND_ERR_CONNECT_TIMEOUT", NetworkCause::Timeout),
            ("UND_ERR_HEADERS_TIMEOUT", NetworkCause::Timeout),
            ("DEPTH_ZERO_SELF_SIGNED_CERT", NetworkCause::Tls),
            ("CERT_HAS_EXPIRED", NetworkCause::Tls),
            ("ERR_TLS_CERT_ALTNAME_INVALID", NetworkCause::Tls),
            ("ERR_SSL_WRONG_VERSION_NUMBER", NetworkCause::Tls),
            ("EHOSTUNREACH", NetworkCause::Unreachable),
            ("HPE_INVALID_CONSTANT", NetworkCause::Unreachable),
        ] {
            assert_eq!(of_code(code), cause, "{code}");
        }
    }

    #[test]
    fn mixed_content_is_http_from_https_save_loopback() {
        let mixed = |origin: &str, url: &str| is_mixed_content(origin, &Url::parse(url).unwrap());
        assert!(mixed("https://ops.example.org", "http://prometheus:9090/api/v1/read"));
        assert!(mixed("https://ops.example.org", "http://192.168.1.5:9090/"));
        for url in [
            "https://p/",
            "http://localhost:9090/",
            "http://127.0.0.9/",
            "http://[::1]:1/",
            "http://a.localhost/",
        ] {
            assert!(!mixed("https://ops.example.org", url), "{url}");
        }
        assert!(!mixed("http://ops.example.org", "http://prometheus:9090/"));
    }

    #[test]
    fn a_page_tells_missing_cors_from_silence() {
        assert_eq!(in_page(false, true), NetworkCause::NoCors);
        assert_eq!(in_page(false, false), NetworkCause::Unreachable);
        assert_eq!(in_page(true, true), NetworkCause::Reset);
        assert_eq!(in_page(true, false), NetworkCause::Unreachable);
    }
}
