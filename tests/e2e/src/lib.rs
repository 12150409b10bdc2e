//! What the browser tests share: browsers, the page in them, and the places where page and servers stand.
//!
//! The tests drive the built page (`DIST_SITE`, or `dist/site` of this repository) in Chromium and Firefox
//! by WebDriver. They say what is wrong by returning an error, never by a panic, so that the page's text,
//! its console and a picture can be kept before the browser goes.
#![forbid(unsafe_code)]

pub mod browser;
pub mod judge;
pub mod page;
pub mod plans;
pub mod reports;
pub mod servers;
pub mod site;
pub mod tabs;

/// Makes a test of an `async fn(Kind) -> anyhow::Result<()>` for each of the browsers: `name::chromium`,
/// `name::firefox`.
#[macro_export]
macro_rules! in_both_browsers {
    ($($name:ident),+ $(,)?) => {
        $(
            mod $name {
                #[tokio::test]
                async fn chromium() -> anyhow::Result<()> {
                    super::$name($crate::browser::Kind::Chromium).await
                }

                #[tokio::test]
                async fn firefox() -> anyhow::Result<()> {
                    super::$name($crate::browser::Kind::Firefox).await
                }
            }
        )+
    };
}
