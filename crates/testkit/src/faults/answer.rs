//! An answer taken apart, so that it can end elsewhere and still look whole.

/// The answer with a body that ends where `end` says, and a head that says the same.
pub(super) fn ended(answer: &[u8], end: impl FnOnce(&[u8]) -> usize) -> Vec<u8> {
    let at = answer.windows(4).position(|four| four == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    let (head, body) = answer.split_at(at);
    let head = String::from_utf8_lossy(head).into_owned();
    let chunked = head.to_ascii_lowercase().contains("\r\ntransfer-encoding: chunked\r\n");
    let mut body = if chunked { dechunked(body) } else { body.to_vec() };
    body.truncate(end(&body));
    let mut out = Vec::new();
    for line in head.trim_end().lines() {
        let low = line.to_ascii_lowercase();
        if !low.starts_with("transfer-encoding:") && !low.starts_with("content-length:") {
            out.extend_from_slice(format!("{line}\r\n").as_bytes());
        }
    }
    out.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    out.extend_from_slice(&body);
    out
}

/// A body without its transfer encoding (RFC 9112 section 7.1).
fn dechunked(mut body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(line) = body.windows(2).position(|two| two == b"\r\n") {
        let text = String::from_utf8_lossy(&body[..line]).into_owned();
        let size = usize::from_str_radix(text.split(';').next().unwrap_or_default().trim(), 16).unwrap_or(0);
        let rest = &body[line + 2..];
        if size == 0 || rest.len() < size {
            break;
        }
        out.extend_from_slice(&rest[..size]);
        body = rest.get(size + 2..).unwrap_or_default();
    }
    out
}

/// Where so many frames of a streamed remote read end: `uvarint length | 4 bytes | data`.
pub(super) fn end_of_frames(body: &[u8], frames: usize) -> usize {
    let mut at = 0;
    for _ in 0..frames {
        let (mut length, mut shift) = (0usize, 0);
        let mut end = at;
        while let Some(byte) = body.get(end) {
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            end += 1;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let next = end + 4 + length;
        if end == at || next > body.len() {
            return body.len();
        }
        at = next;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::{end_of_frames, ended};

    #[test]
    fn an_answer_that_ends_early_looks_whole() {
        let chunked =
            b"HTTP/1.1 200 OK\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        let cut = ended(chunked, |body| {
            assert_eq!(body, b"abcde");
            4
        });
        assert_eq!(cut, b"HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 4\r\n\r\nabcd");
    }

    #[test]
    fn frames_are_counted() {
        let body = [1, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 9, 9];
        assert_eq!([0, 1, 2, 3].map(|frames| end_of_frames(&body, frames)), [0, 6, 13, 13]);
    }
}
