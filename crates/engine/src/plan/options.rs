//! The sections `batch` (§4.5), `compare` (§4.6) and our own `options`.

use super::fields::{Fields, string};
use super::finding::{closest, shown};
use super::servers::tenant;
use super::walk::Walk;
use super::{Batch, Compare, Options, ReadVia, Redaction};
use jsonc_parser::ast::Value;

/// Rows that tsink 0.10.2 admits in flight; a larger write is refused each time it is sent.
const MAX_ROWS: u64 = 200_000;
/// Writes that tsink 0.10.2 admits in flight.
const MAX_WRITES: u64 = 64;

/// More rows a second than any server takes.
const MAX_RATE: u64 = 1_000_000_000;
/// WebAssembly's memory ends at 4 GiB, and not all of it holds slabs.
const MAX_MEMORY_MIB: u64 = 2_048;

/// Fields of `options`.
pub(super) const FIELDS: &[&str] = &[
    "dry_run",
    "read_via",
    "max_concurrent_writes",
    "max_rows_per_second",
    "max_in_flight_rows",
    "slab_samples",
    "memory_mib",
    "max_attempts",
    "backoff_base_ms",
    "backoff_cap_ms",
    "max_findings",
    "strict",
    "live_probe",
    "settle_secs",
    "recheck_secs",
    "accept_explained",
    "redact",
];

/// Reads `batch`.
pub(super) fn batch(value: Option<&Value<'_>>, walk: &mut Walk<'_, '_>) -> Option<Batch> {
    const KNOWN: &[&str] = &["max_series_per_write", "max_points_per_write", "http_timeout_secs"];
    let section = Section::read(value, "batch", KNOWN, walk)?;
    let default = Batch::default();
    // Every field is read before the first bad one ends the section: all findings come at once.
    let series = section.size("max_series_per_write", MAX_ROWS, default.max_series_per_write, walk);
    let points = section.size("max_points_per_write", MAX_ROWS, default.max_points_per_write, walk);
    let timeout = section.whole("http_timeout_secs", 3600, default.http_timeout_secs, walk);
    Some(Batch { max_series_per_write: series?, max_points_per_write: points?, http_timeout_secs: timeout? })
}

/// Reads `compare`.
pub(super) fn compare(value: Option<&Value<'_>>, walk: &mut Walk<'_, '_>) -> Option<Compare> {
    const KNOWN: &[&str] = &["max_absolute_value_delta", "max_relative_value_delta"];
    let section = Section::read(value, "compare", KNOWN, walk)?;
    let default = Compare::default();
    let absolute = section.tolerance("max_absolute_value_delta", default.max_absolute_value_delta, walk);
    let relative = section.tolerance("max_relative_value_delta", default.max_relative_value_delta, walk);
    Some(Compare { max_absolute_value_delta: absolute?, max_relative_value_delta: relative? })
}

/// Reads `options`.
pub(super) fn options(value: Option<&Value<'_>>, walk: &mut Walk<'_, '_>) -> Option<Options> {
    let section = Section::read(value, "options", FIELDS, walk)?;
    let default = Options::default();
    let dry_run = section.flag("dry_run", default.dry_run, walk);
    let read_via = section.read_via(walk);
    let writes = section.size("max_concurrent_writes", MAX_WRITES, default.max_concurrent_writes, walk);
    let rate = section.count("max_rows_per_second", MAX_RATE, default.max_rows_per_second, walk);
    let rows = section.count("max_in_flight_rows", MAX_ROWS, default.max_in_flight_rows, walk);
    // Prometheus answers no remote read with more samples (`remote.read.sample-limit`).
    let slab_samples = section.whole("slab_samples", 50_000_000, default.slab_samples, walk);
    let memory = section.between("memory_mib", 16..=MAX_MEMORY_MIB, default.memory_mib, walk);
    let attempts = section.whole("max_attempts", 100, u64::from(default.max_attempts), walk);
    let base = section.whole("backoff_base_ms", 60_000, default.backoff_base_ms, walk);
    let cap = section.whole("backoff_cap_ms", 3_600_000, default.backoff_cap_ms, walk);
    let findings = section.size("max_findings", 10_000, default.max_findings, walk);
    let strict = section.flag("strict", default.strict, walk);
    let live_probe = match section.set("live_probe") {
        Some(fields) => Some(tenant(fields, "live_probe", walk)?),
        None => None,
    };
    let settle = section.seconds("settle_secs", 7 * 86_400, default.settle_ms.unsigned_abs(), walk);
    let recheck = section.seconds("recheck_secs", 3_600, default.recheck_ms, walk);
    let accept_explained = section.flag("accept_explained", default.accept_explained, walk);
    let redact = match section.set("redact") {
        Some(fields) => redaction(fields.get("redact")?, walk),
        None => Some(default.redact),
    };
    Some(Options {
        dry_run: dry_run?,
        read_via: read_via?,
        max_concurrent_writes: writes?,
        max_rows_per_second: rate?,
        max_in_flight_rows: rows?,
        slab_samples: slab_samples?,
        memory_mib: memory?,
        max_attempts: u32::try_from(attempts?).ok()?,
        backoff_base_ms: base?,
        // A first delay above the cap is the cap.
        backoff_cap_ms: cap?,
        max_findings: findings?,
        strict: strict?,
        live_probe,
        settle_ms: i64::try_from(settle?).ok()?,
        recheck_ms: recheck?,
        accept_explained: accept_explained?,
        redact: redact?,
    })
}

