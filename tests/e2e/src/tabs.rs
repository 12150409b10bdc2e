//! More than one tab, and a browser that has no more room: what a profile shares.

use crate::page::Page;
use anyhow::{Context, Result};
use serde_json::json;
use thirtyfour::WindowHandle;

impl Page {
    /// Opens the page in another tab of the same profile, and goes on there. Returns the tab of before.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn open_tab(&self, url: &str) -> Result<WindowHandle> {
        let session = self.browser.session();
        let before = session.window().await?;
        let tab = session.new_tab().await.context("no other tab opens")?;
        session.switch_to_window(tab).await?;
        self.open(url).await?;
        Ok(before)
    }

    /// Closes another tab than the present one.
    ///
    /// # Errors
    /// When the browser does not let it go.
    pub async fn close_tab(&self, tab: WindowHandle) -> Result<()> {
        let session = self.browser.session();
        let own = session.window().await?;
        session.switch_to_window(tab).await?;
        session.close_window().await.context("the tab does not close")?;
        Ok(session.switch_to_window(own).await?)
    }

    /// Lets Chromium keep so many bytes at most for the page's origin.
    ///
    /// # Errors
    /// When the browser is another one.
    pub async fn limit_storage(&self, bytes: u64) -> Result<()> {
        let origin = self.js("return location.origin", vec![]).await?;
        let limit = json!({ "origin": origin, "quotaSize": bytes });
        self.browser.session().cdp().send_raw("Storage.overrideQuotaForOrigin", limit).await?;
        Ok(())
    }
}
