//! A server of the contract that hands out what was reported, and answers queries with one of everything.

use std::sync::{Arc, LazyLock, OnceLock};

use async_graphql::{Context, EmptySubscription, Object, Response, Schema};
use wire::edge::{Coverage, Edge, EdgeChange, EdgeDetails, Status, TrafficLevel};
use wire::engine::{self, Inputs, Rows};
use wire::input::{
    AwsOperation, AzureOperation, CaptureResults, CaptureTcpResults, GcpOperation,
    IstioConnectionResults, KafkaMapperResults, NodeCoverage, ServerFilter, SocketScanResults,
    TrafficLevelResults,
};
use wire::output::{Intent, ServiceIntents};
use wire::{ChangeKind, Int, Report, Text, Time, decode};

pub(crate) type Server = Schema<Query, Mutation, EmptySubscription>;

pub(crate) static SERVER: LazyLock<Server> =
    LazyLock::new(|| Schema::build(Query, Mutation, EmptySubscription).finish());

pub(crate) static INPUTS: LazyLock<Inputs> = LazyLock::new(|| Inputs::of(&SERVER.sdl()).unwrap());

/// What a server said to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Taken(Report),
    Answered,
    Refused(u16),
}

/// Through the engine, whatever the document.
pub(crate) fn by_engine(body: &[u8]) -> (Said, String) {
    let request = match decode::Request::read(body) {
        Ok(request) => request,
        Err(error) => return (Said::Refused(400), error.to_string()),
    };
    let taken = Arc::new(OnceLock::<Report>::new());
    let request = match INPUTS.request(&request) {
        Ok(request) => request.data(Arc::clone(&taken)),
        Err(refusal) => return (Said::Refused(refusal.status()), refusal.to_string()),
    };
    let response = execute(request);
    let said = match (engine::status(&response), taken.get()) {
        (200, Some(report)) => Said::Taken(report.clone()),
        (200, None) => Said::Answered,
        (status, _) => Said::Refused(status),
    };
    (said, serde_json::to_string(&response).unwrap())
}

fn execute(request: async_graphql::Request) -> Response {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.build().unwrap();
    runtime.block_on(SERVER.execute(request))
}

pub(crate) struct Mutation;

fn take(context: &Context<'_>, report: Report) -> bool {
    let taken = context.data_unchecked::<Arc<OnceLock<Report>>>();
    taken.set(report).is_ok()
}

#[allow(clippy::unused_async, reason = "resolvers are async")]
#[Object]
impl Mutation {
    async fn reset_capture(&self) -> async_graphql::Result<bool> {
        Err(engine::failed("the store is full"))
    }

    async fn report_capture_results(&self, context: &Context<'_>, results: CaptureResults) -> bool {
        take(context, Report::Captures(results))
    }

    #[graphql(name = "reportTCPCaptureResults")]
    async fn report_tcp_capture_results(
        &self,
        context: &Context<'_>,
        results: CaptureTcpResults,
    ) -> bool {
        take(context, Report::TcpCaptures(results))
    }

    async fn report_socket_scan_results(
        &self,
        context: &Context<'_>,
        results: SocketScanResults,
    ) -> bool {
        take(context, Report::SocketScans(results))
    }

    async fn report_kafka_mapper_results(
        &self,
        context: &Context<'_>,
        results: KafkaMapperResults,
    ) -> bool {
        take(context, Report::Kafka(results))
    }

    async fn report_istio_connection_results(
        &self,
        context: &Context<'_>,
        results: IstioConnectionResults,
    ) -> bool {
        take(context, Report::Istio(results))
    }

    #[graphql(name = "reportAWSOperation")]
    async fn report_aws_operation(
        &self,
        context: &Context<'_>,
        operation: Vec<AwsOperation>,
    ) -> bool {
        take(context, Report::Aws(operation))
    }

    async fn report_azure_operation(
        &self,
        context: &Context<'_>,
        operation: Vec<AzureOperation>,
    ) -> bool {
        take(context, Report::Azure(operation))
    }

    #[graphql(name = "reportGCPOperation")]
    async fn report_gcp_operation(
        &self,
        context: &Context<'_>,
        operation: Vec<GcpOperation>,
    ) -> bool {
        take(context, Report::Gcp(operation))
    }

    async fn report_traffic_level_results(
        &self,
        context: &Context<'_>,
        results: TrafficLevelResults,
    ) -> bool {
        take(context, Report::Traffic(results))
    }

    async fn report_coverage(&self, context: &Context<'_>, coverage: NodeCoverage) -> bool {
        take(context, Report::Coverage(coverage))
    }
}

pub(crate) struct Query;

#[Object]
impl Query {
    async fn service_intents(
        &self,
        namespaces: Option<Vec<Text>>,
        include_labels: Option<Vec<Text>>,
        include_all_labels: Option<bool>,
    ) -> Vec<ServiceIntents> {
        let _ = (namespaces, include_labels, include_all_labels);
        Vec::new()
    }

    async fn intents(
        &self,
        namespaces: Option<Vec<Text>>,
        include_labels: Option<Vec<Text>>,
        exclude_service_with_labels: Option<Vec<Text>>,
        include_all_labels: Option<bool>,
        server: Option<ServerFilter>,
    ) -> Vec<Intent> {
        let _ = (
            include_labels,
            exclude_service_with_labels,
            include_all_labels,
        );
        let _ = server;
        namespaces.iter().flatten().map(intent).collect()
    }

