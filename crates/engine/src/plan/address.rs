//! URL fields.

use super::fields::Fields;
use super::walk::Walk;
use url::Url;

/// Reads a URL field as an absolute `http` or `https` URL. Nothing of a URL that is refused is repeated in a
/// message: it may hold a password or a token.
pub(super) fn url(fields: &Fields<'_, '_>, name: &str, walk: &mut Walk<'_, '_>) -> Option<String> {
    let (text, at) = fields.string(name, &mut walk.found)?;
    let path = fields.path(name);
    match absolute(text, walk.context.base) {
        Ok((url, note)) => {
            if let Some((message, remedy)) = note {
                walk.found.warning(at, &path, message, remedy);
            }
            Some(url)
        }
        Err((message, remedy)) => {
            walk.found.error(at, &path, message, remedy);
            None
        }
    }
}

type Words = (String, String);

fn words(message: &str, remedy: &str) -> Words {
    (message.to_owned(), remedy.to_owned())
}

fn absolute(text: &str, base: Option<&str>) -> Result<(String, Option<Words>), Words> {
    if text.is_empty() {
        return Err(words("the URL is empty", "Write the URL, or leave the field out."));
    }
    if text.chars().any(|ch| ch.is_whitespace() || ch.is_control()) {
        return Err(words(
            "the URL holds white space or a control character",
            "Remove it, or write %20 for a space.",
        ));
    }
    if text.contains("${") {
        return Err(words(
            "${NAME} is filled in for header values only",
            "Write the URL itself; put tokens into headers.",
        ));
    }
    let mut note = None;
    let mut url = match Url::parse(text) {
        Ok(url) => url,
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            let Some(base) = base else {
                return Err(words(
                    "this URL does not say its server, and a command has no page to resolve it against",
                    "Write the whole URL, as in http://127.0.0.1:9090/api/v1/read.",
                ));
            };
            let url = Url::parse(base).and_then(|base| base.join(text)).map_err(|_| no_url())?;
            let first = text.split('/').next().unwrap_or_default();
            if (first.contains('.') && first.chars().any(char::is_alphanumeric)) || first == "localhost" {
                note = Some(words(
                    "without http:// this is a path on the server of this page",
                    "Put http:// or https:// before it if it names a server.",
                ));
            }
            url
        }
        Err(_) => return Err(no_url()),
    };
    if !matches!(url.scheme(), "http" | "https") {
        // `prometheus:9090/api` reads as scheme `prometheus`.
        let slashes = text.split_once(':').is_some_and(|(_, rest)| rest.starts_with("//"));
        return Err(if slashes {
            words("only http and https URLs can be called", "Start it with http:// or https://.")
        } else {
            words("the URL does not start with http:// or https://", "Put http:// or https:// before it.")
        });
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(words(
            "a user name or password stands in the URL, where logs and reports would show it",
            "Remove it and add a header: \"Authorization\": \"Basic ${NAME}\".",
        ));
    }
    if url.fragment().is_some() {
        url.set_fragment(None);
        note = Some(words("what follows # in a URL never reaches a server", "Remove it."));
    }
    Ok((url.into(), note))
}

fn no_url() -> Words {
    words("this is not a URL", "Write one such as http://127.0.0.1:9090/api/v1/read.")
}

/// Host and port of a URL, for showing.
pub(super) fn host(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return String::new() };
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::absolute;

    #[test]
    fn relative_urls_resolve_against_the_page() {
        let page = Some("https://ops.example/tools/migrate/index.html?x=1#top");
        for (text, wanted) in [
            ("/api/v1/read", "https://ops.example/api/v1/read"),
            ("api/v1/read", "https://ops.example/tools/migrate/api/v1/read"),
            ("./tsink/api", "https://ops.example/tools/migrate/tsink/api"),
            ("../prometheus/api", "https://ops.example/tools/prometheus/api"),
            ("//other.example/api", "https://other.example/api"),
            ("http://h:9090/api?x=1", "http://h:9090/api?x=1"),
            ("HTTP://H/a", "http://h/a"),
        ] {
            assert_eq!(absolute(text, page), Ok((wanted.to_owned(), None)), "{text}");
        }
        assert!(absolute("prometheus.example/api", page).unwrap().1.is_some());
        assert!(absolute("http://h/a#b", page).unwrap().1.is_some());
    }

    #[test]
    fn bad_urls_are_refused_without_repeating_them() {
        for text in [
            "",
            " http://h/",
            "http://h/a b",
            "ftp://secret-host/",
            "prometheus:9090/secret",
            "http://",
            "http://[::1",
            "http://me:secret@h/",
            "http://secret@h/",
            "http://h:99999/secret",
            "http://h/${SECRET}",
            "/secret",
            "javascript:secret",
            "file:///secret",
            "data:secret",
        ] {
            let (message, remedy) = absolute(text, None).expect_err(text);
            assert!(!message.contains("secret") && !remedy.contains("secret"), "{message} {remedy}");
            assert!(!remedy.is_empty());
        }
    }
}
