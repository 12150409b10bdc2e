//! Links that carry a report in their fragment: `…#report=<deflated, base64url>`. A fragment is never sent to a
//! server; whoever opens the link has the report from the link alone.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// What the fragment begins with, without `#`.
const KEY: &str = "report=";
/// Characters of a link at most. Browsers take some hundred thousand, but chats, trackers and mail programs cut
/// longer ones off, and a link that is cut off is broken.
pub const LONGEST: usize = 30_000;
/// What a link may unfold to at most, in bytes. A few kilobytes from a stranger could fill the memory otherwise.
pub const LARGEST: usize = 16 << 20;

/// The report's data in a fragment, with or without `#`; none when the fragment is something else.
pub fn data(hash: &str) -> Option<&str> {
    hash.trim_start_matches('#').strip_prefix(KEY)
}

/// The link to a page that carries this.
pub fn with_data(page: &str, deflated: &[u8]) -> String {
    let page = page.split(['#', '?']).next().unwrap_or(page);
    format!("{page}#{KEY}{}", URL_SAFE_NO_PAD.encode(deflated))
}

/// The bytes in a link's data. Programs that break lines or escape what they pass on are forgiven.
pub fn bytes(data: &str) -> Option<Vec<u8>> {
    let data = data.replace("%3D", "").replace("%0A", "").replace("%20", "");
    let data: String = data.chars().filter(|c| !c.is_whitespace() && *c != '=').collect();
    URL_SAFE_NO_PAD.decode(data).ok().filter(|bytes| !bytes.is_empty())
}

/// Whether a page's address means something on this machine only.
pub fn is_local(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || host == "::1"
        || host.is_empty()
        || (host.starts_with("127.") && host.split('.').count() == 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_come_back() {
        let bytes_in: Vec<u8> = (0..=255).collect();
        let link = with_data("https://h.example/a/?plan=x.json#verify", &bytes_in);
        let (page, hash) = link.split_once('#').unwrap();
        assert_eq!(page, "https://h.example/a/");
        let own = data(hash).unwrap();
        assert!(own.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'), "{own}");
        assert_eq!(bytes(own), Some(bytes_in.clone()));
        let (first, last) = own.split_at(100);
        assert_eq!(bytes(&format!("{first}\n {last}%0A==")), Some(bytes_in));
    }

    #[test]
    fn other_fragments_are_left_alone() {
        assert_eq!(data("#reports"), None);
        assert_eq!(data(""), None);
        assert_eq!(data("#report=AA"), Some("AA"));
        for broken in ["", "AA+/", "ä", "A"] {
            assert_eq!(bytes(broken), None, "{broken}");
        }
    }

    #[test]
    fn addresses_of_this_machine_are_told() {
        for host in ["localhost", "a.localhost", "127.0.0.1", "[::1]", ""] {
            assert!(is_local(host), "{host}");
        }
        for host in ["10.0.0.1", "127.example.com", "migrate.example.com", "127.0.0.1.nip.io"] {
            assert!(!is_local(host), "{host}");
        }
    }
}
