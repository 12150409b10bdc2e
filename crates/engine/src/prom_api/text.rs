//! Times, steps and URLs as the API takes them.

use crate::model::{Millis, calendar};

/// A time for the API: whole seconds as an integer, else RFC 3339.
///
/// Both servers also take seconds with a fraction, but tsink 0.10.2 multiplies them by 1000 and cuts off:
/// `1700000000.001` would become `…000` there. RFC 3339 is exact on both.
pub(crate) fn prom_time(at: Millis) -> String {
    if at % 1000 == 0 {
        return (at / 1000).to_string();
    }
    calendar::rfc3339(at).unwrap_or_else(|| seconds(at))
}

/// A step for the API, of `step_ms` (at least 1) ms.
///
/// Whole seconds are an integer. tsink 0.10.2 turns everything else into float seconds, multiplies by 1000
/// and cuts off, `1001ms` included, which becomes 1000. Half a microsecond more makes the ms come out right,
/// and both servers cut it off again.
pub(super) fn step_text(step_ms: i64) -> String {
    let step = step_ms.max(1);
    if step % 1000 == 0 {
        return (step / 1000).to_string();
    }
    format!("{}0005", seconds(step))
}

/// Seconds with three decimals, exactly.
fn seconds(at: Millis) -> String {
    let sign = if at < 0 { "-" } else { "" };
    let at = at.unsigned_abs();
    format!("{sign}{}.{:03}", at / 1000, at % 1000)
}

/// Adds parameters to a URL, after those that it has.
pub(crate) fn with_query(url: &str, params: &[(&str, &str)]) -> String {
    if params.is_empty() {
        return url.to_owned();
    }
    // A plan's URLs are absolute and valid; the text is changed no more than needed.
    let url = url.split('#').next().unwrap_or(url);
    let joint = match url.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    let encoded: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    format!("{url}{joint}{encoded}")
}

/// The URL of another endpoint of the same server: `…/api/v1/read` → `…/api/v1/query`. `None` when the path
/// does not end with `from`. Parameters stay.
pub(crate) fn sibling(url: &str, from: &str, to: &str) -> Option<String> {
    let url = url.split('#').next().unwrap_or(url);
    let (path, query) = match url.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (url, None),
    };
    let base = path.trim_end_matches('/').strip_suffix(from)?;
    Some(match query {
        Some(query) => format!("{base}{to}?{query}"),
        None => format!("{base}{to}"),
    })
}

#[cfg(test)]
mod tests {
    use super::{prom_time, sibling, step_text, with_query};
    use proptest::prelude::*;

    /// How tsink 0.10.2 reads a number of seconds (`scale_seconds_to_units`).
    #[allow(clippy::cast_possible_truncation)]
    fn tsink_reads(text: &str) -> i64 {
        (text.parse::<f64>().unwrap() * 1000.0) as i64
    }

    /// How Prometheus 2.42 reads a step (`parseDuration`) and uses it (`durationMilliseconds`).
    #[allow(clippy::cast_possible_truncation)]
    fn prometheus_reads(text: &str) -> i64 {
        (text.parse::<f64>().unwrap() * 1e9) as i64 / 1_000_000
    }

    #[test]
    fn times() {
        assert_eq!(prom_time(1_700_000_000_000), "1700000000");
        assert_eq!(prom_time(1_700_000_000_001), "2023-11-14T22:13:20.001Z");
        assert_eq!(prom_time(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(prom_time(i64::MAX), "9223372036854775.807");
        assert_eq!(prom_time(i64::MIN), "-9223372036854775.808");
    }

    #[test]
    fn the_plain_way_would_lose_a_ms() {
        assert_eq!(tsink_reads("1.001"), 1000);
        assert_eq!(prometheus_reads("1.001"), 1000);
        assert_eq!(step_text(1001), "1.0010005");
        assert_eq!(step_text(30_000), "30");
        assert_eq!(step_text(0), "0.0010005");
    }

    #[test]
    fn urls() {
        assert_eq!(
            with_query("http://h/a", &[("q", "a b{c=\"é\"}+")]),
            "http://h/a?q=a+b%7Bc%3D%22%C3%A9%22%7D%2B"
        );
        assert_eq!(with_query("http://h/a?x=1#frag", &[("q", "1")]), "http://h/a?x=1&q=1");
        assert_eq!(with_query("http://h/a?", &[("q", "1")]), "http://h/a?q=1");
        assert_eq!(with_query("http://h/a", &[]), "http://h/a");
        let read = "https://h/prom/api/v1/read?tenant=a";
        assert_eq!(sibling(read, "/read", "/query").as_deref(), Some("https://h/prom/api/v1/query?tenant=a"));
        assert_eq!(sibling("http://h/api/v1/read/", "/read", "/x").as_deref(), Some("http://h/api/v1/x"));
        assert_eq!(sibling("http://h/api/v1/spread", "/read", "/x"), None);
    }

    proptest! {
        #[test]
        fn steps_come_out_right_on_both_servers(step in 1i64..100_000_000) {
            prop_assert_eq!(tsink_reads(&step_text(step)), step);
            prop_assert_eq!(prometheus_reads(&step_text(step)), step);
        }

        #[test]
        fn times_survive(at in -62_167_219_200_000i64..253_402_300_799_999) {
            let text = prom_time(at);
            let back = match text.parse::<i64>() {
                Ok(seconds) => seconds * 1000,
                Err(_) => crate::model::calendar::parse_rfc3339(&text).unwrap(),
            };
            prop_assert_eq!(back, at);
        }
    }
}
