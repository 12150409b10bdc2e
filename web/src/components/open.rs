//! Opening plans and recordings: from files and folders, from the clipboard, from beside the page.

use crate::browser::given::{Gift, Given};
use crate::browser::{self, document, given};
use crate::state::files::{self, Recognised};
use crate::state::ledgers;
use crate::state::recording::sniff::{self, Form, Looks};
use crate::state::recording::{Item, Role};
use crate::state::reports::Origin;
use crate::state::reports::shape::{self, Look, Shape};
use crate::state::view::View;
use crate::state::{Offered, Store, format};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::wasm_bindgen::JsCast;
use web_sys::{File, HtmlInputElement};

/// Id of the hidden file input.
pub const INPUT: &str = "file-input";
/// Id of the hidden input for a folder.
pub const FOLDER_INPUT: &str = "folder-input";
/// The sample plan that a demo serves beside the page.
pub const SAMPLE: &str = "demo-plan.json";
/// Files looked at between two signs of life.
const STEP: usize = 100;

/// Whether a sample is served beside the page.
#[derive(Clone, Copy)]
pub struct Sample(pub RwSignal<Option<String>>);

/// Opens the browser's dialog of an input: [`INPUT`] or [`FOLDER_INPUT`].
pub fn choose(input: &str) {
    let input =
        document().get_element_by_id(input).and_then(|input| input.dyn_into::<HtmlInputElement>().ok());
    if let Some(input) = input {
        input.click();
    }
}

/// What a file turned out to be.
enum Seen {
    Plan(String, Recognised),
    Report,
    History,
    Queries(String),
    Ledger(String),
    Part(Role),
    Hidden,
    Other(Recognised),
}

/// What came in one go.
#[derive(Default)]
struct Take {
    plan: Option<(String, String)>,
    report: Option<Given>,
    histories: Vec<Given>,
    queries: Option<(String, String)>,
    ledgers: Vec<String>,
    parts: Vec<(Role, Item<File>)>,
    hidden: u64,
    offered: Vec<Offered>,
}

/// Looks at files and folders, opens the first plan, and adds the rest to the recording.
pub fn give(store: Store, gift: Gift) {
    if gift.is_empty() {
        return;
    }
    spawn_local(async move {
        let mut take = Take::default();
        match gift.unpack().await {
            None => take.leave(
                "the folder",
                "too many",
                format!(
                    "there are more than {} files in it; none was taken",
                    format::count(given::MOST as u64)
                ),
            ),
            Some((files, unreadable)) => {
                for path in unreadable {
                    take.leave(&path, "unreadable", "the browser may not read it".to_owned());
                }
                let total = files.len();
                for (at, given) in files.into_iter().enumerate() {
                    if total > STEP && at % STEP == 0 {
                        store.looking.set(Some((at, total)));
                    }
                    let seen = look(&given).await;
                    take.sort(given, seen);
                }
            }
        }
        store.looking.set(None);
        finish(store, take);
    });
}

