//! Where a command has its map from, and which part of it is shown.

use std::path::{Path, PathBuf};

use clap::ArgAction;
use http::StatusCode;
use map::filter::{Server, label};
use map::{Filter, Map};
use serde::Deserialize;
use serde_json::{Value, json};
use wire::edge::{Edge, Status};
use wire::fields;

use crate::args::MapperArgs;
use crate::failure::Failure;
use crate::fetched;
use crate::old::{ask as old_ask, rows as old_rows};
use crate::reach::{self, Mapper, data};
use crate::settings::Settings;

/// A map file, or a running mapper.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SourceArgs {
    /// Show this map file instead of a running mapper's map; `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["mapper_url", "token_file", "ca_file"])]
    pub(crate) map: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) mapper: MapperArgs,
}

/// Which part of the map.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "What is shown")]
pub(crate) struct FilterArgs {
    /// Only clients in these namespaces, separated by commas
    #[arg(short, long, value_name = "NAMESPACES", action = ArgAction::Append)]
    pub(crate) namespaces: Vec<String>,

    /// Only clients that call this server, with all that they call
    #[arg(long, value_name = "NAME.NAMESPACE")]
    pub(crate) server: Option<String>,

    /// Leave out clients and servers with these names, separated by commas
    #[arg(long, value_name = "NAMES", action = ArgAction::Append)]
    pub(crate) exclude_services: Vec<String>,

    /// Leave out what has a pod with one of these labels, at either end: key=value, separated by commas
    #[arg(long, value_name = "LABELS", action = ArgAction::Append)]
    pub(crate) exclude_labels: Vec<String>,
}

impl FilterArgs {
    /// The filter, with what is set where nothing was typed.
    pub(crate) fn filter(&self, settings: &Settings, external: bool) -> Result<Filter, Failure> {
        let list = |flag, typed: &[String]| settings.typed_or_set(flag, typed).into_iter();
        let server = self.server.as_deref().map(server).transpose()?;
        Ok(Filter {
            namespaces: list("namespaces", &self.namespaces)
                .map(Into::into)
                .collect(),
            exclude_workloads: list("exclude-services", &self.exclude_services)
                .map(Into::into)
                .collect(),
            exclude_labels: list("exclude-labels", &self.exclude_labels)
                .map(|text| label(&text))
                .collect(),
            server,
            external,
            ..Filter::default()
        })
    }
}

fn server(text: &str) -> Result<Server, Failure> {
    match text.split_once('.') {
        Some((name, namespace)) if !name.is_empty() && !namespace.is_empty() => Ok(Server {
            name: name.into(),
            namespace: namespace.into(),
        }),
        _ => Err(Failure::usage(format!("--server {text}: no server"))
            .with_remedy("--server NAME.NAMESPACE, such as cart.shop")),
    }
}

/// Whether any part is left out, other than what is outside.
pub(crate) fn is_narrow(filter: &Filter) -> bool {
    *filter
        != Filter {
            external: filter.external,
            ..Filter::default()
        }
}

/// What is shown of a map, and, where that is nothing, why.
pub(crate) struct Shown {
    pub(crate) map: Map,
    pub(crate) why_empty: Option<String>,
}

impl SourceArgs {
    /// The whole map.
    pub(crate) fn whole(&self) -> Result<Map, Failure> {
        match &self.map {
            Some(path) => read(path),
            None => reach::runtime()?.block_on(async {
                let mut mapper = reach::open(&self.mapper).await?;
                whole(&mut mapper).await
            }),
        }
    }

    /// The map as the filter leaves it, exactly.
    pub(crate) fn exact(&self, filter: &Filter) -> Result<Shown, Failure> {
        match &self.map {
            Some(path) => Ok(apply(&read(path)?, filter)),
            None => reach::runtime()?.block_on(async {
                let mut mapper = reach::open(&self.mapper).await?;
                let shown = apply(&whole(&mut mapper).await?, filter);
                let why_empty = match &shown.why_empty {
                    Some(_) => Some(why_empty(&mut mapper, filter).await),
                    None => None,
                };
                Ok(Shown { why_empty, ..shown })
            }),
        }
    }

