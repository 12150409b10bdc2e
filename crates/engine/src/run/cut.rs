//! Cutting a wide selector into parts by label values, so that a slab of each fits into memory.
//!
//! A part is the selector with `label=~"v1|v2|…"`; the last one has `label!~"…"` with the expressions of all others, so
//! that it takes series without the label, and values that nobody has seen. So the parts are disjoint and complete by
//! construction, whatever was counted, and both sides are asked with the same ones. What is counted decides only how
//! even they are: see [`choose`].
//!
//! Counts come from the source's query endpoint (a few numbers in an answer), or, where there is none, from a short
//! look at the source whose rows are counted as they arrive and not held. Where neither works, time alone is cut.

mod choose;

use super::context::Run;
use super::event::NoticeLevel;
use super::schedule::RowPlan;
use crate::error::{ErrorKind, Result};
use crate::model::{Millis, Window};
use crate::plan::ReadVia;
use crate::selector::Selector;
use crate::source::{Census, Counts, series};
use crate::wire::types::{LabelMatcher, MatcherType};
use choose::{Cut, choose};
use std::rc::Rc;

/// A selector with more series is wide, however much memory there is.
const WIDE: u64 = 20_000;
/// Bytes of memory that a series of a slab takes, whatever its rows.
const SERIES_BYTES: u64 = 1_000;
/// Labels that are looked at in one cut.
const MOST_LABELS: usize = 16;
/// How often parts are cut again.
const MOST_DEPTH: u32 = 2;
/// Parts of a selector at most: each one is a row of the coverage map.
const MOST_PARTS: usize = 400;
/// Length of a look at the source, in ms.
const LOOK_MS: i64 = 60_000;
/// Labels that mostly spread well, looked at first.
const LIKELY: [&str; 8] = ["__name__", "instance", "pod", "host", "node", "container", "job", "namespace"];

impl Run {
    /// Series that a part should have at most.
    fn most_series(&self) -> u64 {
        WIDE.min(self.plan.options.answer_bytes() as u64 / SERIES_BYTES).max(1)
    }

    /// A row as it is, or in parts where it is wide. `known` are the series that were seen of it.
    pub(super) async fn cut_row(&self, row: RowPlan, known: Option<u64>) -> Vec<RowPlan> {
        let most = self.most_series();
        if known.is_some_and(|series| series <= most) {
            return vec![row];
        }
        let parts = self.parts_of(&row.selector, self.window, 0).await;
        if parts.len() < 2 {
            return vec![row];
        }
        let all: u64 = parts.iter().map(|(_, series)| series).sum();
        let share =
            |series: u64| row.rows.map(|rows| (rows as f64 * series as f64 / all.max(1) as f64) as u64);
        parts
            .into_iter()
            .map(|(selector, series)| RowPlan { selector_at: row.selector_at, selector, rows: share(series) })
            .collect()
    }

    /// Parts of a selector of which a short window is too large already; none where it cannot be cut.
    pub(super) async fn label_parts(&self, selector: &Rc<Selector>, window: Window) -> Vec<Rc<Selector>> {
        let key = selector.text.clone();
        if let Some(parts) = self.parts_known.borrow().get(&key) {
            return parts.clone();
        }
        let parts: Vec<Rc<Selector>> =
            self.parts_of(selector, window, MOST_DEPTH).await.into_iter().map(|(part, _)| part).collect();
        self.parts_known.borrow_mut().insert(key, parts.clone());
        parts
    }

    /// Parts with the series counted in each; the selector alone where it is not wide or cannot be cut.
    async fn parts_of(
        &self,
        selector: &Rc<Selector>,
        window: Window,
        depth: u32,
    ) -> Vec<(Rc<Selector>, u64)> {
        let most = match depth {
            // It was too large: whatever cuts it is right.
            MOST_DEPTH => self.most_series() / 4,
            _ => self.most_series(),
        };
        let mut done = Vec::new();
        let mut todo = vec![(Rc::clone(selector), None, depth)];
        while let Some((selector, known, depth)) = todo.pop() {
            let is_narrow = known.is_some_and(|series| series <= most.saturating_mul(2));
            if is_narrow || depth > MOST_DEPTH || done.len() + todo.len() >= MOST_PARTS {
                done.push((selector, known.unwrap_or(0)));
                continue;
            }
            match self.cut_once(&selector, window, most).await {
                Ok(Some(cut)) => {
                    let parts = narrowed(&selector, &cut);
                    match parts.is_empty() {
                        true => done.push((selector, known.unwrap_or(0))),
                        // The first one is looked at next, so that the order stays.
                        false => todo.extend(
                            parts.into_iter().rev().map(|(part, series)| (part, Some(series), depth + 1)),
                        ),
                    }
                }
                Ok(None) => done.push((selector, known.unwrap_or(0))),
                Err(error) => {
                    if error.kind != ErrorKind::Cancelled {
                        let text = format!(
                            "{} is cut by time only: how its series spread over labels could not be found out ({})",
                            selector.text, error.message
                        );
                        self.notice(NoticeLevel::Warn, "", text.clone());
                        self.cut_notes.borrow_mut().push(text);
                    }
                    done.push((selector, known.unwrap_or(0)));
                }
            }
        }
        done
    }

