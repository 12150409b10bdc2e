//! What the conformance tests share: plans, the built command, and the native tool beside it.

pub mod agree;
pub mod captures;
pub mod command;
pub mod native_ports;
pub mod plans;
pub mod recordings;
pub mod world;

use tsink_migrate_engine::plan::{Batch, Compare, Options, Plan, Source, SourceKind, Target};
use tsink_migrate_engine::port::Secret;

/// A plan with every endpoint of a source and a target, given by their base URLs.
pub fn plan_for(source: &str, target: &str) -> Plan {
    let at = |base: &str, path: &str| format!("{base}/api/v1/{path}");
    Plan {
        source: Source {
            kind: SourceKind::Prometheus,
            headers: vec![("X-Extra".to_owned(), Secret::new("1"))],
            remote_read_url: at(source, "read"),
            export_url: None,
            capture_manifest_path: None,
            query_range_url: Some(at(source, "query_range")),
            metadata_url: Some(at(source, "metadata")),
            exemplar_url: Some(at(source, "query_exemplars")),
        },
        target: Target {
            write_url: at(target, "write"),
            read_url: at(target, "read"),
            query_range_url: Some(at(target, "query_range")),
            metadata_url: Some(at(target, "metadata")),
            exemplar_url: Some(at(target, "query_exemplars")),
            status_url: Some(at(target, "status/tsdb")),
            tenant: "default".to_owned(),
            headers: Vec::new(),
        },
        selectors: Vec::new(),
        metadata_metrics: Vec::new(),
        exemplar_checks: Vec::new(),
        promql_checks: Vec::new(),
        batch: Batch::default(),
        compare: Compare::default(),
        options: Options::default(),
    }
}
