//! Every status and code of the specification, with real bodies of the real servers where there are any.

use super::{Asked, Purpose, is_partial};
use crate::error::{Error, ErrorKind, Feature, Side};
use crate::port::{Answer, Method, Request, Secret};
use bytes::Bytes;

fn asked(side: Side, purpose: Purpose, token: bool) -> Asked {
    let (method, field, path) = match purpose {
        Purpose::Write => (Method::Post, "target.write_url", "write"),
        Purpose::ReadSamples if side == Side::Target => (Method::Post, "target.read_url", "read"),
        Purpose::ReadSamples => (Method::Post, "source.remote_read_url", "read"),
        _ => (Method::Get, "target.query_range_url", "query_range"),
    };
    let headers =
        if token { vec![("Authorization".to_owned(), Secret::new("Bearer sesame"))] } else { Vec::new() };
    let request = Request {
        side,
        method,
        url: format!("http://me:pw@h:9201/api/v1/{path}?query=secret"),
        headers: Vec::new(),
        body: Bytes::new(),
        timeout_ms: 1,
    };
    Asked::new(&request, purpose, field, &headers, (side == Side::Target).then_some("shop"))
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Answer { status, headers, body: Bytes::from(body.to_owned()) }
}

fn refuse(purpose: Purpose, token: bool, answer: &Answer) -> Error {
    asked(Side::Target, purpose, token).accept(answer).unwrap_err()
}

const AUTH: &str = "x-tsink-auth-error-code";
const WRITE: &str = "x-tsink-write-error-code";
const READ: &str = "x-tsink-read-error-code";

/// (what, purpose, token sent, status, headers, body, kind, part of the message, part of the remedy).
type Case = (
    Purpose,
    bool,
    u16,
    &'static [(&'static str, &'static str)],
    &'static str,
    ErrorKind,
    &'static str,
    &'static str,
);

