//! Intervals as Grafana and its Prometheus data source choose them. All lengths are ms.

use crate::plan::{TimeError, parse_duration_ms};

/// Grafana's own default of a data source, and Prometheus' usual one.
pub(super) const SCRAPE_INTERVAL_MS: i64 = 15_000;
/// What a dashboard shows when it does not say: the last six hours.
pub(super) const WINDOW_MS: i64 = 6 * 3_600_000;
/// Points of a panel that does not say: Grafana takes its width in pixels, about this on a wide screen.
pub(super) const POINTS: i64 = 1_000;
/// Points of a series that Prometheus gives; Grafana never asks for more.
const SAFE_POINTS: i64 = 11_000;
/// Shortest step of a check.
pub(super) const MIN_STEP_MS: i64 = 1_000;

/// Up to this length in ms, an interval becomes that one. Grafana's table of rounded intervals.
const ROUNDED: [(i64, i64); 28] = [
    (10, 1),
    (15, 10),
    (35, 20),
    (75, 50),
    (150, 100),
    (350, 200),
    (750, 500),
    (1_500, 1_000),
    (3_500, 2_000),
    (7_500, 5_000),
    (12_500, 10_000),
    (17_500, 15_000),
    (25_000, 20_000),
    (45_000, 30_000),
    (90_000, 60_000),
    (210_000, 120_000),
    (450_000, 300_000),
    (750_000, 600_000),
    (1_050_000, 900_000),
    (1_500_000, 1_200_000),
    (2_700_000, 1_800_000),
    (5_400_000, 3_600_000),
    (9_000_000, 7_200_000),
    (16_200_000, 10_800_000),
    (32_400_000, 21_600_000),
    (86_400_000, 43_200_000),
    (604_800_000, 86_400_000),
    (1_814_400_000, 604_800_000),
];

/// An interval as a person would choose it.
pub(super) fn round(interval_ms: i64) -> i64 {
    match ROUNDED.iter().find(|(up_to, _)| interval_ms <= *up_to) {
        Some((_, rounded)) => *rounded,
        None if interval_ms < 3_628_800_000 => 30 * 86_400_000,
        None => 365 * 86_400_000,
    }
}

/// The interval that gives a window about so many points, and is not shorter than the least one.
pub(super) fn of_points(window_ms: i64, points: i64, least_ms: i64) -> i64 {
    round(window_ms / points.max(1)).max(least_ms)
}

/// What a panel and a query say about intervals.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// Length of the window.
    pub window_ms: i64,
    /// Points at most.
    pub points: i64,
    /// Time between two scrapes.
    pub scrape_ms: i64,
    /// The panel's least interval.
    pub panel_ms: Option<i64>,
    /// The query's least step.
    pub query: Least,
    /// The query's `intervalFactor`, from 1.
    pub factor: i64,
}

/// A query's least step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Least {
    /// It has none.
    None,
    /// A length.
    Ms(i64),
    /// `$__rate_interval`, which then is the step.
    Rate,
}

/// What `$__interval`, `$__rate_interval` and the step become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Steps {
    /// The step, and `$__interval`.
    pub step_ms: i64,
    /// `$__rate_interval`.
    pub rate_ms: i64,
}

/// The data source's rule: the window over the points, rounded, not below the least interval, times the factor;
/// for rates at least four scrapes, and a scrape more than the interval.
pub(super) fn steps(asked: &Asked) -> Steps {
    let least = match asked.query {
        Least::Ms(ms) => ms,
        _ => asked.panel_ms.unwrap_or(asked.scrape_ms),
    };
    let safe = round(asked.window_ms / SAFE_POINTS);
    let interval = of_points(asked.window_ms, asked.points, least).max(safe);
    let scrape = match asked.query {
        Least::Ms(ms) => ms,
        _ => asked.scrape_ms,
    };
    let rate_ms = interval.saturating_add(scrape).max(scrape.saturating_mul(4)).max(MIN_STEP_MS);
    let step =
        if asked.query == Least::Rate { rate_ms } else { interval.saturating_mul(asked.factor.max(1)) };
    Steps { step_ms: step.max(MIN_STEP_MS), rate_ms }
}

