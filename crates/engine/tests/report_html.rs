//! The HTML page: read back by a browser's parser, it holds what its renderer makes and nothing else, whatever
//! stands in the report.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "report/fixtures.rs"]
mod fixtures;

use base64::Engine as _;
use fixtures::{END, START};
use proptest::prelude::*;
use scraper::{Html, Selector};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use tsink_migrate_engine::report::{self, *};

/// Elements that a page may have, with their attributes besides `class`.
const KNOWN: &[(&str, &[&str])] = &[
    ("html", &["lang"]),
    ("head", &[]),
    ("meta", &["charset", "http-equiv", "content", "name"]),
    ("link", &["rel", "href"]),
    ("title", &[]),
    ("style", &[]),
    ("body", &[]),
    ("header", &[]),
    ("main", &[]),
    ("section", &[]),
    ("article", &[]),
    ("div", &[]),
    ("span", &[]),
    ("b", &[]),
    ("p", &[]),
    ("h1", &[]),
    ("h2", &[]),
    ("h3", &[]),
    ("h4", &[]),
    ("ul", &[]),
    ("li", &[]),
    ("dl", &[]),
    ("dt", &[]),
    ("dd", &[]),
    ("code", &[]),
    ("time", &[]),
    ("details", &[]),
    ("summary", &[]),
    ("figure", &[]),
    ("figcaption", &[]),
    ("table", &[]),
    ("caption", &[]),
    ("thead", &[]),
    ("tbody", &[]),
    ("tr", &[]),
    ("th", &["scope", "data-label"]),
    ("td", &["data-label"]),
    ("svg", &["viewBox", "preserveAspectRatio", "role", "aria-label", "x", "y"]),
    ("path", &["d"]),
    ("polyline", &["points"]),
    ("rect", &["x", "y", "width", "height"]),
];

/// Reads a page as a browser does and checks every element and attribute of it.
fn page(report: &Report) -> (String, Html) {
    let text = report::html(report);
    let html = Html::parse_document(&text);
    assert_eq!(html.errors, Vec::<std::borrow::Cow<'_, str>>::new());
    for element in html.tree.nodes().filter_map(|node| node.value().as_element()) {
        let known = KNOWN.iter().find(|(name, _)| *name == element.name());
        let (_, attributes) = known.unwrap_or_else(|| panic!("element {}", element.name()));
        for (name, value) in element.attrs() {
            assert!(name == "class" || attributes.contains(&name), "{} {name}={value}", element.name());
            let numbers = ["x", "y", "width", "height", "viewBox", "points"];
            let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '%' | ' ');
            assert!(!numbers.contains(&name) || value.chars().all(is_number), "{name}={value}");
            assert!(name != "href" || value == "data:,");
        }
    }
    // Comments and processing instructions are none of ours.
    assert!(html.tree.nodes().all(|node| !node.value().is_comment()));
    (text, html)
}

fn all(html: &Html, selector: &str) -> usize {
    html.select(&Selector::parse(selector).unwrap()).count()
}

fn shown(html: &Html, selector: &str) -> String {
    html.select(&Selector::parse(selector).unwrap()).flat_map(|found| found.text()).collect()
}

#[test]
fn snapshots_of_all_pages() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("report/snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let style = style(&report::html(&fixtures::all()[0].1));
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(&style));
    settings.bind(|| {
        for (name, document) in fixtures::all() {
            // One element a line, for those who read the changes; styles are a file of their own.
            let text = report::html(&document).replace(&style, "…").replace(&hash, "…").replace("><", ">\n<");
            insta::assert_snapshot!(format!("{name}.html"), text);
        }
    });
}

/// Writes the pages to look at them: `REPORT_PAGES=target/pages cargo test -p tsink-migrate-engine --test report_html`.
#[test]
fn pages_can_be_looked_at() {
    for (name, document) in fixtures::all() {
        let (text, _) = page(&document);
        assert_eq!(text, report::html(&document), "the same report gives the same bytes");
        if let Some(folder) = std::env::var_os("REPORT_PAGES") {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(std::path::Path::new(&folder).join(format!("{name}.html")), text).unwrap();
        }
    }
}

fn style(page: &str) -> String {
    let from = page.find("<style>").unwrap() + 7;
    page[from..from + page[from..].find("</style>").unwrap()].to_owned()
}

