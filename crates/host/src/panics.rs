//! A defect of ours must not end in silence: a panic kills the wasm instance, and whoever waits for it would
//! wait for ever.

use std::panic::PanicHookInfo;
use tsink_migrate_engine::{Error, ErrorKind};

/// Calls `tell` with the error to show, before the instance dies.
pub fn report_to(tell: impl Fn(Error) + Send + Sync + 'static) {
    std::panic::set_hook(Box::new(move |info| tell(error(info))));
}

fn error(info: &PanicHookInfo<'_>) -> Error {
    let place = info.location().map(|at| format!(" at {}:{}", file_name(at.file()), at.line()));
    // A message that was put together may hold anything, a header value included; a literal holds nothing.
    let words = info.payload().downcast_ref::<&'static str>().map(|words| format!(" ({words})"));
    Error::new(
        ErrorKind::Internal,
        format!(
            "the engine stopped because of a defect of its own{}{}",
            place.unwrap_or_default(),
            words.unwrap_or_default()
        ),
    )
    .remedy(
        "What the target acknowledged is there. Start again; if it happens again, report it with this message.",
    )
}

/// The part of a source path that says something to a reader: from `src/` on, with the crate's folder.
fn file_name(path: &str) -> &str {
    let Some((before, _)) = path.rsplit_once("/src/") else { return path };
    let crate_start = before.rfind('/').map_or(0, |slash| slash + 1);
    path.get(crate_start..).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn source_paths_lose_the_build_machine() {
        assert_eq!(file_name("/home/me/x/crates/engine/src/run.rs"), "engine/src/run.rs");
        assert_eq!(file_name("crates/engine/src/run/a.rs"), "engine/src/run/a.rs");
        assert_eq!(file_name("a.rs"), "a.rs");
    }
}
