//! Base URLs in a form, endpoints in a plan.

use tsink_migrate_engine::plan::{Draft, DraftHeader, SourceKind};

const READ: &str = "/api/v1/read";
const EXPORT: &str = "/api/v1/export";
const WRITE: &str = "/api/v1/write";
const QUERY_RANGE: &str = "/api/v1/query_range";
const METADATA: &str = "/api/v1/metadata";
const EXEMPLARS: &str = "/api/v1/query_exemplars";
const STATUS: &str = "/api/v1/status/tsdb";

/// Whether the source is VictoriaMetrics.
pub fn is_victoria(draft: &Draft) -> bool {
    draft.source.kind == SourceKind::VictoriaMetrics.as_str()
}

/// The source's base URL, if its endpoints lie where its kind has them. Empty when none is set. VictoriaMetrics has
/// them in two places, with `/prometheus` before them and without; where a plan uses both, the base is without.
pub fn source_base(draft: &Draft) -> Option<String> {
    let source = &draft.source;
    if is_victoria(draft) {
        let urls = [
            (&source.export_url, EXPORT),
            (&source.query_range_url, QUERY_RANGE),
            (&source.metadata_url, METADATA),
        ];
        return base(urls).or_else(|| {
            let short = urls.map(|(url, path)| (url.replacen(&format!("/prometheus{path}"), path, 1), path));
            base(short.each_ref().map(|(url, path)| (url, *path)))
        });
    }
    base([
        (&source.remote_read_url, READ),
        (&source.query_range_url, QUERY_RANGE),
        (&source.metadata_url, METADATA),
        (&source.exemplar_url, EXEMPLARS),
    ])
}

/// The target's base URL, if its endpoints lie where tsink has them. Empty when none is set.
pub fn target_base(draft: &Draft) -> Option<String> {
    let target = &draft.target;
    base([
        (&target.write_url, WRITE),
        (&target.read_url, READ),
        (&target.query_range_url, QUERY_RANGE),
        (&target.metadata_url, METADATA),
        (&target.exemplar_url, EXEMPLARS),
        (&target.status_url, STATUS),
    ])
}

fn base<const N: usize>(urls: [(&String, &str); N]) -> Option<String> {
    let mut found: Option<&str> = None;
    for (url, path) in urls {
        if url.is_empty() {
            continue;
        }
        let base = url.strip_suffix(path)?;
        if found.is_some_and(|found| found != base) {
            return None;
        }
        found = Some(base);
    }
    Some(found.unwrap_or_default().to_owned())
}

/// Moves the source to another base URL. Metadata and exemplars stay off where they are off.
pub fn set_source(draft: &mut Draft, base: &str) {
    let (metadata, exemplars) = (moves_metadata(draft), moves_exemplars(draft));
    let at = |path: &str, is_on: bool| at(base, path, is_on);
    let victoria = is_victoria(draft);
    if !victoria {
        draft.source.kind = SourceKind::Prometheus.as_str().to_owned();
    }
    draft.source.remote_read_url = at(READ, !victoria);
    draft.source.export_url = at(EXPORT, victoria);
    draft.source.query_range_url = at(QUERY_RANGE, true);
    draft.source.metadata_url = at(METADATA, metadata);
    draft.source.exemplar_url = at(EXEMPLARS, exemplars && !victoria);
}

/// Makes the source one of another kind at the same base URL.
pub fn set_source_kind(draft: &mut Draft, kind: SourceKind) {
    let base = source_base(draft).unwrap_or_default();
    if kind == SourceKind::VictoriaMetrics {
        // It has one way to be read.
        draft.options.read_via.clear();
    }
    draft.source.kind = kind.as_str().to_owned();
    set_source(draft, &base);
}

/// Moves the target to another base URL.
pub fn set_target(draft: &mut Draft, base: &str) {
    let at = |path: &str| at(base, path, true);
    draft.target.write_url = at(WRITE);
    draft.target.read_url = at(READ);
    draft.target.query_range_url = at(QUERY_RANGE);
    draft.target.metadata_url = at(METADATA);
    draft.target.exemplar_url = at(EXEMPLARS);
    draft.target.status_url = at(STATUS);
}

