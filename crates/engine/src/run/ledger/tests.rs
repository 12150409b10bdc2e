use super::header::{About, Header};
use super::keeper::lay;
use super::line::{
    Copied, Counts, Equal, Extra, FIRST_SUM, Hashes, Line, NewSeries, Part, Span, read, write,
};
use super::replay::Replay;
use crate::error::ErrorKind;
use crate::model::Window;
use crate::run::event::Stage;
use proptest::prelude::*;
use std::collections::BTreeMap;

const HOUR: i64 = 3_600_000;
const DAY: Window = Window { start_ms: 0, end_ms: 24 * HOUR - 1 };

fn about() -> About {
    About {
        source_kind: "prometheus".to_owned(),
        source: "http://p/read".to_owned(),
        target: "http://t/write".to_owned(),
        target_read: "http://t/read".to_owned(),
        urls: "abcd".to_owned(),
        tenant: "default".to_owned(),
        selectors: vec!["up".to_owned(), "été{a=\"\n\"}".to_owned()],
        window: DAY,
        read_via: "remote_read".to_owned(),
        metadata: vec!["up".to_owned()],
        exemplars: vec![("up".to_owned(), 200)],
    }
}

fn span(row: usize, hour: i64, rows: u64, after_ms: u64) -> Span {
    let window = Window { start_ms: hour * HOUR, end_ms: (hour + 1) * HOUR - 1 };
    Span { row, window, rows, took_ms: rows, after_ms, witness: None }
}

fn copied(row: usize, hour: i64, rows: u64, after_ms: u64) -> Line {
    let samples =
        Counts { read: rows, written: rows / 2, already_there: rows - rows / 2, ..Counts::default() };
    let others = BTreeMap::from([(1 - row, vec![u128::from(rows)])]);
    Line::Copied(Box::new(Copied {
        slab: span(row, hour, rows, after_ms),
        samples,
        histograms: Counts::default(),
        batches: 1,
        series: NewSeries::new(&[u128::MAX, rows.into()], &[], others),
    }))
}

fn equal(row: usize, hour: i64, rows: u64, after_ms: u64) -> Line {
    Line::Equal(Box::new(Equal {
        slab: span(row, hour, rows, after_ms),
        counts: [rows, rows, 0, 0],
        series: Hashes::of_64(&[rows]),
        present: 1,
        full: true,
        mapped: vec![(vec![("a".to_owned(), "b".to_owned())], 1)],
    }))
}

fn begin(stage: Stage, fresh: bool, at_ms: i64) -> Line {
    Line::Begin { stage, at_ms, fresh, basis: String::new() }
}

fn rows(stage: Stage) -> Line {
    let rows = about().selectors.into_iter().enumerate().collect();
    Line::Rows { stage, expected: 1_000, rows }
}

fn text_of(lines: &[Line]) -> String {
    let (mut sum, mut text) = (FIRST_SUM, String::new());
    write(&Header::new(about(), 5), &mut sum, &mut text);
    lines.iter().for_each(|line| write(line, &mut sum, &mut text));
    text
}

/// What a reader goes by.
fn told(replay: &Replay) -> String {
    let Replay { backfill, verify, last, updated_ms, .. } = replay;
    format!("{backfill:?} {verify:?} {last:?} {updated_ms}")
}

/// Runs one after the other, each of some slabs; some finish.
fn history() -> impl Strategy<Value = Vec<Line>> {
    let run = (
        any::<bool>(),
        any::<bool>(),
        prop::collection::vec((0usize..2, 0i64..24, 0u64..50), 0..8),
        any::<bool>(),
    );
    prop::collection::vec(run, 1..5).prop_map(|runs| {
        let mut lines = Vec::new();
        let mut taken = [Vec::new(), Vec::new()];
        let mut finished = [false, false];
        for (at, (verify, fresh, slabs, end)) in runs.into_iter().enumerate() {
            let stage = if verify { Stage::Verify } else { Stage::Backfill };
            let which = usize::from(verify);
            let new = fresh || finished[which];
            if new {
                taken[which].clear();
            }
            if !verify {
                taken[1].clear();
                finished[1] = false;
            }
            lines.push(begin(stage, new, at as i64 * 100_000));
            lines.push(rows(stage));
            for (after, (row, hour, rows)) in slabs.into_iter().enumerate() {
                if !taken[which].contains(&(row, hour)) {
                    taken[which].push((row, hour));
                    let line = if verify { equal } else { copied };
                    lines.push(line(row, hour, rows, after as u64 * 10));
                }
            }
            finished[which] = end;
            if end {
                lines.push(Line::End { stage, at_ms: at as i64 * 100_000 + 50_000 });
            }
        }
        lines
    })
}

