//! A text that a process keeps in a `ConfigMap` of its own, to find it again after a restart.
//!
//! The service account needs `get`, `create` and `patch` on `configmaps` in that namespace.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use serde::Deserialize;
use serde_json::json;

use super::counters::{Counters, Verb};
use super::request::{Api, RequestError, encode, short};
use super::resource::JSON;

/// How long an answer may take.
const WITHIN: Duration = Duration::from_secs(15);

/// Bytes of a `ConfigMap` as JSON: it holds 1 MiB at the most (Kubernetes
/// documentation, "Configuration", size limits).
const MAX_NOTE: usize = 4 << 20;

/// A text under one key of one `ConfigMap`.
#[derive(Clone)]
pub struct Note {
    api: Api,
    namespace: String,
    name: String,
    key: &'static str,
}

impl fmt::Debug for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Note({}/{})", self.namespace, self.name)
    }
}

#[derive(Deserialize)]
struct ConfigMap {
    #[serde(default)]
    data: BTreeMap<String, String>,
}

impl Note {
    /// The one of this name, which need not be there yet.
    pub fn new(client: Client, namespace: &str, name: &str, key: &'static str) -> Self {
        let counters = Arc::new(Counters::default());
        Self {
            api: Api { client, counters },
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            key,
        }
    }

    fn all(&self) -> String {
        format!("/api/v1/namespaces/{}/configmaps", encode(&self.namespace))
    }

    fn path(&self) -> String {
        format!("{}/{}", self.all(), encode(&self.name))
    }

    /// What it says, if it is there.
    pub async fn read(&self) -> Result<Option<String>, RequestError> {
        let path = self.path();
        let asked = self.api.get(Verb::Note, &path, JSON, WITHIN, MAX_NOTE);
        let text = match asked.await {
            Ok(text) => text,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut found: ConfigMap = serde_json::from_slice(&text)
            .map_err(|error| RequestError::Unreadable(short(&error.to_string())))?;
        Ok(found.data.remove(self.key))
    }

    /// From now on it says this. Nothing else in the `ConfigMap` is changed.
    pub async fn write(&self, text: &str) -> Result<(), RequestError> {
        let change = json!({ "data": { self.key: text } });
        let bytes = change.to_string().into_bytes();
        let path = self.path();
        let changed = self.api.merge_patch(Verb::Note, &path, bytes, WITHIN);
        match changed.await {
            Err(error) if error.is_not_found() => {}
            other => return other,
        }
        let object = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": { "name": self.name },
            "data": { self.key: text },
        });
        let bytes = object.to_string().into_bytes();
        self.api
            .create(Verb::Note, &self.all(), bytes, WITHIN)
            .await?;
        Ok(())
    }
}
