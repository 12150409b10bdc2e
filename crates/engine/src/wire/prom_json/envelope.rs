//! What every answer has in common.

use serde::Deserialize;

/// Why a JSON answer could not be read.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum JsonError {
    /// Not JSON, or not of the form that the API documents.
    #[error("{0}")]
    Malformed(String),
    /// `"status": "error"` in an answer whose HTTP status says success.
    #[error("{kind}: {message}")]
    Refused {
        /// `errorType`, e.g. `bad_data`, `execution`, `timeout`.
        kind: String,
        /// `error`.
        message: String,
    },
    /// The query yields something that has no points (a string).
    #[error("the expression yields a {0}, which has no points to compare")]
    NoPoints(&'static str),
}

impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// The envelope around `data`.
#[derive(Deserialize)]
#[serde(bound = "D: Deserialize<'de>")]
pub(super) struct Envelope<D> {
    status: Option<String>,
    data: Option<D>,
    #[serde(rename = "errorType")]
    error_type: Option<String>,
    error: Option<String>,
    warnings: Option<Vec<String>>,
    infos: Option<Vec<String>>,
    #[serde(rename = "partialResponse")]
    partial: Option<Partial>,
    /// VictoriaMetrics' cluster.
    #[serde(rename = "isPartial")]
    is_partial: Option<bool>,
}

/// tsink's `partialResponse`, in answers of a cluster.
#[derive(Deserialize)]
struct Partial {
    #[serde(default)]
    enabled: bool,
}

/// What an envelope held, once its status is known to be `success`.
pub(super) struct Opened<D> {
    pub data: Option<D>,
    pub warnings: Vec<String>,
    pub infos: Vec<String>,
    pub partial: bool,
}

/// Reads an envelope.
pub(super) fn open<'de, D: Deserialize<'de>>(body: &'de [u8]) -> Result<Opened<D>, JsonError> {
    let envelope: Envelope<D> = serde_json::from_slice(body)?;
    match envelope.status.as_deref() {
        Some("success") => Ok(Opened {
            data: envelope.data,
            warnings: envelope.warnings.unwrap_or_default(),
            infos: envelope.infos.unwrap_or_default(),
            partial: envelope.partial.is_some_and(|partial| partial.enabled)
                || envelope.is_partial == Some(true),
        }),
        Some("error") => Err(JsonError::Refused {
            kind: envelope.error_type.unwrap_or_else(|| "error".to_owned()),
            message: envelope.error.unwrap_or_default(),
        }),
        Some(other) => Err(JsonError::Malformed(format!("`status` is `{other}`, not `success`"))),
        None => Err(JsonError::Malformed("there is no `status`".to_owned())),
    }
}

/// The server's words in the JSON body of a refusal: `error` of Prometheus and tsink, with `errorType` in
/// front where there is one, else `message` as gateways have it. `None` when the body is something else.
pub fn error_text(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Refusal {
        #[serde(rename = "errorType")]
        kind: Option<String>,
        error: Option<String>,
        message: Option<String>,
    }
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    let words = refusal.error.or(refusal.message)?;
    Some(match refusal.kind {
        Some(kind) if !kind.is_empty() => format!("{kind}: {words}"),
        _ => words,
    })
}

#[cfg(test)]
mod tests {
    use super::{JsonError, error_text, open};

    #[test]
    fn an_error_in_an_answer_of_status_200_is_an_error() {
        let body = br#"{"status":"error","errorType":"timeout","error":"query timed out"}"#;
        let refused = JsonError::Refused { kind: "timeout".into(), message: "query timed out".into() };
        assert_eq!(open::<u8>(body).err(), Some(refused));
        assert!(matches!(open::<u8>(b"{}"), Err(JsonError::Malformed(_))));
        assert!(matches!(open::<u8>(br#"{"status":"odd"}"#), Err(JsonError::Malformed(_))));
        assert!(matches!(open::<u8>(b"<html>"), Err(JsonError::Malformed(_))));
    }

    #[test]
    fn every_servers_way_to_say_partial() {
        let is_partial = |body: &[u8]| open::<u8>(body).unwrap().partial;
        assert!(is_partial(br#"{"status":"success","isPartial":true,"data":1}"#));
        assert!(is_partial(br#"{"status":"success","partialResponse":{"enabled":true},"data":1}"#));
        assert!(!is_partial(br#"{"status":"success","isPartial":false,"data":1}"#));
    }

    #[test]
    fn the_words_of_a_refusal_are_found() {
        let prometheus = include_bytes!("../../../tests/fixtures/answers/prometheus-2.42-parse-error.json");
        assert_eq!(
            error_text(prometheus).as_deref(),
            Some("bad_data: 1:5: parse error: unclosed left parenthesis")
        );
        let tsink = include_bytes!("../../../tests/fixtures/answers/tsink-0.10.2-parse-error.json");
        assert_eq!(
            error_text(tsink).as_deref(),
            Some("execution: unexpected token: expected expression, found EOF")
        );
        assert_eq!(error_text(br#"{"message":"no Route matched"}"#).as_deref(), Some("no Route matched"));
        assert_eq!(error_text(b"unauthorized"), None);
        assert_eq!(error_text(br#"["error"]"#), None);
    }
}