proptest! {
    #[test]
    fn a_kill_at_any_byte_leaves_what_was_done_before_it(lines in history(), at in any::<prop::sample::Index>()) {
        let text = text_of(&lines);
        let whole = Replay::read(&text).unwrap();
        prop_assert_eq!((whole.sound_bytes, whole.lost_lines), (text.len(), 0));
        let mut cut = at.index(text.len() + 1);
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        let first = text.find('\n').unwrap();
        let Ok(torn) = Replay::read(&text[..cut]) else {
            prop_assert!(cut < first, "the head alone cannot be done without");
            return Ok(());
        };
        let ends = text[..cut].matches('\n').count();
        if ends == 0 {
            prop_assert_eq!((cut, torn.sound_bytes, torn.lost_lines), (first, 0, 1));
            return Ok(());
        }
        let sound = text_of(&lines[..ends - 1]);
        prop_assert_eq!(&text[..torn.sound_bytes], &sound);
        prop_assert_eq!(torn.lost_lines, usize::from(cut > sound.len()));
        prop_assert_eq!(told(&torn), told(&Replay::read(&sound).unwrap()));
        // Whoever goes on from there writes what the next reader takes.
        let (mut sum, mut more) = (torn.sum, sound);
        write(&begin(Stage::Backfill, true, 9), &mut sum, &mut more);
        prop_assert_eq!(Replay::read(&more).unwrap().sound_bytes, more.len());
    }

    #[test]
    fn a_line_that_was_changed_or_taken_away_does_not_count_nor_what_follows(
        lines in history(), at in any::<prop::sample::Index>(), bit in 0u8..7, gone in any::<bool>(),
    ) {
        let text = text_of(&lines);
        let starts: Vec<usize> =
            text.match_indices('\n').map(|(at, _)| at + 1).filter(|at| *at < text.len()).collect();
        prop_assume!(!starts.is_empty());
        let line = at.index(starts.len());
        let end = starts.get(line + 1).copied().unwrap_or(text.len());
        let mut bytes = text.clone().into_bytes();
        if gone {
            bytes.drain(starts[line]..end);
        } else {
            bytes[starts[line] + at.index(end - starts[line] - 1)] ^= 1 << bit;
        }
        let Ok(changed) = String::from_utf8(bytes) else { return Ok(()) };
        let read = Replay::read(&changed).unwrap();
        prop_assert_eq!(&changed[..read.sound_bytes], &text[..starts[line]]);
    }

    #[test]
    fn hostile_text_is_refused_without_harm(text in "\\PC{0,200}", json in "[{}\\[\\]\",:a-z0-9]{0,80}") {
        prop_assert!(Replay::read(&text).is_err());
        let forged = format!("{}{json}\n{text}\n", text_of(&[begin(Stage::Backfill, true, 1)]));
        let read = Replay::read(&forged).unwrap();
        prop_assert!(read.lost_lines >= 1 && !read.backfill.is_begun());
    }

    #[test]
    fn what_lies_between_slabs_that_are_done_is_cut(hours in prop::collection::btree_set(0i64..24, 0..24)) {
        let mut lines = vec![begin(Stage::Backfill, true, 1), rows(Stage::Backfill)];
        lines.extend(hours.iter().map(|hour| copied(0, *hour, *hour as u64, 0)));
        let replay = Replay::read(&text_of(&lines)).unwrap();
        let done = replay.backfill.slabs(&(0, "up".to_owned()));
        let laid = lay(DAY, done, |gap| gap.split(2));
        prop_assert_eq!(laid.first().map(|(one, _)| one.start_ms), Some(DAY.start_ms));
        prop_assert_eq!(laid.last().map(|(one, _)| one.end_ms), Some(DAY.end_ms));
        prop_assert!(laid.windows(2).all(|pair| pair[0].0.end_ms + 1 == pair[1].0.start_ms));
        let kept: Vec<i64> = laid.iter().filter(|(_, done)| done.is_some()).map(|(one, _)| one.start_ms / HOUR).collect();
        prop_assert_eq!(kept, hours.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn numbers_that_cannot_be_are_no_line() {
    let huge = Counts { read: u64::MAX, written: u64::MAX, ..Counts::default() };
    let open = Counts { read: 5, written: 4, ..Counts::default() };
    let part = |counts| {
        Line::Part(Box::new(Part {
            what: Extra::Metadata,
            counts,
            batches: 0,
            after_ms: 0,
            series: Hashes::default(),
        }))
    };
    let backwards = {
        let Line::Equal(mut one) = equal(0, 1, 5, 0) else { panic!() };
        one.slab.window = Window { start_ms: 5, end_ms: 4 };
        Line::Equal(one)
    };
    for line in [part(huge), part(open), backwards] {
        let (mut sum, mut text) = (FIRST_SUM, String::new());
        write(&line, &mut sum, &mut text);
        assert_eq!(read(text.trim_end(), &mut FIRST_SUM.clone()), None, "{text}");
    }
    // Twice the same slab, one outside of the window, of a row that is not there, or of a stage that was not begun.
    let no_row = {
        let Line::Copied(mut one) = copied(0, 4, 1, 0) else { panic!() };
        one.slab.row = 2;
        Line::Copied(one)
    };
    for wrong in [copied(0, 3, 1, 0), copied(0, 24, 1, 0), no_row, equal(0, 4, 1, 0)] {
        let lines = [begin(Stage::Backfill, true, 1), rows(Stage::Backfill), copied(0, 3, 1, 0), wrong];
        let replay = Replay::read(&text_of(&lines)).unwrap();
        assert_eq!((replay.lost_lines, replay.backfill.totals()), (1, (1, 1)));
    }
}

#[test]
fn other_files_and_versions_are_refused_by_name() {
    let text = text_of(&[]);
    for (text, words) in [
        (
            text.replace("\"version\":1", "\"version\":7"),
            "version 7, written by version 0.1.0; this program reads 1",
        ),
        (text.replace("tsink-migrate-ledger", "tsink-migrate-report"), "not a ledger"),
        ("{}\n".to_owned(), "not a ledger"),
        (String::new(), "not a ledger"),
        (text.replace("default", "other"), "damaged"),
        ("[".repeat(100_000), "not a ledger"),
    ] {
        let error = Replay::read(&text).expect_err(words);
        assert!(error.message.contains(words), "{}", error.message);
        assert!(error.kind == ErrorKind::Input && !error.remedy.is_empty());
    }
}

#[test]
fn time_of_several_runs_adds_up_and_a_new_beginning_forgets() {
    let mut lines = vec![
        begin(Stage::Backfill, true, 1_000),
        rows(Stage::Backfill),
        copied(0, 1, 10, 300),
        copied(1, 1, 10, 700),
        begin(Stage::Backfill, false, 9_000),
        copied(0, 2, 10, 50),
    ];
    let state = |lines: &[Line]| Replay::read(&text_of(lines)).unwrap();
    let two = state(&lines);
    let all = &two.backfill;
    assert_eq!((all.runs, all.since_ms, all.elapsed_ms(), all.totals()), (2, 1_000, 750, (3, 30)));
    assert_eq!(two.updated_ms, 9_050);
    lines.extend([
        Line::End { stage: Stage::Backfill, at_ms: 9_500 },
        begin(Stage::Verify, true, 10_000),
        rows(Stage::Verify),
    ]);
    lines.push(equal(0, 5, 3, 20));
    let verifying = state(&lines);
    assert!(verifying.backfill.finished && verifying.verify.is_begun());
    assert_eq!(verifying.last, Some(Stage::Verify));
    // Whoever writes again has to compare again.
    lines.push(begin(Stage::Backfill, false, 20_000));
    let again = state(&lines);
    assert!(!again.verify.is_begun() && !again.backfill.is_begun() && !again.backfill.finished);
}

#[test]
fn what_changed_is_named() {
    let there = about();
    let with = |change: fn(&mut About)| {
        let mut here = about();
        change(&mut here);
        (here.is_near(&there), here.differs_from(&there).unwrap())
    };
    for (change, near, words) in [
        ((|one| one.tenant = "b".into()) as fn(&mut About), true, "the tenant was default and is b"),
        (|one| one.window.end_ms += 1, true, "give --start-ms 0 --end-ms 86399999 to continue that one"),
        (|one| one.selectors = vec!["up".into(), "x".into()], true, "x is new and été"),
        (|one| one.selectors.reverse(), true, "another order"),
        (|one| one.urls = "0".into(), true, "another query"),
        (|one| one.target = "http://u/write".into(), true, "http://t/write and is http://u/write"),
        (|one| (one.tenant, one.source) = ("b".into(), "http://q/read".into()), false, "http://q/read"),
    ] {
        let told = with(change);
        assert!(told.0 == near && told.1.contains(words), "{told:?}");
    }
    assert_eq!(about().differs_from(&there), None);
    assert_eq!(about().key(), there.key());
}
