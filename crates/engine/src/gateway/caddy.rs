//! Caddyfiles, in the syntax of Caddy 2.6.

use super::{Endpoint, GatewayInput, Kind, RESPONSE_HEADERS, Recipe, UPSTREAM_CORS_HEADERS};
use super::{methods_with_options, plan_urls, unknown_upstreams_note};
use std::fmt::Write as _;

const RUN: &str = "caddy run --config Caddyfile --adapter caddyfile";

/// Page and servers on one origin.
pub(super) fn one_origin(input: &GatewayInput) -> Recipe {
    let mut text = head("The page, the source and tsink on one origin.");
    upstream_snippet(&mut text, "");
    site(&mut text, input);
    for endpoint in &input.endpoints {
        let _ = writeln!(text, "\n\thandle {} {{", endpoint.path);
        // A page of somebody else's may send a plain POST without asking first.
        text.push_str("\t\t@cross_site header Sec-Fetch-Site cross-site\n\t\trespond @cross_site 403\n");
        allowed_methods(&mut text, &endpoint.methods.join(" "));
        pass_on(&mut text, endpoint);
        text.push_str("\t}\n");
    }
    for prefix in [input.source_prefix(), "/tsink"] {
        let _ = write!(text, "\n\thandle {prefix}/* {{\n\t\trespond 404\n\t}}\n");
    }
    let _ = write!(
        text,
        "\n\thandle {{\n\t\troot * \"{}\"\n\t\tencode gzip\n\t\tfile_server\n\t}}\n}}\n",
        input.site_folder
    );
    Recipe {
        server: "Caddy".to_owned(),
        kind: Kind::OneOrigin,
        file_name: "Caddyfile".to_owned(),
        text,
        how_to_run: RUN.to_owned(),
        note: format!(
            "Copy the page's files to {} and open http://{}:{}/; use the plan with the relative URLs below.{}",
            input.site_folder,
            input.address,
            input.port,
            unknown_upstreams_note(input)
        ),
        urls: plan_urls(input, ""),
    }
}

/// CORS for a page on another origin.
pub(super) fn cors(input: &GatewayInput, origin: &str) -> Recipe {
    let mut text = head(&format!("Lets the page at {origin} reach the source and tsink."));
    // Deferred, so that it comes after the upstream's headers and replaces them.
    let _ = write!(
        text,
        "(cors) {{\n\theader {{\n\t\tAccess-Control-Allow-Origin \"{origin}\"\n\
         \t\tAccess-Control-Expose-Headers \"{}\"\n\t\tVary Origin\n\t\tdefer\n\t}}\n}}\n\n",
        RESPONSE_HEADERS.join(", ")
    );
    let _ = write!(
        text,
        "(only_the_page) {{\n\t@foreign {{\n\t\theader Origin *\n\t\tnot header Origin \"{origin}\"\n\t}}\n\
         \thandle @foreign {{\n\t\trespond 403\n\t}}\n\
         \t@preflight method OPTIONS\n\thandle @preflight {{\n\t\timport cors\n\t\theader {{\n\
         \t\t\tAccess-Control-Allow-Methods \"{{args.0}}\"\n\t\t\tAccess-Control-Allow-Headers \"{}\"\n\
         \t\t\tAccess-Control-Allow-Private-Network true\n\t\t\tAccess-Control-Max-Age 7200\n\
         \t\t}}\n\t\trespond 204\n\t}}\n}}\n\n",
        input.request_headers.join(", ")
    );
    upstream_snippet(&mut text, "\theader_down -Vary\n");
    site(&mut text, input);
    for endpoint in &input.endpoints {
        let _ = writeln!(text, "\n\thandle {} {{", endpoint.path);
        let _ = writeln!(text, "\t\timport only_the_page \"{}\"", methods_with_options(endpoint));
        text.push_str("\t\thandle {\n\t\t\timport cors\n");
        let mut inner = String::new();
        allowed_methods(&mut inner, &endpoint.methods.join(" "));
        pass_on(&mut inner, endpoint);
        for line in inner.lines() {
            let _ = writeln!(text, "\t{line}");
        }
        text.push_str("\t\t}\n\t}\n");
    }
    text.push_str("\n\thandle {\n\t\trespond 404\n\t}\n}\n");
    Recipe {
        server: "Caddy".to_owned(),
        kind: Kind::Cors,
        file_name: "Caddyfile".to_owned(),
        text,
        how_to_run: RUN.to_owned(),
        note: format!("{}{}", super::nginx::cors_note(input, origin), unknown_upstreams_note(input)),
        urls: plan_urls(input, &format!("http://{}:{}", input.address, input.port)),
    }
}

fn head(what: &str) -> String {
    format!(
        "# {what}\n# Caddy 2.6 or newer: {RUN}\n\n{{\n\t# Nobody should change a gateway at run time.\n\tadmin off\n}}\n\n"
    )
}

/// What all reverse proxies have in common. Caddy sets no limit on how long an
/// upstream may take.
fn upstream_snippet(text: &mut String, more: &str) {
    text.push_str("(upstream) {\n\theader_up Host {upstream_hostport}\n");
    for name in UPSTREAM_CORS_HEADERS {
        let _ = writeln!(text, "\theader_down -{name}");
    }
    text.push_str(more);
    // Without it Caddy 2.6.2 now and then closes the upstream in the middle of a streamed answer and ends the
    // browser's answer as if it were whole: 2 of 40 remote reads came short, and 0 of 600 with it.
    text.push_str(
        "\tbuffer_requests\n\tflush_interval -1\n\ttransport http {\n\t\tdial_timeout 10s\n\t}\n}\n\n",
    );
}

fn site(text: &mut String, input: &GatewayInput) {
    let _ = write!(
        text,
        "http://:{} {{\n\tbind {}\n\trequest_body {{\n\t\tmax_size 128MiB\n\t}}\n",
        input.port, input.address
    );
}

fn allowed_methods(text: &mut String, methods: &str) {
    let _ = write!(text, "\t\t@other_method not method {methods}\n\t\trespond @other_method 405\n");
}

fn pass_on(text: &mut String, endpoint: &Endpoint) {
    let _ = write!(
        text,
        "\t\trewrite * {}\n\t\treverse_proxy {} {{\n\t\t\timport upstream\n\t\t}}\n",
        endpoint.upstream.path,
        endpoint.upstream.origin()
    );
}
