//! The head of a ledger: whose it is.

use super::line;
use crate::error::{Error, ErrorKind, Result, redact_url};
use crate::model::{Labels, Millis, Window};
use crate::plan::{Plan, format_time};
use crate::wire::prom_read::labels_identity;
use serde::{Deserialize, Serialize};

/// What every ledger begins with.
const FORMAT: &str = "tsink-migrate-ledger";
/// The version that this program writes and reads.
const VERSION: u32 = 1;

/// The first line of a ledger. It holds no header values, and of URLs neither user name, password nor query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Header {
    format: String,
    version: u32,
    /// Version of the program that began it.
    tool: String,
    /// How that program hashes series.
    hash: String,
    /// When it was begun, Unix ms.
    pub begun_ms: Millis,
    #[serde(flatten)]
    pub about: About,
}

/// What a migration is about: data, and where it goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct About {
    pub source_kind: String,
    pub source: String,
    pub target: String,
    pub target_read: String,
    /// Tells whole URLs apart whose shown parts are the same. 16 bits, from which nobody learns a query's secret.
    pub urls: String,
    pub tenant: String,
    pub selectors: Vec<String>,
    pub window: Window,
    pub read_via: String,
    pub metadata: Vec<String>,
    pub exemplars: Vec<(String, u64)>,
}

impl About {
    /// What a plan and a window are about.
    pub fn of(plan: &Plan, window: Window) -> Self {
        let (source, target) = (&plan.source, &plan.target);
        let shown = |url: &str| if url.is_empty() { String::new() } else { redact_url(url) };
        let urls = [
            Some(source.samples_url()),
            source.metadata_url.as_deref(),
            source.exemplar_url.as_deref(),
            Some(&*target.write_url),
            Some(&*target.read_url),
        ];
        let all: String = urls.into_iter().flatten().map(without_user).collect();
        let folded = crc32c::crc32c(all.as_bytes());
        Self {
            source_kind: source.kind.as_str().to_owned(),
            source: match &source.capture_manifest_path {
                Some(path) => path.clone(),
                None => shown(source.samples_url()),
            },
            target: shown(&target.write_url),
            target_read: shown(&target.read_url),
            urls: format!("{:04x}", folded & 0xffff),
            tenant: target.tenant.clone(),
            selectors: plan.selectors.iter().map(|selector| selector.text.clone()).collect(),
            window,
            read_via: match plan.options.read_via {
                crate::plan::ReadVia::RemoteRead => "remote_read",
                crate::plan::ReadVia::InstantQuery => "instant_query",
            }
            .to_owned(),
            metadata: plan.metadata_metrics.clone(),
            exemplars: plan.exemplar_checks.iter().map(|check| (check.query.clone(), check.limit)).collect(),
        }
    }

    /// The key of its ledger.
    pub fn key(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        format!("{:032x}", labels_identity(&Labels::from_pairs([("about", text)])))
    }

    /// What this plan has otherwise than the one of a ledger, in words; none when nothing is.
    pub fn differs_from(&self, other: &Self) -> Option<String> {
        let mut told = Vec::new();
        let mut names = |what: &str, here: &str, there: &str| {
            if here != there {
                told.push(format!("{what} was {there} and is {here}"));
            }
        };
        names("the source's kind", &self.source_kind, &other.source_kind);
        names("the source", &self.source, &other.source);
        names("the target", &self.target, &other.target);
        names("the target's read_url", &self.target_read, &other.target_read);
        names("the tenant", &self.tenant, &other.tenant);
        names("read_via", &self.read_via, &other.read_via);
        if self.source == other.source && self.target == other.target && self.urls != other.urls {
            told.push("a URL has another query".to_owned());
        }
        if self.selectors != other.selectors {
            told.push(match lists(&self.selectors, &other.selectors) {
                Some(words) => format!("of the selectors, {words}"),
                None => "the selectors are in another order".to_owned(),
            });
        }
        if self.metadata != other.metadata {
            told.push("metadata_metrics are others".to_owned());
        }
        if self.exemplars != other.exemplars {
            told.push("exemplar_checks are others".to_owned());
        }
        if self.window != other.window {
            let Window { start_ms, end_ms } = other.window;
            told.push(format!(
                "the window was {} to {}: give --start-ms {start_ms} --end-ms {end_ms} to continue that one",
                format_time(start_ms),
                format_time(end_ms)
            ));
        }
        (!told.is_empty()).then(|| told.join("; "))
    }