    /// The same, written as rows.
    async fn intent_rows(&self, namespaces: Option<Vec<Text>>) -> Rows<Intent> {
        Rows(namespaces.iter().flatten().map(intent).collect())
    }

    async fn health(&self) -> bool {
        true
    }

    /// What comes without rows is also there with them.
    async fn change_rows(&self) -> Rows<EdgeChange> {
        Rows(vec![change(), change()])
    }

    async fn edges(&self, since: Option<Time>) -> Vec<Edge> {
        let _ = since;
        vec![edge()]
    }

    async fn changes(&self) -> Vec<EdgeChange> {
        vec![change()]
    }

    async fn two_changes(&self) -> Vec<EdgeChange> {
        vec![change(), change()]
    }

    async fn coverage(&self) -> Vec<Coverage> {
        vec![coverage()]
    }

    async fn traffic(&self) -> Vec<TrafficLevel> {
        vec![traffic()]
    }

    async fn status(&self) -> Status {
        status()
    }
}

/// An intent within this namespace, with one of everything.
pub(crate) fn intent(namespace: &Text) -> Intent {
    let json = serde_json::json!({
        "client": {
            "name": "client",
            "namespace": namespace,
            "labels": [{ "key": "app", "value": "client" }],
            "podOwnerKind": { "group": "apps", "version": "v1", "kind": "Deployment" },
        },
        "server": { "name": "server", "namespace": namespace, "kubernetesService": "svc" },
        "type": "KAFKA",
        "kafkaTopics": [{ "name": "orders", "operations": ["CONSUME"] }],
        "httpResources": [{ "path": "/", "methods": ["GET"] }],
    });
    serde_json::from_value(json).unwrap()
}

/// An edge with one of everything.
pub(crate) fn edge() -> Edge {
    let json = serde_json::json!({
        "cluster": "",
        "client": {
            "kind": "WORKLOAD",
            "name": "client",
            "namespace": "shop",
            "ownerKind": "Deployment",
            "labels": [{ "key": "app", "value": "client" }],
        },
        "server": { "kind": "CLOUD", "name": "arn:aws:s3:::bucket", "provider": "AWS" },
        "firstSeen": "2026-01-01T00:00:00Z",
        "lastSeen": "2026-01-02T00:00:00.123456789Z",
        "ports": [{ "protocol": "TCP", "port": 443 }],
        "evidence": ["DNS", "CLOUD"],
        "services": ["svc"],
        "addresses": ["192.0.2.1"],
        "kafkaTopics": [{ "name": "orders", "operations": ["CONSUME"] }],
        "httpResources": [{ "path": "/", "methods": ["GET"] }],
        "cloudActions": ["s3:GetObject"],
        "cloudDataActions": ["read"],
        "cloudRoles": ["role"],
        "connections": i64::MAX,
        "assumed": true,
        "outcomes": ["REFUSED"],
    });
    serde_json::from_value(json).unwrap()
}

/// A change with one of everything.
pub(crate) fn change() -> EdgeChange {
    let edge = edge();
    let details = EdgeDetails {
        ports: edge.ports.clone(),
        evidence: edge.evidence.clone(),
        services: edge.services.clone(),
        addresses: edge.addresses.clone(),
        kafka_topics: edge.kafka_topics.clone(),
        http_resources: edge.http_resources.clone(),
        cloud_actions: edge.cloud_actions.clone(),
        cloud_data_actions: edge.cloud_data_actions.clone(),
        cloud_roles: edge.cloud_roles.clone(),
    };
    EdgeChange {
        kind: ChangeKind::Changed,
        edge,
        gained: Some(details.clone()),
        lost: Some(details),
    }
}

/// Coverage with one of everything.
pub(crate) fn coverage() -> Coverage {
    let json = serde_json::json!({
        "nodeName": "node-1",
        "reporterId": "r",
        "at": "2026-01-01T00:00:00Z",
        "seen": [{ "reason": "dns", "count": 7 }],
        "dropped": [{ "reason": "unasked", "count": 1 }],
        "spooled": 3,
        "rights": ["packets"],
        "lastScan": "2026-01-01T00:00:00Z",
        "version": "0.1.0",
    });
    serde_json::from_value(json).unwrap()
}

/// What became of all, with one of everything.
pub(crate) fn status() -> Status {
    let json = serde_json::json!({
        "at": "2026-01-01T00:00:00Z",
        "version": "0.1.0",
        "synced": true,
        "pods": 5,
        "edges": 3,
        "attempts": 1,
        "reports": 2,
        "taken": [{ "reason": "TCP", "count": 8 }],
        "fates": [{ "reason": "in edges", "count": 7 }],
        "held": 1,
        "forgotten": "2026-01-01T00:00:00Z",
    });
    serde_json::from_value(json).unwrap()
}

/// Traffic between two workloads.
pub(crate) fn traffic() -> TrafficLevel {
    let edge = edge();
    TrafficLevel {
        client: edge.client,
        server: edge.server,
        bytes_sent: Int(1),
        flows: Int(2),
        last_seen: edge.last_seen,
    }
}
