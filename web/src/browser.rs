//! The few things the page asks of the browser itself. Everything fails softly: a refused clipboard or a
//! blocked local storage is no reason to stop a migration.

pub mod document;
pub mod given;
pub mod kept;
pub mod squeeze;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, HtmlElement, Url};

const THEME: &str = "tsink-migrate-theme";
const PLAN: &str = "tsink-migrate-plan";

/// Unix time in ms.
pub fn now_ms() -> i64 {
    js_sys::Date::now() as i64
}

/// URL that relative URLs of the page resolve against.
pub fn base_url() -> String {
    document().base_uri().ok().flatten().or_else(|| window().location().href().ok()).unwrap_or_default()
}

/// The page's address, with query and fragment.
pub fn page_url() -> String {
    window().location().href().unwrap_or_default()
}

/// Host of the page's address, without port.
pub fn host() -> String {
    window().location().hostname().unwrap_or_default()
}

/// `http://host:port` of the page.
pub fn origin() -> String {
    window().location().origin().unwrap_or_default()
}

/// A parameter of the page's address.
pub fn query(name: &str) -> Option<String> {
    let search = window().location().search().ok()?;
    web_sys::UrlSearchParams::new_with_str(&search).ok()?.get(name)
}

/// Offers a text as a file.
pub fn download(name: &str, media_type: &str, text: &str) -> Option<()> {
    download_parts(name, media_type, &js_sys::Array::of1(&JsValue::from_str(text)))
}

/// Offers texts, one after the other, as one file.
pub fn download_parts(name: &str, media_type: &str, parts: &js_sys::Array) -> Option<()> {
    let options = BlobPropertyBag::new();
    options.set_type(media_type);
    download_blob(name, &Blob::new_with_str_sequence_and_options(parts, &options).ok()?)
}

/// Waits for a task of its own, so that what was asked for meanwhile is not held up.
pub async fn breathe() {
    let promise = js_sys::Promise::new(&mut |done, _| {
        set_timeout(move || drop(done.call0(&JsValue::UNDEFINED)), std::time::Duration::ZERO);
    });
    // It is only ever kept.
    let _ = JsFuture::from(promise).await;
}

/// Offers what the browser holds as a file.
pub fn download_blob(name: &str, blob: &Blob) -> Option<()> {
    let url = Url::create_object_url_with_blob(blob).ok()?;
    save_url(name, &url)?;
    revoke_later(url);
    Some(())
}

/// The browser reads a file after this task; revoking its address at once would leave an empty one.
fn revoke_later(url: String) {
    set_timeout(
        move || {
            let _ = Url::revoke_object_url(&url);
        },
        std::time::Duration::from_secs(60),
    );
}

/// Saves what is under an address of this page.
fn save_url(name: &str, url: &str) -> Option<()> {
    let anchor: HtmlAnchorElement = document().create_element("a").ok()?.dyn_into().ok()?;
    anchor.set_href(url);
    anchor.set_download(name);
    let body = document().body()?;
    body.append_child(&anchor).ok()?;
    anchor.click();
    anchor.remove();
    Some(())
}

/// Puts a text on the clipboard; says whether that worked.
pub async fn copy(text: String) -> bool {
    // Outside secure contexts there is no clipboard object, whatever the bindings say.
    let clipboard = js_sys::Reflect::get(&window().navigator(), &JsValue::from_str("clipboard"));
    if clipboard.is_ok_and(|object| object.is_undefined()) {
        return false;
    }
    JsFuture::from(window().navigator().clipboard().write_text(&text)).await.is_ok()
}

/// Fetches a text of this origin. An address elsewhere is refused: what a link names must not make the page
/// take a plan from a stranger.
pub async fn fetch_own_text(address: &str) -> Result<String, String> {
    let url = Url::new_with_base(address, &base_url()).map_err(|_| "the address is not a URL".to_owned())?;
    if url.origin() != origin() {
        return Err("it is on another origin; a plan is only loaded from beside the page".to_owned());
    }
    let unreachable = |_| "it could not be fetched".to_owned();
    let answer = gloo_net::http::Request::get(&url.href()).send().await.map_err(unreachable)?;
    if !answer.ok() {
        return Err(format!("the server answered {}", answer.status()));
    }
    let length = answer.headers().get("content-length").and_then(|text| text.parse().ok());
    if length.is_some_and(|length: f64| length > crate::state::files::LARGEST_PLAN) {
        return Err("it is larger than a plan ever is (1 MiB)".to_owned());
    }
    answer.text().await.map_err(|_| "it is not text".to_owned())
}

/// Text of a file that was dropped, chosen or pasted. See to its size first.
pub async fn read_file(file: &web_sys::File) -> Result<String, String> {
    let unreadable = |_| "it could not be read; was it moved or changed?".to_owned();
    let text = JsFuture::from(file.text()).await.map_err(unreadable)?;
    text.as_string().ok_or_else(|| "it is not text".to_owned())
}

/// Theme that was chosen: `light`, `dark`, or none for the system's.
pub fn stored_theme() -> Option<String> {
    let stored = window().local_storage().ok().flatten()?.get_item(THEME).ok().flatten()?;
    matches!(stored.as_str(), "light" | "dark").then_some(stored)
}

/// The plan of a run that was begun here and has not ended, as it was kept.
pub fn kept_plan() -> Option<String> {
    window().local_storage().ok().flatten()?.get_item(PLAN).ok().flatten()
}

/// Keeps the plan of a run, or lets it go.
pub fn keep_plan(plan: Option<&str>) {
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = match plan {
            Some(plan) => storage.set_item(PLAN, plan),
            None => storage.remove_item(PLAN),
        };
    }
}

/// Applies a theme and remembers it.
///
/// What the page ever stores: the theme, the history of reports, the plan of an unfinished run without its header
/// values, and the engine's ledgers.
pub fn set_theme(theme: Option<&str>) {
    if let Some(root) = document().document_element() {
        let _ = match theme {
            Some(theme) => root.set_attribute("data-theme", theme),
            None => root.remove_attribute("data-theme"),
        };
    }
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = match theme {
            Some(theme) => storage.set_item(THEME, theme),
            None => storage.remove_item(THEME),
        };
    }
}

/// Writes the address' fragment without a new entry in the history.
pub fn replace_hash(hash: &str) {
    if let Ok(history) = window().history() {
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&format!("#{hash}")));
    }
}

/// Prints the page, with everything unfolded that is shown.
pub fn print() {
    if let Ok(folded) = document().query_selector_all("main details:not([open])") {
        for at in 0..folded.length() {
            if let Some(element) = folded.item(at).and_then(|node| node.dyn_into::<web_sys::Element>().ok()) {
                let _ = element.set_attribute("open", "");
            }
        }
    }
    // What is drawn when it is unfolded has to be there first.
    spawn_local(async {
        breathe().await;
        breathe().await;
        let _ = window().print();
    });
}

/// Moves the focus to the page's content, and the page to its top: its header stays where it is and would cover
/// what has the focus.
pub fn to_content() {
    focus("content");
    window().scroll_to_with_x_and_y(0.0, 0.0);
}

/// Moves the focus to an element by its id.
pub fn focus(id: &str) {
    if let Some(element) =
        document().get_element_by_id(id).and_then(|element| element.dyn_into::<HtmlElement>().ok())
    {
        let _ = element.focus();
    }
}
