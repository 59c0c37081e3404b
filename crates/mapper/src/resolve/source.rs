//! Who did it.

use std::sync::Arc;

use cluster::{Holder, Identity, Index, Need, Pod};
use map::{Source, Time, Workload};

use super::{Doubt, When, holder};
use crate::fate::Refusal;

/// The client's side of an observation.
#[derive(Clone, Debug)]
pub(crate) enum Client<'a> {
    /// A pod of the cluster, and its workload.
    Pod(&'a Pod, Arc<Identity>),
    /// The API server calls: webhooks, aggregated APIs, `kubectl exec` by proxy.
    ApiServer,
    /// A node, or a pod on its network, where nobody has told which.
    HostNetwork(&'a str),
    /// A public address: somebody outside.
    Internet,
}

impl Client<'_> {
    /// Its workload, where it is in the cluster.
    pub(crate) fn workload(&self) -> Option<Workload> {
        match self {
            Self::Pod(_, identity) => Some(identity.workload.clone()),
            Self::ApiServer => Some(Workload::api_server()),
            Self::HostNetwork(_) | Self::Internet => None,
        }
    }
}

/// A pod with its workload, once its owners are known.
pub(crate) fn identified<'a>(
    index: &'a Index,
    pod: &'a Pod,
) -> Result<(&'a Pod, Arc<Identity>), Doubt> {
    let identity = index.identified(pod).map_err(Doubt::owner)?;
    Ok((pod, identity))
}

/// Who held the source's address from `first` to `last`.
pub(crate) fn client(
    index: &Index,
    source: Source,
    first: Time,
    last: Time,
) -> Result<Client<'_>, Doubt> {
    let Source { address, pod_uid } = source;
    if address.to_canonical().is_loopback() {
        return Err(Refusal::LoopbackSource.into());
    }
    let in_doubt = |refusal| {
        let need = pod_uid.map_or(Need::Address(address), Need::Pod);
        Err(Doubt::unless_settled(index, last, need, refusal))
    };
    let found = match pod_uid {
        Some(uid) => index
            .on_host_network(address, uid, last)
            .map_or_else(|| index.holder(address, pod_uid, last), Holder::Pod),
        None => holder(index, address, When { first, last }),
    };
    match found {
        Holder::HostNetwork(node) => Ok(Client::HostNetwork(node)),
        Holder::Pod(pod) => {
            if pod_uid.is_none() {
                Doubt::settled(index, last)?;
            }
            let (pod, identity) = identified(index, pod)?;
            Ok(Client::Pod(pod, identity))
        }
        Holder::Ambiguous => in_doubt(Refusal::AmbiguousSource),
        Holder::Unknown if pod_uid.is_some() => in_doubt(Refusal::UnknownPod),
        Holder::Unknown if index.control_plane(address) => Ok(Client::ApiServer),
        Holder::Unknown if index.is_private(address) => in_doubt(Refusal::UnknownSource),
        Holder::Unknown => {
            Doubt::settled(index, last)?;
            Ok(Client::Internet)
        }
    }
}