    /// The same as far as a view shows it: a running mapper filters, and sends no more.
    pub(crate) fn viewed(&self, filter: &Filter, attempts: bool) -> Result<Shown, Failure> {
        match &self.map {
            Some(path) => Ok(apply(&read(path)?, filter)),
            None => reach::runtime()?.block_on(async {
                let mut mapper = reach::open(&self.mapper).await?;
                ask(&mut mapper, filter, attempts).await
            }),
        }
    }
}

fn apply(map: &Map, filter: &Filter) -> Shown {
    let shown = filter.apply(map);
    let is_empty = shown.is_empty() && shown.attempts_len() == 0;
    let why_empty = is_empty.then(|| {
        if map.is_empty() {
            "the map file has no edges".to_owned()
        } else {
            filtered(map.len(), filter)
        }
    });
    Shown {
        map: shown,
        why_empty,
    }
}

fn filtered(all: usize, filter: &Filter) -> String {
    let external = if filter.external {
        ""
    } else {
        "; those to the outside are shown with --external"
    };
    if is_narrow(filter) {
        format!("the filter leaves none of {all} edges{external}")
    } else {
        format!("none of {all} edges is within the cluster{external}")
    }
}

/// Reads a map file.
pub(crate) fn read(path: &Path) -> Result<Map, Failure> {
    let unusable = |what: String| {
        Failure::input(path, what).with_remedy("give a file that `portolan export -o json` wrote")
    };
    let bytes = if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    let bytes = bytes.map_err(|error| unusable(format!("cannot be read: {error}")))?;
    serde_json::from_slice(&bytes).map_err(|error| unusable(format!("is no map: {error}")))
}

/// Fetches the whole map.
async fn whole(mapper: &mut Mapper) -> Result<Map, Failure> {
    let answer = mapper.get("/map").await?;
    let bytes = mapper.well(answer)?;
    serde_json::from_slice(&bytes).map_err(|error| {
        mapper
            .failed(format!("what came is no map: {error}"))
            .with_remedy("is a mapper of this version there?")
    })
}

const EDGES: &str = "\
query Edges($namespaces: [String!], $server: ServerFilter, $excludeLabels: [String!], $external: Boolean, $attempts: Boolean!) {
  edges(namespaces: $namespaces, server: $server, excludeServiceWithLabels: $excludeLabels, external: $external) { ...Whole }
  attempts(namespaces: $namespaces, server: $server, external: $external) @include(if: $attempts) { ...Whole }
}
fragment Whole on Edge {
  cluster
  client { kind name namespace ownerKind provider }
  server { kind name namespace ownerKind provider }
  firstSeen lastSeen
  ports { protocol port }
  evidence services addresses
  kafkaTopics { name operations }
  httpResources { path methods }
  cloudActions cloudDataActions cloudRoles
  connections assumed outcomes
}
";

#[derive(Deserialize)]
struct Edges {
    edges: Vec<Edge>,
    #[serde(default)]
    attempts: Vec<Edge>,
}

fn variables(filter: &Filter, attempts: bool) -> Value {
    let labels = filter.exclude_labels.iter();
    json!({
        "namespaces": filter.namespaces,
        "server": filter.server.as_ref().map(|server| {
            json!({ "name": server.name, "namespace": server.namespace })
        }),
        "excludeLabels": labels.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>(),
        "external": filter.external,
        "attempts": attempts,
    })
}

async fn ask(mapper: &mut Mapper, filter: &Filter, attempts: bool) -> Result<Shown, Failure> {
    let answer = mapper
        .ask(Some("Edges"), EDGES, variables(filter, attempts))
        .await?;
    if answer.status == StatusCode::UNPROCESSABLE_ENTITY {
        return ask_old(mapper, filter).await;
    }
    let Edges {
        edges,
        attempts: tried,
    } = data(mapper, &answer)?;
    // The mapper knows no names to leave out; what it did leave out has no labels here.
    let names = Filter {
        exclude_workloads: filter.exclude_workloads.clone(),
        external: true,
        ..Filter::default()
    };
    let map = names.apply(&fetched::map(&edges, &tried));
    let why_empty = if map.is_empty() && map.attempts_len() == 0 {
        Some(why_empty(mapper, filter).await)
    } else {
        None
    };
    Ok(Shown { map, why_empty })
}

