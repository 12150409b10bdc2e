//! Tokens that expire in mid-run: the side that refuses them is held, a new one is asked for, and the refused
//! request is sent again with it.
//!
//! A refusal is not a fault of the plan once the same headers have been taken: then they have expired, were
//! rotated or withdrawn. What a server refuses for its credentials it has not done, so sending it again loses and
//! doubles nothing. Every request remembers which edition of the headers it was sent with: a refusal of an older
//! one, which was still on its way, asks nobody.

use super::context::Run;
use super::event::{Event, NoticeLevel};
use super::http::cancelled;
use crate::error::{Error, ErrorKind, Result, Side};
use crate::port::{Request, Secret};
use std::cell::RefCell;

/// Shortest part of a secret that is worth hiding, in bytes; as the server's words are cleaned elsewhere.
const SHORTEST: usize = 4;

/// What is known of the headers of both sides.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    source: Token,
    target: Token,
    /// Renewed values that were sent: a server may repeat one that is no longer in force.
    sent: RefCell<Vec<Secret>>,
}

#[derive(Debug, Default)]
struct Token {
    /// URLs without their query that took this run's headers: a handful.
    taken: RefCell<Vec<String>>,
    held: RefCell<Option<Held>>,
}

#[derive(Debug)]
struct Held {
    /// The edition that was refused; 0 is the plan's own.
    edition: u32,
    error: Error,
}

impl Tokens {
    fn of(&self, side: Side) -> &Token {
        match side {
            Side::Source => &self.source,
            Side::Target => &self.target,
        }
    }

    /// Why requests are held, if they are.
    pub fn waiting(&self) -> Option<String> {
        let held = |side: Side| {
            let held = self.of(side).held.borrow();
            held.as_ref().map(|held| {
                let status = held.error.status.map(|status| format!(" ({status})")).unwrap_or_default();
                format!("The {side} no longer takes the token that it took before{status}. Nothing is sent to it until there is a new one.")
            })
        };
        match (held(Side::Source), held(Side::Target)) {
            (Some(source), Some(target)) => Some(format!("{source} {target}")),
            (one, other) => one.or(other),
        }
    }
}

impl Run {
    /// Waits while a side is held. Gives the edition of the headers that may be sent.
    ///
    /// # Errors
    /// When the operator cancels, and when there is no new token to wait for: the refusal itself.
    pub async fn token(&self, side: Side) -> Result<u32> {
        let token = self.tokens.of(side);
        loop {
            let edition = self.control.edition();
            let Some((refused, error)) =
                token.held.borrow().as_ref().map(|held| (held.edition, held.error.clone()))
            else {
                return Ok(edition);
            };
            if refused < edition {
                *token.held.borrow_mut() = None;
                self.emit(Event::Renewed);
                self.notice(
                    NoticeLevel::Info,
                    "",
                    format!("new header values for the {side}: the run goes on"),
                );
                self.progress(true);
                return Ok(edition);
            }
            if self.control.is_cancelled() {
                return Err(cancelled());
            }
            if self.control.is_declined() {
                return Err(error);
            }
            self.control.renewed_after(refused).await;
        }
    }

    /// Notes that a server took the headers of a request.
    pub fn token_taken(&self, request: &Request) {
        let mut taken = self.tokens.of(request.side).taken.borrow_mut();
        let url = without_query(&request.url);
        if !taken.iter().any(|known| known == url) {
            taken.push(url.to_owned());
        }
    }

    /// Whether `error` is a refusal of a token that was taken before: then the side is held, and the request is to be
    /// sent again after [`Self::token`]. `edition` is what it was sent with.
    pub fn token_refused(&self, request: &Request, edition: u32, error: &Error) -> bool {
        let token = self.tokens.of(request.side);
        let known = match error.kind {
            ErrorKind::AuthMissing | ErrorKind::AuthInvalid => !token.taken.borrow().is_empty(),
            // What was never allowed stays forbidden whatever the token; what was, was taken away.
            ErrorKind::AuthScope => {
                let url = without_query(&request.url);
                token.taken.borrow().iter().any(|known| known == url)
            }
            _ => false,
        };
        if !known || self.control.is_declined() {
            return false;
        }
        let held = token.held.borrow().is_some();
        if !held && edition == self.control.edition() {
            *token.held.borrow_mut() = Some(Held { edition, error: error.clone() });
            let status = error.status.map(|status| status.to_string()).unwrap_or_default();
            self.notice(NoticeLevel::Warn, status, format!("{error}; the run waits for a new token"));
            self.progress(true);
            self.emit(Event::Ask { side: request.side, error: error.clone() });
        }
        true
    }