async fn look(given: &Given) -> Seen {
    let (path, file) = (&given.path, &given.file);
    if sniff::is_hidden(path) {
        return Seen::Hidden;
    }
    let looks = match sniff::by_name(path, file.size()) {
        Some(looks) => looks,
        None => match given::head(file, sniff::HEAD).await {
            Ok(head) => sniff::by_head(path, &head),
            Err(why) => return other("unreadable", &why),
        },
    };
    match looks {
        Looks::Manifest => Seen::Part(Role::Manifest),
        Looks::Ledger if file.size() > ledgers::LARGEST => {
            other("too large", "it is more than a ledger ever has (128 MiB); it was not read")
        }
        Looks::Ledger => match browser::read_file(file).await {
            Ok(text) => Seen::Ledger(text),
            Err(why) => other("unreadable", &why),
        },
        Looks::Rules => match (files::too_large(file.size()), browser::read_file(file).await) {
            (Some(what), _) => Seen::Other(what),
            (None, Ok(text)) => Seen::Queries(text),
            (None, Err(why)) => other("unreadable", &why),
        },
        Looks::Payload(form) => Seen::Part(Role::Payload(form)),
        Looks::Empty => other("empty", "there is nothing in it"),
        Looks::Other(why) => other("unknown", why),
        Looks::Object => {
            let is_json = path.to_ascii_lowercase().ends_with(".json");
            let size = file.size();
            // Names that a report or a history has stand at its beginning, unless somebody has sorted them.
            let mut look = Look::default();
            match given::head(file, sniff::HEAD).await {
                Ok(head) => look.push(&head),
                Err(why) => return other("unreadable", &why),
            }
            let may_be_sorted = is_json && size > files::LARGEST_PLAN && size <= shape::LARGEST_REPORT;
            if look.shape().is_none() && may_be_sorted {
                look = Look::default();
                if document::look_through(file, |piece| look.push(piece)).await.is_none() {
                    return other("unreadable", "it could not be read; was it moved or changed?");
                }
            }
            let what = match look.shape() {
                Some(Shape::History) if size <= shape::LARGEST_HISTORY => return Seen::History,
                Some(_) if size > shape::LARGEST_REPORT => {
                    let words = format!(
                        "{} is more than a report ever has (64 MiB); it was not read",
                        format::bytes(size)
                    );
                    return other("too large", &words);
                }
                // The engine reads it, and nobody else.
                Some(_) => return Seen::Report,
                None => match files::too_large(size) {
                    Some(what) => what,
                    None => match browser::read_file(file).await {
                        Ok(text) => match files::recognise(&text) {
                            Recognised::Report => return Seen::Report,
                            Recognised::History => return Seen::History,
                            what if what.is_plan() => return Seen::Plan(text, what),
                            Recognised::Queries => return Seen::Queries(text),
                            what => what,
                        },
                        Err(why) => return other("unreadable", &why),
                    },
                },
            };
            // Text may begin with a brace.
            if is_json { Seen::Other(what) } else { Seen::Part(Role::Payload(Form::Text)) }
        }
    }
}

fn other(kind: &'static str, words: &str) -> Seen {
    Seen::Other(Recognised::Other { kind, words: words.to_owned() })
}

impl Take {
    fn leave(&mut self, name: &str, kind: &'static str, words: String) {
        self.offered.push(Offered { name: name.to_owned(), what: Recognised::Other { kind, words } });
    }

    fn sort(&mut self, given: Given, seen: Seen) {
        let Given { path, file } = given;
        match seen {
            Seen::Plan(text, _) if self.plan.is_none() => self.plan = Some((text, path)),
            Seen::Report if self.report.is_none() => self.report = Some(Given { path, file }),
            Seen::Report => self.offered.push(Offered { name: path, what: Recognised::Report }),
            Seen::History => self.histories.push(Given { path, file }),
            Seen::Queries(text) if self.queries.is_none() => self.queries = Some((path, text)),
            Seen::Queries(_) => self.offered.push(Offered { name: path, what: Recognised::Queries }),
            Seen::Plan(_, what) | Seen::Other(what) => {
                self.offered.push(Offered { name: path, what });
            }
            Seen::Ledger(text) => self.ledgers.push(text),
            Seen::Part(role) => {
                let (size, modified_ms) = (file.size(), file.last_modified() as i64);
                self.parts.push((role, Item { path, size, modified_ms, handle: file }));
            }
            Seen::Hidden => self.hidden += 1,
        }
    }

    /// What was taken of a recording, in words.
    fn words(&self) -> Option<String> {
        let of =
            |wanted: fn(&Role) -> bool| self.parts.iter().filter(|(role, _)| wanted(role)).count() as u64;
        let manifests = of(|role| matches!(role, Role::Manifest));
        let payloads = of(|role| matches!(role, Role::Payload(_)));
        (manifests + payloads > 0).then(|| {
            format!(
                "Added to the recording: {}, {}.",
                format::counted(manifests, "manifest", "manifests"),
                format::counted(payloads, "payload file", "payload files")
            )
        })
    }
}

