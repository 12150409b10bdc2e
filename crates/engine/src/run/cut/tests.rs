use super::choose::{Cut, choose};
use super::{instants, narrowed, ordered};
use crate::model::{Labels, Window};
use crate::selector::Selector;
use crate::source::Counts;
use proptest::prelude::*;

fn counts(values: impl IntoIterator<Item = (String, u64)>) -> Counts {
    let mut counts = Counts::default();
    values.into_iter().for_each(|(value, series)| counts.add(&value, series));
    counts
}

fn found_by(parts: &[std::rc::Rc<Selector>], labels: &Labels) -> usize {
    parts.iter().filter(|part| part.predicate().matches(labels)).count()
}

#[test]
fn the_label_that_spreads_best_is_taken() {
    let total = 60_000;
    let labels = [
        ("job".to_owned(), counts([("api".to_owned(), 59_000), ("web".to_owned(), 1_000)])),
        ("zone".to_owned(), counts((0..4).map(|at| (format!("z{at}"), 15_000)))),
        ("id".to_owned(), counts((0..3).map(|at| (format!("{at}"), 1)))),
    ];
    let cut = choose(total, labels.clone(), 20_000).unwrap();
    assert_eq!((cut.label.as_str(), cut.groups.len(), cut.rest, cut.worst()), ("zone", 4, 0, 15_000));
    let cut = choose(total, labels, 35_000).unwrap();
    assert_eq!((cut.label.as_str(), cut.groups.len()), ("zone", 2));
    assert_eq!(cut.groups[0].expression, "z0|z1");
}

#[test]
fn many_values_are_cut_by_their_beginnings() {
    let all = counts((0..60_000).map(|at| (format!("host-{at:05}.example:9100"), 1)));
    let cut = choose(60_000, [("instance".to_owned(), all)], 10_000).unwrap();
    assert!(cut.worst() <= 10_000, "{}", cut.worst());
    assert!(cut.all_expressions().len() <= 5_000, "{}", cut.all_expressions().len());
    assert!(cut.groups.iter().all(|group| group.expression.contains("(?s:.*)")), "{:?}", cut.groups[0]);
    let parts = narrowed(&Selector::parse("up").unwrap(), &cut);
    assert_eq!(parts.len(), cut.groups.len() + 1);
    assert_eq!(parts.iter().map(|(_, series)| series).sum::<u64>(), 60_000);
}

#[test]
fn what_no_label_cuts_stays_whole() {
    assert_eq!(choose(60_000, [("job".to_owned(), counts([("api".to_owned(), 60_000)]))], 20_000), None);
    assert_eq!(choose(60_000, [("job".to_owned(), counts([]))], 20_000), None);
    assert_eq!(choose(60_000, Vec::<(String, Counts)>::new(), 20_000), None);
}

#[test]
fn labels_that_are_fixed_or_need_quotes_are_not_asked_for() {
    let selector = Selector::parse("up{job=\"a\",zone=~\"z.*\"}").unwrap();
    let names = ["zone", "job", "instance", "__name__", "la.bel", "a", ""].map(str::to_owned).to_vec();
    assert_eq!(ordered(names, &selector), ["instance", "a", "zone"]);
}

#[test]
fn instants_lie_in_the_window() {
    let day = Window { start_ms: 1_000, end_ms: 86_400_999 };
    assert!(instants(day).iter().all(|at| day.contains(*at)) && instants(day).len() == 3);
    assert_eq!(instants(Window { start_ms: 5, end_ms: 5 }), [5]);
}

proptest! {
    /// Whatever was counted, and however wrong: a series belongs to one part.
    #[test]
    fn every_series_falls_into_exactly_one_part(
        counted in proptest::collection::vec(("[a-c.|()\\\\ü\n]{0,6}", 1u64..1_000), 1..40),
        series in proptest::collection::vec("[a-c.|()\\\\ü\n]{0,8}", 1..40),
        chars in 1usize..7,
        most in 1u64..3_000,
        again in 1usize..4,
    ) {
        let mut by_prefix = Counts::by_prefix(chars);
        counted.iter().for_each(|(value, series)| by_prefix.add(value, *series));
        let total = by_prefix.total() * 2;
        let Some(cut) = choose(total, [("l".to_owned(), by_prefix)], most) else { return Ok(()) };
        let base = Selector::parse("up").unwrap();
        let mut parts: Vec<_> = narrowed(&base, &cut).into_iter().map(|(part, _)| part).collect();
        prop_assert!(parts.len() >= 2);
        // One of them is cut once more, by another label.
        let more: Cut = choose(10, [("k".to_owned(), counts([("a".to_owned(), 4), ("b".to_owned(), 4)]))], 5).unwrap();
        let one = parts.remove(again % parts.len());
        parts.extend(narrowed(&one, &more).into_iter().map(|(part, _)| part));
        for (at, value) in series.iter().chain(counted.iter().map(|(value, _)| value)).enumerate() {
            let other = ["a", "b", "c", ""][at % 4];
            let labels = Labels::from_pairs([("__name__", "up"), ("l", value.as_str()), ("k", other)]);
            prop_assert_eq!(found_by(&parts, &labels), 1, "{:?} {:?}", labels, parts);
        }
    }
}