    /// The request with the headers that are valid now.
    pub fn with_token(&self, request: &Request) -> Request {
        let Some(renewed) = self.control.renewed() else { return request.clone() };
        let (old, new) = match request.side {
            Side::Source => (&self.plan.source.headers, renewed.source),
            Side::Target => (&self.plan.target.headers, renewed.target),
        };
        for (_, secret) in &new {
            let mut sent = self.tokens.sent.borrow_mut();
            if !sent.contains(secret) {
                sent.push(secret.clone());
            }
        }
        Request { headers: replaced(&request.headers, old, new), ..request.clone() }
    }

    /// The error without what a server has repeated of renewed headers. Those of the plan are gone already.
    pub fn without_token(&self, mut error: Error) -> Error {
        let sent = self.tokens.sent.borrow();
        error.message = hidden(error.message, &sent);
        error.server_message = error.server_message.map(|words| hidden(words, &sent));
        error
    }
}

fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

/// `headers` with `new` in the place of `old`. A request's own headers, which are none of the plan's, stay, also where
/// the plan has one of the same name.
fn replaced(
    headers: &[(String, Secret)],
    old: &[(String, Secret)],
    new: Vec<(String, Secret)>,
) -> Vec<(String, Secret)> {
    let own: Vec<(String, Secret)> = headers.iter().filter(|header| !old.contains(header)).cloned().collect();
    let mut all: Vec<(String, Secret)> = new
        .into_iter()
        .filter(|(name, _)| !own.iter().any(|(ours, _)| ours.eq_ignore_ascii_case(name)))
        .collect();
    all.extend(own);
    all
}

/// Text without the secrets, and without a beginning or an end of one where the text was cut off.
fn hidden(mut text: String, secrets: &[Secret]) -> String {
    const HIDDEN: &str = "[redacted]";
    for secret in secrets {
        let secret = secret.reveal();
        for part in [Some(secret), secret.split_whitespace().last()].into_iter().flatten() {
            if part.len() < SHORTEST {
                continue;
            }
            text = text.replace(part, HIDDEN);
            // Header values are ASCII, so every byte is a boundary.
            for cut in (SHORTEST..part.len()).rev() {
                let (head, tail) = (part.get(..cut), part.get(part.len() - cut..));
                if let Some(rest) =
                    text.strip_suffix('…').and_then(|rest| head.and_then(|head| rest.strip_suffix(head)))
                {
                    text = format!("{rest}{HIDDEN}…");
                }
                if let Some(rest) =
                    text.strip_prefix('…').and_then(|rest| tail.and_then(|tail| rest.strip_prefix(tail)))
                {
                    text = format!("…{HIDDEN}{rest}");
                }
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{hidden, replaced};
    use crate::port::Secret;

    fn headers(all: &[(&str, &str)]) -> Vec<(String, Secret)> {
        all.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect()
    }

    #[test]
    fn the_plans_headers_are_replaced_and_the_requests_own_stay() {
        let old = headers(&[("Authorization", "Bearer old"), ("Accept", "text/plain"), ("X-Gone", "1")]);
        let sent = headers(&[
            ("Authorization", "Bearer old"),
            ("X-Gone", "1"),
            ("Accept", "json"),
            ("X-Tenant", "a"),
        ]);
        let new = headers(&[("Authorization", "Bearer new"), ("Accept", "text/plain"), ("X-More", "2")]);
        assert_eq!(
            replaced(&sent, &old, new),
            headers(&[
                ("Authorization", "Bearer new"),
                ("X-More", "2"),
                ("Accept", "json"),
                ("X-Tenant", "a")
            ])
        );
    }

    #[test]
    fn nothing_of_a_new_token_is_shown_not_even_where_words_were_cut() {
        let secret = Secret::new("Bearer abcdefghij");
        for (said, shown) in [
            ("no abcdefghij here", "no [redacted] here"),
            ("sent: Bearer abcdefghij", "sent: [redacted]"),
            ("cut in abcdefg…", "cut in [redacted]…"),
            ("…defghij was sent", "…[redacted] was sent"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(hidden(said.to_owned(), std::slice::from_ref(&secret)), shown);
        }
    }
}
