use super::{GatewayInput, Kind, recipes};
use crate::plan::{Batch, Compare, Options, Plan, Source, SourceKind, Target};
use crate::port::Secret;
use proptest::prelude::*;

fn plan(source: &str, target: &str) -> Plan {
    Plan {
        source: Source {
            kind: SourceKind::Prometheus,
            headers: vec![("authorization".into(), Secret::new("Bearer s3cret"))],
            remote_read_url: format!("{source}/api/v1/read"),
            export_url: None,
            capture_manifest_path: None,
            query_range_url: Some(format!("{source}/api/v1/query_range")),
            metadata_url: Some(format!("{source}/api/v1/metadata")),
            exemplar_url: Some(format!("{source}/api/v1/query_exemplars")),
        },
        target: Target {
            write_url: format!("{target}/api/v1/write"),
            read_url: format!("{target}/api/v1/read"),
            query_range_url: None,
            metadata_url: Some(format!("{target}/api/v1/metadata")),
            exemplar_url: None,
            status_url: Some(format!("{target}/api/v1/status/tsdb")),
            tenant: "default".into(),
            headers: vec![("X-Api-Key".into(), Secret::new("s3cret"))],
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

fn input(source: &str, target: &str, page: &str) -> GatewayInput {
    GatewayInput::from_plan(&plan(source, target), page).unwrap()
}

#[test]
fn recipes_for_a_page_elsewhere() {
    let input = input(
        "http://prometheus.example:9090/team",
        "https://tsink.example",
        "https://page.example/migrate/?x#y",
    );
    let all = recipes(&input);
    assert_eq!(all.len(), 4);
    for recipe in &all {
        let name = format!("{}_{:?}", recipe.server, recipe.kind).to_lowercase();
        insta::assert_snapshot!(name, recipe.text);
    }
    insta::assert_json_snapshot!(
        "notes_and_urls",
        all.iter().map(|r| (&r.note, &r.urls)).collect::<Vec<_>>()
    );
}

#[test]
fn a_page_without_an_origin_gets_no_cors() {
    for page in ["", "file:///home/me/index.html", "not a url"] {
        let all = recipes(&input("http://p:9090", "http://t:9201", page));
        assert!(all.iter().all(|recipe| recipe.kind == Kind::OneOrigin), "{page}");
    }
}

#[test]
fn urls_on_the_pages_own_origin_do_not_lead_back_to_it() {
    let page = "http://127.0.0.1:8080/";
    let input = input("http://127.0.0.1:8080/prometheus", "http://127.0.0.1:8080/tsink", page);
    let recipe = &recipes(&input)[0];
    assert!(recipe.text.contains("reverse_proxy http://127.0.0.1:9090 "), "{}", recipe.text);
    assert!(recipe.text.contains("rewrite * /api/v1/write\n"), "{}", recipe.text);
    assert!(!recipe.text.contains("reverse_proxy http://127.0.0.1:8080"), "{}", recipe.text);
    assert!(recipe.note.contains("put in yours"), "{}", recipe.note);
}

fn victoria(source: &str, target: &str) -> Plan {
    let mut plan = plan("http://unused", target);
    plan.source.kind = SourceKind::VictoriaMetrics;
    plan.source.remote_read_url = String::new();
    plan.source.export_url = Some(format!("{source}/api/v1/export"));
    plan.source.query_range_url = Some(format!("{source}/api/v1/query_range"));
    plan.source.metadata_url = None;
    plan.source.exemplar_url = None;
    plan
}

#[test]
fn victoriametrics_has_paths_of_its_own() {
    let far = victoria("http://victoria.example:8428/prometheus", "http://t:9201");
    let input = GatewayInput::from_plan(&far, "https://page.example/").unwrap();
    let paths: Vec<(&str, String)> = input
        .endpoints()
        .iter()
        .filter(|endpoint| !endpoint.path.starts_with("/tsink"))
        .map(|endpoint| {
            (endpoint.path.as_str(), format!("{}{}", endpoint.upstream.origin(), endpoint.upstream.path))
        })
        .collect();
    assert_eq!(
        paths,
        [
            ("/victoria/api/v1/export", "http://victoria.example:8428/prometheus/api/v1/export".to_owned()),
            (
                "/victoria/api/v1/query_range",
                "http://victoria.example:8428/prometheus/api/v1/query_range".to_owned()
            ),
            ("/victoria/metrics", "http://victoria.example:8428/metrics".to_owned()),
        ]
    );
    for recipe in recipes(&input) {
        assert!(!recipe.text.contains("/prometheus/*") && !recipe.text.contains("location /prometheus/"));
        assert_eq!(recipe.urls[0].0, "source.export_url");
        assert!(recipe.urls[0].1.ends_with("victoria/api/v1/export"));
    }
    let near = victoria("http://127.0.0.1:8080/victoria", "http://127.0.0.1:8080/tsink");
    let recipe = &recipes(&GatewayInput::from_plan(&near, "http://127.0.0.1:8080/").unwrap())[0];
    assert!(recipe.text.contains("reverse_proxy http://127.0.0.1:8428 "), "{}", recipe.text);
    assert!(
        recipe.text.contains("rewrite * /api/v1/export\n") && recipe.text.contains("rewrite * /metrics\n")
    );
    assert!(recipe.note.contains(":8428"), "{}", recipe.note);
    let mut hostile = far;
    hostile.source.export_url = Some("http://v:8428/{$HOME}/api/v1/export".into());
    assert!(GatewayInput::from_plan(&hostile, "").unwrap_err().message.contains("source.export_url"));
}

#[test]
fn secrets_stay_out() {
    let input = input("http://me:pw1234@p:9090", "http://t:9201", "https://page.example/?token=pw1234");
    let mut with_query = plan("http://me:pw1234@p:9090", "http://t:9201");
    with_query.source.remote_read_url.push_str("?token=pw1234");
    let with_query = GatewayInput::from_plan(&with_query, "https://page.example/").unwrap();
    for recipe in recipes(&input).iter().chain(&recipes(&with_query)) {
        let everything = format!("{recipe:?}");
        assert!(!everything.contains("pw1234") && !everything.contains("s3cret"), "{everything}");
    }
}

#[test]
fn hostile_values_are_refused_by_name() {
    let refused = |plan: &Plan, word: &str| {
        let error = GatewayInput::from_plan(plan, "https://page.example").unwrap_err();
        assert!(error.message.contains(word), "{error}");
        assert!(!error.remedy.is_empty());
    };
    for url in [
        "http://p:9090/x;return 200 /api/v1/read",
        "http://p:9090/{$HOME}/api/v1/read",
        "http://p:9090/$host/api/v1/read",
        "http://p\"};server{listen 1;}:9090/api/v1/read",
        "http://p;:9090/api/v1/read",
        "http://p:9090/%0a%7d/api/v1/read",
        "http://p{x}:9090/api/v1/read",
        "unix:/run/x",
        "javascript:alert(1)",
        "nothing",
    ] {
        let mut hostile = plan("http://p:9090", "http://t:9201");
        hostile.source.remote_read_url = url.into();
        refused(&hostile, "source.remote_read_url");
        let mut hostile = plan("http://p:9090", "http://t:9201");
        hostile.target.status_url = Some(url.into());
        refused(&hostile, "target.status_url");
    }
    let mut hostile = plan("http://p:9090", "http://t:9201");
    hostile.target.headers.push(("X\"; return 200; #".into(), Secret::new("")));
    refused(&hostile, "target.headers");
    let safe = plan("http://p:9090", "http://t:9201");
    assert!(GatewayInput::from_plan(&safe, "https://pa\"ge;.example/").is_err());
    let input = GatewayInput::from_plan(&safe, "").unwrap();
    for folder in ["relative", "/a\nb", "/a\"b", "/a{b}", "/a$b", "/a;b", ""] {
        assert!(input.clone().site_folder(folder).is_err(), "{folder}");
    }
}

#[test]
fn the_admin_api_is_in_no_recipe() {
    for recipe in recipes(&input("http://p:9090", "http://t:9201", "https://page.example")) {
        assert!(!recipe.text.contains("/api/v1/admin"), "{}", recipe.text);
    }
}

/// Short enough to be harmless often, odd enough to be hostile often.
const HOSTILE: &str = r##"[a-z0-9./;{}$\\#'`\"\n -]{1,5}"##;

proptest! {
    /// Whatever a plan says: refused, or every line of the recipe is one that a plain plan has too, but for
    /// addresses made of harmless characters.
    #[test]
    fn no_plan_adds_a_line(host in HOSTILE, path in HOSTILE, header in HOSTILE, page in HOSTILE) {
        let plain = input("http://p:9090", "http://t:9201", "https://page.example");
        let mut odd = plan("http://p:9090", "http://t:9201");
        odd.target.write_url = format!("http://{host}/{path}");
        odd.target.headers = vec![(header, Secret::new(""))];
        if let Ok(odd) = GatewayInput::from_plan(&odd, &format!("https://{page}/")) {
            let lines = |input: &GatewayInput| -> Vec<usize> {
                recipes(input).iter().filter(|r| r.kind == Kind::OneOrigin).map(|r| r.text.lines().count()).collect()
            };
            prop_assert_eq!(lines(&odd), lines(&plain));
            for recipe in recipes(&odd) {
                let count = |wanted: char| recipe.text.chars().filter(|c| *c == wanted).count();
                prop_assert_eq!(count('{'), count('}'));
                prop_assert!(recipe.text.is_ascii());
            }
        }
    }
}
