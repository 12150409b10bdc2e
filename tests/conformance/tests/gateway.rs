//! Gateway recipes on the real Caddy and nginx, in front of real Prometheus and tsink.

use conformance::plan_for;
use std::sync::LazyLock;
use tsink_migrate_engine::gateway::{GatewayInput, Kind, Recipe, recipes};
use tsink_migrate_testkit::client::{Answer, Endpoint};
use tsink_migrate_testkit::history::{load, varied};
use tsink_migrate_testkit::process::free_port;
use tsink_migrate_testkit::servers::{Caddy, Nginx, Prometheus, PrometheusOptions, Tsink, TsinkOptions};
use tsink_migrate_testkit::wire::{Sample, TimeSeries, WriteRequest};

const START: i64 = 1_763_510_400_000;
const END: i64 = START + 3_600_000;
const PAGE: &str = "https://page.example";
const TOKEN: &str = "gateway-test-token";

struct Servers {
    prometheus: Prometheus,
    tsink: Tsink,
}

/// One pair of servers for all tests of this file; a guard process ends them with this one.
static SERVERS: LazyLock<Servers> = LazyLock::new(|| {
    let prometheus = Prometheus::start(PrometheusOptions::default()).unwrap();
    load(&prometheus.endpoint(), &varied(1, START, END, 15_000)).unwrap();
    let options = TsinkOptions { auth_token: Some(TOKEN.into()), admin_api: true, ..Default::default() };
    Servers { prometheus, tsink: Tsink::start(options).unwrap() }
});

/// The two web servers; a field is held for its drop.
#[allow(dead_code)]
enum Running {
    Caddy(Caddy),
    Nginx(Nginx),
}

impl Running {
    fn start(recipe: &Recipe, port: u16) -> (Self, Endpoint) {
        let running = if recipe.server == "Caddy" {
            Self::Caddy(Caddy::start(&recipe.text, port).unwrap())
        } else {
            Self::Nginx(Nginx::start(&recipe.text, port).unwrap())
        };
        (running, Endpoint::new(&format!("http://127.0.0.1:{port}")))
    }
}

fn each(kind: Kind, site: &str, test: impl Fn(&str, &Endpoint)) {
    for server in ["Caddy", "nginx"] {
        let port = free_port().unwrap();
        let plan = plan_for(&SERVERS.prometheus.url(), &SERVERS.tsink.url());
        let input = GatewayInput::from_plan(&plan, &format!("{PAGE}/migrate/"))
            .unwrap()
            .port(port)
            .site_folder(site)
            .unwrap();
        let all = recipes(&input);
        let recipe = all.iter().find(|recipe| recipe.kind == kind && recipe.server == server).unwrap();
        let (_running, gateway) = Running::start(recipe, port);
        test(server, &gateway);
    }
}

fn cors_headers(answer: &Answer) -> Vec<&(String, String)> {
    answer.headers.iter().filter(|(name, _)| name.starts_with("access-control-")).collect()
}

fn write_request(value: f64) -> WriteRequest {
    let mut series = TimeSeries::new("through_the_gateway", &[("job", "gateway")]);
    series.samples.push(Sample { value, timestamp: START });
    WriteRequest { timeseries: vec![series], metadata: Vec::new() }
}

/// Writes through the gateway to tsink and reads it back, and reads Prometheus through it.
fn assert_roundtrip(server: &str, source: &Endpoint, target: &Endpoint, value: f64) {
    let written = target.remote_write(&write_request(value)).unwrap();
    assert_eq!(written.status, 200, "{server}: {}", written.text());
    let read = target.read_metric("through_the_gateway", START, START).unwrap();
    assert_eq!(read[0].samples[0].value, value, "{server}");
    // It is really the server behind that has it.
    let behind =
        SERVERS.tsink.endpoint(&format!("tenant-{value}")).read_metric("through_the_gateway", START, START);
    assert_eq!(behind.unwrap(), read, "{server}");

    let direct = SERVERS.prometheus.endpoint().read_metric("odd_labels", START, END).unwrap();
    assert!(direct.len() > 5);
    assert_eq!(source.read_metric("odd_labels", START, END).unwrap(), direct, "{server}");
    let found = source.query("count(room_temperature_celsius)", END).unwrap();
    assert_eq!(found[0]["value"][1], "3", "{server}: {found}");
    let version = source.get_json("/api/v1/status/buildinfo").unwrap();
    assert!(version["data"]["version"].is_string(), "{server}: {version}");
}

