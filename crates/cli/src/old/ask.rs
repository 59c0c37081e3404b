//! The questions of the replaced tool, which mappers of every age answer, as far as they know.

use std::fmt::Write;

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use wire::document::{
    RESET_CAPTURE, SERVICE_INTENTS_UP_TO_MAPPER_V017, SERVICE_INTENTS_WITH_LABELS,
};
use wire::output::{Intent, ServiceIntents};

use crate::failure::Failure;
use crate::reach::{Mapper, data};

/// Only what the replaced mapper knows, so that it answers too.
const INTENTS: &str = "\
query Intents($namespaces: [String!], $includedLabels: [String!], $excludeServiceWithLabels: [String!], $server: ServerFilter) {
  intents(namespaces: $namespaces, includeLabels: $includedLabels, excludeServiceWithLabels: $excludeServiceWithLabels, server: $server) {
    client { ...Identity }
    server { ...Identity }
    type
    kafkaTopics { name operations }
    httpResources { path methods }
  }
}
fragment Identity on OtterizeServiceIdentity {
  name
  namespace
  labels { key value }
  podOwnerKind { group version kind }
  kubernetesService
}
";

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) namespaces: Vec<String>,
    pub(crate) exclude_labels: Vec<String>,
    /// The label by whose value clients are told apart.
    pub(crate) label: Option<String>,
    pub(crate) server: Option<Server>,
}

/// A server as people name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) name: String,
    pub(crate) namespace: String,
}

impl Query {
    fn variables(&self) -> Value {
        let list = |items: &[String]| (!items.is_empty()).then(|| items.to_vec());
        json!({
            "namespaces": list(&self.namespaces),
            "includedLabels": self.label.as_ref().map(|label| [label]),
            "excludeServiceWithLabels": list(&self.exclude_labels),
            "server": self.server.as_ref().map(|server| {
                json!({ "name": server.name, "namespace": server.namespace })
            }),
        })
    }
}

#[derive(Deserialize)]
struct Rows {
    intents: Vec<Intent>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServiceRows {
    service_intents: Vec<ServiceIntents>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    reset_capture: bool,
}

/// What came of a query.
pub(crate) struct Asked {
    pub(crate) rows: Vec<Intent>,
    /// What an old mapper could not do.
    pub(crate) warning: Option<String>,
}

/// Asks for the rows; a mapper that does not know the question gets an older one.
pub(crate) async fn rows(mapper: &mut Mapper, query: &Query) -> Result<Asked, Failure> {
    let answer = mapper
        .ask(Some("Intents"), INTENTS, query.variables())
        .await?;
    if answer.status != StatusCode::UNPROCESSABLE_ENTITY {
        let Rows { intents } = data(mapper, &answer)?;
        return Ok(Asked {
            rows: intents,
            warning: None,
        });
    }
    let mut variables = json!({ "namespaces": query.variables()["namespaces"] });
    let (operation, document) = match &query.label {
        Some(label) => {
            variables["includeLabels"] = json!([label]);
            ("ServiceIntentsWithLabels", SERVICE_INTENTS_WITH_LABELS)
        }
        None => (
            "ServiceIntentsUpToMapperV017",
            SERVICE_INTENTS_UP_TO_MAPPER_V017,
        ),
    };
    let ServiceRows { service_intents } =
        mapper.answer(Some(operation), document, variables).await?;
    Ok(Asked {
        rows: pairs(service_intents),
        warning: Some(unknown_to_old(query)),
    })
}

fn unknown_to_old(query: &Query) -> String {
    let mut text = "the mapper is an old one: kinds, topics and paths are not known".to_owned();
    let ignored = [
        ("--exclude-labels", !query.exclude_labels.is_empty()),
        ("--server", query.server.is_some()),
    ];
    for (flag, _) in ignored.iter().filter(|(_, given)| *given) {
        // Writing to a string cannot fail.
        let _ = write!(text, ", {flag} has no effect");
    }
    text
}

/// A row for each pair.
fn pairs(all: Vec<ServiceIntents>) -> Vec<Intent> {
    let rows = all
        .into_iter()
        .flat_map(|ServiceIntents { client, intents }| {
            intents.into_iter().map(move |server| Intent {
                client: client.clone(),
                server,
                intent_type: None,
                resolution_data: None,
                kafka_topics: None,
                http_resources: None,
                aws_actions: None,
            })
        });
    rows.collect()
}

/// Has the mapper forget its map.
pub(crate) async fn reset(mapper: &mut Mapper) -> Result<(), Failure> {
    let done: Done = mapper
        .answer(Some("ResetCapture"), RESET_CAPTURE, json!({}))
        .await?;
    if done.reset_capture {
        Ok(())
    } else {
        Err(mapper
            .failed("the map was not reset")
            .with_remedy("try again"))
    }
}
