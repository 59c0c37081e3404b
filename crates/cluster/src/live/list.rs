//! One list, page by page.

use std::collections::HashSet;

use compact_str::CompactString;
use map::Time;
use serde_json::value::RawValue;

use super::decode::{self, Named, NamedMetadata};
use super::follow::{Follow, Stopped};
use super::pages::Pages;
use super::request::RequestError;
use super::settings::MAX_OBJECTS;
use crate::document::Event;
use crate::update::{Kind, Present, Update};

/// What a list says when it is through.
#[derive(Debug)]
pub(crate) struct Listed {
    /// The version of the list: a watch goes on from here.
    pub(crate) version: CompactString,
    /// When it was asked for.
    pub(crate) asked: Time,
}

/// Objects in the first page, while it is not known how long they are.
const FIRST_PAGE: u32 = 100;

/// How long a page should be: an allocator keeps much of what was ever needed at once, and a few hundred objects in a
/// request are as good as more of them.
const PAGE_BYTES: usize = 1 << 20;

/// How many objects like these make a good page. `None` if there are none.
fn fitting(bytes: usize, objects: usize) -> Option<u32> {
    let each = bytes.checked_div(objects)?;
    u32::try_from(PAGE_BYTES.checked_div(each)?.max(1)).ok()
}

impl Follow {
    /// Tells all objects there are, then which they are.
    ///
    /// Without a resource version, so that the list is at least as new as its request (Kubernetes documentation,
    /// "Kubernetes API Concepts", semantics for get and list): what is not in it was gone by then.
    pub(crate) async fn list(&self) -> Result<Result<Listed, RequestError>, Stopped> {
        let asked = self.settings.clock.now();
        let mut present = Found::new(self.resource.kind);
        let accept = self.resource.accept_list();
        let mut pages = Pages::new(&self.api, &self.settings, self.resource.path, accept);
        let most = pages.limit;
        pages.limit = most.min(FIRST_PAGE);
        let mut version = CompactString::default();
        let mut bytes = Vec::new();
        loop {
            let page = match pages.next(&mut bytes).await {
                Ok(Some(page)) => page,
                Ok(None) => break,
                Err(error) => return Ok(Err(error)),
            };
            let objects = page.items.as_ref().map_or(0, Vec::len);
            if let Some(limit) = fitting(pages.bytes, objects) {
                pages.limit = limit.min(most);
            }
            for item in page.items.iter().flatten() {
                self.tell_item(item, &mut present).await?;
            }
            if present.count > MAX_OBJECTS {
                return Ok(Err(RequestError::TooLong));
            }
            version = page.metadata.resource_version;
        }
        let listed = Update::Listed {
            kind: self.resource.kind,
            present: present.present,
            asked,
        };
        self.send(listed).await?;
        self.api.counters.listed(self.resource.kind);
        Ok(Ok(Listed { version, asked }))
    }

    async fn tell_item(&self, item: &RawValue, present: &mut Found) -> Result<(), Stopped> {
        match decode::object(item, self.resource) {
            Ok(object) => {
                match object.pod_uid() {
                    Some(uid) if self.resource.kind == Kind::Pod => present.pod(uid),
                    _ => present.named(&object.metadata.namespace, &object.metadata.name),
                }
                self.tell(Event::Applied(object)).await
            }
            // It is there, whatever it is.
            Err(Named { metadata }) => {
                present.unread(&metadata);
                self.api.counters.left_out(self.resource.kind, 1);
                Ok(())
            }
        }
    }
}

/// What a list has held so far.
struct Found {
    present: Present,
    count: usize,
}

impl Found {
    fn new(kind: Kind) -> Self {
        let present = match kind {
            Kind::Pod => Present::Pods(HashSet::new()),
            _ => Present::Named(HashSet::new()),
        };
        Self { present, count: 0 }
    }

    fn pod(&mut self, uid: map::PodUid) {
        self.count += 1;
        if let Present::Pods(pods) = &mut self.present {
            pods.insert(uid);
        }
    }

    fn named(&mut self, namespace: &CompactString, name: &CompactString) {
        self.count += 1;
        if let Present::Named(names) = &mut self.present {
            names.insert((namespace.clone(), name.clone()));
        }
    }

    fn unread(&mut self, metadata: &NamedMetadata) {
        match metadata.uid.parse() {
            Ok(uid) if matches!(self.present, Present::Pods(_)) => self.pod(uid),
            _ => self.named(&metadata.namespace, &metadata.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_fewer_objects_the_longer_they_are() {
        assert_eq!(fitting(100 * 8_500, 100), Some(123));
        assert_eq!(fitting(500 * 600, 500), Some(1_747));
        assert_eq!(fitting(50 << 20, 10), Some(1));
        assert_eq!((fitting(40, 0), fitting(0, 5)), (None, None));
    }
}
