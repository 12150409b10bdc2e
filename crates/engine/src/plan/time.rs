//! Times and durations as people type them, read without a clock: the caller says what `now` is.

use crate::model::{Millis, calendar};

/// Units of a duration, longest first, in ms. A year has 365 days and a week 7, as in Prometheus.
const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

const FORMS: &str = "Write Unix milliseconds, a date (2025-11-18, its midnight in UTC), a time with its zone \
     (2025-11-18T09:30:00Z), now, or a time before now (30d, now-2h).";

/// Why a text is no time or no duration. Its [`Display`](std::fmt::Display) is the message alone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TimeError {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

fn refuse<T>(message: impl Into<String>, remedy: impl Into<String>) -> Result<T, TimeError> {
    Err(TimeError { message: message.into(), remedy: remedy.into() })
}

/// Reads a time: Unix ms (`1763424000000`), RFC 3339 with its zone (`2025-11-18T09:30:00+01:00`), a date (its
/// midnight in UTC, as a window's start and as its end alike), `now`, `now-2h`, `now+5m`, or a bare duration
/// (`30d` is `now-30d`).
///
/// # Errors
/// Anything else; and a whole number that must be seconds, microseconds or nanoseconds, since taking it for
/// milliseconds would select a window of 1970 or of the far future in silence.
///
/// ```
/// use tsink_migrate_engine::plan::parse_time;
/// assert_eq!(parse_time("2025-11-18", 0)?, 1_763_424_000_000);
/// assert_eq!(parse_time("now-1d12h", 200_000_000)?, 70_400_000);
/// # Ok::<(), tsink_migrate_engine::plan::TimeError>(())
/// ```
pub fn parse_time(text: &str, now_ms: Millis) -> Result<Millis, TimeError> {
    let text = text.trim();
    if text.is_empty() {
        return refuse("the time is missing", FORMS);
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return unix_ms(text, digits);
    }
    if let Some((whole, fraction)) = digits.split_once('.')
        && whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit())
    {
        return refuse("a number with a fraction looks like Unix seconds", "Give whole Unix milliseconds.");
    }
    if let Some(rest) = strip_prefix_ignoring_case(text, "now") {
        return from_now(rest.trim(), now_ms);
    }
    if let Some(instant) = calendar::parse_rfc3339(text) {
        return Ok(instant);
    }
    if let Some(midnight) = calendar::parse_rfc3339(&format!("{text}T00:00:00Z")) {
        return Ok(midnight);
    }
    if ["Z", ":00Z"].iter().any(|rest| calendar::parse_rfc3339(&format!("{text}{rest}")).is_some()) {
        return refuse(
            "this time does not say its time zone",
            "Put Z behind it for UTC, or an offset such as +01:00.",
        );
    }
    match parse_duration_ms(text) {
        Ok(back) => before(now_ms, back),
        Err(error)
            if text.bytes().next().is_some_and(|byte| byte.is_ascii_digit()) && !text.contains('-') =>
        {
            refuse(error.message, FORMS)
        }
        Err(_) => refuse("this is not a time", FORMS),
    }
}

/// Reads a duration of whole numbers with units, the longer ones first, as Prometheus has it: `30s`, `1h30m`,
/// `1d12h`, `500ms`. Units are `y` (365 days), `w`, `d`, `h`, `m`, `s` and `ms`. The result is in ms.
///
/// # Errors
/// Anything else, and what does not fit into 64 bits of ms.
pub fn parse_duration_ms(text: &str) -> Result<i64, TimeError> {
    let bad =
        |message: &str| refuse(message, "Write whole numbers with units, as in 30s, 5m, 1h30m, 2d or 500ms.");
    let mut rest = text.trim();
    if rest.is_empty() {
        return bad("the duration is missing");
    }
    let mut units = UNITS.as_slice();
    let mut total = 0i64;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        if number.is_empty() {
            return bad("this is not a duration");
        }
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, after) = after.split_at(letters);
        if unit.is_empty() {
            return bad("a unit is missing in the duration");
        }
        let Some(at) = units.iter().position(|(name, _)| *name == unit) else {
            let known = UNITS.iter().any(|(name, _)| *name == unit);
            return bad(if known {
                "the units are not in order"
            } else {
                "a unit of the duration is unknown"
            });
        };
        let Some((_, length)) = units.get(at) else { return bad("a unit of the duration is unknown") };
        units = units.get(at + 1..).unwrap_or_default();
        let part = number.parse::<i64>().ok().and_then(|count| count.checked_mul(*length));
        let Some(sum) = part.and_then(|part| total.checked_add(part)) else {
            return bad("the duration is too long");
        };
        total = sum;
        rest = after;
    }
    Ok(total)
}

/// Reads the step of a range query in ms: a duration, or seconds as a number (`15`, `0.5`), as Prometheus does.
///
/// # Errors
/// Anything else, and a step that is not longer than zero, or not a whole number of ms.
pub fn parse_step_ms(text: &str) -> Result<i64, TimeError> {
    let text = text.trim();
    let is_number = text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let step = if is_number { seconds_ms(text)? } else { parse_duration_ms(text)? };
    if step <= 0 {
        return refuse("the step must be longer than zero", "Write a step such as 30s.");
    }
    Ok(step)
}

/// Writes an instant as RFC 3339 in UTC, with ms only where there are any: `2025-11-18T09:30:00Z`. Instants
/// outside the calendar's range (years 0 to 9999) are written as a number of ms.
pub fn format_time(at: Millis) -> String {
    calendar::rfc3339(at).unwrap_or_else(|| format!("{at} ms"))
}

