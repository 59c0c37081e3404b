//! What watchers of brokers, sidecars and clouds tell.

use std::time::Duration;

use cluster::{Index, Need, Pod};
use compact_str::CompactString;
use map::{Evidence, Facet, Outcome, Peer, Source, Time, Workload};

use super::{Ingest, Span};
use crate::fact::{CloudAccess, CloudClient, HttpRequest, TopicAccess};
use crate::fate::{Fate, Refusal};
use crate::limits::{NAMES_AGAIN, NAMES_EVERY};
use crate::resolve::{self, Client, Doubt, identified};

impl Ingest {
    pub(super) fn topic(&mut self, index: &Index, access: &TopicAccess) -> Result<Fate, Doubt> {
        let (client, pod) = self.pod_at(index, access.client, access.at)?;
        let (namespace, name) = &access.broker;
        let broker = index.pod_named(namespace, name);
        let broker = broker.ok_or(Refusal::UnknownWorkload)?;
        let (broker, identity) = identified(index, broker)?;
        self.describe(&client, index, pod, access.at);
        self.describe(&identity.workload, index, broker, access.at);
        let facets = [
            Facet::Evidence(Evidence::Kafka),
            Facet::Topic {
                topic: access.topic.clone(),
                operation: access.operation,
            },
        ];
        let server = Peer::Workload(identity.workload.clone());
        let from = Peer::Workload(client);
        Ok(self.tell(from, server, &facets, access.at, access.outcome))
    }

    pub(super) fn request(&mut self, index: &Index, request: &HttpRequest) -> Result<Fate, Doubt> {
        let (client, server) = (&request.client, &request.server);
        let client = self.meshed(index, client, &request.client_canonical, request.at)?;
        let server = self.meshed(index, server, &request.server_canonical, request.at)?;
        let mut facets = vec![Facet::Evidence(Evidence::Istio)];
        if !request.service.is_empty() {
            facets.push(Facet::Service(request.service.clone()));
        }
        facets.extend(request.methods.iter().map(|method| Facet::Resource {
            path: request.path.clone(),
            method: *method,
        }));
        let (from, to) = (Peer::Workload(client), Peer::Workload(server));
        Ok(self.tell(from, to, &facets, request.at, request.outcome))
    }

    pub(super) fn cloud(&mut self, index: &Index, access: &CloudAccess) -> Result<Fate, Doubt> {
        let client = match &access.client {
            CloudClient::Named(namespace, name) => {
                self.workload_named(index, &(namespace.clone(), name.clone()), access.at)?
            }
            CloudClient::At(address) => {
                let (client, pod) = self.pod_at(index, *address, access.at)?;
                self.describe(&client, index, pod, access.at);
                client
            }
        };
        let mut facets = vec![Facet::Evidence(Evidence::Cloud)];
        facets.extend(access.actions.iter().cloned().map(Facet::CloudAction));
        facets.extend(
            access
                .data_actions
                .iter()
                .cloned()
                .map(Facet::CloudDataAction),
        );
        if !access.role.is_empty() {
            facets.push(Facet::CloudRole(access.role.clone()));
        }
        let from = Peer::Workload(client);
        let server = Peer::Cloud(access.resource.clone());
        Ok(self.tell(from, server, &facets, access.at, Outcome::Accepted))
    }

    fn tell(&mut self, from: Peer, to: Peer, facets: &[Facet], at: Time, outcome: Outcome) -> Fate {
        let span = Span {
            first: at,
            last: at,
            connections: 0,
            reporter: None,
            counted: None,
        };
        if outcome == Outcome::Accepted {
            return self.write(from, to, facets, span, outcome);
        }
        let mut facets = facets.to_vec();
        facets.push(Facet::Outcome(outcome));
        self.write(from, to, &facets, span, outcome)
    }

    /// The workload of the pod that held an address.
    fn pod_at<'i>(
        &mut self,
        index: &'i Index,
        address: std::net::IpAddr,
        at: Time,
    ) -> Result<(Workload, &'i Pod), Doubt> {
        let source = Source {
            address,
            pod_uid: None,
        };
        match resolve::client(index, source, at, at)? {
            Client::Pod(pod, identity) => Ok((identity.workload.clone(), pod)),
            Client::HostNetwork(node) => {
                *self.host_network.entry(node.into()).or_default() += 1;
                Err(Refusal::HostNetworkSource.into())
            }
            Client::ApiServer | Client::Internet => Err(Refusal::UnknownSource.into()),
        }
    }

    /// The workload that a sidecar means: by its name, else by its canonical one, which several workloads may share.
    fn meshed(
        &mut self,
        index: &Index,
        named: &(CompactString, CompactString),
        canonical: &CompactString,
        at: Time,
    ) -> Result<Workload, Doubt> {
        match self.workload_named(index, named, at) {
            Err(Doubt::Refused(Refusal::UnknownWorkload)) if !canonical.is_empty() => {
                self.workload_named(index, &(named.0.clone(), canonical.clone()), at)
            }
            found => found,
        }
    }

    /// The workload that a sidecar or a cloud means by a namespace and a name.
    fn workload_named(
        &mut self,
        index: &Index,
        named: &(CompactString, CompactString),
        at: Time,
    ) -> Result<Workload, Doubt> {
        let found = self.pod_of_workload(index, named, NAMES_EVERY);
        // It may have come since the list was made.
        let found = found.or_else(|| self.pod_of_workload(index, named, NAMES_AGAIN));
        let pod = found.ok_or_else(|| {
            Doubt::unless_settled(index, at, Need::Settled(at), Refusal::UnknownWorkload)
        })?;
        let (pod, identity) = identified(index, pod)?;
        self.describe(&identity.workload, index, pod, at);
        Ok(identity.workload.clone())
    }

    /// A pod of this workload, by a list that is no older than this.
    fn pod_of_workload<'i>(
        &mut self,
        index: &'i Index,
        named: &(CompactString, CompactString),
        oldest: Duration,
    ) -> Option<&'i Pod> {
        let by_name = &mut self.by_name;
        let is_old = |at: Time| self.now.since(at) > oldest;
        if by_name.at.is_none_or(is_old) {
            by_name.pods = index.pods_by_workload_name();
            by_name.at = Some(self.now);
        }
        index.pod(*by_name.pods.get(named)?)
    }
}
