//! Grafana dashboards: exported, wrapped by the API or a resource, with panels or the rows before them, schema 1
//! and 2; or one panel alone.

use super::collect::{Candidate, Collector, shortened};
use super::interval::{self, Asked, Least, POINTS, SCRAPE_INTERVAL_MS, Steps, WINDOW_MS};
use super::resolve::{self, Context};
use super::sources::{Asks, asks};
use super::tree::Node;
use super::variables::Variables;
use super::{Import, ImportKind, ImportOptions, Variable};
use rustc_hash::FxHashSet;
use std::rc::Rc;

/// Rows in rows at most; Grafana has one level.
const MAX_ROWS: usize = 8;

/// The dashboard in a file, whatever it is wrapped in.
pub(super) fn find(root: &Node) -> Option<&Node> {
    let is_one = |node: &&Node| {
        ["panels", "rows", "targets"].iter().any(|name| node.has_list(name))
            || matches!(node.get("elements"), Some(Node::Map(_)))
    };
    let wraps = ["dashboard", "spec", "model"];
    let inner = wraps.iter().filter_map(|name| root.get(name));
    let deeper = root.at(&["dashboard", "spec"]);
    std::iter::once(root).chain(inner).chain(deeper).find(is_one)
}

/// Gathers the queries of a dashboard.
pub(super) fn read(name: &str, dashboard: &Node, options: &ImportOptions) -> Import {
    let own_ms = ["time", "timeSettings"]
        .iter()
        .filter_map(|field| dashboard.get(field))
        .find_map(|time| interval::range_ms(time.word("from")?, time.word("to")?));
    let (window_ms, window_from) = match (options.window_ms.filter(|ms| *ms > 0), own_ms) {
        (Some(ms), _) => (ms, "the window"),
        (None, Some(ms)) => (ms, "the dashboard's time range, as there is no window yet,"),
        (None, None) => (WINDOW_MS, "six hours, as there is no window yet,"),
    };
    let mut reader = Reader {
        dashboard,
        variables: Variables::read(dashboard, options, window_ms),
        window_ms: window_ms.min(100 * 365 * 86_400_000),
        window_from,
        scrape_ms: options.scrape_interval_ms.filter(|ms| *ms > 0).unwrap_or(SCRAPE_INTERVAL_MS),
        used: FxHashSet::default(),
        built_in: Vec::new(),
        into: Collector::default(),
    };
    reader.dashboard();
    let mut variables = reader.variables.used(&reader.used);
    variables.extend(reader.built_in.into_iter().map(|(name, values)| built_in(name, &values)));
    let (queries, skipped) = reader.into.finish();
    let title = dashboard.word("title").map_or_else(|| name.to_owned(), shortened);
    Import { kind: ImportKind::GrafanaDashboard, title, queries, variables, skipped }
}

/// One of Grafana's own.
fn built_in(name: String, values: &[String]) -> Variable {
    let shown: Vec<&str> = values.iter().take(3).map(String::as_str).collect();
    let more = if values.len() > shown.len() { ", …" } else { "" };
    let reason = match name.as_str() {
        "__interval" | "__interval_ms" => {
            "The step: the window over the panel's points, rounded as Grafana does."
        }
        "__rate_interval" | "__rate_interval_ms" => {
            "At least four scrapes, and one scrape more than the interval, as Grafana has it."
        }
        _ => "The length of the window.",
    };
    let several = if values.len() > 1 { " It differs by panel." } else { "" };
    Variable {
        name,
        value: format!("{}{more}", shown.join(", ")),
        options: Vec::new(),
        reason: format!("{reason}{several}"),
        can_choose: false,
    }
}

/// What a panel's queries have in common.
#[derive(Clone, Default)]
struct Panel<'n> {
    title: String,
    source: Option<&'n Node>,
    least: Option<&'n str>,
    points: Option<i64>,
    repeats: Vec<String>,
    /// Whether an expression of Grafana reads results of the panel's queries, hidden ones included.
    has_expressions: bool,
}

/// A query of a panel.
struct Target<'n> {
    /// Where `expr`, `interval`, `instant` and the like stand.
    spec: &'n Node,
    source: Option<&'n Node>,
    id: &'n str,
    hidden: bool,
    /// Whether it says itself that it is for Prometheus.
    is_prometheus: bool,
}

