//! OTLP payloads: never a panic, nothing of a malformed one, and every point of another taken or refused.

use crate::capture::SeriesTable;
use crate::capture::otlp::{Otlp, OtlpOut};

/// `data` is an `ExportMetricsServiceRequest`.
pub fn capture_otlp(data: &[u8]) {
    let mut reader = Otlp::new("fuzz");
    let mut table = SeriesTable::default();
    let mut once = OtlpOut::default();
    if reader.payload(data, &mut table, &mut once).is_err() {
        assert_eq!(once, OtlpOut::default(), "something is left of a payload that is none");
        assert!(table.is_empty());
        return;
    }
    balance(&once);
    for series in once.rows.iter().map(|row| row.series).chain(once.exemplars.iter().map(|found| found.0)) {
        let labels = table.labels(series);
        assert!(labels.is_some_and(|labels| labels.name().is_some()), "a series without name");
        assert!(labels.is_some_and(|labels| labels.get("__tenant_id") == Some("fuzz")));
        assert!(table.family(series).is_some_and(|family| !family.name.is_empty()));
    }
    // What is known by now gives the same again, and without what is known, too.
    let known = table.len();
    let mut again = OtlpOut::default();
    assert_eq!(reader.payload(data, &mut table, &mut again), Ok(()));
    assert_eq!(table.len(), known);
    same(&once, &again);
    let mut table = SeriesTable::default();
    again.clear();
    assert_eq!(reader.payload(data, &mut table, &mut again), Ok(()));
    same(&once, &again);
    // The resources of two requests are one request's.
    let mut twice = OtlpOut::default();
    assert_eq!(reader.payload(&data.repeat(2), &mut table, &mut twice), Ok(()));
    balance(&twice);
    let both = || once.rows.iter().chain(&once.rows).map(|row| (row.series, row.at, row.value.to_bits()));
    assert!(both().eq(twice.rows.iter().map(|row| (row.series, row.at, row.value.to_bits()))));
    assert_eq!(twice.points, 2 * once.points);
}

fn balance(out: &OtlpOut) {
    let points = out.refused.iter().filter(|(place, _)| {
        // `… point N`; not a whole metric, and not an exemplar.
        place
            .rsplit_once(") point ")
            .is_some_and(|(_, number)| number.bytes().all(|byte| byte.is_ascii_digit()))
    });
    assert_eq!(
        out.points,
        out.shapes.taken() + points.count() as u64,
        "a point is neither taken nor refused"
    );
    assert!(out.rows.len() as u64 >= out.shapes.taken());
    assert!(out.rows.iter().all(|row| row.at >= 0));
}

fn same(one: &OtlpOut, other: &OtlpOut) {
    let rows = |out: &OtlpOut| -> Vec<(u32, i64, u64)> {
        out.rows.iter().map(|row| (row.series, row.at, row.value.to_bits())).collect()
    };
    assert_eq!(rows(one), rows(other));
    assert_eq!(one.exemplars.len(), other.exemplars.len());
    assert_eq!(one.refused, other.refused);
    assert_eq!((one.shapes, one.points), (other.shapes, other.points));
}
