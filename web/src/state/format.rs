//! Numbers, durations and times as the page writes them. All times are UTC.

use tsink_migrate_engine::model::{Millis, Window};

const DAY_MS: i64 = 86_400_000;

/// `5,760,000`; and `1 series`, `2 findings`: a count with both forms of its noun.
pub use tsink_migrate_engine::report::{count_of as counted, grouped as count};

/// Three figures and a unit: `612 k`, `5.76 M`, `42`. Whole numbers below 1,000 stay as they are.
pub fn short(value: f64) -> String {
    if !value.is_finite() || value <= 0.0 {
        return "0".to_owned();
    }
    if value < 10.0 && value.fract() > 0.05 {
        return format!("{value:.1}");
    }
    if value < 999.5 {
        return format!("{value:.0}");
    }
    let (scaled, unit) = match value {
        value if value < 999_500.0 => (value / 1e3, "k"),
        value if value < 999_500_000.0 => (value / 1e6, "M"),
        value => (value / 1e9, "G"),
    };
    let decimals = if scaled < 9.995 {
        2
    } else if scaled < 99.95 {
        1
    } else {
        0
    };
    format!("{scaled:.decimals$} {unit}")
}

/// `63.4 %`. Cut, not rounded: 100 % is shown only when everything is done.
pub fn percent(fraction: f64) -> String {
    let tenths = if fraction.is_finite() { (fraction.clamp(0.0, 1.0) * 1000.0 + 1e-9).floor() } else { 0.0 };
    if tenths >= 1000.0 { "100 %".to_owned() } else { format!("{:.1} %", tenths / 10.0) }
}

/// A duration in ms: `96 ms`, `9.1 s`, `3 min 20 s`, `2 h 05 min`, `30 d 4 h`.
pub fn duration(ms: u64) -> String {
    let seconds = ms.saturating_add(500) / 1000;
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..59_950 => format!("{:.1} s", ms as f64 / 1000.0),
        59_950..3_599_500 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3_599_500..86_370_000 => {
            let minutes = (seconds + 30) / 60;
            format!("{} h {:02} min", minutes / 60, minutes % 60)
        }
        _ => {
            let hours = (seconds + 1800) / 3600;
            if hours.is_multiple_of(24) {
                format!("{} d", hours / 24)
            } else {
                format!("{} d {} h", hours / 24, hours % 24)
            }
        }
    }
}

/// An expected time left in ms, in whole seconds: it is a guess, and a guess has no decimals.
pub fn time_left(ms: u64) -> String {
    if ms < 59_500 { format!("{} s", ms.div_ceil(1000).max(1)) } else { duration(ms) }
}

/// Year, month, day of a day number since 1970-01-01, in the proleptic Gregorian calendar. The arithmetic
/// counts in 400-year eras that begin on 1 March, so that leap days come last.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// `2025-11-18`.
pub fn date(at: Millis) -> String {
    let (year, month, day) = civil(at.div_euclid(DAY_MS));
    format!("{year:04}-{month:02}-{day:02}")
}

/// `08:24:31`.
pub fn clock(at: Millis) -> String {
    let seconds = at.rem_euclid(DAY_MS) / 1000;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// The time of day, as exact as it has to be: `08:24`, `08:24:31`, `08:24:31.250`.
pub fn time_of_day(at: Millis) -> String {
    let in_day = at.rem_euclid(DAY_MS);
    let clock = clock(at);
    if in_day % 1000 != 0 {
        format!("{clock}.{:03}", in_day % 1000)
    } else if in_day % 60_000 != 0 {
        clock
    } else {
        clock.get(..5).unwrap_or(&clock).to_owned()
    }
}

/// `2025-11-18 08:24`, as exact as it has to be.
pub fn instant(at: Millis) -> String {
    format!("{} {}", date(at), time_of_day(at))
}

/// `2025-11-18T08:24:31Z`, with ms where there are any: what a time input takes.
pub fn rfc3339(at: Millis) -> String {
    let ms = at.rem_euclid(1000);
    let fraction = if ms == 0 { String::new() } else { format!(".{ms:03}") };
    format!("{}T{}{fraction}Z", date(at), clock(at))
}

/// `2025-11-18 08:24 – 2025-11-19 08:24 UTC`; the second date only where it differs.
pub fn window(window: Window) -> String {
    format!("{} UTC", span(window.start_ms, window.end_ms))
}

/// [`window`] to the minute: for a header, where the exact time would only be in the way.
pub fn route_window(window: Window) -> String {
    let minute = |at: Millis| at.div_euclid(60_000) * 60_000;
    format!("{} UTC", span(minute(window.start_ms), minute(window.end_ms)))
}

/// [`span`] to the second: for lines of a log.
pub fn log_span(window: Window) -> String {
    let second = |at: Millis| at.div_euclid(1000) * 1000;
    span(second(window.start_ms), second(window.end_ms))
}

/// [`window`] without the zone; a single instant stands alone.
pub fn span(first: Millis, last: Millis) -> String {
    if first == last {
        instant(first)
    } else if date(first) == date(last) {
        format!("{} – {}", instant(first), time_of_day(last))
    } else {
        format!("{} – {}", instant(first), instant(last))
    }
}

/// What a typed time stands for once it is fixed: relative times lose their ms, which nobody asked for.
pub fn fixed(typed: &str, at: Millis) -> Millis {
    let typed = typed.trim().to_ascii_lowercase();
    let is_relative = typed.starts_with("now") || typed.ends_with(['y', 'w', 'd', 'h', 'm', 's']);
    if is_relative { at.div_euclid(1000) * 1000 } else { at }
}

/// A number as short as it can be told: `0.5`, `1234.5`, `3e-12`.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || !value.is_finite() || (1e-4..1e15).contains(&size) {
        format!("{value}")
    } else {
        format!("{value:e}")
    }
}