/// Reads `options.redact`.
fn redaction(value: &Value<'_>, walk: &mut Walk<'_, '_>) -> Option<Redaction> {
    const PATH: &str = "options.redact";
    let fields = Fields::read(value, PATH, &["hosts", "labels"], &mut walk.found)?;
    let hosts = match fields.get("hosts") {
        Some(_) => fields.flag("hosts", &mut walk.found),
        None => Some(false),
    };
    let labels = match fields.get("labels") {
        Some(_) => {
            let (items, _) = fields.list("labels", &mut walk.found)?;
            let path = |at| format!("{PATH}.labels[{at}]");
            let read: Vec<Option<String>> = items
                .iter()
                .enumerate()
                .map(|(at, item)| Some(string(item, &path(at), &mut walk.found)?.0.to_owned()))
                .collect();
            read.into_iter().collect()
        }
        None => Some(Vec::new()),
    };
    Some(Redaction { hosts: hosts?, labels: labels? })
}

/// Warns where the batches of all concurrent writes together are more than tsink takes at once.
pub(super) fn in_flight(batch: &Batch, options: &Options, at: usize, walk: &mut Walk<'_, '_>) {
    let rows = batch.max_points_per_write.saturating_mul(options.max_concurrent_writes) as u64;
    if rows > MAX_ROWS {
        walk.found.warning(
            at,
            "batch.max_points_per_write",
            format!(
                "{} writes of {} points are {rows} rows at once; tsink admits {MAX_ROWS}, so some writes will wait and be sent again",
                options.max_concurrent_writes, batch.max_points_per_write
            ),
            "Lower batch.max_points_per_write or options.max_concurrent_writes.",
        );
    }
}

/// A section that may be missing, where every field has its default.
struct Section<'n, 't> {
    name: &'static str,
    fields: Option<Fields<'n, 't>>,
}

impl<'n, 't> Section<'n, 't> {
    /// `None` when it is there but no object.
    fn read(
        value: Option<&'n Value<'t>>,
        name: &'static str,
        known: &'static [&'static str],
        walk: &mut Walk<'_, '_>,
    ) -> Option<Self> {
        let fields = match value {
            Some(value) => Some(Fields::read(value, name, known, &mut walk.found)?),
            None => None,
        };
        Some(Self { name, fields })
    }

    /// The fields, if this one is set.
    fn set(&self, field: &str) -> Option<&Fields<'n, 't>> {
        self.fields.as_ref().filter(|fields| fields.get(field).is_some())
    }

    fn path(&self, field: &str) -> String {
        super::fields::join(self.name, field)
    }

    fn whole(&self, field: &str, most: u64, default: u64, walk: &mut Walk<'_, '_>) -> Option<u64> {
        self.between(field, 1..=most, default, walk)
    }

    /// A number that may be zero.
    fn count(&self, field: &str, most: u64, default: u64, walk: &mut Walk<'_, '_>) -> Option<u64> {
        self.between(field, 0..=most, default, walk)
    }

    fn between(
        &self,
        field: &str,
        range: std::ops::RangeInclusive<u64>,
        default: u64,
        walk: &mut Walk<'_, '_>,
    ) -> Option<u64> {
        match self.set(field) {
            Some(fields) => fields.whole(field, range, &mut walk.found),
            None => Some(walk.default(&self.path(field), default)),
        }
    }

    /// Seconds, zero allowed, as ms; `default_ms` where there are none.
    fn seconds(&self, field: &str, most: u64, default_ms: u64, walk: &mut Walk<'_, '_>) -> Option<u64> {
        let seconds = match self.set(field) {
            Some(fields) => fields.whole(field, 0..=most, &mut walk.found)?,
            None => walk.default(&self.path(field), default_ms / 1_000),
        };
        Some(seconds * 1_000)
    }

    fn size(&self, field: &str, most: u64, default: usize, walk: &mut Walk<'_, '_>) -> Option<usize> {
        self.whole(field, most, default as u64, walk).and_then(|number| usize::try_from(number).ok())
    }

    fn tolerance(&self, field: &str, default: f64, walk: &mut Walk<'_, '_>) -> Option<f64> {
        match self.set(field) {
            Some(fields) => fields.tolerance(field, &mut walk.found),
            None => {
                walk.defaults.push(format!("{} {default:e}", self.path(field)));
                Some(default)
            }
        }
    }

    fn flag(&self, field: &str, default: bool, walk: &mut Walk<'_, '_>) -> Option<bool> {
        match self.set(field) {
            Some(fields) => fields.flag(field, &mut walk.found),
            None => Some(walk.default(&self.path(field), default)),
        }
    }

    fn read_via(&self, walk: &mut Walk<'_, '_>) -> Option<ReadVia> {
        const WORDS: [&str; 2] = ["remote_read", "instant_query"];
        let path = self.path("read_via");
        let Some(fields) = self.set("read_via") else {
            walk.default(&path, "remote_read");
            return Some(ReadVia::RemoteRead);
        };
        let (word, at) = fields.string("read_via", &mut walk.found)?;
        match word {
            "remote_read" => Some(ReadVia::RemoteRead),
            "instant_query" => Some(ReadVia::InstantQuery),
            _ => {
                let remedy = match closest(word, &WORDS) {
                    Some(guess) => format!("Did you mean {guess}?"),
                    None => "Write \"remote_read\" or \"instant_query\".".to_owned(),
                };
                walk.found.error(at, &path, format!("unknown way to read {}", shown(word)), remedy);
                None
            }
        }
    }
}
