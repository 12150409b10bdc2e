//! nginx configurations, in the syntax of nginx 1.22. They are files for `conf.d`: what stands inside
//! `http { … }`.

use super::{Endpoint, GatewayInput, Kind, RESPONSE_HEADERS, Recipe, UPSTREAM_CORS_HEADERS};
use super::{methods_with_options, plan_urls, unknown_upstreams_note};
use std::fmt::Write as _;

const FILE_NAME: &str = "tsink-migrate.conf";
const RUN: &str = "cp tsink-migrate.conf /etc/nginx/conf.d/\nnginx -t\nnginx -s reload";

/// Page and servers on one origin.
pub(super) fn one_origin(input: &GatewayInput) -> Recipe {
    let mut text = head("The page, the source and tsink on one origin.");
    server(&mut text, input);
    let _ = write!(
        text,
        "    root \"{}\";\n    gzip on;\n    gzip_types application/wasm text/javascript application/javascript text/css application/json;\n",
        input.site_folder
    );
    for endpoint in &input.endpoints {
        let _ = writeln!(text, "\n    location = {} {{", endpoint.path);
        // A page of somebody else's may send a plain POST without asking first.
        text.push_str("        if ($http_sec_fetch_site = \"cross-site\") { return 403; }\n");
        allowed_methods(&mut text, &endpoint.methods.join("|"));
        // The answers of an API are left as they come.
        text.push_str("        gzip off;\n");
        pass_on(&mut text, endpoint);
        text.push_str("    }\n");
    }
    let _ = write!(
        text,
        "\n    location {}/ {{ return 404; }}\n    location /tsink/ {{ return 404; }}\n\n    location / {{\n        \
         try_files $uri $uri/index.html =404;\n    }}\n}}\n",
        input.source_prefix()
    );
    Recipe {
        server: "nginx".to_owned(),
        kind: Kind::OneOrigin,
        file_name: FILE_NAME.to_owned(),
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
    server(&mut text, input);
    // Clients that are no pages send no Origin and may pass. An empty header is not sent. (A `map` would
    // need a larger hash bucket for a long origin, and that can be set only once for all files.)
    let _ = write!(
        text,
        "    proxy_hide_header Vary;\n\n    set $tsink_migrate_allow \"\";\n    set $tsink_migrate_expose \"\";\n    \
         set $tsink_migrate_foreign 1;\n    \
         if ($http_origin = \"\") {{\n        set $tsink_migrate_foreign 0;\n    }}\n    \
         if ($http_origin = \"{origin}\") {{\n        set $tsink_migrate_foreign 0;\n        \
         set $tsink_migrate_allow \"{origin}\";\n        set $tsink_migrate_expose \"{}\";\n    }}\n",
        RESPONSE_HEADERS.join(", ")
    );
    for endpoint in &input.endpoints {
        let _ = writeln!(text, "\n    location = {} {{", endpoint.path);
        text.push_str("        if ($tsink_migrate_foreign) { return 403; }\n");
        text.push_str("        if ($request_method = OPTIONS) {\n");
        cors_headers(&mut text, "            ");
        let _ = write!(
            text,
            "            add_header Access-Control-Allow-Methods \"{}\";\n            \
             add_header Access-Control-Allow-Headers \"{}\";\n            \
             add_header Access-Control-Allow-Private-Network true;\n            \
             add_header Access-Control-Max-Age 7200;\n            return 204;\n        }}\n",
            methods_with_options(endpoint),
            input.request_headers.join(", ")
        );
        allowed_methods(&mut text, &endpoint.methods.join("|"));
        // With "always": a page must be able to read refusals too.
        cors_headers(&mut text, "        ");
        text.push_str("        add_header Access-Control-Expose-Headers $tsink_migrate_expose always;\n");
        pass_on(&mut text, endpoint);
        text.push_str("    }\n");
    }
    text.push_str("\n    location / { return 404; }\n}\n");
    Recipe {
        server: "nginx".to_owned(),
        kind: Kind::Cors,
        file_name: FILE_NAME.to_owned(),
        text,
        how_to_run: RUN.to_owned(),
        note: format!("{}{}", cors_note(input, origin), unknown_upstreams_note(input)),
        urls: plan_urls(input, &format!("http://{}:{}", input.address, input.port)),
    }
}

/// What an operator must know about a gateway with CORS, whichever server it is.
pub(super) fn cors_note(input: &GatewayInput, origin: &str) -> String {
    let mut note = format!("Only the page at {origin} is allowed; use the plan with the URLs below.");
    if origin.starts_with("https:") && input.address != "127.0.0.1" {
        note.push_str(
            " A page on https cannot call an http address other than this machine's own: give the gateway a \
             host name and a certificate, and put https in the URLs.",
        );
    }
    note
}

fn head(what: &str) -> String {
    format!("# {what}\n# nginx 1.22 or newer; a file for /etc/nginx/conf.d.\n\n")
}

fn server(text: &mut String, input: &GatewayInput) {
    let _ = write!(
        text,
        "server {{\n    listen {}:{};\n    server_name _;\n    client_max_body_size 128m;\n    \
         client_body_timeout 600s;\n    large_client_header_buffers 4 32k;\n\n    \
         proxy_http_version 1.1;\n    proxy_set_header Connection \"\";\n    proxy_request_buffering off;\n    \
         proxy_buffering off;\n    proxy_connect_timeout 10s;\n    proxy_send_timeout 600s;\n    \
         proxy_read_timeout 600s;\n",
        input.address, input.port
    );
    if input.endpoints.iter().any(|endpoint| endpoint.upstream.tls) {
        text.push_str(
            "    proxy_ssl_server_name on;\n    proxy_ssl_verify on;\n    proxy_ssl_verify_depth 4;\n    \
             proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;\n",
        );
    }
    for name in UPSTREAM_CORS_HEADERS {
        let _ = writeln!(text, "    proxy_hide_header {name};");
    }
}

fn cors_headers(text: &mut String, indent: &str) {
    let _ = write!(
        text,
        "{indent}add_header Access-Control-Allow-Origin $tsink_migrate_allow always;\n\
         {indent}add_header Vary Origin always;\n"
    );
}

fn allowed_methods(text: &mut String, methods: &str) {
    let _ = writeln!(text, "        if ($request_method !~ ^({methods})$) {{ return 405; }}");
}

fn pass_on(text: &mut String, endpoint: &Endpoint) {
    let _ = writeln!(text, "        proxy_pass {}{};", endpoint.upstream.origin(), endpoint.upstream.path);
}