fn strip_prefix_ignoring_case<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn unix_ms(text: &str, digits: &str) -> Result<Millis, TimeError> {
    let number = text.parse::<i64>().ok();
    let (unit, ms) = match digits.trim_start_matches('0').len() {
        10 => ("seconds", number.map(|s| s.saturating_mul(1000))),
        16 => ("microseconds", number.map(|us| us.div_euclid(1000))),
        19 => ("nanoseconds", number.map(|ns| ns.div_euclid(1_000_000))),
        _ => {
            return match number.filter(|ms| calendar::has(*ms)) {
                Some(ms) => Ok(ms),
                None => refuse("this number is no time in Unix milliseconds", FORMS),
            };
        }
    };
    let remedy = match ms {
        Some(ms) => format!("In milliseconds it is {ms} ({}).", format_time(ms)),
        None => FORMS.to_owned(),
    };
    refuse(format!("this number looks like Unix {unit}; milliseconds are asked for"), remedy)
}

fn from_now(rest: &str, now_ms: Millis) -> Result<Millis, TimeError> {
    if rest.is_empty() {
        return Ok(now_ms);
    }
    let (sign, duration) = match rest.strip_prefix('-') {
        Some(duration) => (-1, duration),
        None => match rest.strip_prefix('+') {
            Some(duration) => (1, duration),
            None => return refuse("this is not a time", FORMS),
        },
    };
    let length = parse_duration_ms(duration)?;
    before(now_ms, -sign * length)
}

fn before(now_ms: Millis, back: i64) -> Result<Millis, TimeError> {
    match now_ms.checked_sub(back).filter(|at| calendar::has(*at)) {
        Some(at) => Ok(at),
        None => refuse("this time lies outside the calendar", FORMS),
    }
}

fn seconds_ms(text: &str) -> Result<i64, TimeError> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.trim_end_matches('0');
    if fraction.contains('.') || fraction.len() > 3 {
        return refuse(
            "the step is not a whole number of milliseconds",
            "Write a step such as 30s or 500ms.",
        );
    }
    let digits = format!("{whole}{fraction:0<3}");
    digits.parse::<i64>().or_else(|_| refuse("the step is too long", "Write a step such as 30s."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: i64 = 1_763_467_200_000; // 2025-11-18T12:00:00Z

    #[test]
    fn times_as_people_type_them() {
        for (text, wanted) in [
            ("1763424000000", 1_763_424_000_000),
            ("0", 0),
            ("-1000", -1000),
            ("2025-11-18", 1_763_424_000_000),
            (" 2025-11-18T00:00:00Z ", 1_763_424_000_000),
            ("2025-11-18t01:00:00+01:00", 1_763_424_000_000),
            ("2025-11-18 00:00:00.250Z", 1_763_424_000_250),
            ("now", NOW),
            ("NOW", NOW),
            ("now-2h", NOW - 7_200_000),
            ("now - 2h", NOW - 7_200_000),
            ("now+90s", NOW + 90_000),
            ("30d", NOW - 30 * 86_400_000),
            ("1d12h", NOW - 129_600_000),
            ("1y2w3d4h5m6s7ms", NOW - 31_536_000_000 - 1_209_600_000 - 259_200_000 - 14_706_007),
        ] {
            assert_eq!(parse_time(text, NOW), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_says_why() {
        for (text, word) in [
            ("", "missing"),
            ("1763424000", "seconds"),
            ("1763424000.5", "seconds"),
            ("1763424000000000", "microseconds"),
            ("1763424000000000000", "nanoseconds"),
            ("99999999999999999999", "no time"),
            ("9999999999999999", "microseconds"),
            ("2025-11-18T00:00:00", "zone"),
            ("2025-13-18", "not a time"),
            ("yesterday", "not a time"),
            ("now-", "duration"),
            ("now2h", "not a time"),
            ("30", ""),
            ("30x", "unit"),
            ("2h1d", "order"),
            ("1h1h", "order"),
            ("1.5h", "unit"),
            ("now-99999y", "calendar"),
            ("now-99999999999999999y", "too long"),
        ] {
            let read = parse_time(text, NOW);
            if word.is_empty() {
                assert_eq!(read, Ok(30), "a small number is ms of 1970");
                continue;
            }
            let error = read.expect_err(text);
            assert!(error.message.contains(word), "{text}: {}", error.message);
        }
        assert!(parse_time("1763424000", NOW).unwrap_err().remedy.contains("1763424000000"));
    }

    #[test]
    fn steps() {
        for (text, wanted) in [
            ("30s", 30_000),
            ("1m", 60_000),
            ("1h30m", 5_400_000),
            ("500ms", 500),
            ("15", 15_000),
            ("0.5", 500),
            ("1.250", 1250),
        ] {
            assert_eq!(parse_step_ms(text), Ok(wanted), "{text}");
        }
        for text in ["", "0", "0s", "-5", "-5s", "1.2.3", "0.0001", ".", "99999999999999999999", "5 apples"] {
            assert!(parse_step_ms(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_written_in_utc() {
        assert_eq!(format_time(1_763_424_000_000), "2025-11-18T00:00:00Z");
        assert_eq!(format_time(1_763_424_000_020), "2025-11-18T00:00:00.020Z");
        assert_eq!(format_time(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(format_time(i64::MAX), format!("{} ms", i64::MAX));
    }

    proptest! {
        #[test]
        fn what_is_written_can_be_read(at in -60_000_000_000_000i64..250_000_000_000_000) {
            prop_assert_eq!(parse_time(&format_time(at), 0), Ok(at));
        }

        #[test]
        fn never_panics(text in "\\PC*|(now)?[-+]?[0-9]{0,21}[ymwdhs.TZ:-]{0,3}[0-9]{0,5}[a-z]{0,2}", now in any::<i64>()) {
            let _ = parse_time(&text, now);
            let _ = parse_step_ms(&text);
        }
    }
}