/// Reads an interval as Grafana writes it: `30s`, `>30s`, or seconds as a number.
pub(super) fn parse(text: &str) -> Result<i64, TimeError> {
    let text = text.trim().trim_start_matches('>').trim_start();
    let ms = match text.parse::<u32>() {
        Ok(seconds) => i64::from(seconds) * 1_000,
        Err(_) => parse_duration_ms(text)?,
    };
    // A year is longer than any interval; the sums above stay far from overflow.
    Ok(ms.clamp(1, 365 * 86_400_000))
}

/// Length of a dashboard's own time range, where it begins before now and ends now: `now-6h`.
pub(super) fn range_ms(from: &str, to: &str) -> Option<i64> {
    let back = from.trim().strip_prefix("now-")?;
    // `now-1d/d` begins at a day's start: the length without it will do.
    let back = back.split('/').next().unwrap_or(back);
    let is_now = to.trim() == "now" || to.trim().starts_with("now/");
    parse_duration_ms(back).ok().filter(|ms| is_now && *ms >= 60_000)
}

/// A length as plans and PromQL write it: `1m30s`.
pub(super) fn write(ms: i64) -> String {
    let mut left = ms.max(1);
    let mut out = String::new();
    for (unit, length) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
        let count = left / length;
        if count > 0 {
            out.push_str(&format!("{count}{unit}"));
            left %= length;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Asked = Asked {
        window_ms: WINDOW_MS,
        points: POINTS,
        scrape_ms: SCRAPE_INTERVAL_MS,
        panel_ms: None,
        query: Least::None,
        factor: 1,
    };

    #[test]
    fn intervals_are_those_of_grafana() {
        // 6 h over 1,000 points is 21.6 s, rounded to 20 s; the rate needs four scrapes.
        assert_eq!(steps(&ASKED), Steps { step_ms: 20_000, rate_ms: 60_000 });
        let day = Asked { window_ms: 86_400_000, ..ASKED };
        assert_eq!(steps(&day), Steps { step_ms: 60_000, rate_ms: 75_000 });
        let hour = Asked { window_ms: 3_600_000, ..ASKED };
        assert_eq!(steps(&hour).step_ms, 15_000, "not below the scrape interval");
        assert_eq!(steps(&Asked { panel_ms: Some(60_000), ..ASKED }).step_ms, 60_000);
        let own = Asked { query: Least::Ms(120_000), ..ASKED };
        assert_eq!(steps(&own), Steps { step_ms: 120_000, rate_ms: 480_000 });
        assert_eq!(steps(&Asked { factor: 2, ..ASKED }).step_ms, 40_000);
        assert_eq!(steps(&Asked { query: Least::Rate, ..ASKED }).step_ms, 60_000);
        let tiny = Asked { window_ms: 1_000, scrape_ms: 1, ..ASKED };
        assert_eq!(steps(&tiny).step_ms, 1_000);
        let many = Asked { points: i64::MAX, window_ms: 30 * 86_400_000, ..ASKED };
        assert_eq!(steps(&many).step_ms, 300_000, "never more than 11,000 points");
    }

    #[test]
    fn lengths_are_read_and_written() {
        assert_eq!(parse("30s").unwrap(), 30_000);
        assert_eq!(parse(">1m").unwrap(), 60_000);
        assert_eq!(parse("15").unwrap(), 15_000);
        assert!(parse("soon").is_err());
        assert_eq!(write(90_000), "1m30s");
        assert_eq!(write(86_400_000), "1d");
        assert_eq!(write(1_500), "1s500ms");
        for ms in [1, 999, 61_001, 90_061_000] {
            assert_eq!(parse_duration_ms(&write(ms)).unwrap(), ms);
        }
        assert_eq!(range_ms("now-24h", "now"), Some(86_400_000));
        assert_eq!(range_ms("now-7d/d", "now/d"), Some(604_800_000));
        assert_eq!(range_ms("2024-01-01", "now"), None);
    }
}
