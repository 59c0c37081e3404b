//! Connections, open or tried.

use cluster::Index;
use map::{Connection, Evidence, Facet, Observation, Outcome, Peer, Time, Workload};

use super::{Ingest, Span};
use crate::fact::Claim;
use crate::fate::{Fate, Refusal};
use crate::pairs::{Known, PairKey};
use crate::resolve::{self, Client, Doubt, Place, Server, When};
use crate::service_graph::Counted;

impl Ingest {
    pub(super) fn connection(
        &mut self,
        index: &Index,
        seen: &Observation,
        connection: &Connection,
        claim: &Claim,
    ) -> Result<Option<Fate>, Doubt> {
        let client = self.client(index, seen, claim)?;
        let place = resolve::place(index, connection, When::of(seen))?;
        let accepted = connection.outcome == Outcome::Accepted;
        if accepted && matches!(place.server, Server::Empty(_)) {
            return Err(Refusal::NoBackend.into());
        }
        // Evidence, port, and what the server's side adds.
        let mut facets = Vec::with_capacity(4);
        facets.push(Facet::Evidence(seen.evidence));
        if place.port != 0 {
            facets.push(Facet::Port {
                protocol: connection.protocol,
                port: place.port,
            });
        }
        let mut span = Span {
            first: seen.first_seen,
            last: seen.last_seen,
            connections: seen.connections,
            reporter: (!claim.reporter.is_empty()).then_some(claim.reporter.as_str()),
            counted: None,
        };
        // Only the node of the client's pod can name that pod; for a client from outside it is that of the server.
        let is_at_client = seen.source.pod_uid.is_some() || client.workload().is_none();
        if seen.evidence == Evidence::Tcp && is_at_client {
            span.counted = span.reporter.map(|reporter| Counted {
                reporter,
                source: &seen.source,
                connection,
                count: seen.connections,
                first: seen.first_seen,
                last: seen.last_seen,
            });
        }
        let Some(workload) = client.workload() else {
            is_meant(index, &place, claim)?;
            facets.push(Facet::Address(seen.source.address));
            let (server, outcome) = (&place.server, connection.outcome);
            let fate = self.record(Peer::Internet, server, &mut facets, span, outcome, index);
            return Ok(Some(fate));
        };
        if let Client::Pod(pod, _) = &client {
            self.describe(&workload, index, pod, seen.last_seen);
        }
        let mut fate = Fate::Refused(Refusal::TableFull);
        let names = self.names_of(&workload, &place.server, seen.last_seen, &mut facets);
        for server in names
            .iter()
            .chain(names.is_empty().then_some(&place.server))
        {
            let from = Peer::Workload(workload.clone());
            let shared = facets.len();
            fate = self.record(from, server, &mut facets, span, connection.outcome, index);
            facets.truncate(shared);
            // An address may have several names: a connection counts once.
            span.counted = None;
            self.explain(index, &workload, connection, server);
        }
        Ok(Some(fate))
    }

    /// An outside address has the names that this client got for it.
    fn names_of(
        &self,
        client: &Workload,
        server: &Server,
        at: Time,
        facets: &mut Vec<Facet>,
    ) -> Vec<Server> {
        let Server::Outside(address) = *server else {
            return Vec::new();
        };
        let names = self.names.of(client, address, at);
        let names: Vec<Server> = names.map(|name| Server::Name(name.clone())).collect();
        if !names.is_empty() {
            facets.push(Facet::Address(address));
        }
        names
    }

    /// Tells the answers that wait for this connection what became of it.
    fn explain(
        &mut self,
        index: &Index,
        client: &Workload,
        connection: &Connection,
        server: &Server,
    ) {
        let pair = self.pairs.get(client, connection.meant.ip());
        if pair.is_some_and(|pair| pair.knows(connection.outcome, server)) {
            return;
        }
        let peer = &server.peer();
        let key: PairKey = (client.clone(), connection.meant.ip());
        let (pair, evicted) = self.pairs.entry(key.clone(), self.now);
        let mut explained = Vec::new();
        match (connection.outcome, &pair.known) {
            (Outcome::Accepted, _) => {
                explained = std::mem::take(&mut pair.waiting);
                pair.known = Known::Accepted(peer.clone());
            }
            (_, Known::Nothing) => pair.known = Known::Refused(peer.clone()),
            _ => {}
        }
        for waiting in explained {
            let fate = self.explained(&key.0, key.1, peer.clone(), &waiting);
            self.release(waiting.ticket);
            self.fates.add(fate, waiting.observations);
        }
        self.settle_evicted(index, evicted);
    }
}

/// A connection from outside must lead into the cluster, and to the pod that the server's own node named.
fn is_meant(index: &Index, place: &Place, claim: &Claim) -> Result<(), Refusal> {
    let Server::Workload { pod, .. } = &place.server else {
        return Err(Refusal::BothOutside);
    };
    let named = claim.destination_name.as_str();
    let pod = pod.and_then(|uid| index.pod(uid));
    if named.is_empty() || pod.is_none_or(|pod| pod.is_called(named)) {
        Ok(())
    } else {
        Err(Refusal::WrongPod)
    }
}
