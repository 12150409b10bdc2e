//! Which queries of a dashboard are for Prometheus.

use super::collect::shortened;
use super::resolve::sole;
use super::tree::Node;
use super::variables::Variables;

/// Whom a query asks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asks {
    /// Prometheus, or what speaks like it; with what was taken for granted.
    Prometheus(Option<String>),
    /// Something else, and why it is left out.
    Other(String),
}

/// Decides by the query's data source, and the panel's where it has none.
pub(super) fn asks(
    query: Option<&Node>,
    panel: Option<&Node>,
    dashboard: &Node,
    variables: &Variables,
) -> Asks {
    match query.and_then(named).or_else(|| panel.and_then(named)) {
        None => Asks::Prometheus(Some(
            "No data source is named, so it is Grafana's default; it is taken for Prometheus.".to_owned(),
        )),
        Some(Named::Kind(kind)) => by_kind(kind),
        Some(Named::Name(name)) => by_name(name, dashboard, variables),
    }
}

enum Named<'n> {
    /// Type of a plugin.
    Kind(&'n str),
    /// Name or identifier.
    Name(&'n str),
}

/// What a data source says of itself; none when it leaves it to someone else.
fn named(node: &Node) -> Option<Named<'_>> {
    let uid = node.word("uid").or_else(|| node.word("name"));
    let name = match node {
        Node::Map(_) => uid,
        node => node.text().map(str::trim).filter(|text| !text.is_empty()),
    };
    // On a panel it means that each query has its own.
    if matches!(name, Some("-- Mixed --" | "-- mixed --" | "default")) {
        return None;
    }
    if let Some(kind) = node.word("type").filter(|kind| *kind != "mixed") {
        return Some(Named::Kind(kind));
    }
    name.map(Named::Name)
}

fn by_kind(kind: &str) -> Asks {
    let lower = kind.to_ascii_lowercase();
    if lower.contains("prometheus") || lower.starts_with("victoriametrics-") && !lower.contains("logs") {
        return Asks::Prometheus(None);
    }
    Asks::Other(match kind {
        "__expr__" => "it is an expression of Grafana over other queries' results".to_owned(),
        "grafana" | "datasource" => {
            "it takes data of Grafana itself, such as another panel's result".to_owned()
        }
        kind => format!("its data source is {}, not Prometheus", shortened(kind)),
    })
}

fn by_name(name: &str, dashboard: &Node, variables: &Variables) -> Asks {
    match name {
        "__expr__" => return by_kind("__expr__"),
        "-- Grafana --" | "-- Dashboard --" | "grafana" => return by_kind("grafana"),
        _ => {}
    }
    if let Some(variable) = sole(name) {
        let mut inputs = dashboard.list("__inputs").iter();
        let input = inputs.find(|input| input.word("name") == Some(variable));
        let kind = match input.and_then(|input| input.word("pluginId")) {
            Some(kind) => Some(kind),
            None => variables.get(variable).and_then(|template| template.plugin.as_deref()),
        };
        if let Some(kind) = kind {
            return by_kind(kind);
        }
    }
    let lower = name.to_ascii_lowercase();
    if lower.contains("prom") {
        return Asks::Prometheus(None);
    }
    Asks::Prometheus(Some(format!(
        "The file does not say what the data source {:?} is; it is taken for Prometheus.",
        shortened(name)
    )))
}