#[test]
fn the_policy_lets_the_styles_in_and_nothing_else() {
    let text = report::html(&Report::Verify(fixtures::explored()));
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(style(&text)));
    let policy = format!(
        "content=\"default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'\""
    );
    assert!(text.contains(&policy), "the hash belongs into report/html/style.sha256: {hash}");
    // It comes before anything that it is about.
    assert!(text.find("Content-Security-Policy").unwrap() < text.find("<style").unwrap());
    let style = style(&text);
    for fetched in ["url(", "@import", "@font-face", "image-set", "http", "//"] {
        assert!(!style.contains(fetched), "{fetched}");
    }
    // No style attribute: the policy would refuse it.
    assert!(!text.contains("style="));
}

#[test]
fn the_order_is_verdict_checklist_differences_counts_servers() {
    let (text, html) = page(&Report::Cutover(fixtures::signed()));
    let places: Vec<usize> = [
        "<h1>FAIL</h1>",
        "<h2>Checklist",
        "<h2>PromQL parity",
        "<h2>Differences",
        "<h2>Counts",
        "<h2>Coverage",
        "<h2>The way back",
        "<h2>Progress and throughput",
        "<h2>Servers, window and tool",
    ]
    .iter()
    .map(|heading| text.find(heading).unwrap_or_else(|| panic!("{heading}")))
    .collect();
    assert!(places.is_sorted(), "{places:?}");
    assert_eq!(all(&html, "h1"), 1);
    assert_eq!(all(&html, "table:not(:has(> caption))"), 0);
    assert_eq!(all(&html, "thead th:not([scope=col]), tbody th:not([scope=row])"), 0);
    assert_eq!(all(&html, "section > h2"), all(&html, "section") - 1, "all but the verdict");
    assert!(shown(&html, ".because").contains("Asked again with ranges shorter by 1 ms"));
}

#[test]
fn pictures_show_what_is_there_and_nothing_that_is_not() {
    let (_, html) = page(&Report::Verify(fixtures::explored()));
    // Two excerpts, rows and throughput.
    assert_eq!(all(&html, "figure.chart"), 4);
    // Twelve samples are missing: their source is marked, and there is no target to mark.
    let first = html.select(&Selector::parse("figure.chart").unwrap()).next().unwrap();
    let count = |selector: &str| first.select(&Selector::parse(selector).unwrap()).count();
    assert_eq!((count("svg.s.d"), count("svg.t.d"), count("svg.s"), count("svg.t")), (12, 0, 48, 36));
    assert_eq!((count("polyline.s"), count("polyline.t")), (1, 2), "the target's line has a gap");
    assert_eq!(count("rect.b"), 1, "one band below the whole run");
    // 48 columns and 4 rows; each state has its own shape.
    assert_eq!(all(&html, ".map .line"), 4);
    assert_eq!(all(&html, ".map .legend li"), 6);
    assert!(shown(&html, ".legend").contains("NaN"));
    assert!(shown(&html, ".top").contains("logarithmic scale"));

    let (_, html) = page(&Report::Preflight(fixtures::preflight(true)));
    assert_eq!(all(&html, "figure"), 0);
    assert_eq!(all(&html, "svg"), 0);
}

/// Texts that have run somewhere.
const EVIL: &[&str] = &[
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</title></head><body onload=alert(1)>",
    "'><img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>",
    "x\" onmouseover=\"alert(1)",
    "javascript:alert(1)",
    "<a href='javascript:alert(1)'>x</a>",
    "data:text/html,<script>alert(1)</script>",
    "<iframe src=https://evil.example></iframe>",
    "<object data=x></object><embed src=x>",
    "<link rel=stylesheet href=//evil.example><base href=//evil.example>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<!-- --><![CDATA[ ]]><?xml ?>",
    "</textarea></noscript><noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<math><mtext></mtext><style><img src=x onerror=alert(1)></style></math>",
    "\u{202e}gnp.exe\u{2066}\u{200b}\u{feff}\0\u{1b}[2J\r\n",
    "&lt;script&gt; &#60;script&#62; &amp;",
    "{{7*7}} ${7*7} <%= 7*7 %>",
];

/// Puts a text into every text of a report that may be any.
fn poisoned(report: &Report, evil: &str) -> Report {
    fn poison(value: &mut serde_json::Value, evil: &str, at: &str) {
        match value {
            serde_json::Value::String(text) => {
                let words = ["command", "status", "level", "kind", "side", "source_kind", "flag", "type"];
                if !words.contains(&at) {
                    *text = if at == "value" || at == "cells" {
                        evil.to_owned()
                    } else {
                        format!("{text}{evil}")
                    };
                }
            }
            serde_json::Value::Array(items) => items.iter_mut().for_each(|item| poison(item, evil, at)),
            serde_json::Value::Object(fields) => {
                fields.iter_mut().for_each(|(name, value)| poison(value, evil, name));
            }
            _ => {}
        }
    }
    let mut value = serde_json::from_str(&report::json(report)).unwrap();
    poison(&mut value, evil, "");
    report::read(&value.to_string()).unwrap()
}

