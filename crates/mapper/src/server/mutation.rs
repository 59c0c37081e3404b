//! What can be reported by documents that the fast route does not know, and the reset.

use std::sync::Arc;

use async_graphql::{Context, Object, Result};
use parking_lot::Mutex;
use wire::input::{
    AwsOperation, AzureOperation, CaptureResults, CaptureTcpResults, GcpOperation,
    IstioConnectionResults, KafkaMapperResults, NodeCoverage, SocketScanResults,
    TrafficLevelResults,
};
use wire::{Report, engine};

use super::schema::check_node;
use crate::access::{Permit, Refusal};
use crate::writer::Mapper;

/// The mutations.
#[derive(Debug)]
pub(crate) struct Mutation;

/// The size of the request's body, which is how much room its reports take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes(pub(crate) usize);

/// Why a report of the request is not for its sender to make.
#[derive(Clone, Debug, Default)]
pub(crate) struct Denied(Arc<Mutex<Option<Refusal>>>);

impl Denied {
    pub(crate) fn take(&self) -> Option<Refusal> {
        self.0.lock().take()
    }
}

#[Object]
impl Mutation {
    /// Forgets the map up to now.
    async fn reset_capture(&self, context: &Context<'_>) -> Result<bool> {
        let mapper = context.data::<Mapper>()?;
        let reset = mapper.reset().await;
        match reset {
            Ok(true) => Ok(true),
            Ok(false) => Err(engine::failed(
                "the map is reset, but not on disk yet: try again once the disk has room"
                    .to_owned(),
            )),
            Err(error) => Err(engine::failed(error.to_string())),
        }
    }

    /// DNS answers that pods got.
    async fn report_capture_results(
        &self,
        context: &Context<'_>,
        results: CaptureResults,
    ) -> Result<bool> {
        report(context, Report::Captures(results)).await
    }

    /// TCP handshakes.
    #[graphql(name = "reportTCPCaptureResults")]
    async fn report_tcp_capture_results(
        &self,
        context: &Context<'_>,
        results: CaptureTcpResults,
    ) -> Result<bool> {
        report(context, Report::TcpCaptures(results)).await
    }

    /// Open connections.
    async fn report_socket_scan_results(
        &self,
        context: &Context<'_>,
        results: SocketScanResults,
    ) -> Result<bool> {
        report(context, Report::SocketScans(results)).await
    }

    /// Accesses to Kafka topics.
    async fn report_kafka_mapper_results(
        &self,
        context: &Context<'_>,
        results: KafkaMapperResults,
    ) -> Result<bool> {
        report(context, Report::Kafka(results)).await
    }

    /// Requests that Istio sidecars counted.
    async fn report_istio_connection_results(
        &self,
        context: &Context<'_>,
        results: IstioConnectionResults,
    ) -> Result<bool> {
        report(context, Report::Istio(results)).await
    }

    /// Operations on Amazon Web Services.
    #[graphql(name = "reportAWSOperation")]
    async fn report_aws_operation(
        &self,
        context: &Context<'_>,
        operation: Vec<AwsOperation>,
    ) -> Result<bool> {
        report(context, Report::Aws(operation)).await
    }

    /// Operations on Azure.
    #[graphql(name = "reportAzureOperation")]
    async fn report_azure_operation(
        &self,
        context: &Context<'_>,
        operation: Vec<AzureOperation>,
    ) -> Result<bool> {
        report(context, Report::Azure(operation)).await
    }

    /// Operations on Google Cloud.
    #[graphql(name = "reportGCPOperation")]
    async fn report_gcp_operation(
        &self,
        context: &Context<'_>,
        operation: Vec<GcpOperation>,
    ) -> Result<bool> {
        report(context, Report::Gcp(operation)).await
    }

    /// Volumes between addresses.
    async fn report_traffic_level_results(
        &self,
        context: &Context<'_>,
        results: TrafficLevelResults,
    ) -> Result<bool> {
        report(context, Report::Traffic(results)).await
    }

    /// What a sniffer sees of its node, and what it does not.
    async fn report_coverage(&self, context: &Context<'_>, coverage: NodeCoverage) -> Result<bool> {
        report(context, Report::Coverage(coverage)).await
    }
}

async fn report(context: &Context<'_>, report: Report) -> Result<bool> {
    if let Err(refusal) = check_node(&report, context.data::<Permit>()?) {
        let error = engine::failed(refusal.text.clone());
        *context.data::<Denied>()?.0.lock() = Some(refusal);
        return Err(error);
    }
    let mapper = context.data::<Mapper>()?;
    let Bytes(bytes) = *context.data::<Bytes>()?;
    let taken = mapper.report(report, bytes).await;
    taken.map_err(|error| engine::failed(error.to_string()))
}
