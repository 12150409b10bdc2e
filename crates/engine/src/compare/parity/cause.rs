//! What probably made two results of a query differ: where to look, no proof.

use super::{ParityHints, Points};
use crate::compare::causes::ROUNDING;
use crate::model::Millis;
use crate::report::PromqlCheckReport;
use crate::selector::promql;
use promql_parser::parser::{Expr, Offset};

/// What closed windows change, where they are.
const WINDOWS: &str = "a range selector covers [t-5m, t] in Prometheus 2 but (t-5m, t] in Prometheus 3 and tsink, so \
                       samples aligned with the step give other results from the same data.";

/// What to say instead of a guess at the windows' edges, once they were measured and leave something open.
/// `accounted` is what they account for.
pub(super) fn measured(query: &str, cause: &str, accounted: u64) -> Option<String> {
    if !cause.contains(WINDOWS) {
        return None;
    }
    if look_back(query).is_some_and(|reach| reach.subquery) {
        return Some(
            "Prometheus places a subquery's steps on multiples of the step, tsink counts them from the start of its \
             range: unless both fall together, they look at other times."
                .to_owned(),
        );
    }
    Some(match accounted {
        0 => "It is not the edges of range windows: the source was asked for tsink's, and nothing more agrees. Raw \
              verification tells whether the data agree; if they do, the servers compute the query differently."
            .to_owned(),
        _ => "What is not explained has another cause: raw verification tells whether the data agree.".to_owned(),
    })
}

/// The probable cause of what differs between the two results of a query; empty when none is known.
pub(super) fn probable(query: &str, report: &PromqlCheckReport, all: &Points, hints: &ParityHints) -> String {
    if report.target_series == 0 {
        return "The target has nothing that this query reads: the plan's selectors do not cover its metrics, \
                the backfill has not run, or it wrote to another tenant."
            .to_owned();
    }
    if report.source_series == 0 {
        return "The source returned nothing: its retention may have passed, or the query URL names another \
                server."
            .to_owned();
    }
    if all.one_sided == 0 && all.largest_relative.is_some_and(|fraction| fraction < ROUNDING) {
        return "The values differ by as little as rounding does: the servers add floats in another order. If \
                that is good enough, raise compare.max_relative_value_delta."
            .to_owned();
    }
    let reach = look_back(query);
    if let (Some(reach), Some((start, end)), Some(last)) = (&reach, all.span, all.last_differing) {
        let edge = start.saturating_add(reach.ms);
        if last < edge && edge <= end {
            return "Only the first points differ, and these look back to before the window, which was not \
                    migrated. Begin the backfill earlier, or the comparison later."
                .to_owned();
        }
    }
    if !reach.is_some_and(|reach| reach.range) {
        return String::new();
    }
    match hints.source_version.as_deref() {
        Some(version) if is_prometheus_2(version) => {
            format!("The source is {version}: {WINDOWS} Raw verification tells whether the data agree.")
        }
        Some(_) => String::new(),
        None => format!("If the source is a Prometheus 2: {WINDOWS}"),
    }
}

/// Whether a version text names a Prometheus of major version 2.
fn is_prometheus_2(version: &str) -> bool {
    let mut words = version.split_whitespace();
    let (Some(name), number) = (words.next(), words.next()) else { return false };
    let number = number.unwrap_or(name).trim_start_matches('v');
    (name.eq_ignore_ascii_case("prometheus") || !name.starts_with(|c: char| c.is_alphabetic()))
        && number.starts_with("2.")
}

/// How a query looks back.
struct Reach {
    /// How far at most, in ms.
    ms: Millis,
    /// Whether it has a range selector or a subquery.
    range: bool,
    /// Whether it has a subquery.
    subquery: bool,
}

/// How far a query looks back; none when it cannot be parsed.
fn look_back(query: &str) -> Option<Reach> {
    /// Prometheus' and tsink's default for instant selectors.
    const LOOK_BACK_MS: Millis = 5 * 60 * 1000;
    let millis =
        |duration: std::time::Duration| Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX);
    let offset = |offset: &Option<Offset>| match offset {
        Some(Offset::Pos(by)) => millis(*by),
        _ => 0,
    };
    let expression = promql::parse(query).ok()?;
    let mut reach = Reach { ms: 0, range: false, subquery: false };
    let mut rest: Vec<(&Expr, Millis)> = vec![(&expression, 0)];
    while let Some((expression, so_far)) = rest.pop() {
        match expression {
            Expr::Aggregate(inner) => {
                rest.push((&inner.expr, so_far));
                rest.extend(inner.param.as_deref().map(|param| (param, so_far)));
            }
            Expr::Unary(inner) => rest.push((&inner.expr, so_far)),
            Expr::Binary(inner) => rest.extend([(&*inner.lhs, so_far), (&*inner.rhs, so_far)]),
            Expr::Paren(inner) => rest.push((&inner.expr, so_far)),
            Expr::Subquery(inner) => {
                (reach.range, reach.subquery) = (true, true);
                let here = millis(inner.range).saturating_add(offset(&inner.offset));
                rest.push((&inner.expr, so_far.saturating_add(here)));
            }
            Expr::VectorSelector(selector) => {
                let here = LOOK_BACK_MS.saturating_add(offset(&selector.offset));
                reach.ms = reach.ms.max(so_far.saturating_add(here));
            }
            Expr::MatrixSelector(selector) => {
                reach.range = true;
                let here = millis(selector.range).saturating_add(offset(&selector.vs.offset));
                reach.ms = reach.ms.max(so_far.saturating_add(here));
            }
            Expr::Call(call) => rest.extend(call.args.args.iter().map(|argument| (&**argument, so_far))),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
        }
    }
    Some(reach)
}
