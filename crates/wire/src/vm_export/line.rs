//! One line of an export.
//!
//! It is walked by hand and not by a JSON reader: 1.79.5 writes `NaN` and `+Inf`, which are not JSON, and a line is
//! nearly nothing but numbers. Values and times are read side by side, so that no list of either is built.

use super::number::{self, Cursor};
use crate::model::{Labels, Millis};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use std::fmt;

/// Place in the line, and what is wrong there.
pub(super) type Wrong = (usize, &'static str);

/// Where the parts of a line are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    text: &'a [u8],
    /// The `metric` object, braces included.
    pub metric: &'a [u8],
    /// Where it begins.
    pub metric_at: usize,
    /// Behind the opening bracket.
    values_at: usize,
    /// Behind the opening bracket.
    timestamps_at: usize,
}

impl<'a> Line<'a> {
    /// Finds the parts, in any order. Fields that are not known are refused: what they mean for the rows cannot be
    /// told.
    pub fn find(text: &'a [u8]) -> Result<Self, Wrong> {
        let mut at = Cursor::new(text, 0);
        let (mut metric, mut values_at, mut timestamps_at) = (None, None, None);
        at.expect(b'{', "a line of an export begins with {")?;
        loop {
            let key_at = at.spaces();
            let key = string(&mut at)?;
            at.expect(b':', "expected : after a field's name")?;
            let from = at.spaces();
            let repeated = match key {
                b"metric" => {
                    object(&mut at)?;
                    metric.replace((from, at.position())).is_some()
                }
                b"values" => values_at.replace(array(&mut at)?).is_some(),
                b"timestamps" => timestamps_at.replace(array(&mut at)?).is_some(),
                _ => return Err((key_at, "a field other than metric, values and timestamps")),
            };
            if repeated {
                return Err((key_at, "a field that has been there before"));
            }
            at.spaces();
            match at.next() {
                Some(b',') => {}
                Some(b'}') => break,
                _ => return Err((at.position(), "expected , or } after a field")),
            }
        }
        if at.spaces() < text.len() {
            return Err((at.position(), "something stands behind the line's object"));
        }
        let missing = |what| move || (text.len(), what);
        let (from, to) = metric.ok_or_else(missing("there is no metric"))?;
        Ok(Self {
            text,
            metric: text.get(from..to).unwrap_or_default(),
            metric_at: from,
            values_at: values_at.ok_or_else(missing("there are no values"))?,
            timestamps_at: timestamps_at.ok_or_else(missing("there are no timestamps"))?,
        })
    }

    /// Gives time and bits of each row to `take`, until that says no; tells whether it has taken all.
    pub fn rows(&self, mut take: impl FnMut(Millis, u64) -> bool) -> Result<bool, Wrong> {
        let mut values = Cursor::new(self.text, self.values_at);
        let mut times = Cursor::new(self.text, self.timestamps_at);
        let ends = (is_empty(&mut values), is_empty(&mut times));
        if ends.0 || ends.1 {
            return if ends.0 && ends.1 { Ok(true) } else { Err((times.position(), UNEQUAL)) };
        }
        loop {
            values.spaces();
            let bits = number::value(&mut values)?;
            times.spaces();
            let time = number::millis(&mut times)?;
            if !take(time, bits) {
                return Ok(false);
            }
            match (goes_on(&mut values)?, goes_on(&mut times)?) {
                (true, true) => {}
                (false, false) => return Ok(true),
                _ => return Err((times.position(), UNEQUAL)),
            }
        }
    }
}

const UNEQUAL: &str = "there are not as many timestamps as values";

fn is_empty(at: &mut Cursor<'_>) -> bool {
    at.spaces();
    at.peek() == Some(b']')
}

#[inline]
fn goes_on(at: &mut Cursor<'_>) -> Result<bool, Wrong> {
    at.spaces();
    match at.next() {
        Some(b',') => Ok(true),
        Some(b']') => Ok(false),
        _ => Err((at.position(), "expected , or ] after a number")),
    }
}

/// Walks over a string; what stands between the quotes.
fn string<'a>(at: &mut Cursor<'a>) -> Result<&'a [u8], Wrong> {
    at.expect(b'"', "expected a name in quotes")?;
    let from = at.position();
    loop {
        let rest = at.rest();
        let Some(found) = memchr::memchr2(b'"', b'\\', rest) else {
            return Err((from, "a text without an end"));
        };
        at.skip(found);
        if at.next() == Some(b'"') {
            return Ok(at.between(from, at.position() - 1));
        }
        // Whatever follows a backslash does not end the text.
        at.skip(1);
    }
}

/// Walks over an object of strings.
fn object(at: &mut Cursor<'_>) -> Result<(), Wrong> {
    at.expect(b'{', "expected { after metric")?;
    loop {
        match at.peek() {
            Some(b'"') => {
                string(at)?;
            }
            Some(b'}') => {
                at.skip(1);
                return Ok(());
            }
            Some(b'{' | b'[') | None => return Err((at.position(), "a label is a name and a text")),
            Some(_) => at.skip(1),
        }
    }
}

/// Walks over an array of numbers; where its first item may begin. No item may hold a `]`, which
/// [`Line::rows`] checks.
fn array(at: &mut Cursor<'_>) -> Result<usize, Wrong> {
    at.expect(b'[', "expected [")?;
    let from = at.position();
    let Some(end) = memchr::memchr(b']', at.rest()) else {
        return Err((from, "a list without an end"));
    };
    at.skip(end + 1);
    Ok(from)
}

/// The labels of a `metric` object.
pub(super) fn labels(metric: &[u8]) -> Result<Labels, String> {
    // What serde_json says is about the shape of the text, and quotes none of it.
    serde_json::from_slice::<Pairs>(metric)
        .map(|pairs| Labels::from_pairs(pairs.0))
        .map_err(|error| format!("the labels cannot be read: {error}"))
}

struct Pairs(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;
        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names and texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(PairsVisitor)
    }
}
