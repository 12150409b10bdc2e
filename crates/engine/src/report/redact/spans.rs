//! Where label values and hosts stand in a text.

use std::ops::Range;

/// A value of a label in a text.
pub(super) struct Span {
    /// Where it stands, quotes left out.
    pub at: Range<usize>,
    /// What it is, escapes resolved. Of a value that was cut, what is left of it.
    pub value: String,
    /// Whether it ends in `…`, not in a quote.
    pub is_cut: bool,
}

/// Whether a character is a part of a word, so that a name cannot begin or end beside it.
pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Values of `label` in `text`: `label="…"` with any matcher and quotes, also where the quotes are escaped,
/// `"label":"…"`, `label=value` and `#label:value`.
pub(super) fn values(text: &str, label: &str) -> Vec<Span> {
    let mut found: Vec<Span> = Vec::new();
    if label.is_empty() {
        return found;
    }
    let mut from = 0;
    while let Some(start) = text.get(from..).and_then(|rest| rest.find(label)).map(|at| at + from) {
        let end = start + label.len();
        from = end;
        if text.get(..start).and_then(|before| before.chars().next_back()).is_some_and(is_word) {
            continue;
        }
        if let Some(span) = value(text, start, end) {
            from = span.at.end.max(end);
            found.push(span);
        }
    }
    found
}

fn value(text: &str, start: usize, end: usize) -> Option<Span> {
    let before = text.get(..start)?.chars().next_back();
    let mut rest = text.get(end..)?;
    let mut is_quoted = false;
    // `"label"`, `\"label\"`
    if matches!(before, Some('"' | '\'' | '`'))
        && let Some(closed) = rest.trim_start_matches('\\').strip_prefix(['"', '\'', '`'])
    {
        (rest, is_quoted) = (closed, true);
    }
    let rest = rest.trim_start();
    let behind = if let Some(behind) = ["=~", "!~", "!="].iter().find_map(|sign| rest.strip_prefix(sign)) {
        behind
    } else if let Some(behind) = rest.strip_prefix('=') {
        behind
    } else if is_quoted || matches!(before, Some('#' | ',')) {
        rest.strip_prefix(':')?
    } else {
        return None;
    };
    let behind = behind.trim_start();
    let at = text.len() - behind.len();
    let slashes = behind.len() - behind.trim_start_matches('\\').len();
    match behind.get(slashes..)?.chars().next()? {
        // Escaped once, a quote has one backslash before it; twice, three.
        quote @ ('"' | '\'') if (slashes + 1).is_power_of_two() => {
            quoted(text, at + slashes + 1, quote, slashes)
        }
        '`' if slashes == 0 => quoted(text, at + 1, '`', 0),
        _ => {
            let ends = |c: char| {
                c.is_whitespace() || matches!(c, ',' | ';' | '{' | '}' | '|' | '&' | ')' | '"' | '=')
            };
            let bare = behind.split(ends).next().filter(|bare| !bare.is_empty())?;
            let is_cut = bare.ends_with('…');
            let bare = bare.trim_end_matches('…');
            Some(Span { at: at..at + bare.len(), value: bare.to_owned(), is_cut })
        }
    }
}

/// A value that begins at `start`, up to its closing quote, or to the end where that was cut off.
fn quoted(text: &str, start: usize, quote: char, slashes: usize) -> Option<Span> {
    let body = text.get(start..)?;
    let mut run = 0;
    let mut end = None;
    for (at, c) in body.char_indices() {
        let closes = quote == '`' || run % (2 * (slashes + 1)) == slashes;
        if c == quote && closes {
            end = Some(at - if quote == '`' { 0 } else { slashes });
            break;
        }
        run = if c == '\\' { run + 1 } else { 0 };
    }
    let is_cut = end.is_none();
    let raw = body.get(..end.unwrap_or(body.len()))?;
    let mut value = raw.to_owned();
    if quote != '`' {
        let mut level = slashes + 1;
        while level > 0 {
            value = unescape(&value);
            level /= 2;
        }
    }
    (!raw.is_empty()).then(|| Span { at: start..start + raw.len(), value, is_cut })
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            c => out.push(c),
        }
    }
    out
}

/// Hosts in a text, in their order: of URLs, addresses, and names with a dot that have a port. With their ports.
pub(super) fn hosts(text: &str) -> Vec<(usize, String, Option<String>)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text.get(from..).and_then(|rest| rest.find("://")).map(|at| at + from + 3) {
        from = start;
        let rest = text.get(start..).unwrap_or_default();
        let ends = |c: char| {
            c.is_whitespace()
                || matches!(
                    c,
                    '/' | '?' | '#' | '"' | '\'' | '`' | '<' | '>' | '(' | ')' | ',' | ';' | '\\' | '…'
                )
        };
        let authority = rest.split(ends).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        let at = start + authority.len() - host.len();
        if let Some((host, port)) = split_port(host.trim_end_matches(['.', ':'])) {
            found.push((at, host, port));
        }
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    let mut at = 0;
    for token in text.split(|c| !is_part(c)) {
        let here = at + (token.len() - token.trim_start_matches(['.', ':', '-']).len());
        // The separator behind it may be of several bytes.
        at += token.len();
        at += text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        let token = token.trim_matches(['.', ':', '-']);
        if let Some((host, port)) =
            split_port(token).filter(|(host, port)| is_address(host) || (port.is_some() && is_dotted(host)))
        {
            found.push((here, host, port));
        }
    }
    crate::order::sort_by_key(&mut found, |(at, ..)| *at);
    found
}

/// Host and port of `host`, `host:1`, `[::1]:1`, `::1`.
fn split_port(text: &str) -> Option<(String, Option<String>)> {
    let is_port =
        |port: &str| (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(rest) = text.strip_prefix('[') {
        let (host, behind) = rest.split_once(']')?;
        let port = behind.strip_prefix(':').filter(|port| is_port(port));
        return (!host.is_empty() && host.contains(':')).then(|| (host.to_owned(), port.map(str::to_owned)));
    }
    if text.contains("::") {
        return Some((text.to_owned(), None));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if is_port(port) => (host, Some(port.to_owned())),
        Some(_) => return None,
        None => (text, None),
    };
    (!host.is_empty() && !host.contains(['[', ']', ':'])).then(|| (host.to_owned(), port))
}

/// An IP address.
fn is_address(host: &str) -> bool {
    let parts: Vec<&str> = host.split('.').collect();
    if parts.len() == 4 {
        return parts.iter().all(|part| part.len() <= 3 && part.parse::<u8>().is_ok());
    }
    host.parse::<std::net::Ipv6Addr>().is_ok() && host.bytes().any(|byte| byte.is_ascii_digit())
}

/// A name of several parts that does not end like a number.
fn is_dotted(host: &str) -> bool {
    host.contains('.')
        && host.split('.').all(|part| !part.is_empty())
        && host.ends_with(|c: char| c.is_ascii_alphabetic())
}
