//! Refusals of tsink's admin API (`server/auth.rs` and `handlers/admin/snapshot_restore.rs` of 0.10.2): it is off
//! unless the server was started with `--enable-admin-api`, and then it always wants a token, the admin token where
//! there is one.

use super::{Asked, Explained, auth_code, so};
use crate::error::ErrorKind;
use crate::port::Answer;

/// What a refusal of the admin API means; `None` for what other endpoints answer alike.
pub(super) fn explain(asked: &Asked, answer: &Answer) -> Option<Explained> {
    let headers = "Put the admin token (`--admin-auth-token`; without one the server takes its `--auth-token`) into \
                   `target.headers` as `Authorization`, and give it when asked for it.";
    Some(match answer.status {
        404 | 405 | 410 => so(
            ErrorKind::NotFound,
            "there is no admin API at this address: it is off, or a gateway does not pass it on",
            "Start tsink-server with `--enable-admin-api` and a token (`--admin-auth-token` or `--auth-token`). The \
             gateway recipes leave it out on purpose: use the command, straight to the server.",
        ),
        401 if auth_code(answer).map_or(!asked.0.credentials, |code| code.ends_with("token_missing")) => {
            so(ErrorKind::AuthMissing, "the admin API wants a token, and none was sent", headers)
        }
        401 => so(ErrorKind::AuthInvalid, "the admin API does not accept the token", headers),
        403 => so(ErrorKind::AuthScope, "the credentials sent may not delete series", headers),
        409 => so(
            ErrorKind::Conflict,
            "this node cannot delete",
            "A node in compute-only storage mode keeps nothing itself: ask a node that stores the data.",
        ),
        _ => return None,
    })
}
