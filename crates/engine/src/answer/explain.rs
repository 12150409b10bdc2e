//! Status, error code and words → kind, message and remedy.

mod admin;

use super::{Asked, Purpose};
use crate::error::{ErrorKind, Feature, Side};
use crate::port::Answer;

/// What a refusal means.
pub(super) struct Explained {
    pub kind: ErrorKind,
    pub message: String,
    pub remedy: String,
}

fn so(kind: ErrorKind, message: impl Into<String>, remedy: impl Into<String>) -> Explained {
    Explained { kind, message: message.into(), remedy: remedy.into() }
}

/// Explains an answer of a status other than 2xx. `said` are the server's cleaned words.
pub(super) fn explain(asked: &Asked, answer: &Answer, said: &str) -> Explained {
    let low = said.to_ascii_lowercase();
    // What the words tell beats the status: gateways and versions differ in statuses.
    if let Some(known) = by_words(asked, &low) {
        return known;
    }
    if asked.0.purpose == Purpose::Delete
        && let Some(known) = admin::explain(asked, answer)
    {
        return known;
    }
    match answer.status {
        0 | 300..=399 => redirect(asked, answer),
        400 => bad_request(asked, &low),
        401 | 407 => unauthorized(asked, answer),
        403 => forbidden(asked, answer, &low),
        404 | 405 | 410 => not_found(asked, answer.status),
        408 => so(ErrorKind::Timeout, "the server gave up waiting", slow(asked)),
        409 => conflict(answer, &low),
        413 | 414 | 431 => too_large(asked, answer),
        415 => so(
            ErrorKind::UnsupportedMedia,
            "the server does not take this content type",
            format!(
                "Check that `{}` is a Prometheus remote endpoint, and that no gateway changes `Content-Type` or \
                 `Content-Encoding` on the way.",
                asked.0.field
            ),
        ),
        422 => unprocessable(asked, answer),
        429 => so(
            ErrorKind::Throttled,
            "the server is busy",
            "It is tried again after a pause. If this lasts, lower `options.max_concurrent_writes` and \
             `batch.max_points_per_write`, or run when there is less load.",
        ),
        500..=599 => server_error(asked, answer),
        status => so(
            ErrorKind::UnexpectedStatus,
            format!("status {status} is not one that a {} gives here", asked.server()),
            format!("Check what answers at `{}`: a gateway may be in between.", asked.0.field),
        ),
    }
}

/// Failures that are known by their words, whatever their status is.
fn by_words(asked: &Asked, low: &str) -> Option<Explained> {
    let has = |part: &str| low.contains(part);
    Some(if has("outside the retention window") {
        retention(low)
    } else if has("payloads are disabled") || has("exemplar ingest is disabled") {
        feature_off(low)?
    } else if has("storage is shutting down") || has("storage already closed") {
        so(
            ErrorKind::Unavailable,
            "the server is shutting down, or has closed its storage after a failure of its own",
            "Wait until it has stopped (which can take more than 30 s after a heavy ingest), start it again, and \
             run the same plan: what was acknowledged is kept. If nobody stopped it, its log says what failed in \
             the background; 0.10.2 takes no writes after that until it is restarted.",
        )
    } else if has("late write at timestamp") {
        so(
            ErrorKind::Server,
            "the server has too many open hours for one series to take an older sample",
            "tsink keeps 8 hourly heads a series open and takes samples out of order only within them. It is \
             tried again; if it fails again, lower `options.max_concurrent_writes` to 1.",
        )
    } else if has("series cardinality limit exceeded") {
        so(
            ErrorKind::Server,
            "the server has reached its limit of series",
            "Start tsink-server with a higher `--cardinality-limit`, or narrow the selectors.",
        )
    } else if has("memory budget exceeded") {
        so(
            ErrorKind::Server,
            "the server has used up its memory budget",
            "Start tsink-server with a higher `--memory-limit`, or lower `options.max_concurrent_writes`.",
        )
    } else if has("insufficient disk space")
        || has("no space left on device")
        || has("wal size limit exceeded")
    {
        so(
            ErrorKind::Server,
            "the server has no room left on its disk",
            "Free space on the server's data path or give it a larger one, then continue the run.",
        )
    } else if has("unsupported operation") && asked.0.purpose == Purpose::Write {
        so(
            ErrorKind::Conflict,
            "the server does not take writes",
            "It may run with `--storage-mode compute-only`: write to a read-write node instead.",
        )
    } else if has("exceeded sample limit") || has("too many samples") || has("exceeded maximum resolution") {
        // Prometheus: --storage.remote.read-sample-limit, --query.max-samples, 11,000 points a query.
        so(
            ErrorKind::TooLarge,
            "the request asks for more than the server gives at once",
            "It is asked again in smaller parts. If it fails again, lower `options.slab_samples`, or raise the \
             server's limit (`--storage.remote.read-sample-limit`, `--query.max-samples`).",
        )
    } else if has("-search.maxsamplesper") || has("-search.maxpointsper") {
        // VictoriaMetrics.
        so(
            ErrorKind::TooLarge,
            "the request asks for more than the server gives at once",
            "It is asked again in smaller parts. If it fails again, lower `options.slab_samples`, or raise the \
             server's limit, which its words name.",
        )
    } else if has("number of matching timeseries exceeds") || has("number of unique timeseries") {
        so(
            ErrorKind::BadRequest,
            "the selector matches more series than the server gives at once",
            "Narrow the selector, or split it into several, or start VictoriaMetrics with higher \
             `-search.maxExportSeries` and `-search.maxUniqueTimeseries`.",
        )
    } else if has("-search.maxexportduration") || has("-search.maxqueryduration") {
        so(
            ErrorKind::Timeout,
            "the server gave up, because the request took longer than it allows",
            "It is asked again in smaller parts. If it fails again, raise `-search.maxExportDuration` (for queries \
             `-search.maxQueryDuration`) at VictoriaMetrics.",
        )
    } else if has("unsupported path requested") {
        not_found(asked, 404)
    } else if has("body too large") || has("headers too large") {
        so(
            ErrorKind::TooLarge,
            "the request is larger than the server takes",
            "Lower `batch.max_points_per_write` and `batch.max_series_per_write`.",
        )
    } else if has("error parsing regexp") || has("invalid matcher regex") {
        so(
            ErrorKind::BadRequest,
            "a selector has a regular expression that the server does not accept",
            "Correct the selector; expressions are RE2, without look-around and back-references.",
        )
    } else {
        return None;
    })
}