/// A mapper of the replaced system knows edges within the cluster.
async fn ask_old(mapper: &mut Mapper, filter: &Filter) -> Result<Shown, Failure> {
    let labels = filter.exclude_labels.iter();
    let query = old_ask::Query {
        namespaces: filter.namespaces.iter().map(ToString::to_string).collect(),
        exclude_labels: labels
            .map(|(key, value)| format!("{key}={value}"))
            .collect(),
        label: None,
        server: filter.server.as_ref().map(|server| old_ask::Server {
            name: server.name.to_string(),
            namespace: server.namespace.to_string(),
        }),
    };
    let asked = old_ask::rows(mapper, &query).await?;
    let names = old_rows::Shown {
        exclude_services: { filter.exclude_workloads.iter() }
            .map(ToString::to_string)
            .collect(),
        ..old_rows::Shown::default()
    };
    let map = old_rows::map(&asked.rows, &names);
    let why_empty = map
        .is_empty()
        .then(|| "the mapper has no edges to show".to_owned());
    Ok(Shown { map, why_empty })
}

/// Why there is nothing. No answer is no reason to fail: the list is empty all the same.
async fn why_empty(mapper: &mut Mapper, filter: &Filter) -> String {
    #[derive(Deserialize)]
    struct Asked {
        status: Status,
    }
    let document = format!("{{ status {{ ...StatusFields }} }}{}", fields::STATUS);
    let asked: Result<Asked, Failure> = mapper.answer(None, &document, json!({})).await;
    match asked {
        Ok(Asked { status }) => reason(&status, filter),
        Err(_) => "the mapper has no edges to show".to_owned(),
    }
}

/// The first of the reasons that holds.
fn reason(status: &Status, filter: &Filter) -> String {
    let edges = usize::try_from(status.edges.0).unwrap_or_default();
    if edges > 0 {
        return filtered(edges, filter);
    }
    let forgotten = match &status.forgotten {
        Some(at) => format!("; what was before {} is forgotten", at.0),
        None => String::new(),
    };
    if !status.synced {
        return format!("the mapper does not know the cluster yet{forgotten}");
    }
    let taken: i64 = status.taken.iter().map(|one| one.count.0).sum();
    if taken == 0 {
        return format!(
            "nothing was reported since the mapper started ({} reports): do sniffers run? portolan status{forgotten}",
            status.reports
        );
    }
    let fates = status.fates.iter().filter(|one| one.count.0 > 0);
    let fates: Vec<String> = fates
        .map(|one| format!("{} {}", one.count, one.reason))
        .collect();
    let fates = if fates.is_empty() {
        String::new()
    } else {
        format!(": {}", fates.join(", "))
    };
    format!(
        "of {taken} observations none is in an edge now, {} wait{fates}{forgotten}",
        status.held
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(value: &Value) -> Status {
        let mut all = json!({
            "at": "2026-11-25T10:00:00Z", "version": "1", "synced": true, "pods": 3, "edges": 0,
            "attempts": 0, "reports": 2, "taken": [], "fates": [], "held": 0, "forgotten": null,
        });
        for (key, value) in value.as_object().unwrap() {
            all[key] = value.clone();
        }
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn an_empty_list_says_why() {
        let all = Filter::default();
        let one = Filter {
            namespaces: ["a".into()].into(),
            ..Filter::default()
        };
        let said = |value: Value, filter: &Filter| reason(&status(&value), filter);
        let none = said(json!({}), &all);
        assert!(
            none.starts_with("nothing was reported") && none.contains("2 reports"),
            "{none}"
        );
        let unsynced = said(json!({ "synced": false }), &all);
        assert_eq!(unsynced, "the mapper does not know the cluster yet");
        assert_eq!(
            said(json!({ "edges": 7 }), &one),
            "the filter leaves none of 7 edges; those to the outside are shown with --external"
        );
        let outside = said(json!({ "edges": 7 }), &all);
        assert!(
            outside.starts_with("none of 7 edges is within the cluster"),
            "{outside}"
        );
        let refused = json!({
            "taken": [{ "reason": "TCP", "count": 5 }], "held": 1,
            "fates": [{ "reason": "unreadable", "count": 4 }],
            "forgotten": "2026-11-25T09:00:00Z",
        });
        assert_eq!(
            said(refused, &all),
            "of 5 observations none is in an edge now, 1 wait: 4 unreadable; \
             what was before 2026-11-25T09:00:00Z is forgotten"
        );
    }
}
