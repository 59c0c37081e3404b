//! What can be asked.

use std::sync::Arc;

use async_graphql::{Context, Object, Result};
use map::filter::{Server, label};
use map::{Filter, difference_between};
use wire::edge::{Coverage, Edge, EdgeChange, EdgeDetails, Status, TrafficLevel};
use wire::engine::{self, Rows};
use wire::input::ServerFilter;
use wire::output::{Intent, ServiceIntents};
use wire::{ChangeKind, Evidence, Int, Text, Time};

use super::edges::{self, Labels};
use super::intents;
use super::status;
use crate::writer::{Mapper, View};

/// The queries.
#[derive(Debug)]
pub(crate) struct Query;

#[Object]
impl Query {
    /// Clients, each with the servers that it calls.
    async fn service_intents(
        &self,
        context: &Context<'_>,
        namespaces: Option<Vec<Text>>,
        include_labels: Option<Vec<Text>>,
        include_all_labels: Option<bool>,
    ) -> Result<Rows<ServiceIntents>> {
        let view = view(context).await?;
        let labels = labels(include_labels, include_all_labels);
        let filter = filter(&view, namespaces, None, None);
        Ok(Rows(intents::service_intents(&view.map, &filter, &labels)))
    }

    /// Pairs of client and server, with what is known of the access.
    async fn intents(
        &self,
        context: &Context<'_>,
        namespaces: Option<Vec<Text>>,
        include_labels: Option<Vec<Text>>,
        exclude_service_with_labels: Option<Vec<Text>>,
        include_all_labels: Option<bool>,
        server: Option<ServerFilter>,
    ) -> Result<Rows<Intent>> {
        let view = view(context).await?;
        let labels = labels(include_labels, include_all_labels);
        let filter = filter(&view, namespaces, exclude_service_with_labels, server);
        Ok(Rows(intents::intents(&view.map, &filter, &labels)))
    }

    /// Whether the mapper answers.
    async fn health(&self) -> bool {
        true
    }

    /// Edges with all that is known of them, sorted by client and server; with `external` also those from and to
    /// outside the cluster. `since` and `until` keep what was active in that time.
    #[allow(
        clippy::too_many_arguments,
        reason = "each is an argument of the query"
    )]
    async fn edges(
        &self,
        context: &Context<'_>,
        namespaces: Option<Vec<Text>>,
        server: Option<ServerFilter>,
        exclude_service_with_labels: Option<Vec<Text>>,
        include_labels: Option<Vec<Text>>,
        include_all_labels: Option<bool>,
        external: Option<bool>,
        evidence: Option<Vec<Evidence>>,
        since: Option<Time>,
        until: Option<Time>,
        limit: Option<Int>,
    ) -> Result<Rows<Edge>> {
        let view = view(context).await?;
        let labels = labels(include_labels, include_all_labels);
        let base = filter(&view, namespaces, exclude_service_with_labels, server);
        let filter = wider(base, external, evidence, since, until);
        let found = filter.edges(&view.map).take(most(limit)?);
        let rows = found.map(|(key, edge)| edges::edge(&view.map, key, edge, &labels));
        Ok(Rows(rows.collect()))
    }

    /// Connections that were refused or never answered, likewise.
    #[allow(
        clippy::too_many_arguments,
        reason = "each is an argument of the query"
    )]
    async fn attempts(
        &self,
        context: &Context<'_>,
        namespaces: Option<Vec<Text>>,
        server: Option<ServerFilter>,
        external: Option<bool>,
        since: Option<Time>,
        until: Option<Time>,
        limit: Option<Int>,
    ) -> Result<Rows<Edge>> {
        let view = view(context).await?;
        let base = filter(&view, namespaces, None, server);
        let filter = wider(base, external, None, since, until);
        let found = filter.attempts(&view.map).take(most(limit)?);
        let none = Labels::default();
        let rows = found.map(|(key, edge)| edges::edge(&view.map, key, edge, &none));
        Ok(Rows(rows.collect()))
    }

    /// What came and what went quiet after `since`, up to `until` (now, if not given).
    async fn changes(
        &self,
        context: &Context<'_>,
        since: Time,
        until: Option<Time>,
        namespaces: Option<Vec<Text>>,
        external: Option<bool>,
    ) -> Result<Rows<EdgeChange>> {
        let view = view(context).await?;
        let base = filter(&view, namespaces, None, None);
        let shown = wider(base, external, None, None, None);
        let until = until.map_or(view.at, |until| until.0);
        if until < since.0 {
            return Err(engine::failed("until lies before since"));
        }
        Ok(Rows(changes(&view, &shown, since.0, until)))
    }

    /// What each node's sniffer sees, and what it does not, as it said last.
    async fn coverage(&self, context: &Context<'_>) -> Result<Vec<Coverage>> {
        Ok(view(context).await?.coverage.clone())
    }

    /// What became of all that was reported since the mapper started.
    async fn status(&self, context: &Context<'_>) -> Result<Status> {
        let view = view(context).await?;
        let stats = context.data::<Mapper>()?.stats();
        Ok(status::status(&view, &stats))
    }

    /// How much went between workloads, where an agent on the nodes tells.
    async fn traffic_levels(
        &self,
        context: &Context<'_>,
        namespaces: Option<Vec<Text>>,
    ) -> Result<Vec<TrafficLevel>> {
        let view = view(context).await?;
        let wanted = namespaces.unwrap_or_default();
        let is_in = |namespace: &str| wanted.is_empty() || wanted.iter().any(|w| **w == *namespace);
        let levels = view.traffic.iter();
        let levels = levels.filter(|level| is_in(&level.client.namespace));
        let none = Labels::default();
        Ok(levels
            .map(|level| TrafficLevel {
                client: edges::of_workload(&view.map, &view.cluster, &level.client, &none),
                server: edges::of_workload(&view.map, &view.cluster, &level.server, &none),
                bytes_sent: Int::from(level.bytes),
                flows: Int::from(level.flows),
                last_seen: Time(level.last_seen),
            })
            .collect())
    }
}

