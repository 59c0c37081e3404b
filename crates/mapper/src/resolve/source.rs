//! Who did it.

use cluster::{Holder, Index, Pod};
use map::{Source, Time, Workload};

use crate::fate::Refusal;

/// The client's side of an observation.
#[derive(Clone, Debug)]
pub(crate) enum Client<'a> {
    /// A pod of the cluster.
    Pod(&'a Pod),
    /// The API server calls: webhooks, aggregated APIs, `kubectl exec` by proxy.
    ApiServer,
    /// A public address: somebody outside.
    Internet,
}

impl Client<'_> {
    /// Its workload, where it is in the cluster.
    pub(crate) fn workload(&self, index: &Index) -> Option<Workload> {
        match self {
            Self::Pod(pod) => Some(index.identity(pod).workload),
            Self::ApiServer => Some(Workload::api_server()),
            Self::Internet => None,
        }
    }
}

/// Who held the source's address from `first` to `last`. Two different holders are nobody for sure.
pub(crate) fn client(
    index: &Index,
    source: Source,
    first: Time,
    last: Time,
) -> Result<Client<'_>, (Refusal, Option<&str>)> {
    let holder = index.holder(source.address, source.pod_uid, last);
    if let Holder::HostNetwork(node) = holder {
        return Err((Refusal::HostNetworkSource, Some(node)));
    }
    match holder {
        Holder::Pod(pod) => match index.holder(source.address, source.pod_uid, first) {
            Holder::Pod(before) if std::ptr::eq(before, pod) => Ok(Client::Pod(pod)),
            _ if first == last => Ok(Client::Pod(pod)),
            _ => Err((Refusal::AmbiguousSource, None)),
        },
        Holder::Ambiguous => Err((Refusal::AmbiguousSource, None)),
        _ if source.pod_uid.is_some() => Err((Refusal::UnknownPod, None)),
        _ if index.control_plane(source.address) => Ok(Client::ApiServer),
        _ if index.is_private(source.address) => Err((Refusal::UnknownSource, None)),
        _ => Ok(Client::Internet),
    }
}
