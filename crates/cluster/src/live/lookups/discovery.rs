//! Which resource an owner's kind is (Kubernetes documentation, "Kubernetes API Concepts", API discovery).

use std::collections::HashMap;
use std::time::Duration;

use compact_str::{CompactString, format_compact};
use serde::Deserialize;
use tokio::time::Instant;

use super::super::counters::Verb;
use super::super::request::RequestError;
use super::super::resource::JSON;
use super::{Asker, is_final, segment};
use crate::owners::split;

/// How long it counts that a group has no such kind: definitions come and go.
const REFRESHED: Duration = Duration::from_mins(1);

/// Groups that are remembered; a cluster has some 50, but owners may name any.
const MAX_GROUPS: usize = 256;

/// Versions of a group that are looked at, and kinds of a version.
const MAX_VERSIONS: usize = 16;
const MAX_KINDS: usize = 1000;

/// What is known of the API.
#[derive(Debug, Default)]
pub(super) struct Discovery {
    groups: HashMap<CompactString, Group>,
}

#[derive(Clone, Debug)]
struct Group {
    asked: Instant,
    /// The preferred one first; none when there is no such group.
    versions: Vec<CompactString>,
    /// Of the versions that were asked for.
    kinds: HashMap<CompactString, Vec<Kind>>,
}

/// A kind of one version (`APIResource`).
#[allow(clippy::struct_field_names, reason = "the names of the Kubernetes API")]
#[derive(Clone, Debug, Deserialize)]
struct Kind {
    /// In paths: plural, in small letters; with a slash for subresources.
    name: CompactString,
    kind: CompactString,
    #[serde(default)]
    namespaced: bool,
    #[serde(default)]
    verbs: Vec<CompactString>,
}

#[derive(Deserialize)]
struct Kinds {
    #[serde(default)]
    resources: Vec<Kind>,
}

/// `APIGroup`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GroupAnswer {
    #[serde(default)]
    versions: Vec<Version>,
    #[serde(default)]
    preferred_version: Option<Version>,
}

#[derive(Deserialize)]
struct Version {
    version: CompactString,
}

/// Where objects of a kind are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    group: CompactString,
    version: CompactString,
    plural: CompactString,
    namespaced: bool,
}

impl Place {
    pub(super) fn api_version(&self) -> CompactString {
        match self.group.as_str() {
            "" => self.version.clone(),
            group => format_compact!("{group}/{}", self.version),
        }
    }

    /// The path of an object; `None` when its name cannot be one.
    pub(super) fn path(&self, namespace: &str, name: &str) -> Option<String> {
        let base = version_path(&self.group, &self.version)?;
        let (plural, name) = (segment(&self.plural)?, segment(name)?);
        Some(if self.namespaced {
            format!("{base}/namespaces/{}/{plural}/{name}", segment(namespace)?)
        } else {
            format!("{base}/{plural}/{name}")
        })
    }
}

fn version_path(group: &str, version: &str) -> Option<String> {
    let version = segment(version)?;
    Some(match group {
        "" => format!("/api/{version}"),
        group => format!("/apis/{}/{version}", segment(group)?),
    })
}

impl Asker {
    /// The resource of a kind: in this version, else in another that is served of the same group. An owner reference
    /// may name a version that was removed since, while its object lives on in others.
    pub(super) async fn place(
        &self,
        api_version: &str,
        kind: &str,
    ) -> Result<Option<Place>, RequestError> {
        let (group, version) = split(api_version);
        let now = Instant::now();
        let known = self.discovery.lock().await.groups.get(group).cloned();
        if let Some(known) = known.filter(|known| !known.versions.is_empty())
            && let Some(place) = self.find(group, version, kind, known).await?
        {
            return Ok(Some(place));
        }
        let asked = self
            .discovery
            .lock()
            .await
            .groups
            .get(group)
            .map(|group| group.asked);
        if asked.is_some_and(|asked| now.duration_since(asked) < REFRESHED) {
            return Ok(None);
        }
        let fresh = self.group(group).await?;
        self.discovery.lock().await.remember(group, fresh.clone());
        self.find(group, version, kind, fresh).await
    }