struct Reader<'n> {
    dashboard: &'n Node,
    variables: Variables,
    window_ms: i64,
    window_from: &'static str,
    scrape_ms: i64,
    used: FxHashSet<String>,
    /// Values of Grafana's own variables, in the order in which they came.
    built_in: Vec<(String, Vec<String>)>,
    into: Collector,
}

impl<'n> Reader<'n> {
    fn dashboard(&mut self) {
        let dashboard = self.dashboard;
        if dashboard.has_list("targets") {
            self.panel(dashboard, "", &[]);
        }
        self.panels(dashboard.list("panels"), "", &[], 0);
        for row in dashboard.list("rows") {
            let repeats: Vec<String> = row.word("repeat").map(str::to_owned).into_iter().collect();
            self.panels(row.list("panels"), row.word("title").unwrap_or_default(), &repeats, 1);
        }
        if let Some(Node::Map(elements)) = dashboard.get("elements") {
            for (_, element) in elements {
                self.element(element);
            }
        }
        for annotation in dashboard.get("annotations").map_or(&[][..], |node| node.list("list")) {
            self.annotation(annotation);
        }
    }

    fn panels(&mut self, panels: &'n [Rc<Node>], row: &str, repeats: &[String], depth: usize) {
        let (mut row, mut repeats) = (row, repeats.to_vec());
        for panel in panels {
            if panel.word("type") == Some("row") {
                // A row that is open is followed by its panels; a collapsed one holds them.
                row = panel.word("title").unwrap_or_default();
                repeats = panel.word("repeat").map(str::to_owned).into_iter().collect();
            }
            let inner = panel.list("panels");
            if inner.is_empty() {
                self.panel(panel, row, &repeats);
                continue;
            }
            if depth < MAX_ROWS {
                self.panels(inner, row, &repeats, depth + 1);
            } else if self.into.admit() {
                self.into.skip("", path(row, panel), "rows are nested too deep here");
            }
            self.panel(panel, row, &repeats);
            // What follows is no part of a row that holds its own.
            (row, repeats) = ("", Vec::new());
        }
    }

    fn panel(&mut self, panel: &'n Node, row: &str, repeats: &[String]) {
        let mut body = panel;
        let mut targets = panel.list("targets");
        if let Some(library) = panel.get("libraryPanel").filter(|_| targets.is_empty()) {
            // Exported for another Grafana, a dashboard carries its library panels along.
            let carried =
                library.word("uid").and_then(|uid| self.dashboard.at(&["__elements", uid, "model"]));
            match library.get("model").or(carried) {
                Some(model) => (body, targets) = (model, model.list("targets")),
                None if self.into.admit() => self.into.skip(
                    "",
                    path(row, panel),
                    "it is a library panel, whose queries are not in this file; export the dashboard to be shared externally",
                ),
                None => {}
            }
        }
        if targets.is_empty() {
            return;
        }
        let mut repeats = repeats.to_vec();
        repeats.extend(body.word("repeat").map(str::to_owned));
        let shared = Panel {
            title: path(row, panel),
            source: body.get("datasource"),
            least: body.word("interval"),
            points: body.word("maxDataPoints").and_then(points),
            repeats,
            has_expressions: targets.iter().any(|target| is_expression(target) && !target.is("hide")),
        };
        for target in targets {
            let id = target.word("refId").unwrap_or_default();
            let (source, hidden) = (target.get("datasource"), target.is("hide"));
            self.target(&Target { spec: target, source, id, hidden, is_prometheus: false }, &shared);
        }
    }

