//! A list, page by page (Kubernetes documentation, "Kubernetes API Concepts", retrieving large results sets in chunks).

use super::counters::Verb;
use super::decode::{Page, page};
use super::request::{Api, RequestError, encode, with};
use super::settings::{MAX_PAGE_BYTES, Settings};

/// The pages of a list, those that are still to come.
pub(crate) struct Pages<'a> {
    api: &'a Api,
    settings: &'a Settings,
    path: &'a str,
    accept: &'a str,
    /// Objects in the next page at the most.
    pub(crate) limit: u32,
    /// Bytes of the page before.
    pub(crate) bytes: usize,
    next: Option<String>,
    is_through: bool,
}

impl<'a> Pages<'a> {
    /// Of the list at `path`, which may have parameters.
    pub(crate) fn new(
        api: &'a Api,
        settings: &'a Settings,
        path: &'a str,
        accept: &'a str,
    ) -> Self {
        Self {
            api,
            settings,
            path,
            accept,
            limit: settings.page_size.max(1),
            bytes: 0,
            next: None,
            is_through: false,
        }
    }

    /// The next page, in the place of what is in this buffer; none after the last one. A page that is too long is asked for
    /// again with half as many objects.
    pub(crate) async fn next<'b>(
        &mut self,
        bytes: &'b mut Vec<u8>,
    ) -> Result<Option<Page<'b>>, RequestError> {
        if self.is_through {
            return Ok(None);
        }
        loop {
            let mut path = with(self.path, &format!("limit={}", self.limit));
            if let Some(next) = &self.next {
                path.push_str("&continue=");
                path.push_str(&encode(next));
            }
            let bounds = (self.settings.list, MAX_PAGE_BYTES);
            let got = { self.api }.get_into(bytes, Verb::List, &path, self.accept, bounds);
            match got.await {
                Ok(()) => break,
                Err(RequestError::TooLong) if self.limit > 1 => self.limit /= 2,
                Err(error) => return Err(error),
            }
        }
        self.bytes = bytes.len();
        let mut page = page(bytes)?;
        let next = page.metadata.next.take();
        self.next = next.filter(|token| !token.is_empty());
        self.is_through = self.next.is_none();
        Ok(Some(page))
    }
}
