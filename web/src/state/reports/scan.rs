//! Where the values of a JSON text begin and end, and nothing else: no value is read, nothing is nested on the stack,
//! and depth and size cost no more than a look at each byte.

/// Names of the outermost members of an object whose text comes in pieces, cut anywhere. Nothing is kept but where it
/// stands and a name that has begun.
#[derive(Debug, Default)]
pub struct Names {
    depth: usize,
    begun: bool,
    over: bool,
    in_text: bool,
    escaped: bool,
    /// Whether the next text at the outermost level is a name.
    is_name: bool,
    name: Vec<u8>,
}

/// A name that is longer is none that anybody asks for.
const LONGEST_NAME: usize = 64;

impl Names {
    /// Takes the next piece, and calls for each name that ends in it, as it is written.
    pub fn push(&mut self, piece: &[u8], mut on: impl FnMut(&[u8])) {
        for byte in piece {
            if self.over {
                return;
            }
            self.take(*byte, &mut on);
        }
    }

    fn take(&mut self, byte: u8, on: &mut impl FnMut(&[u8])) {
        if self.in_text {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_text = false,
                _ => {}
            }
            if self.in_text && self.depth == 1 && self.is_name && self.name.len() < LONGEST_NAME {
                self.name.push(byte);
            }
            return;
        }
        match byte {
            // The mark of the byte order is three bytes.
            b'{' if !self.begun => (self.begun, self.depth, self.is_name) = (true, 1, true),
            _ if !self.begun => self.over = !byte.is_ascii_whitespace() && !b"\xEF\xBB\xBF".contains(&byte),
            b'"' => {
                self.in_text = true;
                self.name.clear();
            }
            b':' if self.depth == 1 && self.is_name => {
                self.is_name = false;
                on(&self.name);
            }
            b',' if self.depth == 1 => self.is_name = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                self.over = self.depth == 0;
            }
            _ => {}
        }
    }
}

/// Calls for each member of the object that a text is: its name as written, and its value's text; none for a value
/// that does not end. Says whether the object ends, and nothing stands behind it.
pub fn members<'a>(text: &'a str, mut on: impl FnMut(&'a str, Option<&'a str>)) -> bool {
    let bytes = text.as_bytes();
    let mut at = skip(bytes, 0);
    if bytes.get(at) != Some(&b'{') {
        return false;
    }
    at = skip(bytes, at + 1);
    if bytes.get(at) == Some(&b'}') {
        return skip(bytes, at + 1) >= bytes.len();
    }
    loop {
        if bytes.get(at) != Some(&b'"') {
            return false;
        }
        let Some(end) = value_end(bytes, at) else { return false };
        let Some(name) = text.get(at + 1..end - 1) else { return false };
        at = skip(bytes, end);
        if bytes.get(at) != Some(&b':') {
            return false;
        }
        at = skip(bytes, at + 1);
        let end = value_end(bytes, at);
        on(name, end.and_then(|end| text.get(at..end)));
        let Some(end) = end else { return false };
        match next(bytes, end, b'}') {
            Next::Another(start) => at = start,
            Next::End(end) => return skip(bytes, end) >= bytes.len(),
            Next::Neither => return false,
        }
    }
}

/// Texts of the elements of the list that a text is; none when it does not end.
pub fn elements(text: &str) -> Option<Vec<&str>> {
    let bytes = text.as_bytes();
    let mut at = skip(bytes, 0);
    if bytes.get(at) != Some(&b'[') {
        return None;
    }
    at = skip(bytes, at + 1);
    let mut all = Vec::new();
    if bytes.get(at) == Some(&b']') {
        return Some(all);
    }
    loop {
        let end = value_end(bytes, at)?;
        all.push(text.get(at..end)?);
        match next(bytes, end, b']') {
            Next::Another(start) => at = start,
            Next::End(_) => return Some(all),
            Next::Neither => return None,
        }
    }
}

enum Next {
    Another(usize),
    End(usize),
    Neither,
}