/// Whether metadata moves.
pub fn moves_metadata(draft: &Draft) -> bool {
    !draft.source.metadata_url.is_empty()
}

/// Whether exemplars move.
pub fn moves_exemplars(draft: &Draft) -> bool {
    !draft.source.exemplar_url.is_empty()
}

/// Turns metadata on or off.
pub fn set_metadata(draft: &mut Draft, is_on: bool) {
    let base = source_base(draft).unwrap_or_default();
    draft.source.metadata_url = at(&base, METADATA, is_on);
}

/// Turns exemplars on or off.
pub fn set_exemplars(draft: &mut Draft, is_on: bool) {
    let base = source_base(draft).unwrap_or_default();
    draft.source.exemplar_url = at(&base, EXEMPLARS, is_on);
}

fn at(base: &str, path: &str, is_on: bool) -> String {
    let base = base.trim().trim_end_matches('/');
    if is_on { format!("{base}{path}") } else { String::new() }
}

/// A bearer token that is asked for, so that the plan can be shared without it.
pub fn token_header(name: &str) -> DraftHeader {
    DraftHeader { name: "Authorization".to_owned(), value: format!("Bearer ${{{name}}}") }
}

/// Lines of a text, without empty ones.
pub fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_found_and_moved() {
        let mut draft = Draft::for_servers("http://p:9090", "/tsink");
        assert_eq!(source_base(&draft).as_deref(), Some("http://p:9090"));
        assert_eq!(target_base(&draft).as_deref(), Some("/tsink"));
        set_metadata(&mut draft, false);
        set_source(&mut draft, "https://other/prom/");
        assert_eq!(draft.source.remote_read_url, "https://other/prom/api/v1/read");
        assert_eq!(draft.source.metadata_url, "");
        assert!(moves_exemplars(&draft));
        set_metadata(&mut draft, true);
        assert_eq!(draft.source.metadata_url, "https://other/prom/api/v1/metadata");
        set_target(&mut draft, "");
        assert_eq!(target_base(&draft).as_deref(), Some(""));
    }

    #[test]
    fn endpoints_in_odd_places_are_left_to_the_text() {
        let mut draft = Draft::for_servers("http://p:9090", "http://t:9201");
        draft.source.query_range_url = "http://thanos/api/v1/query_range".to_owned();
        assert_eq!(source_base(&draft), None);
        draft.target.write_url = "http://t:9201/write".to_owned();
        assert_eq!(target_base(&draft), None);
        assert_eq!(source_base(&Draft::default()).as_deref(), Some(""));
    }

    #[test]
    fn a_source_of_another_kind_at_the_same_base() {
        let mut draft = Draft::for_servers("http://v:8428", "/tsink");
        draft.options.read_via = "instant_query".to_owned();
        set_source_kind(&mut draft, SourceKind::VictoriaMetrics);
        let made = Draft::for_victoriametrics("http://v:8428", "/tsink");
        assert_eq!((&draft.source, draft.options.read_via.as_str()), (&made.source, ""));
        assert_eq!(source_base(&draft).as_deref(), Some("http://v:8428"));
        draft.source.query_range_url = "http://v:8428/prometheus/api/v1/query_range".to_owned();
        assert_eq!(source_base(&draft).as_deref(), Some("http://v:8428"));
        draft.source.query_range_url = "http://other/api/v1/query_range".to_owned();
        assert_eq!(source_base(&draft), None);
        set_source(&mut draft, "/victoria");
        assert_eq!(draft.source.export_url, "/victoria/api/v1/export");
        set_source_kind(&mut draft, SourceKind::Prometheus);
        assert_eq!(draft.source.remote_read_url, "/victoria/api/v1/read");
        assert_eq!((draft.source.export_url.as_str(), draft.source.kind.as_str()), ("", "prometheus"));
    }

    #[test]
    fn lists_by_line() {
        assert_eq!(lines("up\n\n  node_load1 \r\n"), ["up", "node_load1"]);
        assert_eq!(token_header("T").value, "Bearer ${T}");
    }
}
