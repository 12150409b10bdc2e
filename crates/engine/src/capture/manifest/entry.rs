//! An entry of a manifest while its fields come in.

use super::{FIELDS, Payload, Text};
use crate::capture::lines::QueryParams;
use crate::model::Millis;
use crate::plan::closest;
use serde_json::Value;

/// The fields of an entry so far.
#[derive(Debug, Default)]
pub(super) struct Partial {
    pub(super) line: u64,
    pub(super) path: Option<String>,
    pub(super) body: Option<Text>,
    pub(super) base64: Option<Text>,
    pub(super) received_at_ms: Option<Millis>,
    pub(super) query_params: QueryParams,
    /// The first thing that is wrong.
    pub(super) problem: Option<(String, &'static str)>,
    pub(super) hint: Option<String>,
}

impl Partial {
    /// Takes a field.
    pub(super) fn set(&mut self, name: &str, value: Value) {
        let is = kind(&value);
        let wrong = |what: &str, remedy| (format!("{name} is {is}, not {what}"), remedy);
        let problem = match (name, value) {
            // The native tool reads a null as a field that is not there.
            (name, Value::Null) if FIELDS.contains(&name) => return,
            ("path", Value::String(path)) => {
                self.path = Some(path);
                return;
            }
            ("path" | "body" | "body_base64", _) => wrong("a string", "Write it in double quotes."),
            ("received_at_ms", value) if value.is_i64() => {
                self.received_at_ms = value.as_i64();
                return;
            }
            ("received_at_ms", _) => (
                format!("received_at_ms is {is}, not a whole number"),
                "Write the Unix time in milliseconds, without quotes and fraction.",
            ),
            ("query_params", Value::Object(fields)) => {
                self.query_params.clear();
                let mut problem = None;
                for (name, value) in fields {
                    match value {
                        Value::String(text) => drop(self.query_params.insert(name, text)),
                        other => {
                            problem = Some((
                                format!("query_params.{name} is {}, not a string", kind(&other)),
                                "Put the value in quotes.",
                            ));
                        }
                    }
                }
                match problem {
                    Some(problem) => problem,
                    None => return,
                }
            }
            ("query_params", _) => wrong(
                "an object",
                "Write the request's query as an object of strings: { \"db\": \"telegraf\" }.",
            ),
            (name, _) => {
                let shown: String = name.chars().take(40).collect();
                let guess = closest(name, &FIELDS).map(|guess| format!(", did you mean {guess}?"));
                self.hint.get_or_insert(format!("unknown field {shown:?}{}", guess.unwrap_or_default()));
                return;
            }
        };
        self.problem.get_or_insert(problem);
    }

    /// The payload, when there is exactly one.
    pub(super) fn payload(&self) -> Result<Payload, (String, &'static str)> {
        if let Some((problem, remedy)) = &self.problem {
            return Err((problem.clone(), remedy));
        }
        match (&self.path, &self.body, &self.base64) {
            (Some(path), None, None) => Ok(Payload::Path(path.clone())),
            (None, Some(text), None) => Ok(Payload::Body(text.clone())),
            (None, None, Some(text)) => Ok(Payload::Base64(text.clone())),
            (None, None, None) => {
                let hint = self.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
                Err((
                    format!("the entry has no payload{hint}"),
                    "Give it exactly one of path, body and body_base64.",
                ))
            }
            _ => Err((
                "the entry has more than one payload".to_owned(),
                "Give it exactly one of path, body and body_base64; make two entries of two payloads.",
            )),
        }
    }
}

/// What a JSON value is, in words.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a number with a fraction or exponent",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