fn finish(store: Store, mut take: Take) {
    let histories = std::mem::take(&mut take.histories);
    let has_history = !histories.is_empty();
    if has_history {
        store.import_history(Gift::of_files(histories));
    }
    let has_ledger = !take.ledgers.is_empty();
    take.ledgers.drain(..).for_each(|text| store.import_ledger(text));
    let is_migration = take.plan.is_some() || !take.parts.is_empty() || take.hidden > 0;
    if let Some(Given { path: name, file }) = take.report.take() {
        if take.plan.is_some() || !take.parts.is_empty() {
            // What was dropped is a migration; the report in its folder can wait.
            take.offered.push(Offered { name, what: Recognised::Report });
        } else {
            store.offered.set(take.offered);
            return store.open_report(file.into(), Origin::File, name);
        }
    }
    if (has_history || has_ledger) && !is_migration {
        store.offered.set(take.offered);
        return store.go(View::Reports);
    }
    let reading = take.queries.take().map(|(name, text)| {
        let words = format!("Reading the queries of {name}.");
        store.import(name, text);
        words
    });
    if store.phase.get_untracked().is_busy() && (take.plan.is_some() || !take.parts.is_empty()) {
        // A run reads the plan and the files that it began with.
        let words = "a run is under way; drop it again when that has ended".to_owned();
        take.leave("what was dropped", "not now", words);
        store.said.set("A run is under way; drop it again when that has ended.".to_owned());
    } else {
        let words = take.words().or(reading);
        let plan_path = take.plan.as_ref().map(|(_, path)| path.clone());
        let is_part = !take.parts.is_empty() || take.hidden > 0;
        if is_part || plan_path.is_some() {
            store.recording.update(|recording| {
                if let Some(path) = plan_path {
                    recording.plan_path = path;
                }
                recording.hidden += take.hidden;
                take.parts.drain(..).for_each(|(role, item)| recording.add(role, item));
            });
        }
        match take.plan.take() {
            Some((text, name)) => {
                store.open(text, name);
                store.form.set(false);
            }
            // What is of no use is said on either page.
            None if !is_part && store.view.get_untracked() == View::Reports => {}
            None => store.go(View::Plan),
        }
        store.made_anew();
        match words {
            Some(words) => store.said.set(words),
            None if !store.has_plan.get_untracked() => store.said.set("There is no plan in it.".to_owned()),
            None => {}
        }
    }
    store.offered.set(take.offered);
}

/// Looks at a text that was pasted or fetched.
pub fn text(store: Store, text: String, name: &str) {
    let mut take = Take::default();
    let what = files::recognise(&text);
    if ledgers::is_ledger(&text) {
        take.ledgers.push(text);
    } else if what == Recognised::Report
        && let Some(given) = Given::of_text(name, &text)
    {
        take.report = Some(given);
    } else if what == Recognised::History
        && let Some(given) = Given::of_text(name, &text)
    {
        take.histories.push(given);
    } else if what.is_plan() {
        take.plan = Some((text, name.to_owned()));
    } else if what == Recognised::Queries {
        take.queries = Some((name.to_owned(), text));
    } else if sniff::by_head(name, text.as_bytes()) == Looks::Manifest
        && let Some(given) = Given::of_text(&format!("{}.json", name.trim_end_matches(".json")), &text)
    {
        take.sort(given, Seen::Part(Role::Manifest));
    } else {
        take.offered.push(Offered { name: name.to_owned(), what });
    }
    finish(store, take);
}

/// Loads the plan that the page's address names (`?plan=…`, on this origin only); without one, finds out
/// whether there is a sample to offer.
pub fn at_start(store: Store) {
    let sample = Sample(RwSignal::new(None));
    provide_context(sample);
    spawn_local(async move {
        if let Some(address) = browser::query("plan") {
            return match browser::fetch_own_text(&address).await {
                Ok(plan) => text(store, plan, name_of(&address)),
                Err(words) => {
                    let what = Recognised::Other { kind: "not loaded", words };
                    store.offered.set(vec![Offered { name: address, what }]);
                }
            };
        }
        // Static hosts answer unknown names with a page of their own; only a plan counts.
        let found = browser::fetch_own_text(SAMPLE).await.ok();
        sample.0.set(found.filter(|text| files::recognise(text).is_plan()));
    });
}

fn name_of(address: &str) -> &str {
    let path = address.split(['?', '#']).next().unwrap_or(address);
    path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(path)
}