    /// A panel of schema 2.
    fn element(&mut self, element: &'n Node) {
        let Some(spec) = element.get("spec") else { return };
        if element.word("kind") == Some("LibraryPanel") {
            if self.into.admit() {
                self.into.skip(
                    "",
                    path("", spec),
                    "it is a library panel, whose queries are not in this file",
                );
            }
            return;
        }
        let Some(data) = spec.at(&["data", "spec"]) else { return };
        let limits = data.get("queryOptions");
        let queries = data.list("queries");
        let expression = |query: &Rc<Node>| {
            query.at(&["spec", "query"]).and_then(plugin) == Some("__expr__")
                && !query.get("spec").is_some_and(|spec| spec.is("hidden"))
        };
        let shared = Panel {
            title: path("", spec),
            least: limits.and_then(|limits| limits.word("interval")),
            points: limits.and_then(|limits| limits.word("maxDataPoints")).and_then(points),
            has_expressions: queries.iter().any(expression),
            ..Panel::default()
        };
        for query in queries {
            let Some(outer) = query.get("spec") else { continue };
            let Some(kind) = outer.get("query") else { continue };
            let Some(inner) = kind.get("spec") else { continue };
            let id = outer.word("refId").unwrap_or_default();
            let kind_name = plugin(kind).filter(|name| *name != "DataQuery");
            let is_prometheus = kind_name.is_some_and(|name| name.contains("prometheus"));
            let source = outer.get("datasource").or_else(|| kind.get("datasource"));
            let target = Target { spec: inner, source, id, hidden: outer.is("hidden"), is_prometheus };
            match kind_name {
                Some(name) if !is_prometheus => {
                    let why = format!("its data source is {}, not Prometheus", shortened(name));
                    self.foreign(&target, &shared, &why);
                }
                _ => self.target(&target, &shared),
            }
        }
    }

    fn annotation(&mut self, annotation: &'n Node) {
        let body =
            annotation.get("target").filter(|target| target.word("expr").is_some()).unwrap_or(annotation);
        if body.word("expr").is_none() || matches!(annotation.get("enable"), Some(Node::Bool(false))) {
            return;
        }
        let name = annotation.word("name").map_or_else(|| "annotation".to_owned(), shortened);
        let shared = Panel {
            title: format!("annotation {name}"),
            source: annotation.get("datasource"),
            least: annotation.word("step"),
            ..Panel::default()
        };
        self.target(
            &Target { spec: body, source: None, id: "", hidden: false, is_prometheus: false },
            &shared,
        );
    }

    fn foreign(&mut self, target: &Target<'_>, panel: &Panel<'_>, why: &str) {
        if self.into.admit() {
            self.into.skip(words(target.spec), origin(panel, target), why);
        }
    }

    fn target(&mut self, target: &Target<'n>, panel: &Panel<'n>) {
        let mut notes = Vec::new();
        let asks = if target.is_prometheus {
            Asks::Prometheus(None)
        } else {
            asks(target.source, panel.source, self.dashboard, &self.variables)
        };
        match asks {
            Asks::Other(why) => return self.foreign(target, panel, &why),
            Asks::Prometheus(_) if target.spec.get("expr").is_none() => {
                return self.foreign(target, panel, "it has no PromQL expression (expr)");
            }
            Asks::Prometheus(note) => notes.extend(note),
        }
        if !self.into.admit() {
            return;
        }
        let written = words(target.spec);
        let origin = origin(panel, target);
        if written.trim().is_empty() {
            return self.into.skip("", origin, "it is empty");
        }
        if target.hidden && !panel.has_expressions {
            return self.into.skip(written, origin, "it is hidden in its panel, so Grafana does not ask it");
        }
        if target.hidden {
            notes.push("It is hidden in its panel; an expression of Grafana reads its result.".to_owned());
        }
        let (steps, about) = self.steps(target.spec, panel, &mut notes);
        let mut step_ms = steps.step_ms;
        if target.spec.is("instant") && !target.spec.is("range") {
            // Once at the end of the window is what Grafana asks; some more times make the check worth more.
            step_ms = step_ms.max(interval::round(self.window_ms / 20));
            notes.push(
                "Grafana asks it for one time; it is checked over the window, at about 20 times.".to_owned(),
            );
        } else {
            notes.push(about);
        }
        let context =
            Context { variables: &self.variables, steps, window_ms: self.window_ms, repeats: &panel.repeats };
        let resolved = match resolve::resolve(written.trim(), &context) {
            Ok(resolved) => resolved,
            Err(why) => return self.into.skip(written, origin, why),
        };
        for name in &resolved.used {
            self.note_use(name, &steps);
        }
        for filter in self.variables.filters() {
            notes.push(format!("Grafana adds the filter {filter} to it; the check is made without."));
        }
        notes.extend(resolved.notes);
        let written = written.to_owned();
        self.into.take(Candidate { query: resolved.text, step_ms, written, origin, notes });
    }