#[test]
fn cors_lets_the_page_in_and_nobody_else() {
    each(Kind::Cors, "/srv/x", |server, gateway| {
        let preflight = |path: &str, origin: &str| {
            let asked = [
                ("Origin", origin),
                ("Access-Control-Request-Method", "POST"),
                (
                    "Access-Control-Request-Headers",
                    "authorization,content-encoding,content-type,x-tsink-tenant",
                ),
            ];
            gateway.send("OPTIONS", path, &asked, b"").unwrap()
        };
        // No token, although tsink asks for one: the preflight never gets there.
        for path in ["/tsink/api/v1/write", "/tsink/api/v1/read", "/prometheus/api/v1/read"] {
            let answer = preflight(path, PAGE);
            assert_eq!(answer.status, 204, "{server} {path}: {}", answer.text());
            assert_eq!(answer.all("access-control-allow-origin"), [PAGE], "{server} {path}");
            assert_eq!(answer.all("access-control-allow-methods"), ["POST, OPTIONS"], "{server} {path}");
            assert!(answer.header("vary").unwrap().contains("Origin"), "{server} {path}");
            let allowed = answer.header("access-control-allow-headers").unwrap().to_lowercase();
            for name in [
                "authorization",
                "content-encoding",
                "content-type",
                "x-tsink-tenant",
                "x-prometheus-remote-read-version",
                "x-prometheus-remote-write-version",
                "x-extra",
            ] {
                assert!(allowed.split(", ").any(|own| own == name), "{server} {path}: {name} in {allowed}");
            }
            let foreign = preflight(path, "https://evil.example");
            assert_eq!(foreign.status, 403, "{server} {path}");
            assert!(cors_headers(&foreign).is_empty(), "{server} {path}: {:?}", foreign.headers);
        }
        assert_eq!(preflight("/tsink/api/v1/admin/snapshot", PAGE).status, 404, "{server}");

        // A refusal must be readable, so that the page can say what is wrong.
        let page = gateway.clone().header("Origin", PAGE);
        let refused = page.get("/tsink/api/v1/status/tsdb").unwrap();
        assert_eq!(refused.status, 401, "{server}");
        assert_eq!(refused.all("access-control-allow-origin"), [PAGE], "{server}");
        assert_eq!(refused.header("x-tsink-auth-error-code"), Some("auth_token_missing"), "{server}");
        assert!(
            refused.header("access-control-expose-headers").unwrap().contains("X-Tsink-Auth-Error-Code"),
            "{server}"
        );

        // Prometheus sends CORS headers of its own; one set must be left.
        for path in ["/prometheus/api/v1/query?query=1", "/prometheus/api/v1/metadata"] {
            let answer = page.get(path).unwrap();
            assert_eq!(answer.status, 200, "{server}");
            assert_eq!(answer.all("access-control-allow-origin"), [PAGE], "{server} {path}");
            for (name, _) in cors_headers(&answer) {
                assert_eq!(answer.all(name).len(), 1, "{server} {path} {name}");
                assert!(
                    ["access-control-allow-origin", "access-control-expose-headers"].contains(&name.as_str()),
                    "{server} {path} {name}"
                );
            }
            assert_eq!(answer.all("vary"), ["Origin"], "{server} {path}");
        }
        let foreign = gateway.clone().header("Origin", "https://evil.example");
        let written = foreign.post("/tsink/api/v1/write", &[("Content-Type", "text/plain")], b"x").unwrap();
        assert_eq!(written.status, 403, "{server}");
        assert!(cors_headers(&written).is_empty(), "{server}: {:?}", written.headers);

        let value = if server == "Caddy" { 1.5 } else { 2.5 };
        let target = Endpoint::new(&format!("{}/tsink", gateway.url()))
            .header("Origin", PAGE)
            .header("Authorization", &format!("Bearer {TOKEN}"))
            .header("X-Tsink-Tenant", &format!("tenant-{value}"));
        let source = Endpoint::new(&format!("{}/prometheus", gateway.url())).header("Origin", PAGE);
        assert_roundtrip(server, &source, &target, value);
    });
}