fn next(bytes: &[u8], at: usize, closing: u8) -> Next {
    let at = skip(bytes, at);
    match bytes.get(at) {
        Some(b',') => Next::Another(skip(bytes, at + 1)),
        Some(byte) if *byte == closing => Next::End(at + 1),
        _ => Next::Neither,
    }
}

fn skip(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// Behind the value that begins here; none when it does not end, or there is none.
fn value_end(bytes: &[u8], start: usize) -> Option<usize> {
    let (mut at, mut depth) = (start, 0usize);
    loop {
        match bytes.get(at)? {
            b'"' => {
                at += 1;
                loop {
                    match bytes.get(at)? {
                        b'"' => break,
                        b'\\' => at += 2,
                        _ => at += 1,
                    }
                }
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return None,
            b'}' | b']' => depth -= 1,
            _ if depth > 0 => {}
            b',' | b':' => return None,
            // A number or a word: up to what may stand behind one.
            _ => {
                let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
                while bytes.get(at).is_some_and(is_part) {
                    at += 1;
                }
                return (at > start).then_some(at);
            }
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> (Vec<(&str, Option<&str>)>, bool) {
        let mut all = Vec::new();
        let ends = members(text, |name, value| all.push((name, value)));
        (all, ends)
    }

    #[test]
    fn members_come_as_they_are_written() {
        let text = " {\"a\" : -1.5e+9,\n\"b\":[{\"}\": \"]\\\"\"}, 1 ], \"c\": \"\\\\\", \"d\": {} } ";
        let wanted = vec![
            ("a", Some("-1.5e+9")),
            ("b", Some("[{\"}\": \"]\\\"\"}, 1 ]")),
            ("c", Some("\"\\\\\"")),
            ("d", Some("{}")),
        ];
        assert_eq!(of(text), (wanted, true));
        assert_eq!(of("{}"), (vec![], true));
        assert_eq!(of("{\"a\": [1, 2"), (vec![("a", None)], false));
        assert_eq!(of("{\"a\": 1} x"), (vec![("a", Some("1"))], false));
        for bad in ["", "[]", "{", "{\"", "{\"\\", "{\"a\"", "{\"a\":", "{1: 2}", "{\"a\" 1}", "{\"a\": }"] {
            assert!(!of(bad).1, "{bad}");
        }
    }

    #[test]
    fn names_come_whatever_the_pieces_are() {
        let text =
            "\u{FEFF} {\"a\\\"b\": {\"x\": \"}\"}, \"c\" : [\"d\", {\"e\": 1}], \"größe\": \"\\\\\", \"cut";
        for size in 1..text.len() {
            let mut names = Names::default();
            let mut all: Vec<String> = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                names.push(piece, |name| all.push(String::from_utf8_lossy(name).into_owned()));
            }
            assert_eq!(all, ["a\\\"b", "c", "größe"], "pieces of {size}");
        }
        let of = |text: &str| {
            let mut count = 0;
            Names::default().push(text.as_bytes(), |_| count += 1);
            count
        };
        assert_eq!(of("{\"a\": 1} {\"b\": 2}"), 1);
        assert_eq!(of("[\"a\", {\"b\": 1}]"), 0);
        assert_eq!(of(&format!("{{\"a\": {}", "[".repeat(1_000_000))), 1);
        assert_eq!(of(&format!("{{\"{}\": 1}}", "a".repeat(1_000_000))), 1);
    }

    #[test]
    fn elements_come_as_they_are_written() {
        assert_eq!(elements("[ ]"), Some(vec![]));
        assert_eq!(elements("[1, {\"a\": [2]} ,\"],\"]"), Some(vec!["1", "{\"a\": [2]}", "\"],\""]));
        for bad in ["", "{}", "[", "[1", "[1,", "[1 2]", "[,]", "[}", "[1}"] {
            assert_eq!(elements(bad), None, "{bad}");
        }
    }

    #[test]
    fn depth_costs_nothing() {
        assert_eq!(elements(&"[".repeat(1_000_000)), None);
        let deep = format!("[{}{}]", "[".repeat(500_000), "]".repeat(500_000));
        assert_eq!(elements(&deep).map(|all| all.len()), Some(1));
    }
}
