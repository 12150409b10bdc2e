use super::Statsd;
use crate::capture::{LineProtocol, QueryParams, SeriesTable};

/// Each event's sample as text, or the reason why it is refused.
fn packets(packets: &[&[&str]]) -> Vec<String> {
    let mut table = SeriesTable::default();
    let mut statsd = Statsd::new();
    let mut out = Vec::new();
    for packet in packets {
        statsd.begin(&QueryParams::new()).unwrap();
        for event in *packet {
            let mut rows = Vec::new();
            out.push(match statsd.line(event, 99, &mut table, &mut rows) {
                Ok(false) => String::new(),
                Ok(true) => {
                    let [row] = rows[..] else { panic!("{rows:?}") };
                    assert_eq!(row.at, 99);
                    format!("{} {}", table.labels(row.series).unwrap(), row.value)
                }
                Err(refusal) => {
                    assert_eq!(rows, []);
                    format!("{:?}: {}", refusal.kind, refusal.message)
                }
            });
        }
    }
    out
}

#[test]
fn types_rates_and_tags() {
    for (event, result) in [
        ("api.requests:2|c|@0.5|#env:prod", r#"api_requests{env="prod"} 4"#),
        ("a:-3.5|C", "a -3.5"),
        ("a:1e308|c|@0.1", "a inf"),
        ("a:12|ms", "a 12"),
        ("a:12|MS|@0.1", r#"a{statsd_sample_rate="0.1"} 12"#),
        ("a:1|h|@1.0|#b", r#"a{b="true",statsd_sample_rate="1"} 1"#),
        ("a:1|d|#b:,c: x y ,,d:e:f|@1e-7", r#"a{c="x y",d="e:f",statsd_sample_rate="0.0000001"} 1"#),
        ("a:x y|s", r#"a{statsd_set_member="x y"} 1"#),
        ("a:|s|#b:c", r#"a{b="c"} 1"#),
        ("a:1|g|#b:1|#c:2", r#"a{b="1",c="2"} 1"#),
        (" 5a b:c:1|c", "Number: counter value has invalid numeric value 'c:1'"),
        (" 5a b:1|c\r", "_5a_b 1"),
        ("a:1|c|# b :1,ü:2", r#"a{_b_="1",_xc3__xbc_="2"} 1"#),
        ("", ""),
        (" \r", ""),
    ] {
        assert_eq!(packets(&[&[event, event], &[event]]), [result; 3], "{event:?}");
    }
}

#[test]
fn what_is_refused_is_named_as_the_server_names_it() {
    for (event, refusal) in [
        ("a", "Syntax: is missing ':' separator"),
        ("a:1", "Syntax: is missing a metric type"),
        ("a:1|", "UnsupportedType: uses unsupported StatsD type ''"),
        ("a:1|KV", "UnsupportedType: uses unsupported StatsD type 'kv'"),
        (":1|c", "Name: metric name must not be empty"),
        ("a:1|c|", "Syntax: contains unsupported segment ''"),
        ("a:1|c|T123", "Syntax: contains unsupported segment 'T123'"),
        ("a:1|c|@0.5|@0.5", "Syntax: contains duplicate sample-rate segments"),
        ("a:1|c|@", "Number: sample rate has invalid numeric value ''"),
        ("a:1|c|@inf", "Number: sample rate must be finite"),
        ("a:1|c|@0", "Number: sample rate must be within (0, 1], got 0"),
        ("a:1|c|@1.5", "Number: sample rate must be within (0, 1], got 1.5"),
        ("a:1|g|@0.5", "UnsupportedType: gauge sample rates are not supported"),
        ("a:1|s|@1", "UnsupportedType: set sample rates are not supported"),
        ("a:1|c|#:x", "Name: tag label name must not be empty"),
        ("a: 1|c", "Number: counter value has invalid numeric value ' 1'"),
        ("a:nan|g", "Number: gauge value must be finite"),
        ("a:+|g", "Number: relative gauge delta has invalid numeric value ''"),
        ("a:-inf|g", "Number: relative gauge delta must be finite"),
        ("a:x|ms", "Number: timer value has invalid numeric value 'x'"),
        ("a:x|h", "Number: histogram value has invalid numeric value 'x'"),
        ("a:x|d", "Number: distribution value has invalid numeric value 'x'"),
        ("a:1|c|#b:1,b:2", "Label: contains duplicate label 'b'"),
        ("a:1|s|#statsd_set_member:x", "Label: contains duplicate label 'statsd_set_member'"),
        // Of several faults, the one that the server names.
        (":x|kv|@2", "Number: sample rate must be within (0, 1], got 2"),
        (":x|kv", "Name: metric name must not be empty"),
        ("a:x|g|@1|#b,b", "UnsupportedType: gauge sample rates are not supported"),
        ("a:x|c|#b,b", "Number: counter value has invalid numeric value 'x'"),
    ] {
        let result = packets(&[&["a:1|c"], &[event, event], &["a:2|c"]]);
        assert_eq!(result, ["a 1", refusal, refusal, "a 2"], "{event:?}");
    }
}

#[test]
fn relative_gauges_keep_their_state_from_packet_to_packet() {
    let events = [
        ("a:+5|g", "a 5"),
        ("a:-2|g", "a 3"),
        ("a:-10|g|#b:1,c:2", r#"a{b="1",c="2"} -10"#),
        ("a:+1|g|#c:2|#b: 1 ", r#"a{b="1",c="2"} -9"#),
        ("a:x|g", "Number: gauge value has invalid numeric value 'x'"),
        ("a:+1|G", "a 4"),
        ("a.:+1|g", "a_ 1"),
        ("a_:+1|g", "a_ 2"),
        ("a:7|g", "a 7"),
        ("a:+--1|g", "Number: relative gauge delta has invalid numeric value '--1'"),
        ("a:+-1|g", "a 6"),
        ("a:--1|g", "a 7"),
        ("a:+1|g|#b:", "a 1"),
        ("a:+1|g", "a 8"),
    ];
    let (lines, results): (Vec<&str>, Vec<&str>) = events.into_iter().unzip();
    assert_eq!(packets(&[&lines]), results);
    let each: Vec<&[&str]> = lines.chunks(1).collect();
    assert_eq!(packets(&each), results);
}

#[test]
fn sums_may_be_infinite() {
    let mut values = Vec::new();
    let mut statsd = Statsd::new();
    for event in ["a:-1e308|g", "a:-1e308|g", "a:+1e308|g", "a:0|g"] {
        statsd.line(event, 0, &mut SeriesTable::default(), &mut values).unwrap();
    }
    let values: Vec<f64> = values.iter().map(|row| row.value).collect();
    assert_eq!(values, [-1e308, f64::NEG_INFINITY, f64::NEG_INFINITY, 0.0]);
}

#[test]
fn one_packet_speaks_of_a_metric_in_one_type() {
    let conflict = "MetadataConflict: produced conflicting metadata updates for metric 'a'";
    let result = packets(&[
        &["a:1|c", "a:1|g", "a:2|c|#x", "a:+1|g", "b:1|g"],
        // What was refused has changed the gauge; and what counts is the packet.
        &["a:+1|g", "a:1|c", "a:1|c|@2", "b:1|c"],
        &["a:1|h", "a:1|d", "a:1|kv"],
    ]);
    assert_eq!(
        result,
        [
            "a 1",
            conflict,
            "a{x=\"true\"} 2",
            conflict,
            "b 1",
            "a 3",
            conflict,
            "Number: sample rate must be within (0, 1], got 2",
            "b 1",
            "a 1",
            conflict,
            "UnsupportedType: uses unsupported StatsD type 'kv'",
        ]
    );
}

#[test]
fn families_are_what_the_server_stores_and_the_last_type_counts() {
    let mut table = SeriesTable::default();
    let mut statsd = Statsd::new();
    for (event, kind, help) in [
        ("a:1|c", "counter", "StatsD counter sample"),
        ("a:1|g", "gauge", "StatsD gauge sample"),
        ("a:1|c|#b", "counter", "StatsD counter sample"),
        ("a:1|ms", "summary", "StatsD timer sample in milliseconds"),
        ("a:1|h", "histogram", "StatsD histogram sample"),
        ("a:1|d", "histogram", "StatsD distribution sample"),
        ("a:1|s", "stateset", "StatsD set membership event"),
        ("a:1|c", "counter", "StatsD counter sample"),
        ("a:1|g", "gauge", "StatsD gauge sample"),
    ] {
        statsd.begin(&QueryParams::new()).unwrap();
        statsd.line(event, 0, &mut table, &mut Vec::new()).unwrap();
        let [family] = table.families() else { panic!("{:?}", table.families()) };
        assert_eq!((family.name.as_str(), family.kind.as_str()), ("a", kind));
        assert_eq!((family.help.as_str(), family.unit.as_str()), (help, ""));
    }
    assert_eq!(table.len(), 3);
    assert_eq!(statsd.payload_limits(), (Some(1024), Some(8192)));
}

#[test]
fn values_make_no_series_but_those_of_sets() {
    let mut table = SeriesTable::default();
    let mut statsd = Statsd::new();
    for at in 0..100 {
        for kind in ["c|@0.5", "ms|#a:b", "g", "s"] {
            statsd.begin(&QueryParams::new()).unwrap();
            let line = format!("m{}:{at}|{kind}", kind.len());
            statsd.line(&line, at, &mut table, &mut Vec::new()).unwrap();
        }
    }
    // One of each, and a hundred members.
    assert_eq!((table.len(), statsd.known.len()), (103, 103));
}
