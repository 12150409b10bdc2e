//! The exact way through a line, in the server's order, so that of two faults the same one is named. Only the
//! first line of a label set and lines that are not plain come here.

use super::Precision;
use crate::capture::{Described, Family, Refusal, RefusalKind, Row, SeriesTable, names, numbers};
use crate::model::{MetricType, Millis};
use std::borrow::Cow;

const HELP: &str = "Influx line protocol field coerced to gauge samples";

/// What the request says of all its lines.
#[derive(Debug)]
pub struct Scope {
    /// Labels from the query parameters.
    labels: Vec<(String, String)>,
    /// The same as bytes, with their length in front: no key of a scope is the start of another's.
    pub key: Vec<u8>,
}

impl Default for Scope {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Scope {
    /// A scope of these labels.
    pub fn new(labels: Vec<(String, String)>) -> Self {
        let mut key = Vec::new();
        for text in labels.iter().flat_map(|(name, value)| [name, value]) {
            key.extend_from_slice(&(text.len() as u64).to_le_bytes());
            key.extend_from_slice(text.as_bytes());
        }
        let length = (key.len() as u64).to_le_bytes();
        Self { labels, key: [&length[..], &key].concat() }
    }
}

/// Takes a line that is trimmed and not empty, and remembers its label set and its fields.
///
/// # Errors
/// What tsink would refuse; then nothing is kept.
pub fn exact(
    scope: &Scope,
    precision: Precision,
    line: &str,
    received_at: Millis,
    table: &mut SeriesTable,
    rows: &mut Vec<Row>,
) -> Result<(), Refusal> {
    let (spec, fields, timestamp) = sections(line)?;
    let key = [scope.key.as_slice(), spec.as_bytes()].concat();
    let mut group = table.groups().find(&key);
    // Of a label set that was taken once, there is nothing to check before the fields.
    let mut labels = if group.is_none() { Some(label_set(spec)?) } else { None };
    let at = timestamp.map_or(Ok(received_at), |raw| parse_timestamp(raw, precision))?;
    let fields = assignments(fields)?;

    let mut series = Vec::with_capacity(fields.len());
    for (raw, name, _) in &fields {
        let known = group.and_then(|group| table.groups().member(group, raw.as_bytes()));
        if let Some(member) = known {
            series.push(Ok(member.series));
            continue;
        }
        let (measurement, tags) = match labels {
            Some(ref labels) => labels,
            None => labels.insert(label_set(spec)?),
        };
        series.push(Err(describe(scope, measurement, name, tags)?));
    }
    for ((raw, _, value), series) in fields.iter().zip(series) {
        let series = series.unwrap_or_else(|described| table.add(described));
        group = Some(table.groups_mut().add(&key, raw.as_bytes(), series));
        rows.push(Row { series, at, value: *value });
    }
    if let Some(group) = group {
        table.groups_mut().came(group);
    }
    Ok(())
}

fn describe(
    scope: &Scope,
    measurement: &str,
    field: &str,
    tags: &[(String, String)],
) -> Result<Described, Refusal> {
    let suffix = names::metric(field)?;
    let name = if field == "value" { measurement.to_owned() } else { format!("{measurement}_{suffix}") };
    let labels = scope.labels.iter().chain(tags).cloned().collect();
    let labels = names::identity(&name, labels)?;
    let family = Family { name, kind: MetricType::Gauge, help: HELP.to_owned(), unit: String::new() };
    Ok(Described { labels, family })
}

fn syntax(message: impl Into<String>) -> Refusal {
    Refusal::new(RefusalKind::Syntax, message)
}

/// Label set, fields, timestamp. Behind a blank there is always something, since the line is trimmed.
fn sections(line: &str) -> Result<(&str, &str, Option<&str>), Refusal> {
    let Some((spec, rest)) = split_once(line, b' ') else {
        return Err(syntax("is missing the field section"));
    };
    Ok(match split_once(rest.trim_start(), b' ') {
        Some((fields, timestamp)) => (spec, fields, Some(timestamp.trim())),
        None => (spec, rest.trim_start(), None),
    })
}

/// Measurement and tags.
type LabelSet = (String, Vec<(String, String)>);

/// Measurement and tags, with names in Prometheus' syntax.
fn label_set(spec: &str) -> Result<LabelSet, Refusal> {
    let mut parts = split(spec, b',');
    let measurement = unescape(parts.next().unwrap_or_default());
    if measurement.is_empty() {
        return Err(Refusal::new(RefusalKind::Name, "measurement must not be empty"));
    }
    let tags = parts.map(|raw| {
        let (name, value) =
            split_once(raw, b'=').ok_or_else(|| syntax(format!("tag '{raw}' is missing '='")))?;
        Ok((names::tag(&unescape(name))?, unescape(value).into_owned()))
    });
    let tags = tags.collect::<Result<_, Refusal>>()?;
    Ok((names::metric(&measurement)?, tags))
}

/// A field: the name as it stands, the name that it means, the value.
type Field<'a> = (&'a str, Cow<'a, str>, f64);

fn assignments(fields: &str) -> Result<Vec<Field<'_>>, Refusal> {
    let fields = split(fields, b',').map(|field| {
        let (raw, value) =
            split_once(field, b'=').ok_or_else(|| syntax(format!("field '{field}' is missing '='")))?;
        let name = unescape(raw);
        if name.is_empty() {
            return Err(Refusal::new(RefusalKind::Name, "field name must not be empty"));
        }
        let value = field_value(value, &name)?;
        Ok((raw, name, value))
    });
    fields.collect()
}