    /// Whether this could be the other one after a change of the plan: of the source, the target, the selectors and
    /// the window, one at most is another.
    pub fn is_near(&self, other: &Self) -> bool {
        let same = [
            (&self.source_kind, &self.source) == (&other.source_kind, &other.source),
            (&self.target, &self.tenant) == (&other.target, &other.tenant),
            self.selectors == other.selectors,
            self.window == other.window,
        ];
        same.iter().filter(|same| !**same).count() <= 1
    }
}

/// What is in one list only.
fn lists(here: &[String], there: &[String]) -> Option<String> {
    let only = |one: &[String], other: &[String]| {
        let own: Vec<&str> = one.iter().filter(|text| !other.contains(text)).map(String::as_str).collect();
        match own.as_slice() {
            [] => None,
            [one] => Some((*one).to_owned()),
            [one, rest @ ..] => Some(format!("{one} and {} more", rest.len())),
        }
    };
    let told = [
        only(here, there).map(|names| format!("{names} is new")),
        only(there, here).map(|names| format!("{names} is gone")),
    ];
    let told: Vec<String> = told.into_iter().flatten().collect();
    (!told.is_empty()).then(|| told.join(" and "))
}

/// A URL without user name and password.
fn without_user(url: &str) -> String {
    let Ok(mut parsed) = url::Url::parse(url) else { return url.to_owned() };
    let _ = parsed.set_username("");
    let _ = parsed.set_password(None);
    parsed.into()
}

/// How this build hashes series: hashes of another one mean nothing here.
fn hash() -> String {
    let probe = labels_identity(&Labels::from_pairs([("__name__", "probe"), ("a", "b")]));
    format!("{:016x}-{}", probe as u64, usize::BITS)
}

impl Header {
    /// A new ledger.
    pub fn new(about: About, begun_ms: Millis) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            hash: hash(),
            begun_ms,
            about,
        }
    }

    /// Reads the first line, without its end; `sum` becomes its checksum.
    ///
    /// # Errors
    /// When it is no ledger's, one of another version, or damaged.
    pub fn read(first: &str, sum: &mut u32) -> Result<Self> {
        let no_ledger = || {
            Error::new(ErrorKind::Input, "this is not a ledger of tsink-migrate")
                .remedy("Choose a file that was exported here, or the ledger.jsonl of the command.")
        };
        #[derive(Deserialize)]
        struct Kind {
            format: String,
            version: u64,
            tool: Option<String>,
        }
        let kind: Kind = serde_json::from_str(first).map_err(|_| no_ledger())?;
        if kind.format != FORMAT {
            return Err(no_ledger());
        }
        if kind.version != u64::from(VERSION) {
            let by = kind.tool.map(|tool| format!(", written by version {tool:.20}")).unwrap_or_default();
            return Err(Error::new(
                ErrorKind::Input,
                format!("the ledger has the format version {}{by}; this program reads {VERSION}", kind.version),
            )
            .remedy("Continue it with the version that wrote it, or begin anew: what is there is not written twice."));
        }
        let damaged = || {
            Error::new(ErrorKind::Input, "the first line of the ledger is damaged")
                .remedy("Begin anew: what is there is not written twice.")
        };
        let json = line::unseal(first, sum).ok_or_else(damaged)?;
        let header: Self = serde_json::from_str(&json).map_err(|_| damaged())?;
        let Window { start_ms, end_ms } = header.about.window;
        if start_ms > end_ms {
            return Err(damaged());
        }
        Ok(header)
    }

    /// Whether its hashes are those of this build.
    pub fn is_of_this_build(&self) -> bool {
        self.hash == hash()
    }
}
