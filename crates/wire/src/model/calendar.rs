//! Unix milliseconds and RFC 3339. The calendar has the years 0 to 9999, as RFC 3339 does.

use super::Millis;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const CALENDAR: std::ops::RangeInclusive<Millis> = -62_167_219_200_000..=253_402_300_799_999;

/// Whether an instant lies inside the calendar.
pub fn has(at: Millis) -> bool {
    CALENDAR.contains(&at)
}

/// Writes an instant in UTC, with ms only where there are any: `2025-11-18T09:30:00Z`, `2025-11-18T09:30:00.020Z`.
/// None outside the calendar.
pub fn rfc3339(at: Millis) -> Option<String> {
    let second = OffsetDateTime::from_unix_timestamp(at.div_euclid(1000)).ok().filter(|_| has(at))?;
    let mut text = second.format(&Rfc3339).ok()?;
    let ms = at.rem_euclid(1000);
    if ms != 0 && text.pop() == Some('Z') {
        text.push_str(&format!(".{ms:03}Z"));
    }
    Some(text)
}

/// Reads a date of HTTP, in its one form that servers may write: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7).
pub fn parse_http_date(text: &str) -> Option<Millis> {
    let text = text.trim();
    let (_, text) = text.split_once(", ").filter(|_| text.len() < 40)?;
    let parts: Vec<&str> = text.split(' ').collect();
    let [day, month, year, clock, "GMT"] = parts.as_slice() else { return None };
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = MONTHS.iter().position(|name| name == month)? + 1;
    parse_rfc3339(&format!("{year}-{month:02}-{day}T{clock}Z"))
}

/// Reads an instant with its zone (`2025-11-18T09:30:00+01:00`), down to the ms; small letters and a space for the
/// `T` are let pass, as RFC 3339 allows.
pub fn parse_rfc3339(text: &str) -> Option<Millis> {
    // Longer than any instant with nanoseconds is none, and need not be copied.
    if text.len() > 64 {
        return None;
    }
    let mut text = text.to_ascii_uppercase();
    if text.get(10..11) == Some(" ") {
        text.replace_range(10..11, "T");
    }
    let instant = OffsetDateTime::parse(&text, &Rfc3339).ok()?;
    let at = instant.unix_timestamp().checked_mul(1000)?.checked_add(i64::from(instant.millisecond()))?;
    has(at).then_some(at)
}
