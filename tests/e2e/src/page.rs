//! The page in a browser, spoken to by its `data-testid` hooks.

use crate::browser::{Browser, Kind, Storage};
use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use thirtyfour::{By, Key, WebElement};

/// For what the page does by itself at once.
pub const SOON: Duration = Duration::from_secs(15);
/// For what asks servers and copies data.
pub const RUN: Duration = Duration::from_secs(90);
/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(40);

/// Notes errors of the page that no driver reports. Runs as soon as the page is there.
const WATCH: &str = "
    window.__complaints = [];
    const note = (kind, text) => window.__complaints.push(kind + ': ' + text);
    window.addEventListener('error', event => note('error', event.message));
    window.addEventListener('unhandledrejection', event => note('unhandled rejection', String(event.reason)));
    document.addEventListener('securitypolicyviolation',
        event => note('content security policy', event.violatedDirective + ' ' + event.blockedURI));
    const plain = console.error;
    console.error = (...words) => { note('console.error', words.map(String).join(' ')); plain(...words); };";

/// A drag of files over the page and their drop. WebDriver cannot drag files of the system, so the events
/// are made here, as a browser makes them.
const DROP: &str = "
    const data = new DataTransfer();
    for (const [name, text] of arguments[0])
        data.items.add(new File([text], name, { type: 'application/json' }));
    const zone = document.querySelector('[data-testid=\"drop-zone\"]');
    if (!zone) return false;
    for (const kind of ['dragenter', 'dragover', 'drop'])
        zone.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, composed: true, dataTransfer: data }));
    return true;";

/// A drag of a folder over the page and its drop. No script can make a folder, so what the browser says about the one
/// item is replaced for the time of the event; as browsers do, the folder gives two entries at a time.
const DROP_FOLDER: &str = "
    const [folder, files] = arguments;
    const level = path => {
        const names = new Set(files.filter(([name]) => name.startsWith(path)).map(([name]) => name.slice(path.length).split('/')[0]));
        return [...names].map(name => entry(path + name));
    };
    const entry = path => {
        const own = files.find(([name]) => name === path);
        const fullPath = '/' + folder + (path && '/' + path);
        if (own) return { isFile: true, isDirectory: false, fullPath,
            file: done => setTimeout(() => done(new File([Uint8Array.from(own[1])], path.split('/').pop()))) };
        return { isFile: false, isDirectory: true, fullPath, createReader: () => {
            const rest = level(path && path + '/');
            return { readEntries: done => setTimeout(() => done(rest.splice(0, 2))) };
        } };
    };
    const data = new DataTransfer();
    data.items.add(new File([], folder));
    const zone = document.querySelector('[data-testid=\"drop-zone\"]');
    const own = DataTransferItem.prototype.webkitGetAsEntry;
    DataTransferItem.prototype.webkitGetAsEntry = () => entry('');
    for (const kind of ['dragenter', 'dragover', 'drop'])
        zone.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, composed: true, dataTransfer: data }));
    DataTransferItem.prototype.webkitGetAsEntry = own;";

/// The page.
#[derive(Debug)]
pub struct Page {
    pub(crate) browser: Browser,
    name: String,
}

/// Opens the page, runs a test on it, and ends the browser. When the test fails, the page's text, its
/// console and the path of a picture go to standard error first.
///
/// # Errors
/// The test's, or the browser's.
pub async fn with_page(
    kind: Kind,
    name: &str,
    url: &str,
    test: impl AsyncFnOnce(&Page) -> Result<()>,
) -> Result<()> {
    with_page_keeping(Storage::Usual, kind, name, url, test).await
}

/// As [`with_page`], in a browser that may keep so much.
///
/// # Errors
/// The test's, or the browser's.
pub async fn with_page_keeping(
    storage: Storage,
    kind: Kind,
    name: &str,
    url: &str,
    test: impl AsyncFnOnce(&Page) -> Result<()>,
) -> Result<()> {
    let browser = Browser::start(kind, storage).await?;
    let page = Page { browser, name: format!("{name}-{}", kind.name()) };
    let opened = async {
        page.open(url).await?;
        if storage == Storage::Full && kind == Kind::Chromium {
            page.limit_storage(1).await?;
        }
        Ok(())
    };
    let outcome = match opened.await {
        Ok(()) => test(&page).await,
        Err(error) => Err(error),
    };
    if outcome.is_err() {
        page.explain().await;
    }
    let closed = page.browser.close().await;
    outcome.and(closed)
}