#[test]
fn one_origin_serves_the_page_and_both_servers() {
    let site = tempfile::tempdir().unwrap();
    std::fs::write(site.path().join("index.html"), "<title>page</title>").unwrap();
    std::fs::write(site.path().join("app.wasm"), b"\0asm").unwrap();
    each(Kind::OneOrigin, site.path().to_str().unwrap(), |server, gateway| {
        let page = gateway.get("/").unwrap();
        assert_eq!((page.status, page.text().as_str()), (200, "<title>page</title>"), "{server}");
        let wasm = gateway.get("/app.wasm").unwrap();
        assert_eq!(wasm.header("content-type"), Some("application/wasm"), "{server}");

        let origin = gateway.url();
        let value = if server == "Caddy" { 3.5 } else { 4.5 };
        let target = Endpoint::new(&format!("{origin}/tsink"))
            .header("Origin", origin)
            .header("Sec-Fetch-Site", "same-origin")
            .header("Authorization", &format!("Bearer {TOKEN}"))
            .header("X-Tsink-Tenant", &format!("tenant-{value}"));
        let source = Endpoint::new(&format!("{origin}/prometheus")).header("Origin", origin);
        assert_roundtrip(server, &source, &target, value);

        // Prometheus would let any page read this; through this gateway none on another origin may.
        let answer = source.get("/api/v1/metadata").unwrap();
        assert!(cors_headers(&answer).is_empty(), "{server}: {:?}", answer.headers);
        let cross = [("Sec-Fetch-Site", "cross-site"), ("Content-Type", "text/plain")];
        assert_eq!(gateway.post("/tsink/api/v1/write", &cross, b"x").unwrap().status, 403, "{server}");
    });
}

#[test]
fn nothing_else_is_exposed() {
    let site = tempfile::tempdir().unwrap();
    for kind in [Kind::Cors, Kind::OneOrigin] {
        each(kind, site.path().to_str().unwrap(), |server, gateway| {
            let all_rights = gateway.clone().header("Authorization", &format!("Bearer {TOKEN}"));
            for path in [
                "/tsink/api/v1/admin/rbac/state",
                "/tsink/api/v1/admin/delete_series?match[]=up",
                "/tsink/api/v1/write/../admin/rbac/state",
                "/tsink/api/v1/write/%2e%2e/admin/rbac/state",
                "/tsink//api/v1/admin/rbac/state",
                "/tsink/metrics",
                "/tsink/api/v1/import/prometheus",
                "/tsink/",
                "/prometheus/",
                "/prometheus/-/reload",
                "/prometheus/api/v1/status/config",
                "/prometheus/api/v1/write",
                "/prometheus/api/v1/read/",
                "/api/v1/write",
                "/metrics",
            ] {
                for method in ["GET", "POST"] {
                    let answer = all_rights.send(method, path, &[], b"").unwrap();
                    // Caddy's file server answers a POST to a missing file like a GET; nginx says 405.
                    let refused = answer.status == 404 || (answer.status == 405 && method == "POST");
                    assert!(
                        refused,
                        "{server} {kind:?} {method} {path}: {} {}",
                        answer.status,
                        answer.text()
                    );
                }
            }
            for (method, path) in [
                ("GET", "/tsink/api/v1/write"),
                ("DELETE", "/tsink/api/v1/write"),
                ("PUT", "/prometheus/api/v1/query"),
                ("POST", "/tsink/api/v1/status/tsdb"),
            ] {
                assert_eq!(
                    all_rights.send(method, path, &[], b"").unwrap().status,
                    405,
                    "{server} {method} {path}"
                );
            }
        });
    }
}

#[test]
fn large_writes_pass() {
    each(Kind::Cors, "/srv/x", |server, gateway| {
        let target = gateway.clone().header("Authorization", &format!("Bearer {TOKEN}"));
        // 60 MiB, which tsink takes as bytes and then cannot decode: its 400 shows that all of it arrived.
        let body = vec![0xffu8; 60 << 20];
        let answer =
            target.post("/tsink/api/v1/write", &[("Content-Type", "application/x-protobuf")], &body).unwrap();
        assert_eq!(answer.status, 400, "{server}: {}", answer.text());
        assert_eq!(
            answer.all("access-control-allow-origin").len(),
            usize::from(server == "Caddy"),
            "{server}"
        );
    });
}
