//! What a file is, by its name and its first bytes. A file may have 2 GB, so nothing else of it is ever looked at.

use crate::state::files::is_rules;
use crate::state::ledgers::is_ledger;

/// How much of a file is looked at, in bytes.
pub const HEAD: f64 = 65_536.0;

/// What a file looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// A JSON object: a plan, if it is not too large for one, or a report.
    Object,
    /// A JSON list of objects: a capture manifest.
    Manifest,
    /// A Prometheus rules file.
    Rules,
    /// A ledger that was exported.
    Ledger,
    /// A recorded payload.
    Payload(Form),
    /// Nothing is in it, and something should be.
    Empty,
    /// Neither; why.
    Other(&'static str),
}

/// What a payload is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// Lines.
    Text,
    /// Protobuf, most likely.
    Binary,
    /// Either, compressed by gzip.
    Gzip,
}

/// What a file must be by its name; none where its first bytes have to be looked at.
pub fn by_name(path: &str, size: f64) -> Option<Looks> {
    let name = path.to_ascii_lowercase();
    if size <= 0.0 {
        Some(empty(&name))
    } else if name.ends_with(".json.gz") {
        Some(Looks::Other("plans and manifests are not read compressed: unpack it first"))
    } else if name.ends_with(".gz") {
        Some(Looks::Payload(Form::Gzip))
    } else if name.ends_with(".pb") {
        Some(Looks::Payload(Form::Binary))
    } else if name.ends_with(".lp") {
        Some(Looks::Payload(Form::Text))
    } else {
        None
    }
}

/// A payload may be empty, and a manifest may name it; a plan or manifest may not.
fn empty(name: &str) -> Looks {
    if name.ends_with(".json") { Looks::Empty } else { Looks::Payload(Form::Text) }
}

/// What a file is by its first bytes, [`HEAD`] of them or all that it has.
pub fn by_head(path: &str, head: &[u8]) -> Looks {
    if head.starts_with(&[0x1f, 0x8b]) {
        return Looks::Payload(Form::Gzip);
    }
    let Some(text) = text(head) else { return Looks::Payload(Form::Binary) };
    let text = text.trim_start_matches('\u{FEFF}').trim_start();
    let name = path.to_ascii_lowercase();
    let is_json = name.ends_with(".json");
    if text.is_empty() {
        return empty(&name);
    }
    if text.starts_with('{') {
        return if is_ledger(text) { Looks::Ledger } else { Looks::Object };
    }
    match text.strip_prefix('[').map(str::trim_start) {
        Some(rest) if rest.is_empty() || rest.starts_with(['{', ']']) => Looks::Manifest,
        Some(_) if is_json => Looks::Other("it is a JSON list, but not of payloads"),
        _ if is_json => Looks::Other("it is not JSON"),
        _ if name.ends_with(".yml") || name.ends_with(".yaml") || is_rules(text) => Looks::Rules,
        _ => Looks::Payload(Form::Text),
    }
}

/// The bytes as text, if they are; the last character may be cut off.
fn text(head: &[u8]) -> Option<&str> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(head.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    let is_control = |byte: u8| byte < b' ' && !matches!(byte, b'\t' | b'\r' | b'\n');
    (!text.bytes().any(is_control)).then_some(text)
}

/// Whether a file is one that systems put into folders by themselves, or in a folder of that kind. What was chosen by
/// hand, a file or the folder that a path begins with, is meant, whatever its name.
pub fn is_hidden(path: &str) -> bool {
    let Some((_, below)) = path.split_once('/') else { return false };
    below.split('/').any(|part| part.starts_with('.') || part == "__MACOSX")
        || below.rsplit('/').next().is_some_and(|name| matches!(name, "Thumbs.db" | "desktop.ini"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: Looks = Looks::Payload(Form::Text);
    const BINARY: Looks = Looks::Payload(Form::Binary);
    const GZIP: Looks = Looks::Payload(Form::Gzip);

    #[test]
    fn names_that_say_enough_are_not_opened() {
        for (name, looks) in [
            ("a/b.LP", Some(TEXT)),
            ("b.pb", Some(BINARY)),
            ("c.lp.gz", Some(GZIP)),
            ("plan.json", None),
            ("recording.txt", None),
            ("batch-001.bin", None),
            ("lp", None),
        ] {
            assert_eq!(by_name(name, 1.0), looks, "{name}");
        }
        assert_eq!(by_name("a.json", 0.0), Some(Looks::Empty));
        assert_eq!(by_name("a.bin", 0.0), Some(TEXT));
        assert!(matches!(by_name("manifest.json.gz", 1.0), Some(Looks::Other(_))));
    }

    #[test]
    fn first_bytes_tell_plans_manifests_and_payloads() {
        for (name, head, looks) in [
            ("x.json", &b"\xEF\xBB\xBF {\"source\": {}}"[..], Looks::Object),
            ("x", b"{", Looks::Object),
            ("m.json", b"[\r\n\t{\"path\": \"a\"}", Looks::Manifest),
            ("m", b"[", Looks::Manifest),
            ("m", b" [ ] ", Looks::Manifest),
            ("m.json", b"[1, 2]", Looks::Other("it is a JSON list, but not of payloads")),
            ("m.json", b"cpu value=1", Looks::Other("it is not JSON")),
            ("m", b"[1, 2]", TEXT),
            ("a.txt", b"cpu,host=a value=1 1\n", TEXT),
            ("a.txt", "größe:1|c".as_bytes(), TEXT),
            ("a.txt", b" \n\r\n", TEXT),
            ("a.json", b" \n\r\n", Looks::Empty),
            ("a.bin", b"\x1f\x8b\x08\x00", GZIP),
            // A length of 0x5b and 0x7b bytes: not the brackets that they look like.
            ("a.bin", b"\x0a\x5b\x0a\x14\x0a\x12", BINARY),
            ("a.bin", b"\x0a\x7b\x0a\x00", BINARY),
            ("a.bin", b"\x0a\xff\x01", BINARY),
        ] {
            assert_eq!(by_head(name, head), looks, "{name} {head:?}");
        }
    }

    #[test]
    fn a_character_that_is_cut_off_is_no_binary_data() {
        let text = "größe:1|c größe".repeat(9_000);
        for cut in 65_530..65_537 {
            assert_eq!(by_head("a", &text.as_bytes()[..cut]), TEXT, "{cut}");
        }
    }

    #[test]
    fn what_systems_leave_behind() {
        for path in ["x/.DS_Store", "x/.git/config", "x/__MACOSX/a.lp", "x/y/Thumbs.db", "x/desktop.ini"] {
            assert!(is_hidden(path), "{path}");
        }
        for path in ["a.lp", ".a.lp", ".x/a.lp", "x/y.z/a", "x/Thumbs.db/a.lp"] {
            assert!(!is_hidden(path), "{path}");
        }
    }
}