impl Page {
    /// Loads the page afresh, in the same profile.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn open(&self, url: &str) -> Result<()> {
        self.browser.session().goto(url).await.with_context(|| format!("cannot open {url}"))?;
        self.started().await
    }

    /// Loads the page once more, as it is.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn reload(&self) -> Result<()> {
        self.browser.session().refresh().await?;
        self.started().await
    }

    async fn started(&self) -> Result<()> {
        self.js(WATCH, vec![]).await?;
        self.until(
            "the page has started",
            SOON,
            "return !!document.querySelector('[data-testid=\"drop-zone\"]')",
            vec![],
        )
        .await?;
        Ok(())
    }

    /// What a script returns.
    ///
    /// # Errors
    /// When it throws.
    pub async fn js(&self, script: &str, arguments: Vec<Value>) -> Result<Value> {
        let answer = self.browser.session().execute(script, arguments).await?;
        Ok(answer.json().clone())
    }

    /// Waits until a script returns something true, and returns that.
    ///
    /// # Errors
    /// When the time is over; the message says what was awaited.
    pub async fn until(
        &self,
        what: &str,
        limit: Duration,
        script: &str,
        arguments: Vec<Value>,
    ) -> Result<Value> {
        let started = Instant::now();
        loop {
            let found = self.js(script, arguments.clone()).await?;
            if !matches!(found, Value::Null | Value::Bool(false)) {
                return Ok(found);
            }
            if started.elapsed() > limit {
                bail!("waited {limit:?} in vain: {what}");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until a hook is there with this in its text, and returns the text.
    ///
    /// # Errors
    /// When it does not appear; the message has the text that was there.
    pub async fn says(&self, testid: &str, words: &str, limit: Duration) -> Result<String> {
        let found = self
            .until(
                &format!("{testid} says {words:?}"),
                limit,
                "const found = document.querySelector(`[data-testid=\"${arguments[0]}\"]`);
                 return found && found.innerText.includes(arguments[1]) && found.innerText",
                vec![json!(testid), json!(words)],
            )
            .await;
        match found {
            Ok(text) => Ok(text.as_str().unwrap_or_default().to_owned()),
            Err(error) => Err(anyhow!("{error}; it says {:?}", self.text(testid).await?)),
        }
    }

    /// Visible text of a hook; `None` when it is not there.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub async fn text(&self, testid: &str) -> Result<Option<String>> {
        let script = "return document.querySelector(`[data-testid=\"${arguments[0]}\"]`)?.innerText ?? null";
        Ok(self.js(script, vec![json!(testid)]).await?.as_str().map(str::to_owned))
    }

    /// Whether a hook is there.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub async fn has(&self, testid: &str) -> Result<bool> {
        Ok(self.text(testid).await?.is_some())
    }

    /// Clicks a hook as a person does, once it is there and enabled.
    ///
    /// # Errors
    /// When that does not happen in time.
    pub async fn click(&self, testid: &str) -> Result<()> {
        let started = Instant::now();
        loop {
            let why = match self.element(testid).await {
                Ok(element) if element.is_enabled().await.unwrap_or(false) => match element.click().await {
                    Ok(()) => return Ok(()),
                    // It was drawn anew, or something passed over it: the next look decides.
                    Err(error) => error.to_string(),
                },
                Ok(_) => "it is disabled".to_owned(),
                Err(error) => error.to_string(),
            };
            if started.elapsed() > SOON {
                bail!("cannot click {testid}: {why}");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Types into a field in place of what is there, once it is there: the engine may still be on its way.
    ///
    /// # Errors
    /// When the field does not come or does not take the text.
    pub async fn fill(&self, testid: &str, text: &str) -> Result<()> {
        let started = Instant::now();
        loop {
            let why = match self.type_into(testid, text).await {
                Ok(Some(value)) if value == text => return Ok(()),
                Ok(value) => anyhow!("it holds {value:?} after {text:?} was typed"),
                // It is not there yet, or was drawn anew: the next look decides.
                Err(error) => error,
            };
            if started.elapsed() > SOON {
                return Err(why.context(format!("cannot type into {testid}")));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn type_into(&self, testid: &str, text: &str) -> Result<Option<String>> {
        let field = self.element(testid).await?;
        field.send_keys(Key::Control + "a").await?;
        field.send_keys(text).await?;
        Ok(field.value().await?)
    }

    /// Leaves a field by the tabulator.
    ///
    /// # Errors
    /// When the field is not there.
    pub async fn press_tab(&self, testid: &str) -> Result<()> {
        Ok(self.element(testid).await?.send_keys(Key::Tab).await?)
    }

    /// Presses Escape in a field.
    ///
    /// # Errors
    /// When the field is not there.
    pub async fn press_escape(&self, testid: &str) -> Result<()> {
        Ok(self.element(testid).await?.send_keys(Key::Escape).await?)
    }

    async fn element(&self, testid: &str) -> Result<WebElement> {
        let script = format!("[data-testid=\"{testid}\"]");
        self.browser.session().find(By::Css(script)).await.with_context(|| format!("there is no {testid}"))
    }

    /// Drops a plan onto the page and waits until it is open.
    ///
    /// # Errors
    /// When the page does not take it.
    pub async fn drop_plan(&self, text: &str) -> Result<()> {
        self.js(DROP, vec![json!([["plan.json", text]])]).await?;
        self.holds_plan(text).await
    }

    /// Chooses a plan file by the hidden input and waits until it is open.
    ///
    /// # Errors
    /// When the page does not take it.
    pub async fn choose_plan(&self, file: &Path) -> Result<()> {
        let path = file.to_str().context("a path in UTF-8")?;
        self.element("file-input").await?.send_keys(path).await?;
        self.holds_plan(&fs::read_to_string(file)?).await
    }

    /// Drops files, each a name and its text, and does not wait for anything.
    ///
    /// # Errors
    /// When the page has no place for them.
    pub async fn drop_files(&self, files: &[(&str, &str)]) -> Result<()> {
        match self.js(DROP, vec![json!(files)]).await? {
            Value::Bool(true) => Ok(()),
            _ => bail!("there is nothing to drop onto"),
        }
    }

    /// Drops a folder of files, each its path below the folder and its content.
    ///
    /// # Errors
    /// When the page has no place for it.
    pub async fn drop_folder(&self, folder: &str, files: &[(&str, &[u8])]) -> Result<()> {
        self.js(DROP_FOLDER, vec![json!(folder), json!(files)]).await.map(drop)
    }

    /// Chooses an option by its value.
    ///
    /// # Errors
    /// When there is no such element or option.
    pub async fn choose(&self, testid: &str, value: &str) -> Result<()> {
        const CHOOSE: &str = "const field = document.querySelector(`[data-testid=\"${arguments[0]}\"]`);
            if (!field) return false;
            field.value = arguments[1];
            field.dispatchEvent(new Event('change', { bubbles: true }));
            return field.value === arguments[1]";
        match self.js(CHOOSE, vec![json!(testid), json!(value)]).await? {
            Value::Bool(true) => Ok(()),
            _ => bail!("there is no {value} to choose in {testid}"),
        }
    }

    /// Chooses a folder by the hidden input for folders.
    ///
    /// # Errors
    /// When the browser does not take it.
    pub async fn choose_folder(&self, folder: &Path) -> Result<()> {
        let path = folder.to_str().context("a path in UTF-8")?;
        Ok(self.element("folder-input").await?.send_keys(path).await?)
    }

    /// Chooses a file by a hidden input.
    ///
    /// # Errors
    /// When the browser does not take it.
    pub async fn choose_file(&self, testid: &str, file: &Path) -> Result<()> {
        let path = file.to_str().context("a path in UTF-8")?;
        Ok(self.element(testid).await?.send_keys(path).await?)
    }

    /// Waits until this plan is open.
    ///
    /// # Errors
    /// When that does not happen.
    pub async fn holds_plan(&self, text: &str) -> Result<()> {
        let script = "const field = document.querySelector('[data-testid=\"plan-text\"]');
            return !!field && field.value === arguments[0]";
        // A text area knows no other line ends.
        self.until("the plan is open", SOON, script, vec![json!(text.replace("\r\n", "\n"))]).await?;
        Ok(())
    }

    /// Sets the window, both ends as a person writes them.
    ///
    /// # Errors
    /// When the fields are not there.
    pub async fn set_window(&self, start: &str, end: &str) -> Result<()> {
        self.fill("start-input", start).await?;
        self.fill("end-input", end).await
    }

    /// Waits until a stage is in one of these states (`todo`, `running`, `pass`, `fail`, `stopped`), and
    /// returns that.
    ///
    /// # Errors
    /// When the time is over.
    pub async fn stage(&self, stage: &str, wanted: &[&str], limit: Duration) -> Result<String> {
        let script = "const found = document.querySelector(`[data-testid=\"stage-state-${arguments[0]}\"]`);
            return !!found && arguments[1].includes(found.dataset.state) && found.dataset.state";
        let what = format!("{stage} is {}", wanted.join(" or "));
        let state = self.until(&what, limit, script, vec![json!(stage), json!(wanted)]).await?;
        Ok(state.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until no job runs any more.
    ///
    /// # Errors
    /// When the time is over.
    pub async fn idle(&self, limit: Duration) -> Result<()> {
        let script = "return !!document.querySelector('[data-testid=\"migrate\"]')";
        self.until("the run has ended", limit, script, vec![]).await?;
        Ok(())
    }

    /// Clicks a download and returns the file's content; the file is gone afterwards.
    ///
    /// # Errors
    /// When no such file arrives.
    pub async fn download(&self, testid: &str, name: &str) -> Result<String> {
        let file = self.browser.downloads().join(name);
        self.click(testid).await?;
        let started = Instant::now();
        loop {
            // Browsers write to another name first, and Firefox keeps the place with an empty file.
            let text = fs::read_to_string(&file).unwrap_or_default();
            if !text.is_empty() && !self.is_downloading()? {
                fs::remove_file(&file)?;
                return Ok(text);
            }
            if started.elapsed() > SOON {
                let there: Vec<PathBuf> = entries(&self.browser.downloads())?;
                bail!("{name} was not downloaded; there is {there:?}");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn is_downloading(&self) -> Result<bool> {
        let partial =
            |path: &PathBuf| path.extension().is_some_and(|ext| ext == "part" || ext == "crdownload");
        Ok(entries(&self.browser.downloads())?.iter().any(partial))
    }

    /// Errors and policy violations that page and browser have reported since it was opened.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub async fn complaints(&self) -> Result<Vec<String>> {
        let noted = self.js("return window.__complaints", vec![]).await?;
        let mut all: Vec<String> = noted
            .as_array()
            .into_iter()
            .flatten()
            .map(|line| line.as_str().unwrap_or_default().to_owned())
            .collect();
        match self.browser.kind {
            Kind::Chromium => {
                for entry in self.browser.session().browser_log().await? {
                    if entry.level == "SEVERE" {
                        all.push(entry.message);
                    }
                }
            }
            Kind::Firefox => {
                // WebDriver has no command for the console. Firefox writes uncaught errors of pages to its
                // standard output, and the driver passes that on.
                let log = self.browser.log();
                all.extend(
                    log.lines().filter(|line| line.contains("JavaScript error: http")).map(str::to_owned),
                );
            }
        }
        // The page looks for a sample plan beside it, and a 404 is how it learns that there is none.
        all.retain(|line| !line.contains("demo-plan.json"));
        Ok(all)
    }

    async fn explain(&self) {
        eprintln!("--- {} failed; the page says:", self.name);
        match self.js("return location.href + '\\n' + document.body.innerText", vec![]).await {
            Ok(text) => eprintln!("{}", text.as_str().unwrap_or_default()),
            Err(error) => eprintln!("(nothing: {error:#})"),
        }
        match self.complaints().await {
            Ok(lines) => eprintln!("--- its console: {lines:#?}"),
            Err(error) => eprintln!("--- its console does not answer: {error:#}"),
        }
        let folder = std::env::temp_dir().join("tsink-migrate-e2e");
        let picture = folder.join(format!("{}.png", self.name));
        let taken = match fs::create_dir_all(&folder) {
            Ok(()) => self.browser.session().screenshot(&picture).await.map_err(anyhow::Error::from),
            Err(error) => Err(error.into()),
        };
        match taken {
            Ok(()) => eprintln!("--- a picture is in {}", picture.display()),
            Err(error) => eprintln!("--- no picture: {error:#}"),
        }
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect())
}