    /// How to cut a selector by one label; `None` where it has few series, or no label that cuts it.
    async fn cut_once(&self, selector: &Selector, window: Window, most: u64) -> Result<Option<Cut>> {
        let asked = match self.cut_by_query(selector, window, most).await {
            Ok(Some(cut)) => return Ok(cut),
            Ok(None) => None,
            Err(error) if error.kind == ErrorKind::Cancelled => return Err(error),
            Err(error) => Some(error),
        };
        if self.plan.options.read_via == ReadVia::InstantQuery {
            return asked.map_or(Ok(None), Err);
        }
        let mut census = Census::with_labels();
        for at in instants(window) {
            let look = Window { start_ms: at.saturating_sub(LOOK_MS - 1).max(window.start_ms), end_ms: at };
            census.merge(self.census(selector, look, true).await?);
        }
        let total = census.series();
        let labels = census.labels.take().unwrap_or_default();
        let usable = labels.into_iter().filter(|(name, _)| !is_fixed(selector, name));
        Ok(if total <= most { None } else { choose(total, usable, most) })
    }

    /// The same by questions to the query endpoint. The outer `None` where the plan does not tell where that is, or it
    /// says that there is nothing.
    async fn cut_by_query(
        &self,
        selector: &Selector,
        window: Window,
        most: u64,
    ) -> Result<Option<Option<Cut>>> {
        let plan = &self.plan;
        let (mut total, mut busiest) = (0, window.end_ms);
        let mut looks = Vec::new();
        for at in instants(window) {
            let Some(call) = series::count(plan, selector, at) else { return Ok(None) };
            let series = self.call(&call).await?;
            if series > 0 {
                looks.push(at);
            }
            if series > total {
                (total, busiest) = (series, at);
            }
        }
        if total == 0 {
            return Ok(None);
        }
        if total <= most {
            return Ok(Some(None));
        }
        let Some(call) = series::label_names(plan, selector, window) else { return Ok(None) };
        let names = ordered(self.call(&call).await?, selector);
        let mut best: Option<Cut> = None;
        for name in names {
            let Some(counts) = self.counts(selector, &name, busiest).await? else { continue };
            let cut = choose(total, [(name.clone(), counts)], most);
            if cut.as_ref().is_some_and(|cut| best.as_ref().is_none_or(|best| cut.worst() < best.worst())) {
                best = cut;
            }
            if best.as_ref().is_some_and(|best| best.worst() <= most) {
                break;
            }
        }
        let Some(found) = best else { return Ok(Some(None)) };
        // Values come and go: what other times have is named, too.
        let mut all = Counts::default();
        for at in looks {
            if let Some(counts) = self.counts(selector, &found.label, at).await? {
                all.at_least(counts);
            }
        }
        Ok(Some(choose(total, [(found.label.clone(), all)], most).or(Some(found))))
    }

    /// Series by the values of a label; by prefixes where there are more than an answer may hold.
    async fn counts(&self, selector: &Selector, label: &str, at: Millis) -> Result<Option<Counts>> {
        let plan = &self.plan;
        let ask = async |chars: Option<usize>| match series::count_by(plan, selector, label, chars, at) {
            None => Ok(None),
            Some(call) => match self.call(&call).await {
                Ok(counts) => Ok(Some(counts)),
                Err(error) if error.kind == ErrorKind::TooLarge => Ok(None),
                Err(error) => Err(error),
            },
        };
        if let Some(counts) = ask(None).await? {
            return Ok(Some(counts));
        }
        // The longest prefixes whose counts fit into an answer, found by halving.
        let (mut fits, mut low, mut high) = (None, 1, 32);
        while low <= high {
            let middle = (low + high) / 2;
            match ask(Some(middle)).await? {
                Some(counts) => {
                    fits = Some(counts);
                    low = middle + 1;
                }
                None => high = middle - 1,
            }
        }
        Ok(fits)
    }
}

/// Start, middle and end of a window.
fn instants(window: Window) -> Vec<Millis> {
    let near_start = window.start_ms.saturating_add(LOOK_MS - 1).min(window.end_ms);
    let middle = window.start_ms.saturating_add(window.len_ms() / 2).min(window.end_ms);
    let mut all = vec![near_start, middle, window.end_ms];
    all.dedup();
    all
}

/// Whether a selector gives one value of the label only.
fn is_fixed(selector: &Selector, label: &str) -> bool {
    let is_equality = |matcher: &LabelMatcher| matcher.r#type == i32::from(MatcherType::Eq);
    selector.matchers.iter().any(|matcher| matcher.name == label && is_equality(matcher))
}

/// Labels worth looking at, in the order in which they are.
fn ordered(mut names: Vec<String>, selector: &Selector) -> Vec<String> {
    let is_plain = |name: &str| {
        name.bytes()
            .enumerate()
            .all(|(at, byte)| byte == b'_' || byte.is_ascii_alphabetic() || at > 0 && byte.is_ascii_digit())
    };
    names.retain(|name| !name.is_empty() && is_plain(name) && !is_fixed(selector, name));
    let rank = |name: &str| LIKELY.iter().position(|likely| *likely == name).unwrap_or(LIKELY.len());
    crate::order::sort_by(&mut names, |a, b| rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)));
    names.dedup();
    names.truncate(MOST_LABELS);
    names
}

/// The selectors of a cut, the one for all the rest last; none when their texts would be too long.
fn narrowed(selector: &Selector, cut: &Cut) -> Vec<(Rc<Selector>, u64)> {
    let with = |kind: MatcherType, value: &str| {
        let matcher = LabelMatcher { r#type: kind.into(), name: cut.label.clone(), value: value.to_owned() };
        selector.narrowed(matcher).map(Rc::new)
    };
    let parts =
        cut.groups.iter().map(|group| Some((with(MatcherType::Re, &group.expression)?, group.series)));
    let rest = with(MatcherType::Nre, &cut.all_expressions()).map(|rest| (rest, cut.rest));
    parts.chain([rest]).collect::<Option<Vec<_>>>().unwrap_or_default()
}

#[cfg(test)]
mod tests;