#[rustfmt::skip]
const TARGET: &[Case] = &[
    // Bodies and headers of tsink-server 0.10.2, as it sent them.
    (Purpose::Write, false, 401, &[(AUTH, "auth_token_missing"), ("www-authenticate", "Bearer")], "unauthorized",
        ErrorKind::AuthMissing, "no token was sent", "`target.headers`"),
    (Purpose::Write, true, 401, &[(AUTH, "auth_token_missing")], "unauthorized",
        ErrorKind::AuthMissing, "saw no bearer token", "Authorization: Bearer"),
    (Purpose::Write, true, 401, &[(AUTH, "auth_token_invalid")], "unauthorized",
        ErrorKind::AuthInvalid, "does not accept the token", "`target.headers`"),
    (Purpose::Write, true, 401, &[(AUTH, "tenant_auth_token_invalid")], "unauthorized",
        ErrorKind::AuthInvalid, "does not accept the token", ""),
    (Purpose::Write, true, 401, &[(AUTH, "tenant_auth_token_missing")], "unauthorized", ErrorKind::AuthMissing, "", ""),
    (Purpose::Write, true, 401, &[(AUTH, "auth_oidc_token_expired")], "unauthorized",
        ErrorKind::AuthInvalid, "expired", "new token"),
    // A page on another origin may not see the code.
    (Purpose::Write, true, 401, &[], "unauthorized", ErrorKind::AuthInvalid, "", ""),
    (Purpose::Write, false, 401, &[], "unauthorized", ErrorKind::AuthMissing, "", ""),
    (Purpose::Write, false, 407, &[], "", ErrorKind::AuthMissing, "proxy", "proxy"),
    (Purpose::Write, true, 403, &[(AUTH, "auth_scope_denied")], "forbidden",
        ErrorKind::AuthScope, "may not write for tenant `shop`", "write scope"),
    (Purpose::ReadSamples, true, 403, &[(AUTH, "tenant_auth_scope_denied")], "forbidden",
        ErrorKind::AuthScope, "may not read samples", ""),
    (Purpose::Write, true, 403, &[(AUTH, "auth_principal_disabled")], "forbidden",
        ErrorKind::AuthScope, "disabled", "enabled"),
    (Purpose::Write, true, 403, &[], "Origin not allowed", ErrorKind::AuthScope, "origin", "allowed origins"),
    (Purpose::Write, false, 400, &[], "invalid protobuf body: failed to decode Protobuf message: invalid varint",
        ErrorKind::BadRequest, "could not read", "Content-Encoding"),
    (Purpose::Write, false, 400, &[], "snappy decode failed: snappy: corrupt input (invalid header)",
        ErrorKind::BadRequest, "could not read", "Content-Encoding"),
    (Purpose::Write, false, 400, &[], "unsupported content-encoding: gzip", ErrorKind::BadRequest, "could not read", ""),
    (Purpose::Write, false, 400, &[], "x-tsink-tenant must not be empty", ErrorKind::BadRequest, "tenant", "target.tenant"),
    (Purpose::Write, false, 400, &[], "x-tsink-tenant and x-scope-orgid must match when both headers are set",
        ErrorKind::BadRequest, "tenant", "X-Scope-OrgID"),
    (Purpose::Write, false, 400, &[], "remote write timeseries index 0 is missing the __name__ label",
        ErrorKind::BadRequest, "calls the request wrong", "target.write_url"),
    (Purpose::ReadSamples, false, 400, &[], "remote read response type StreamedXorChunks is not supported yet",
        ErrorKind::BadRequest, "form", "SAMPLES"),
    (Purpose::ReadSamples, false, 400, &[],
        "failed to resolve candidate series: Invalid configuration: invalid matcher regex '(': regex parse error:\n    ^(?:()$\n     ^\nerror: unclosed group",
        ErrorKind::BadRequest, "regular expression", "RE2"),
    (Purpose::Write, false, 400, &[], "request body too large", ErrorKind::TooLarge, "larger", "max_points_per_write"),
    (Purpose::Write, false, 400, &[], "decoded request body too large: 67108865 bytes (max 67108864)",
        ErrorKind::TooLarge, "larger", "max_points_per_write"),
    // Prometheus 2.42 with a remote write receiver, mistaken for tsink.
    (Purpose::Write, false, 400, &[], "out of bounds\n", ErrorKind::BadRequest, "of that time", "tsink's write endpoint"),
    (Purpose::Write, false, 404, &[], "not found", ErrorKind::NotFound, "nothing at this address", "/api/v1/write"),
    (Purpose::ReadSamples, false, 404, &[], "not found", ErrorKind::NotFound, "", "/api/v1/read"),
    (Purpose::Query, false, 404, &[], "not found", ErrorKind::NotFound, "", "/api/v1/query_range"),
    (Purpose::Metadata, false, 404, &[], "not found", ErrorKind::NotFound, "", "/api/v1/metadata"),
    (Purpose::Exemplars, false, 404, &[], "not found", ErrorKind::NotFound, "", "/api/v1/query_exemplars"),
    (Purpose::Status, false, 404, &[], "not found", ErrorKind::NotFound, "", "/api/v1/status/tsdb"),
    (Purpose::Write, false, 405, &[], "", ErrorKind::NotFound, "does not take POST", "/api/v1/write"),
    (Purpose::Write, false, 408, &[], "", ErrorKind::Timeout, "gave up", "http_timeout_secs"),
    (Purpose::Write, false, 409, &[], "cluster histogram write rejected: node-2 lacks histogram_ingest_v1",
        ErrorKind::Conflict, "histogram payload", "nodes"),
    (Purpose::ReadSamples, false, 409, &[(READ, "strict_consistency_unmet")], "read consistency unmet",
        ErrorKind::Conflict, "strict consistency", "nodes"),
    (Purpose::Write, false, 409, &[], "", ErrorKind::Conflict, "conflicts", ""),
    (Purpose::Write, false, 413, &[(WRITE, "write_resource_limit_exceeded")],
        "write resource limit exceeded for global_inflight_write_rows: requested 200001, limit 200000, retryable=false",
        ErrorKind::TooLarge, "limit", "max_points_per_write"),
    (Purpose::Write, false, 413, &[], "remote write exemplar payload exceeds limit: 513 > 512", ErrorKind::TooLarge, "limit", ""),
    (Purpose::Write, false, 413, &[("content-type", "text/html")],
        "<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>",
        ErrorKind::TooLarge, "limit", "client_max_body_size"),
    (Purpose::ReadSamples, false, 413, &[(READ, "read_merge_limit_exceeded")], "merge limit", ErrorKind::TooLarge, "", "smaller parts"),
    (Purpose::ReadSamples, false, 413, &[(READ, "read_resource_limit_exceeded")], "limit", ErrorKind::TooLarge, "", "slab_samples"),
    (Purpose::Query, false, 414, &[], "", ErrorKind::TooLarge, "", "Narrow"),
    (Purpose::Write, false, 415, &[], "unsupported content-type", ErrorKind::UnsupportedMedia, "content type", "Content-Type"),
    (Purpose::Write, false, 422, &[(WRITE, "write_out_of_retention")],
        "insert failed: Data point with timestamp 1700000000000 is outside the retention window",
        ErrorKind::Retention, "at 1700000000000 ms is older", "--retention"),
    (Purpose::Write, false, 422, &[(WRITE, "write_out_of_retention")], "", ErrorKind::Retention, "a sample is older", "--retention"),
    (Purpose::Write, false, 422, &[], "insert failed: Data point with timestamp 5 is outside the retention window",
        ErrorKind::Retention, "at 5 ms", "--retention"),
    (Purpose::Write, false, 422, &[], "remote write metadata payloads are disabled on this node",
        ErrorKind::FeatureDisabled(Feature::Metadata), "metadata", "TSINK_REMOTE_WRITE_METADATA_ENABLED=true"),
    (Purpose::Write, false, 422, &[], "remote write exemplar payloads are disabled on this node",
        ErrorKind::FeatureDisabled(Feature::Exemplars), "exemplars", "TSINK_REMOTE_WRITE_EXEMPLARS_ENABLED=true"),
    (Purpose::Write, false, 422, &[], "remote write histogram payloads are disabled on this node",
        ErrorKind::FeatureDisabled(Feature::Histograms), "native histograms", "TSINK_REMOTE_WRITE_HISTOGRAMS_ENABLED=true"),
    (Purpose::Query, false, 422, &[("content-type", "application/json")],
        r#"{"error":"unexpected token: expected expression, found EOF","errorType":"execution","status":"error"}"#,
        ErrorKind::BadRequest, "refuses the query", "query"),
    (Purpose::Query, false, 422, &[], r#"{"error":"Storage is shutting down","errorType":"execution","status":"error"}"#,
        ErrorKind::Unavailable, "shutting down", "start it again"),
    (Purpose::Write, false, 422, &[], "hm", ErrorKind::BadRequest, "cannot process", ""),
    (Purpose::Write, false, 429, &[(WRITE, "write_overloaded"), ("retry-after", "1")],
        "write resource limit exceeded for global_inflight_write_requests: requested 1, limit 64, retryable=true",
        ErrorKind::Throttled, "busy", "max_concurrent_writes"),
    (Purpose::Write, false, 500, &[], "insert failed: Storage is shutting down", ErrorKind::Unavailable, "shutting down", "start it again"),
    (Purpose::Write, false, 500, &[],
        "insert failed: Late write at timestamp 1794478260000 would open partition 498466 beyond the active-head limit 8 (active range 498490..=498658)",
        ErrorKind::Server, "open hours", "max_concurrent_writes"),
    (Purpose::Write, false, 500, &[], "insert failed: Memory budget exceeded: budget 1 bytes, required at least 2 bytes",
        ErrorKind::Server, "memory", "--memory-limit"),
    (Purpose::Write, false, 500, &[], "insert failed: Series cardinality limit exceeded: limit 1, current 1, requested 1",
        ErrorKind::Server, "series", "--cardinality-limit"),
    (Purpose::Write, false, 500, &[], "insert failed: Insufficient disk space: required 2 bytes, available 1 bytes",
        ErrorKind::Server, "disk", "space"),
    (Purpose::Write, false, 500, &[], "insert failed: Unsupported operation 'insert_rows': compute-only",
        ErrorKind::Conflict, "does not take writes", "compute-only"),
    (Purpose::Write, false, 500, &[], "", ErrorKind::Server, "failed inside", "log"),
    (Purpose::Write, false, 502, &[("content-type", "text/html")], "<html><head><title>502 Bad Gateway</title>",
        ErrorKind::Server, "gateway", "upstream"),
    (Purpose::Write, false, 503, &[("retry-after", "7")], "cluster write routing topology unavailable: x",
        ErrorKind::Unavailable, "not available", "tried again"),
    (Purpose::ReadSamples, false, 503, &[(READ, "read_consistency_unmet")], "", ErrorKind::Unavailable, "replicas", "nodes"),
    (Purpose::Query, false, 504, &[], "", ErrorKind::Server, "in time", "http_timeout_secs"),
    (Purpose::Write, false, 507, &[], "outbox enqueue failed", ErrorKind::Server, "queue", "node"),
    (Purpose::Write, false, 599, &[], "", ErrorKind::Server, "failed inside", ""),
    (Purpose::Write, false, 302, &[("location", "https://u:p@login.example/x?token=1")], "",
        ErrorKind::UnexpectedStatus, "https://login.example/x`", "target.write_url"),
    (Purpose::Write, false, 0, &[], "", ErrorKind::UnexpectedStatus, "sends on", "target.write_url"),
    (Purpose::Write, false, 418, &[], "", ErrorKind::UnexpectedStatus, "status 418", "gateway"),
    (Purpose::Write, false, 100, &[], "", ErrorKind::UnexpectedStatus, "status 100", ""),
];