    /// The query's step, and how it came to be.
    fn steps(&self, spec: &Node, panel: &Panel<'_>, notes: &mut Vec<String>) -> (Steps, String) {
        let mut length = |text: Option<&str>| {
            let least = text.map(|text| (text, self.length(text)));
            if let Some((text, None)) = least {
                notes.push(format!("The interval {:?} is no length and does not count.", shortened(text)));
            }
            least.and_then(|(_, least)| least).unwrap_or(Least::None)
        };
        let panel_least = length(panel.least);
        let query = length(spec.word("interval"));
        let points = panel.points.or_else(|| spec.word("maxDataPoints").and_then(points)).unwrap_or(POINTS);
        let asked = Asked {
            window_ms: self.window_ms,
            points,
            scrape_ms: self.scrape_ms,
            panel_ms: match panel_least {
                Least::Ms(ms) => Some(ms),
                _ => None,
            },
            query,
            factor: spec.word("intervalFactor").and_then(points_factor).unwrap_or(1),
        };
        let steps = interval::steps(&asked);
        let about = format!(
            "The step is {}: {} over {points} points, rounded, and not below {}{}.",
            interval::write(steps.step_ms),
            self.window_from,
            match (query, asked.panel_ms) {
                (Least::Ms(_), _) => "the query's own least step",
                (_, Some(_)) => "the panel's least interval",
                _ => "the scrape interval",
            },
            if asked.factor > 1 { format!(", times {}", asked.factor) } else { String::new() }
        );
        (steps, about)
    }

    /// A least interval, which may be a variable; none when it is no length. `$__interval` leaves it to Grafana.
    fn length(&self, text: &str) -> Option<Least> {
        match resolve::sole(text) {
            Some("__rate_interval") => return Some(Least::Rate),
            Some("__interval") => return Some(Least::None),
            _ => {}
        }
        if let Ok(ms) = interval::parse(text) {
            return Some(Least::Ms(ms));
        }
        let steps = Steps { step_ms: self.scrape_ms, rate_ms: self.scrape_ms };
        let context = Context { variables: &self.variables, steps, window_ms: self.window_ms, repeats: &[] };
        let resolved = resolve::resolve(text, &context).ok()?;
        interval::parse(&resolved.text).ok().map(Least::Ms)
    }

    fn note_use(&mut self, name: &str, steps: &Steps) {
        if self.variables.get(name).is_some() {
            self.used.insert(name.to_owned());
            return;
        }
        let Some(value) = resolve::built_in(name, steps, self.window_ms) else { return };
        match self.built_in.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) if values.contains(&value) => {}
            Some((_, values)) => values.push(value),
            None => self.built_in.push((name.to_owned(), vec![value])),
        }
    }
}

/// Row and panel.
fn path(row: &str, panel: &Node) -> String {
    let title = match (panel.word("title"), panel.word("id")) {
        (Some(title), _) => shortened(title),
        (None, Some(id)) => format!("panel {}", shortened(id)),
        (None, None) => "untitled panel".to_owned(),
    };
    if row.is_empty() { title } else { format!("{} / {title}", shortened(row)) }
}

fn origin(panel: &Panel<'_>, target: &Target<'_>) -> String {
    if target.id.is_empty() {
        panel.title.clone()
    } else {
        format!("{} / {}", panel.title, shortened(target.id))
    }
}

/// The query's text, in whatever language.
fn words(spec: &Node) -> &str {
    let fields = ["expr", "query", "rawSql", "rawQuery", "expression", "target"];
    fields.iter().find_map(|field| spec.get(field).and_then(Node::text)).unwrap_or_default()
}

fn is_expression(target: &Node) -> bool {
    let Some(source) = target.get("datasource") else { return false };
    [source.word("type"), source.word("uid"), source.text()].contains(&Some("__expr__"))
}

/// The plugin that a query of schema 2 is for.
fn plugin(query: &Node) -> Option<&str> {
    query.word("group").or_else(|| query.word("kind"))
}

fn points(text: &str) -> Option<i64> {
    text.parse::<f64>().ok().filter(|points| *points >= 1.0).map(|points| points.min(1e9) as i64)
}

fn points_factor(text: &str) -> Option<i64> {
    text.parse::<i64>().ok().filter(|factor| (1..=1_000).contains(factor))
}
