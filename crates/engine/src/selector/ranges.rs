//! Range selectors of a query, made shorter, to ask a server the same question with other edges.

use super::promql;
use promql_parser::util::parse_duration;

/// The query with every range selector (`[5m]`) shorter by `by_ms`; subqueries (`[1h:1m]`) stay as they are. The
/// rest of the text is left untouched. `None` when it has no range selector, or none that can be shortened so.
pub(crate) fn shortened(query: &str, by_ms: i64) -> Option<String> {
    promql::parse(query).ok()?;
    let mut out = String::with_capacity(query.len() + 16);
    let mut found = false;
    let mut rest = query;
    while let Some(at) = rest.find(['"', '\'', '`', '#', '[']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let length = match from.as_bytes().first()? {
            b'[' => {
                let length = from.find(']')? + 1;
                let inner = from.get(1..length - 1)?;
                if !inner.contains(':') {
                    let range = i64::try_from(parse_duration(inner.trim()).ok()?.as_millis()).ok()?;
                    let range = range.checked_sub(by_ms).filter(|range| *range > 0)?;
                    out.push_str(&format!("[{range}ms]"));
                    found = true;
                    rest = from.get(length..)?;
                    continue;
                }
                length
            }
            // A comment: up to the end of its line.
            b'#' => from.find(['\n', '\r']).unwrap_or(from.len()),
            b'`' => from.get(1..)?.find('`')? + 2,
            quote => string_length(from, *quote)?,
        };
        out.push_str(from.get(..length)?);
        rest = from.get(length..)?;
    }
    out.push_str(rest);
    found.then_some(out)
}

/// Bytes of the string that `text` begins with, quotes included.
fn string_length(text: &str, quote: u8) -> Option<usize> {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let ends = byte == quote && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    Some(end + 2)
}

#[cfg(test)]
mod tests {
    use super::shortened;
    use crate::selector::promql;
    use proptest::prelude::*;

    #[test]
    fn ranges_are_shortened_and_nothing_else() {
        let same = |query: &str, expected: &str| {
            assert_eq!(shortened(query, 1).as_deref(), Some(expected), "{query}");
            assert!(promql::parse(expected).is_ok(), "{expected}");
        };
        same("rate(x[5m])", "rate(x[299999ms])");
        same("sum(rate(x{a=\"b[5m]\"}[ 1h30m ])) by (job)", "sum(rate(x{a=\"b[5m]\"}[5399999ms])) by (job)");
        same(
            "rate(x[1m] offset 5m) / rate(y[1m] @ 100)",
            "rate(x[59999ms] offset 5m) / rate(y[59999ms] @ 100)",
        );
        same("max_over_time(rate(x[5m])[1h:1m])", "max_over_time(rate(x[299999ms])[1h:1m])");
        same("rate(x{a=~`[a]\\d`}[5m]) # [3m] don't", "rate(x{a=~`[a]\\d`}[299999ms]) # [3m] don't");
        same("rate(x{a=\"\\\"[1m]\"}[5m])", "rate(x{a=\"\\\"[1m]\"}[299999ms])");
        for without in ["x", "sum(x)", "avg_over_time(x[1h:1m])", "rate(x[1ms])", "rate(x[5m", ""] {
            assert_eq!(shortened(without, 1), None, "{without}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC*|[a-c(){}\\[\\]=~!\"'`\\\\,.0-9 smx:@#-]{0,60}", by in 0i64..3) {
            if let Some(short) = shortened(&text, by) {
                prop_assert!(promql::parse(&short).is_ok());
            }
        }
    }
}
