//! Which addresses a request may go to.

use std::cell::RefCell;
use std::rc::Rc;
use tsink_migrate_engine::port::TransportError;

/// Addresses that were found to be good, without their queries. A run has a handful, and asks each a thousand times.
#[derive(Clone, Debug, Default)]
pub(super) struct Checked(Rc<RefCell<Vec<String>>>);

impl Checked {
    const MOST: usize = 16;

    pub(super) fn check(&self, url: &str) -> Result<(), TransportError> {
        let address = url.split(['?', '#']).next().unwrap_or(url);
        if self.0.borrow().iter().any(|known| known == address) {
            return Ok(());
        }
        check_url(url)?;
        let mut known = self.0.borrow_mut();
        if known.len() < Self::MOST {
            known.push(address.to_owned());
        }
        Ok(())
    }
}

fn check_url(url: &str) -> Result<(), TransportError> {
    let invalid = |message: &str| TransportError::Invalid { message: message.to_owned() };
    let parsed = url::Url::parse(url).map_err(|_| invalid("the URL is not an absolute http or https URL"))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(invalid("the URL is not an absolute http or https URL"));
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        // `fetch` refuses these, and its message repeats them.
        return Err(invalid(
            "the URL holds a user name or password, which fetch does not send; use an Authorization header",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_url;

    #[test]
    fn urls_with_user_info_are_refused_without_repeating_it() {
        let refused = check_url("http://me:hunter2@host/x").unwrap_err().to_string();
        assert!(refused.contains("Authorization"), "{refused}");
        assert!(!refused.contains("hunter2"), "{refused}");
        assert!(check_url("/api/v1/read").is_err());
        assert!(check_url("ftp://host/").is_err());
        assert!(check_url("http://host:9090/api/v1/read?x=1").is_ok());
    }
}