async fn view(context: &Context<'_>) -> Result<Arc<View>> {
    let mapper = context.data::<Mapper>()?;
    mapper
        .view()
        .await
        .map_err(|error| engine::failed(error.to_string()))
}

fn labels(keys: Option<Vec<Text>>, all: Option<bool>) -> Labels {
    let keys = keys.unwrap_or_default();
    Labels {
        all: all.unwrap_or_default(),
        keys: keys.into_iter().map(|key| key.0.into()).collect(),
    }
}

fn filter(
    view: &View,
    namespaces: Option<Vec<Text>>,
    exclude_labels: Option<Vec<Text>>,
    server: Option<ServerFilter>,
) -> Filter {
    let texts = |list: Option<Vec<Text>>| list.unwrap_or_default().into_iter();
    Filter {
        cluster: Some(view.cluster.clone()),
        namespaces: texts(namespaces).map(|text| text.0).collect(),
        exclude_labels: texts(exclude_labels).map(|text| label(&text)).collect(),
        server: server.map(|server| Server {
            name: server.name.0,
            namespace: server.namespace.0,
        }),
        ..Filter::default()
    }
}

/// Beyond the old contract, edges of all clusters are shown, as after an import: each says which is its own.
fn wider(
    filter: Filter,
    external: Option<bool>,
    evidence: Option<Vec<Evidence>>,
    since: Option<Time>,
    until: Option<Time>,
) -> Filter {
    let evidence = evidence.unwrap_or_default().into_iter();
    Filter {
        cluster: None,
        external: external.unwrap_or_default(),
        evidence: evidence.map(edges::evidence).collect(),
        since: since.map(|time| time.0),
        until: until.map(|time| time.0),
        ..filter
    }
}

fn most(limit: Option<Int>) -> Result<usize> {
    match limit {
        None => Ok(usize::MAX),
        Some(limit) => {
            usize::try_from(limit.0).map_err(|_| engine::failed("limit must not be negative"))
        }
    }
}

fn changes(view: &View, shown: &Filter, since: map::Time, until: map::Time) -> Vec<EdgeChange> {
    let difference = difference_between(&view.map, since, until);
    let none = Labels::default();
    let answer = |kind, key: &map::EdgeKey, gained, lost| {
        let edge = view.map.edge(key)?;
        let is_shown = shown.matches(&view.map, key, edge);
        is_shown.then(|| EdgeChange {
            kind,
            edge: edges::edge(&view.map, key, edge, &none),
            gained,
            lost,
        })
    };
    let details = |facets: &[map::Facet]| -> Option<EdgeDetails> {
        (!facets.is_empty()).then(|| edges::details(&facets.iter().collect::<Vec<_>>()))
    };
    let added = difference.added.iter();
    let removed = difference.removed.iter();
    let changed = difference.changed.iter();
    let mut all: Vec<(&map::EdgeKey, EdgeChange)> = added
        .filter_map(|key| Some((key, answer(ChangeKind::Added, key, None, None)?)))
        .chain(removed.filter_map(|key| Some((key, answer(ChangeKind::Removed, key, None, None)?))))
        .chain(changed.filter_map(|change| {
            let (gained, lost) = (details(&change.added), details(&change.removed));
            let answer = answer(ChangeKind::Changed, &change.key, gained, lost)?;
            Some((&change.key, answer))
        }))
        .collect();
    all.sort_by_key(|(key, _)| *key);
    all.into_iter().map(|(_, change)| change).collect()
}
