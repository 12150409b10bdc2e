//! Sorting and collecting, built once.
//!
//! `slice::sort` and `BTreeMap::from_iter` build four kilobytes of code for every type and comparison they meet;
//! there were forty, a twentieth of the page. Here the comparison is called through a pointer and the sort is one.
//! What is in order already, as rows and labels nearly always are, costs a single pass.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// Sorts; equal items keep their order.
pub fn sort_by<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    if items.is_sorted_by(|a, b| compare(a, b) != Ordering::Greater) {
        return;
    }
    let mut order = sorted(items.len(), &|a, b| match (items.get(a), items.get(b)) {
        (Some(a), Some(b)) => compare(a, b),
        _ => Ordering::Equal,
    });
    for to in 0..order.len() {
        // Where the item that belongs here is now: if an earlier swap moved it, the way it took is followed.
        let mut from = order.get(to).copied().unwrap_or(to);
        while from < to {
            from = order.get(from).copied().unwrap_or(to);
        }
        if let Some(slot) = order.get_mut(to) {
            *slot = from;
        }
        items.swap(to, from);
    }
}

/// Sorts by a key; equal items keep their order.
pub fn sort_by_key<T, K: Ord>(items: &mut [T], key: impl Fn(&T) -> K) {
    sort_by(items, |a, b| key(a).cmp(&key(b)));
}

/// Sorts; equal items keep their order.
pub fn sort<T: Ord>(items: &mut [T]) {
    sort_by(items, T::cmp);
}

/// Collects a set.
pub fn set<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    set.extend(items);
    set
}

/// Collects a map; of equal keys, the last one's value stays.
pub fn map<K: Ord, V>(items: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    map.extend(items);
    map
}

fn sorted(count: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|a, b| compare(*a, *b));
    order
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sorts_as_the_library_does(numbers in prop::collection::vec(0u8..20, 0..60)) {
            let mut ours: Vec<(u8, usize)> = numbers.into_iter().zip(0..).collect();
            let mut theirs = ours.clone();
            theirs.sort_by_key(|(number, _)| *number);
            super::sort_by_key(&mut ours, |(number, _)| *number);
            prop_assert_eq!(&ours, &theirs);
            super::sort_by(&mut ours, |a, b| b.cmp(a));
            theirs.reverse();
            theirs.sort_by(|a, b| b.cmp(a));
            prop_assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn of_equal_keys_the_last_stays() {
        assert_eq!(
            super::map([(1, 'a'), (2, 'b'), (1, 'c')]).into_iter().collect::<Vec<_>>(),
            [(1, 'c'), (2, 'b')]
        );
        assert_eq!(super::set([2, 1, 2]).into_iter().collect::<Vec<_>>(), [1, 2]);
    }
}
