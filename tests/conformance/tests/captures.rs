//! Captured payloads, sent to tsink's live endpoints: what reads back is what `tests/captures` says.
//!
//! `TSINK_RECORD_CAPTURES=1` writes what reads back into the cases; `TSINK_CAPTURE=name` takes only cases whose
//! name contains it.

use conformance::captures::{Protocol, hold};

#[test]
fn influx_cases_are_what_the_server_makes_of_them() {
    hold(Protocol::Influx);
}

#[test]
fn statsd_cases_are_what_the_server_makes_of_them() {
    hold(Protocol::Statsd);
}

#[test]
fn graphite_cases_are_what_the_server_makes_of_them() {
    hold(Protocol::Graphite);
}

#[test]
fn otlp_cases_are_what_the_server_makes_of_them() {
    hold(Protocol::Otlp);
}