/// A relative difference in per cent, or as a power where it is tiny or huge.
pub fn relative(delta: f64) -> String {
    if !delta.is_finite() {
        "–".to_owned()
    } else if delta == 0.0 || (0.0001..1e6).contains(&delta.abs()) {
        format!("{:.2} %", delta * 100.0)
    } else {
        format!("{delta:.0e}")
    }
}

/// A size in bytes: `312 B`, `4.1 kB`, `2.0 GB`.
pub fn bytes(size: f64) -> String {
    match size {
        size if size < 1e3 => format!("{size:.0} B"),
        size if size < 1e6 => format!("{:.1} kB", size / 1e3),
        size if size < 1e9 => format!("{:.1} MB", size / 1e6),
        size => format!("{:.1} GB", size / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_short_numbers() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(5_760_000), "5,760,000");
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(short(0.0), "0");
        assert_eq!(short(f64::NAN), "0");
        assert_eq!(short(3.25), "3.2");
        assert_eq!(short(7.0), "7");
        assert_eq!(short(999.4), "999");
        assert_eq!(short(999.6), "1.00 k");
        assert_eq!(short(612_345.0), "612 k");
        assert_eq!(short(5_760_000.0), "5.76 M");
        assert_eq!(short(57_600_000.0), "57.6 M");
        assert_eq!(short(2.5e9), "2.50 G");
        assert_eq!(counted(1, "finding", "findings"), "1 finding");
        assert_eq!(counted(1200, "finding", "findings"), "1,200 findings");
    }

    #[test]
    fn a_hundred_per_cent_means_done() {
        assert_eq!(percent(0.0), "0.0 %");
        assert_eq!(percent(0.634), "63.4 %");
        assert_eq!(percent(0.999_99), "99.9 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(f64::NAN), "0.0 %");
        assert_eq!(percent(7.0), "100 %");
    }

    #[test]
    fn durations() {
        for (ms, text) in [
            (0, "0 ms"),
            (96, "96 ms"),
            (9_100, "9.1 s"),
            (59_949, "59.9 s"),
            (59_950, "1 min 00 s"),
            (200_000, "3 min 20 s"),
            (3_599_499, "59 min 59 s"),
            (3_599_500, "1 h 00 min"),
            (7_500_000, "2 h 05 min"),
            (86_370_000, "1 d"),
            (30 * 86_400_000 + 4 * 3_600_000, "30 d 4 h"),
        ] {
            assert_eq!(duration(ms), text);
        }
        assert_eq!(time_left(0), "1 s");
        assert_eq!(time_left(2_001), "3 s");
        assert_eq!(time_left(200_000), "3 min 20 s");
    }

    #[test]
    fn dates_of_the_calendar() {
        for (at, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (951_868_800_000, "2000-03-01T00:00:00Z"),
            (1_709_164_800_000, "2024-02-29T00:00:00Z"),
            (1_763_424_000_000, "2025-11-18T00:00:00Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(rfc3339(at), text);
        }
    }

    #[test]
    fn spans_say_no_more_than_they_must() {
        let day = 1_763_424_000_000;
        assert_eq!(span(day, day), "2025-11-18 00:00");
        assert_eq!(span(day, day + 3_600_000), "2025-11-18 00:00 – 01:00");
        assert_eq!(span(day, day + 15_250), "2025-11-18 00:00 – 00:00:15.250");
        let whole = Window { start_ms: day, end_ms: day + DAY_MS };
        assert_eq!(window(whole), "2025-11-18 00:00 – 2025-11-19 00:00 UTC");
        let odd = Window { start_ms: day + 1_001, end_ms: day + 75_999 };
        assert_eq!(route_window(odd), "2025-11-18 00:00 – 00:01 UTC");
        assert_eq!(log_span(odd), "2025-11-18 00:00:01 – 00:01:15");
    }

    #[test]
    fn only_relative_times_are_rounded() {
        for typed in ["now", " now-2h", "30d", "Now+5m"] {
            assert_eq!(fixed(typed, 1_763_424_000_250), 1_763_424_000_000, "{typed}");
        }
        for typed in ["1763424000250", "2025-11-18T00:00:00.250Z", "2025-11-18T01:00:00.250+01:00"] {
            assert_eq!(fixed(typed, 1_763_424_000_250), 1_763_424_000_250, "{typed}");
        }
    }

    #[test]
    fn differences() {
        for (value, text) in
            [(0.5, "0.5"), (-3e-12, "-3e-12"), (1e300, "1e300"), (0.0, "0"), (f64::NAN, "NaN")]
        {
            assert_eq!(number(value), text);
        }
        for (value, text) in [(0.5, "50.00 %"), (3e-12, "3e-12"), (1e300, "1e300"), (f64::INFINITY, "–")] {
            assert_eq!(relative(value), text);
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(bytes(312.0), "312 B");
        assert_eq!(bytes(4_096.0), "4.1 kB");
        assert_eq!(bytes(2e9), "2.0 GB");
    }
}