    async fn find(
        &self,
        group: &str,
        version: &str,
        kind: &str,
        mut known: Group,
    ) -> Result<Option<Place>, RequestError> {
        let mut order: Vec<_> = known
            .versions
            .iter()
            .filter(|v| *v == version)
            .cloned()
            .collect();
        order.extend(known.versions.iter().filter(|v| *v != version).cloned());
        let mut found = None;
        let mut grew = false;
        for version in order {
            if !known.kinds.contains_key(&version) {
                let kinds = self.kinds(group, &version).await?;
                known.kinds.insert(version.clone(), kinds);
                grew = true;
            }
            let kinds = known.kinds.get(&version).into_iter().flatten();
            let mut fitting = kinds.filter(|k| {
                k.kind == kind && !k.name.contains('/') && k.verbs.iter().any(|verb| verb == "get")
            });
            if let Some(fits) = fitting.next() {
                found = Some(Place {
                    group: group.into(),
                    version,
                    plural: fits.name.clone(),
                    namespaced: fits.namespaced,
                });
                break;
            }
        }
        if grew {
            self.discovery.lock().await.remember(group, known);
        }
        Ok(found)
    }

    async fn group(&self, group: &str) -> Result<Group, RequestError> {
        let asked = Instant::now();
        let versions = match (group, segment(group)) {
            // The core group has one version.
            ("", _) => vec!["v1".into()],
            (_, None) => Vec::new(),
            (_, Some(segment)) => self.versions(&segment).await?,
        };
        Ok(Group {
            asked,
            versions,
            kinds: HashMap::new(),
        })
    }

    async fn versions(&self, group: &str) -> Result<Vec<CompactString>, RequestError> {
        let path = format!("/apis/{group}");
        let Some(answer) = self.discover::<GroupAnswer>(&path).await? else {
            return Ok(Vec::new());
        };
        let mut versions = Vec::new();
        for Version { version } in answer.preferred_version.into_iter().chain(answer.versions) {
            if versions.len() < MAX_VERSIONS && !versions.contains(&version) {
                versions.push(version);
            }
        }
        Ok(versions)
    }

    async fn kinds(&self, group: &str, version: &str) -> Result<Vec<Kind>, RequestError> {
        let Some(path) = version_path(group, version) else {
            return Ok(Vec::new());
        };
        let answer = self.discover::<Kinds>(&path).await?;
        let mut kinds = answer.map(|answer| answer.resources).unwrap_or_default();
        kinds.truncate(MAX_KINDS);
        Ok(kinds)
    }

    /// `None` when it is not served, or not to us.
    async fn discover<T: for<'de> Deserialize<'de>>(
        &self,
        path: &str,
    ) -> Result<Option<T>, RequestError> {
        let bytes = match self.get(Verb::Discovery, path, JSON).await {
            Ok(bytes) => bytes,
            Err(error) if is_final(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let answer = serde_json::from_slice(&bytes);
        answer
            .map(Some)
            .map_err(|error| RequestError::Unreadable(error.to_string()))
    }
}

impl Discovery {
    fn remember(&mut self, name: &str, group: Group) {
        if self.groups.len() >= MAX_GROUPS && !self.groups.contains_key(name) {
            let oldest = self.groups.iter().min_by_key(|(_, group)| group.asked);
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                self.groups.remove(&oldest);
            }
        }
        self.groups.insert(name.into(), group);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(group: &str, namespaced: bool) -> Place {
        Place {
            group: group.into(),
            version: "v1".into(),
            plural: "things".into(),
            namespaced,
        }
    }

    #[test]
    fn paths_of_objects() {
        let path = |place: Place| place.path("shop", "web").unwrap();
        assert_eq!(path(place("", true)), "/api/v1/namespaces/shop/things/web");
        assert_eq!(
            path(place("a.io", true)),
            "/apis/a.io/v1/namespaces/shop/things/web"
        );
        assert_eq!(path(place("a.io", false)), "/apis/a.io/v1/things/web");
        assert_eq!(place("a.io", false).api_version(), "a.io/v1");
    }

    #[test]
    fn no_name_leads_to_another_resource() {
        for name in ["", ".", ".."] {
            assert_eq!(place("", true).path("shop", name), None, "{name}");
            assert_eq!(place("", true).path(name, "web"), None, "{name}");
        }
        let path = place("", true)
            .path("shop", "../../secrets/a?watch=1")
            .unwrap();
        assert!(
            path.ends_with("/things/..%2F..%2Fsecrets%2Fa%3Fwatch%3D1"),
            "{path}"
        );
    }

    #[test]
    fn groups_are_bounded_and_the_oldest_goes() {
        let now = Instant::now();
        let mut discovery = Discovery::default();
        for number in 0..=MAX_GROUPS {
            let asked = now + Duration::from_secs(u64::try_from(number).unwrap());
            let group = Group {
                asked,
                versions: Vec::new(),
                kinds: HashMap::new(),
            };
            discovery.remember(&number.to_string(), group);
        }
        assert_eq!(discovery.groups.len(), MAX_GROUPS);
        assert!(!discovery.groups.contains_key("0"));
    }
}