#[test]
fn every_status_has_its_kind_its_words_and_a_remedy() {
    for (purpose, token, status, headers, body, kind, message, remedy) in TARGET {
        let error = refuse(*purpose, *token, &answer(*status, headers, body));
        let case = format!("{status} {body}: {error:?}");
        assert_eq!(error.kind, *kind, "{case}");
        assert!(error.message.contains(message), "{case}");
        assert!(!error.remedy.is_empty() && error.remedy.contains(remedy), "{case}");
        assert_eq!(error.side, Some(Side::Target), "{case}");
        assert_eq!(error.status, Some(*status), "{case}");
        let url = error.url.unwrap();
        assert!(!url.contains("pw") && !url.contains("secret"), "{url}");
    }
}

/// Prometheus 2.42's own words.
#[test]
fn a_sources_refusals() {
    #[rustfmt::skip]
    let cases: &[(Purpose, u16, &str, ErrorKind, &str)] = &[
        (Purpose::ReadSamples, 400, "proto: illegal wireType 7\n", ErrorKind::BadRequest, "Content-Encoding"),
        (Purpose::ReadSamples, 400, "snappy: corrupt input\n", ErrorKind::BadRequest, "Content-Encoding"),
        (Purpose::ReadSamples, 400, "exceeded sample limit (50000000)\n", ErrorKind::TooLarge, "slab_samples"),
        (Purpose::ReadSamples, 500, "error parsing regexp: missing closing ): `^(?:()$`\n", ErrorKind::BadRequest, "RE2"),
        (Purpose::ReadSamples, 404, "", ErrorKind::NotFound, "source.remote_read_url"),
        (Purpose::BuildInfo, 404, "", ErrorKind::NotFound, "/api/v1/status/buildinfo"),
        (Purpose::ReadSamples, 401, "Unauthorized", ErrorKind::AuthMissing, "source.headers"),
        (Purpose::Query, 400, include_str!("../../tests/fixtures/answers/prometheus-2.42-too-many-points.json"), ErrorKind::TooLarge, "smaller parts"),
        (Purpose::Query, 400, include_str!("../../tests/fixtures/answers/prometheus-2.42-parse-error.json"), ErrorKind::BadRequest, "correct the query"),
        (Purpose::Query, 422, r#"{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory in query execution"}"#, ErrorKind::TooLarge, "--query.max-samples"),
        (Purpose::Query, 503, r#"{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}"#, ErrorKind::Unavailable, ""),
        (Purpose::ReadSamples, 503, "Service Unavailable", ErrorKind::Unavailable, "loading"),
    ];
    for (purpose, status, body, kind, remedy) in cases {
        let error = asked(Side::Source, *purpose, false).accept(&answer(*status, &[], body)).unwrap_err();
        assert_eq!(error.kind, *kind, "{error:?}");
        assert!(error.remedy.contains(remedy), "{error:?}");
        assert_eq!(error.side, Some(Side::Source));
    }
}

#[test]
fn what_may_pass_later_is_retryable_and_what_cannot_is_not() {
    let later = [429, 500, 502, 503, 504, 408];
    let never = [400, 401, 403, 404, 409, 413, 415, 422, 302];
    for (statuses, retryable) in [(&later[..], true), (&never[..], false)] {
        for status in statuses {
            let error = refuse(Purpose::Write, false, &answer(*status, &[], ""));
            assert_eq!(error.kind.is_retryable(), retryable, "{status}");
        }
    }
    for words in ["insert failed: Storage is shutting down", "insert failed: Late write at timestamp 1 would"]
    {
        assert!(refuse(Purpose::Write, false, &answer(500, &[], words)).kind.is_retryable(), "{words}");
    }
}

#[test]
fn retry_after_is_read_and_bounded() {
    let after = |value: &str| {
        refuse(Purpose::Write, false, &answer(429, &[("retry-after", value)], "")).retry_after_ms
    };
    assert_eq!(after("1"), Some(1000));
    assert_eq!(after(" 30 "), Some(30_000));
    assert_eq!(after("99999999999"), Some(3_600_000));
    assert_eq!(after("Wed, 21 Oct 2026 07:28:00 GMT"), None, "no clock at all");
    assert_eq!(after("-1"), None);
}

#[test]
fn retry_after_with_a_date_counts_from_the_servers_clock_or_from_ours() {
    let after = |headers: &[(&str, &str)]| {
        let mut all = vec![("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT")];
        all.extend_from_slice(headers);
        refuse(Purpose::Write, false, &answer(503, &all, "")).retry_after_ms
    };
    // 2026-10-21T07:28:00Z is 1792567680000; our clock is an hour off.
    let ours = (super::CLOCK_HEADER, "1792564080000");
    assert_eq!(after(&[("date", "Wed, 21 Oct 2026 07:28:00 GMT"), ours]), Some(30_000));
    assert_eq!(after(&[(super::CLOCK_HEADER, "1792567680000")]), Some(30_000));
    assert_eq!(after(&[("date", "Wed, 21 Oct 2026 07:29:00 GMT")]), Some(0), "over already");
    assert_eq!(after(&[("date", "Wed, 21 Oct 2015 07:29:00 GMT")]), Some(3_600_000), "an hour at most");
    for odd in ["Wed, 32 Oct 2026 07:28:30 GMT", "21 Oct 2026", ", GMT", "Wed, 21 Foo 2026 07:28:30 GMT"] {
        let headers = [("retry-after", odd), ours];
        assert_eq!(refuse(Purpose::Write, false, &answer(503, &headers, "")).retry_after_ms, None, "{odd}");
    }
}

#[test]
fn the_servers_words_are_shown_without_secrets() {
    let json = r#"{"status":"error","errorType":"bad_data","error":"no: Bearer sesame\u0007"}"#;
    let error = refuse(Purpose::Query, true, &answer(400, &[], json));
    assert_eq!(error.server_message.as_deref(), Some("bad_data: no: [redacted]"));
    let shown = format!("{error} {error:?} {}", serde_json::to_string(&error).unwrap());
    assert!(!shown.contains("sesame") && !shown.contains("pw"), "{shown}");
    let error = refuse(
        Purpose::Write,
        false,
        &answer(502, &[("content-type", "text/html")], "<title>502 Bad Gateway</title>"),
    );
    assert_eq!(error.server_message.as_deref(), Some("502 Bad Gateway"));
}

#[test]
fn a_web_page_with_status_200_is_not_an_answer() {
    let page = answer(200, &[("content-type", "text/html; charset=utf-8")], "<html><title>Sign in</title>");
    let error = refuse(Purpose::Write, false, &page);
    assert_eq!(error.kind, ErrorKind::Protocol);
    assert!(error.remedy.contains("login page"), "{error:?}");
    assert_eq!(error.server_message.as_deref(), Some("Sign in"));
    assert!(asked(Side::Target, Purpose::Write, false).accept(&answer(204, &[], "")).is_ok());
}

#[test]
fn unreadable_answers_quote_only_text() {
    let asked = asked(Side::Target, Purpose::Query, true);
    let error =
        asked.unreadable(&answer(200, &[("content-type", "text/plain")], "hello sesame"), "expected\nvalue");
    assert_eq!(error.message, "the answer cannot be read: expected value");
    assert_eq!(error.server_message.as_deref(), Some("hello [redacted]"));
    let error = asked.unreadable(&answer(200, &[("content-type", "application/x-protobuf")], "hello"), "x");
    assert_eq!(error.server_message, None);
}

#[test]
fn partial_answers_are_told_by_either_header() {
    assert!(is_partial(&answer(200, &[("x-tsink-read-partial-response", "true")], "")));
    assert!(is_partial(&answer(200, &[("x-tsink-read-response", "true")], "")));
    assert!(!is_partial(&answer(200, &[("x-tsink-read-partial-response", "false")], "")));
    assert!(!is_partial(&answer(200, &[], "")));
}