fn field_value(raw: &str, field: &str) -> Result<f64, Refusal> {
    let refusal = |kind, message: String| Refusal::new(kind, format!("field '{field}' {message}"));
    if raw.len() >= 2 && raw.starts_with('"') && raw.ends_with('"') {
        return Err(refusal(RefusalKind::StringField, "string fields are not supported".to_owned()));
    }
    if ["true", "t", "false", "f"].iter().any(|word| raw.eq_ignore_ascii_case(word)) {
        return Err(refusal(RefusalKind::BooleanField, "boolean fields are not supported".to_owned()));
    }
    let integer = |value: Option<f64>, kind: &str| {
        value.ok_or_else(|| refusal(RefusalKind::Number, format!("has invalid {kind} value '{raw}'")))
    };
    if let Some(digits) = raw.strip_suffix('i') {
        return integer(digits.parse::<i64>().ok().map(|value| value as f64), "integer");
    }
    if let Some(digits) = raw.strip_suffix('u') {
        return integer(digits.parse::<u64>().ok().map(|value| value as f64), "unsigned integer");
    }
    numbers::finite(raw, format_args!("field '{field}'"))
}

fn parse_timestamp(raw: &str, precision: Precision) -> Result<Millis, Refusal> {
    let refusal = |message: &str| Refusal::new(RefusalKind::Timestamp, message);
    let timestamp = raw.parse().map_err(|_| refusal("timestamp must be a signed integer"))?;
    precision.millis(timestamp).ok_or_else(|| refusal("timestamp is out of range"))
}

/// The parts between separators that are neither escaped nor between quotes.
fn split(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (part, behind) =
            split_once(text, separator).map_or((text, None), |(part, more)| (part, Some(more)));
        rest = behind;
        Some(part)
    })
}

/// What stands before and behind the first such separator. It is of ASCII, as quotes and escapes are.
fn split_once(text: &str, separator: u8) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let mut quoted = false;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'"' => quoted = !quoted,
            byte if *byte == separator && !quoted => return Some((text.get(..at)?, text.get(at + 1..)?)),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Takes a `\` before any byte away; one at the end stays. Each byte becomes the character of its number, so what
/// is not ASCII turns into Latin-1.
fn unescape(raw: &str) -> Cow<'_, str> {
    if raw.bytes().all(|byte| byte.is_ascii() && byte != b'\\') {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        let byte = if byte == b'\\' { bytes.next().unwrap_or(byte) } else { byte };
        out.push(char::from(byte));
    }
    Cow::Owned(out)
}
