//! Base URLs in a form, endpoints in a plan.

use tsink_migrate_engine::plan::{Draft, DraftHeader};

const READ: &str = "/api/v1/read";
const WRITE: &str = "/api/v1/write";
const QUERY_RANGE: &str = "/api/v1/query_range";
const METADATA: &str = "/api/v1/metadata";
const EXEMPLARS: &str = "/api/v1/query_exemplars";
const STATUS: &str = "/api/v1/status/tsdb";

/// The source's base URL, if its endpoints lie where Prometheus has them. Empty when none is set.
pub fn source_base(draft: &Draft) -> Option<String> {
    let source = &draft.source;
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
    draft.source.kind = "prometheus".to_owned();
    draft.source.remote_read_url = at(READ, true);
    draft.source.query_range_url = at(QUERY_RANGE, true);
    draft.source.metadata_url = at(METADATA, metadata);
    draft.source.exemplar_url = at(EXEMPLARS, exemplars);
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
    fn lists_by_line() {
        assert_eq!(lines("up\n\n  node_load1 \r\n"), ["up", "node_load1"]);
        assert_eq!(token_header("T").value, "Bearer ${T}");
    }
}
