//! Sharing the open report: by a link that carries it, or as a file.

use super::link;
use super::shorten::{STEPS, shorten};
use crate::browser;
use crate::browser::squeeze;
use crate::state::Store;
use leptos::prelude::*;
use leptos::task::spawn_local;
use tsink_migrate_engine::report;

/// A link, or why there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// Nobody asked for one.
    #[default]
    None,
    /// It is being made.
    Making,
    /// Here it is.
    Made {
        /// The link.
        url: String,
        /// Whether details are left out.
        is_short: bool,
        /// Whether it is on the clipboard.
        is_copied: bool,
    },
    /// The report does not fit into a link.
    TooLong {
        /// Characters that the link would have.
        chars: usize,
        /// Whether that is the shortest.
        is_shortest: bool,
    },
    /// This browser cannot make one.
    Unable,
}

/// Names of labels in what somebody typed, with spaces or commas between.
pub fn labels(typed: &str) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for label in typed.split(|c: char| c.is_whitespace() || c == ',' || c == ';') {
        if !label.is_empty() && !labels.iter().any(|own| own == label) {
            labels.push(label.to_owned());
        }
    }
    labels
}

impl Store {
    /// Makes a link of the open report as it is shown, and copies it; with `short`, of as much of it as fits.
    pub fn make_link(self, short: bool) {
        let Some(shown) = self.reports.opened.with_untracked(|opened| Some(opened.as_ref()?.shown.clone()))
        else {
            return;
        };
        self.reports.link.set(Link::Making);
        spawn_local(async move {
            let mut made = if short {
                Link::TooLong { chars: 0, is_shortest: true }
            } else {
                match shown.json.text().await {
                    Some(json) => of(&json, false).await,
                    None => Link::Unable,
                }
            };
            for step in 0..STEPS {
                if !short || !matches!(made, Link::TooLong { .. }) {
                    break;
                }
                let mut less = (*shown.report).clone();
                shorten(&mut less, step);
                made = of(&report::json(&less), true).await;
            }
            let words = match &mut made {
                Link::Made { url, is_copied, .. } => {
                    *is_copied = browser::copy(url.clone()).await;
                    if *is_copied {
                        "The link is on the clipboard."
                    } else {
                        "The link is ready to be copied."
                    }
                }
                Link::TooLong { .. } => "The report is too long for a link.",
                _ => "This browser cannot make links.",
            };
            // Something else may have been opened, or hidden, meanwhile.
            let is_same = self.reports.opened.with_untracked(|opened| {
                opened.as_ref().is_some_and(|opened| std::sync::Arc::ptr_eq(&opened.shown, &shown))
            });
            if is_same {
                self.said.set(words.to_owned());
                self.reports.link.set(made);
            }
        });
    }
}

async fn of(json: &str, is_short: bool) -> Link {
    let Ok(deflated) = squeeze::deflate(json).await else { return Link::Unable };
    let url = link::with_data(&browser::page_url(), &deflated);
    if url.len() > link::LONGEST {
        return Link::TooLong { chars: url.len(), is_shortest: is_short };
    }
    Link::Made { url, is_short, is_copied: false }
}

#[cfg(test)]
mod tests {
    use super::labels;

    #[test]
    fn labels_are_typed_as_people_type_them() {
        assert_eq!(labels(" instance, pod;pod\nzone "), ["instance", "pod", "zone"]);
        assert_eq!(labels(" ,"), Vec::<String>::new());
    }
}
