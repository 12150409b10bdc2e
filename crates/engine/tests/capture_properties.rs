//! Text protocols of captured payloads: a bad line never changes what good lines give.
#![allow(clippy::unwrap_used)] // Helpers outside #[test] functions are tests, too.

use proptest::prelude::*;
use tsink_migrate_engine::capture::{Graphite, Influx, LineProtocol, QueryParams, Row, SeriesTable, Statsd};
use tsink_migrate_engine::fuzzing;

const RECEIVED_AT: i64 = 1_763_467_200_000;

/// Labels, family, time and the value's bits of each sample.
type Sample = (String, String, i64, u64);

struct Recording<P> {
    parser: P,
    table: SeriesTable,
    rows: Vec<Row>,
}

impl<P: LineProtocol> Recording<P> {
    fn new(parser: P) -> Self {
        Self { parser, table: SeriesTable::default(), rows: Vec::new() }
    }

    /// Whether the line was taken.
    fn line(&mut self, line: &str) -> bool {
        self.parser.line(line, RECEIVED_AT, &mut self.table, &mut self.rows).is_ok()
    }

    fn samples(&self) -> Vec<Sample> {
        let show = |row: &Row| {
            let family = format!("{:?}", self.table.family(row.series).unwrap());
            let labels = self.table.labels(row.series).unwrap().to_string();
            (labels, family, row.at, row.value.to_bits())
        };
        self.rows.iter().map(show).collect()
    }
}

/// Good and bad lines as one recording, `cut` into payloads, and the good ones alone.
fn bad_lines_change_nothing<P: LineProtocol>(
    new: fn() -> P,
    lines: &[(bool, String)],
    cut: usize,
) -> Result<(), TestCaseError> {
    let [mut all, mut good] = [(); 2].map(|()| Recording::new(new()));
    for payload in lines.chunks(cut) {
        for recording in [&mut all, &mut good] {
            recording.parser.begin(&QueryParams::new()).unwrap();
        }
        for (is_good, line) in payload {
            prop_assert_eq!(all.line(line), *is_good, "{:?}", line);
            prop_assert!(!is_good || good.line(line));
        }
    }
    prop_assert_eq!(all.samples(), good.samples());
    prop_assert_eq!(all.table.len(), good.table.len());
    prop_assert_eq!(all.table.families(), good.table.families());
    Ok(())
}

/// Lines of `good`, between them garbage: what a parser refuses that has seen nothing else.
fn mixed<P: LineProtocol + 'static>(
    new: fn() -> P,
    good: &'static str,
    nearly: &'static str,
) -> impl Strategy<Value = Vec<(bool, String)>> {
    let garbage = prop_oneof![4 => nearly, 1 => ".{0,20}", 1 => "[ab:;|@#=,\\\\\" 1e.gci-]{1,12}"];
    let garbage = garbage.prop_filter("has to be bad", move |line| !Recording::new(new()).line(line));
    let line = prop_oneof![good.prop_map(|line| (true, line)), garbage.prop_map(|line| (false, line))];
    prop::collection::vec(line, 1..30)
}

proptest! {
    #[test]
    fn influx(
        lines in mixed(
            Influx::new,
            "[ab](,[cd]=[xy])?( |  )[pq]=-?[0-9]{1,3}(\\.[0-9])?(,(value|r)=[0-9]i)?( [0-9]{1,15})?\r?",
            "[ab](,[cd]=[xy])? ([pq]=[0-9],)?[pqst]=(t|\"x\"|x|1i5|)( [0-9]{1,15})?|[ab](,c=x){0,3} p=1( 1x)?",
        ),
        cut in 1usize..10,
    ) {
        bad_lines_change_nothing(Influx::new, &lines, cut)?;
    }

    #[test]
    fn statsd(
        lines in mixed(
            Statsd::new,
            "g[ab]:[-+]?[0-9]{1,2}\\|g(\\|#[xy]:[12])?|c[ab]:[0-9]\\|c(\\|@0\\.[1-9])?|s:[a-z]\\|s|t:[0-9]\\|ms",
            "(g[ab]:[-+]x\\|g|g[ab]:[-+]?1\\|g(\\|@1|\\|#x:1,x:1|\\|)|c[ab]:1\\|c\\|@[29]|c[ab]|ga:5\\|x)",
        ),
        cut in 1usize..10,
    ) {
        bad_lines_change_nothing(Statsd::new, &lines, cut)?;
    }

    #[test]
    fn graphite(
        lines in mixed(
            Graphite::new,
            "[ab]\\.[ab](;[xy]=[12])? -?[0-9]{1,3}(\\.[0-9])?( [0-9]{1,10}(\\.[0-9])?)?\r?",
            "[ab]\\.[ab](;x=1){0,2} [0-9x]( [0-9nN])?( 1)?",
        ),
        cut in 1usize..10,
    ) {
        bad_lines_change_nothing(Graphite::new, &lines, cut)?;
    }

    #[test]
    fn any_text_keeps_the_promises(
        params in "(precision=(ns|s|x)&?)?(db=.{0,3})?",
        lines in prop::collection::vec(
            "[ab.]{1,2}([,;|:=#@ ]{1,2}[abcgs1\"\\\\ü.+-]{1,3}){1,5}",
            0..12,
        ),
    ) {
        fuzzing::capture_lines(format!("{params}\n{}", lines.join("\n")).as_bytes());
    }
}