#[test]
fn nothing_of_a_hostile_report_runs_or_is_fetched() {
    // Between them they have everything.
    let whole = [
        "backfill-fail",
        "backfill-recorded",
        "preflight-fail",
        "verify-fail",
        "cutover-signed",
        "repair-fail",
    ];
    for (name, document) in fixtures::all().into_iter().filter(|(name, _)| whole.contains(&name.as_str())) {
        let elements = |html: &Html| -> BTreeSet<String> {
            html.tree.nodes().filter_map(|node| Some(node.value().as_element()?.name().to_owned())).collect()
        };
        let plain = elements(&page(&poisoned(&document, "x")).1);
        for evil in EVIL {
            let (text, html) = page(&poisoned(&document, evil));
            assert_eq!(elements(&html), plain, "{name}: {evil}");
            assert!(
                !text.contains(['\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}', '\0', '\u{1b}']),
                "{name}"
            );
        }
        let (_, html) = page(&poisoned(&document, EVIL[1]));
        assert!(shown(&html, "main").contains(EVIL[1]), "{name}: it is shown as text");
    }
}

#[test]
fn numbers_of_any_size_are_drawn_within_the_picture() {
    let values = ["1e308", "-1e308", "5e-324", "NaN", "+Inf", "-Inf", "StaleNaN", "", "1e999", "-0", "0x10"];
    let mut report = fixtures::explored();
    let times = [i64::MIN, -1, 0, START, END, i64::MAX];
    let side = |shift: usize| -> Vec<ExcerptPoint> {
        (0..values.len() * times.len())
            .map(|at| ExcerptPoint {
                at_ms: times[at % times.len()],
                value: values[(at + shift) % values.len()].to_owned(),
            })
            .collect()
    };
    let check = &mut report.raw_checks[0];
    check.findings[0].excerpt =
        Some(Excerpt { source: side(0), target: side(3), differing_ms: times.to_vec() });
    check.findings[1].excerpt =
        Some(Excerpt { source: vec![], target: vec![], differing_ms: times.to_vec() });
    check.findings[0].absolute_delta = Some(1e308);
    check.coverage.column_ms = i64::MAX;
    check.coverage.start_ms = i64::MIN;
    check.source_samples = u64::MAX;
    check.source_series = u64::MAX;
    let twice = check.clone();
    report.raw_checks.push(twice);
    report.start_ms = i64::MAX;
    report.end_ms = i64::MIN;
    report.run.progress = vec![
        ProgressPoint { elapsed_ms: u64::MAX, done: u64::MAX, read: 0, rate: f64::MAX, in_flight: 0 },
        ProgressPoint {
            elapsed_ms: 0,
            done: 0,
            read: u64::MAX,
            rate: f64::NEG_INFINITY,
            in_flight: u64::MAX,
        },
        ProgressPoint { rate: f64::NAN, ..ProgressPoint::default() },
    ];
    let (_, html) = page(&Report::Verify(report));
    for svg in html.select(&Selector::parse(".chart > svg > svg.d").unwrap()) {
        for place in ["x", "y"] {
            let at: f64 = svg.value().attr(place).unwrap().trim_end_matches('%').parse().unwrap();
            assert!((0.0..=100.0).contains(&at), "{place} {at}");
        }
    }
}

#[test]
fn endless_lists_are_cut_with_a_word() {
    let mut report = fixtures::explored();
    let check = &mut report.raw_checks[0];
    check.findings = vec![check.findings[0].clone(); 2_000];
    check.coverage.rows = vec![CoverageRow { series: "a".repeat(10_000), cells: "=x".repeat(5_000) }; 3_000];
    report.notes = vec!["n".repeat(100_000); 5_000];
    report.run.selectors = vec!["s".to_owned(); 10_000];
    let (text, html) = page(&Report::Verify(report));
    assert!(text.len() < 20 << 20, "{} MiB", text.len() >> 20);
    assert!(shown(&html, "main").contains("1,700 more are not shown here."));
    assert_eq!(all(&html, "article figure"), 60, "pictures are some kilobytes each");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn any_text_stays_text(evil in r"\PC{0,30}|[<>&\x22'/=!a-z \-]{0,30}") {
        for document in [Report::Cutover(fixtures::signed()), Report::Repair(fixtures::repair(false))] {
            page(&poisoned(&document, &evil));
        }
    }
}