fn retention(low: &str) -> Explained {
    let at = low
        .split("timestamp ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse::<i64>().ok());
    let which = at.map_or_else(|| "a sample".to_owned(), |at| format!("the sample at {at} ms"));
    so(
        ErrorKind::Retention,
        format!("{which} is older than the target keeps; the server refused its whole batch"),
        "Start tsink-server with a longer `--retention` (for example `--retention 400d`; without it 14 days are \
         kept), or choose a later start of the window.",
    )
}

fn feature_off(low: &str) -> Option<Explained> {
    let (feature, name, variable) = if low.contains("metadata") {
        (Feature::Metadata, "metadata", "TSINK_REMOTE_WRITE_METADATA_ENABLED")
    } else if low.contains("exemplar") {
        (Feature::Exemplars, "exemplars", "TSINK_REMOTE_WRITE_EXEMPLARS_ENABLED")
    } else if low.contains("histogram") {
        (Feature::Histograms, "native histograms", "TSINK_REMOTE_WRITE_HISTOGRAMS_ENABLED")
    } else {
        return None;
    };
    Some(so(
        ErrorKind::FeatureDisabled(feature),
        format!("the target does not take {name}: the feature is off"),
        format!(
            "Start tsink-server with the environment variable `{variable}=true`, or migrate without {name}."
        ),
    ))
}

fn redirect(asked: &Asked, answer: &Answer) -> Explained {
    let to = answer.header("location").map(crate::error::redact_url);
    let to = to.map_or_else(|| "another address".to_owned(), |url| format!("`{url}`"));
    so(
        ErrorKind::UnexpectedStatus,
        format!("the server sends on to {to}"),
        format!(
            "Put the final address into `{}`: redirected writes lose their body. A redirect to a login page \
             means that the headers lack credentials.",
            asked.0.field
        ),
    )
}

fn bad_request(asked: &Asked, low: &str) -> Explained {
    let has = |part: &str| low.contains(part);
    if has("x-tsink-tenant") || has("x-scope-orgid") || has("tenant id") {
        return so(
            ErrorKind::BadRequest,
            "the server does not accept the tenant",
            "Correct `target.tenant`; where `target.headers` holds `X-Scope-OrgID`, both must be the same.",
        );
    }
    if has("snappy") || has("protobuf") || has("proto:") || has("content-encoding") {
        return so(
            ErrorKind::BadRequest,
            "the server could not read the request's body",
            "A gateway in between probably drops or changes `Content-Encoding: snappy` or the body. Let it pass \
             both on unchanged.",
        );
    }
    if has("response type") {
        return so(
            ErrorKind::BadRequest,
            "the server does not give remote read in the form asked for",
            format!(
                "Check that `{}` is a Prometheus remote read endpoint that gives SAMPLES.",
                asked.0.field
            ),
        );
    }
    if has("out of bounds") || has("out of order") || has("too old") || has("duplicate sample") {
        return so(
            ErrorKind::BadRequest,
            "the server does not take samples of that time",
            format!(
                "This is how Prometheus refuses old samples: check that `{}` is tsink's write endpoint.",
                asked.0.field
            ),
        );
    }
    if asked.0.purpose == Purpose::Query || asked.0.purpose == Purpose::Exemplars {
        return query(asked);
    }
    so(
        ErrorKind::BadRequest,
        "the server calls the request wrong",
        format!("See the server's words. Check that `{}` is the right endpoint.", asked.0.field),
    )
}

fn query(asked: &Asked) -> Explained {
    let mut remedy =
        "See the server's words and correct the query in the plan; try it in the server's own query page."
            .to_owned();
    if asked.0.side == Side::Target {
        remedy.push_str(" tsink 0.10.2 does not know names in quotes, as in {\"my.metric\"}.");
    }
    so(ErrorKind::BadRequest, "the server refuses the query", remedy)
}

fn unauthorized(asked: &Asked, answer: &Answer) -> Explained {
    let code = auth_code(answer);
    let headers = format!("`{}.headers`", asked.0.side);
    if answer.status == 407 {
        return so(
            ErrorKind::AuthMissing,
            "a proxy in between wants credentials",
            format!("Add the proxy's credentials to {headers}, or go around the proxy."),
        );
    }
    let missing = code.map_or(!asked.0.credentials, |code| code.ends_with("token_missing"));
    if missing && asked.0.credentials {
        return so(
            ErrorKind::AuthMissing,
            "the server saw no bearer token in the headers sent",
            format!(
                "tsink takes `Authorization: Bearer <token>` and nothing else. Correct {headers}; where a gateway \
                 is in between, let it pass `Authorization` on."
            ),
        );
    }
    if missing {
        return so(
            ErrorKind::AuthMissing,
            "no token was sent, and the server wants one",
            format!(
                "Add `\"Authorization\": \"Bearer ${{NAME}}\"` to {headers} and give the token when asked for it."
            ),
        );
    }
    let (message, remedy) = match code {
        Some("auth_oidc_token_expired") => ("the token has expired", "Get a new token and give it again."),
        Some("auth_oidc_token_not_yet_valid") => {
            ("the token is not valid yet", "Check the clocks of the token's issuer and of the server.")
        }
        _ => (
            "the server does not accept the token",
            "Check the token: it may be mistyped, rotated or another server's.",
        ),
    };
    so(ErrorKind::AuthInvalid, message, format!("{remedy} It goes into {headers}."))
}

fn forbidden(asked: &Asked, answer: &Answer, low: &str) -> Explained {
    let what = asked.0.purpose.verb();
    let whose = asked.0.tenant.as_ref().map(|tenant| format!(" for tenant `{tenant}`")).unwrap_or_default();
    if auth_code(answer) == Some("auth_principal_disabled") {
        return so(
            ErrorKind::AuthScope,
            "the service account of this token is disabled",
            "Have it enabled, or use the token of another account.",
        );
    }
    if low.contains("cors") || low.contains("origin") {
        return so(
            ErrorKind::AuthScope,
            "the gateway does not allow this page's origin",
            "Add the page's origin to the gateway's list of allowed origins.",
        );
    }
    so(
        ErrorKind::AuthScope,
        format!("the credentials sent may not {what}{whose}"),
        format!(
            "Use credentials that may {what}{whose}, in `{}.headers`{}.",
            asked.0.side,
            if asked.0.side == Side::Target {
                "; a backfill needs the write scope, a verification the read scope"
            } else {
                ""
            }
        ),
    )
}

fn not_found(asked: &Asked, status: u16) -> Explained {
    let Asked(inner) = asked;
    let path = match (inner.side, inner.purpose) {
        (Side::Target, Purpose::Write) => "/api/v1/write",
        (_, Purpose::ReadSamples) if inner.field == "source.export_url" => "/api/v1/export",
        (_, Purpose::ReadSamples) if inner.method == crate::port::Method::Get => "/api/v1/query",
        (_, Purpose::ReadSamples) => "/api/v1/read",
        (_, Purpose::Query) => "/api/v1/query_range",
        (_, Purpose::Metadata) => "/api/v1/metadata",
        (_, Purpose::Exemplars) => "/api/v1/query_exemplars",
        (Side::Target, Purpose::Delete) => "/api/v1/admin/delete_series",
        (Side::Target, _) => "/api/v1/status/tsdb",
        (Side::Source, _) => "/api/v1/status/buildinfo",
    };
    let message = if status == 405 {
        format!("this address does not take {}", inner.method.as_str())
    } else {
        "there is nothing at this address".to_owned()
    };
    so(
        ErrorKind::NotFound,
        message,
        format!(
            "Correct `{}`: the path usually ends with `{path}`, after the prefix of a gateway if there is one.",
            inner.field
        ),
    )
}

fn conflict(answer: &Answer, low: &str) -> Explained {
    if answer.header("x-tsink-read-error-code") == Some("strict_consistency_unmet") {
        return so(
            ErrorKind::Conflict,
            "the cluster cannot read with strict consistency: replicas are missing or differ",
            "Bring all nodes back and let repair finish, then run this again.",
        );
    }
    let what = ["histogram", "metadata", "exemplar"].iter().find(|word| low.contains(**word));
    match what {
        Some(what) => so(
            ErrorKind::Conflict,
            format!("the cluster refuses the {what} payload: a node cannot take it"),
            "All nodes must run, at a version that takes this payload. See the server's words for the node.",
        ),
        None => so(
            ErrorKind::Conflict,
            "the request conflicts with the server's state",
            "See the server's words, settle the conflict and run this again.",
        ),
    }
}

fn too_large(asked: &Asked, answer: &Answer) -> Explained {
    let code = answer.header("x-tsink-write-error-code").or(answer.header("x-tsink-read-error-code"));
    let remedy = match (asked.0.purpose, code) {
        (Purpose::Write, Some("write_resource_limit_exceeded")) => {
            "Lower `batch.max_points_per_write`: the server takes at most so many rows at once as it says."
        }
        (Purpose::Write, _) => {
            "Lower `batch.max_points_per_write` and `batch.max_series_per_write`, or raise the limit: a tenant's \
             quota at the server, or a gateway's body size (nginx: `client_max_body_size`)."
        }
        (Purpose::ReadSamples, Some("read_merge_limit_exceeded")) => {
            "It is asked again in smaller parts; the cluster limits what one read may merge."
        }
        (Purpose::ReadSamples, _) => {
            "It is asked again in smaller parts. If it fails again, lower `options.slab_samples`."
        }
        _ => "Narrow the query or shorten the window, or raise the tenant's quota at the server.",
    };
    so(ErrorKind::TooLarge, "the request is beyond a size limit or quota of the server", remedy)
}

fn unprocessable(asked: &Asked, answer: &Answer) -> Explained {
    if answer.header("x-tsink-write-error-code") == Some("write_out_of_retention") {
        return retention("");
    }
    // Prometheus gives 422 for a query that fails while it runs, tsink for every error of its query API.
    if matches!(asked.0.purpose, Purpose::Query | Purpose::Exemplars | Purpose::Metadata)
        || asked.0.method == crate::port::Method::Get
    {
        return query(asked);
    }
    so(
        ErrorKind::BadRequest,
        "the server cannot process the request",
        format!("See the server's words. Check that `{}` is the right endpoint.", asked.0.field),
    )
}

fn server_error(asked: &Asked, answer: &Answer) -> Explained {
    match answer.status {
        502 => so(
            ErrorKind::Server,
            "a gateway got no valid answer from the server behind it",
            format!(
                "Check that the {} runs and that the gateway's upstream address is right.",
                asked.server()
            ),
        ),
        504 => so(ErrorKind::Server, "a gateway or the cluster did not get an answer in time", slow(asked)),
        503 if answer.header("x-tsink-read-error-code") == Some("read_consistency_unmet") => so(
            ErrorKind::Unavailable,
            "too few replicas of the cluster answer for the wanted consistency",
            "It is tried again. Bring the missing nodes back if it lasts.",
        ),
        503 => so(
            ErrorKind::Unavailable,
            "the server is not available now",
            "It is tried again. A server that has just been started may still be loading its data.",
        ),
        507 => so(
            ErrorKind::Server,
            "the cluster cannot queue writes for a node that is down",
            "Bring the node back, or give the outbox more room, then continue the run.",
        ),
        _ => so(
            ErrorKind::Server,
            "the server failed inside",
            "It is tried again. If it lasts, see the server's words and its log.",
        ),
    }
}

fn slow(asked: &Asked) -> String {
    let part = if asked.0.purpose == Purpose::Query { "the window" } else { "`options.slab_samples`" };
    format!(
        "It is tried again. If it lasts, raise `batch.http_timeout_secs` and the gateway's timeout, or reduce {part}."
    )
}

/// tsink's code for a 401 or 403, where the host lets us see it.
fn auth_code(answer: &Answer) -> Option<&str> {
    answer.header("x-tsink-auth-error-code").map(str::trim).filter(|code| !code.is_empty())
}
