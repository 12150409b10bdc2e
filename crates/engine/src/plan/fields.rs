//! Objects of a plan, read field by field. Whatever is wrong becomes a finding, never an early end.

use super::finding::{Findings, closest, shown};
use super::json;
use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged;
use std::collections::HashMap;
use std::ops::RangeInclusive;

/// Where a field belongs that somebody wrote into another section.
const HOMES: [(&str, &[&str]); 6] = [
    ("source", &["kind", "remote_read_url", "export_url", "capture_manifest_path"]),
    ("target", &["write_url", "read_url", "status_url", "tenant"]),
    ("source or target", &["headers", "query_range_url", "metadata_url", "exemplar_url"]),
    ("batch", &["max_series_per_write", "max_points_per_write", "http_timeout_secs"]),
    ("compare", &["max_absolute_value_delta", "max_relative_value_delta"]),
    ("options", super::options::FIELDS),
];

/// An object whose field names have been looked at.
pub(super) struct Fields<'n, 't> {
    /// Path of the object; empty for the plan itself.
    path: String,
    /// Offset of its opening brace.
    pub(super) brace: usize,
    /// Known fields, each once, in text order.
    entries: Vec<(&'static str, &'n Value<'t>)>,
}

impl<'n, 't> Fields<'n, 't> {
    /// Looks at an object's field names: unknown and repeated ones are errors. A misspelled field stands in for
    /// the one it must mean, so that its value is looked at, and one slip is reported once.
    pub(super) fn read(
        value: &'n Value<'t>,
        path: &str,
        known: &'static [&'static str],
        found: &mut Findings<'_>,
    ) -> Option<Self> {
        let Value::Object(object) = value else {
            let what = if path.is_empty() { "a plan" } else { "this entry" };
            wrong_type(found, json::start(value), path, what, "an object", value);
            return None;
        };
        let mut entries: Vec<(&'static str, &'n Value<'t>)> = Vec::new();
        let mut unknown = Vec::new();
        let mut first_places: HashMap<&str, usize> = HashMap::new();
        for property in &object.properties {
            let (name, at) = (property.name.as_str(), property.range().start);
            if path.is_empty() && (name.starts_with('_') || name.starts_with("//") || name == "$schema") {
                continue;
            }
            if let Some(first) = first_places.insert(name, at) {
                let message = format!("the field {} stands here a second time", shown(name));
                let remedy = format!("Keep one of the two; the first is on line {}.", found.line(first));
                found.error(at, &join(path, &shown(name)), message, remedy);
                first_places.insert(name, first);
                continue;
            }
            match known.iter().find(|candidate| **candidate == name) {
                Some(field) => entries.push((field, &property.value)),
                None => unknown.push((name, at, &property.value)),
            }
        }
        for (name, at, value) in unknown {
            let guess = closest(name, known);
            let message = format!("unknown field {}", shown(name));
            found.error(at, &join(path, &shown(name)), message, advice(name, guess, path, known));
            if let Some(guess) = known.iter().copied().find(|candidate| Some(*candidate) == guess)
                && entries.iter().all(|(field, _)| *field != guess)
            {
                entries.push((guess, value));
            }
        }
        Some(Self { path: path.to_owned(), brace: object.range.start, entries })
    }

    /// Path of one of the fields.
    pub(super) fn path(&self, name: &str) -> String {
        join(&self.path, name)
    }

    /// A field's value; `null` means that it is not set.
    pub(super) fn get(&self, name: &str) -> Option<&'n Value<'t>> {
        let (_, value) = self.entries.iter().find(|(field, _)| *field == name)?;
        (!matches!(value, Value::NullKeyword(_))).then_some(*value)
    }

    /// Reports a field that must be there.
    pub(super) fn missing(&self, name: &str, remedy: &str, found: &mut Findings<'_>) {
        found.error(self.brace, &self.path(name), format!("{name} is missing"), remedy);
    }

    /// A string and its place.
    pub(super) fn string(&self, name: &str, found: &mut Findings<'_>) -> Option<(&'n str, usize)> {
        let value = self.get(name)?;
        string(value, &self.path(name), found)
    }

    /// A list and its place.
    pub(super) fn list(&self, name: &str, found: &mut Findings<'_>) -> Option<(&'n [Value<'t>], usize)> {
        let value = self.get(name)?;
        let Value::Array(array) = value else {
            wrong_type(found, json::start(value), &self.path(name), name, "a list", value);
            return None;
        };
        Some((&array.elements, array.range.start))
    }

    /// A whole number within a range; `None` when it is not set or not valid.
    pub(super) fn whole(
        &self,
        name: &str,
        range: RangeInclusive<u64>,
        found: &mut Findings<'_>,
    ) -> Option<u64> {
        let value = self.get(name)?;
        let (at, path) = (json::start(value), self.path(name));
        let Value::NumberLit(literal) = value else {
            wrong_type(found, at, &path, name, "a whole number", value);
            return None;
        };
        let whole = literal.value.strip_prefix('-').unwrap_or(literal.value);
        if !whole.bytes().all(|byte| byte.is_ascii_digit()) {
            found.error(at, &path, format!("{name} must be a whole number"), "Write it with digits alone.");
            return None;
        }
        let number = literal.value.parse::<u64>().ok().filter(|number| range.contains(number));
        if number.is_none() {
            let message = format!("{name} must lie between {} and {}", range.start(), range.end());
            found.error(at, &path, message, "");
        }
        number
    }

    /// A number that is finite and not below zero.
    pub(super) fn tolerance(&self, name: &str, found: &mut Findings<'_>) -> Option<f64> {
        let value = self.get(name)?;
        let (at, path) = (json::start(value), self.path(name));
        let Value::NumberLit(literal) = value else {
            wrong_type(found, at, &path, name, "a number", value);
            return None;
        };
        let number = literal.value.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
        if number.is_none() {
            found.error(at, &path, format!("{name} must be a finite number, zero or more"), "");
        }
        // The parse of "-0" passes the filter; its sign has no meaning here.
        number.map(f64::abs)
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, name: &str, found: &mut Findings<'_>) -> Option<bool> {
        let value = self.get(name)?;
        let Value::BooleanLit(literal) = value else {
            wrong_type(found, json::start(value), &self.path(name), name, "true or false", value);
            return None;
        };
        Some(literal.value)
    }
}

/// A value that must be a string.
pub(super) fn string<'n>(
    value: &'n Value<'_>,
    path: &str,
    found: &mut Findings<'_>,
) -> Option<(&'n str, usize)> {
    let at = json::start(value);
    let Value::StringLit(literal) = value else {
        wrong_type(found, at, path, path.rsplit('.').next().unwrap_or(path), "a string", value);
        return None;
    };
    Some((literal.value.as_ref(), at))
}

fn wrong_type(found: &mut Findings<'_>, at: usize, path: &str, what: &str, wanted: &str, value: &Value<'_>) {
    let remedy = match (wanted, value) {
        ("a string", Value::NumberLit(_)) => "Put it into double quotes.",
        ("a whole number" | "a number" | "true or false", Value::StringLit(_)) => "Write it without quotes.",
        ("a list", Value::StringLit(_)) => "Put it into [ and ].",
        ("an object", _) => "Write { \"name\": value }.",
        _ => "",
    };
    found.error(at, path, format!("{what} must be {wanted}, not {}", json::kind(value)), remedy);
}

fn advice(name: &str, guess: Option<&str>, path: &str, known: &[&str]) -> String {
    if let Some(guess) = guess {
        return format!("Did you mean {guess}?");
    }
    let plain = name.to_ascii_lowercase();
    let home = HOMES.iter().find(|(_, fields)| fields.contains(&plain.as_str()));
    match home {
        Some((home, _)) if *home != path => format!("It belongs into {home}."),
        _ => format!("Known here: {}.", known.join(", ")),
    }
}

/// Joins an object's path and a field's name.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
