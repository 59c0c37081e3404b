//! Requests that sidecars counted.

use map::{Evidence, HttpMethod};
use wire::input::IstioConnection;

use super::{Item, Receipt, outcome};
use crate::fact::{Fact, HttpRequest};
use crate::fate::Refusal;

pub(super) fn read(
    results: Vec<IstioConnection>,
    receipt: &mut Receipt,
    each: &mut dyn FnMut(Item),
) {
    for result in results {
        let request = request(result, receipt);
        each(
            request
                .map(Fact::Request)
                .map_err(|refusal| (Evidence::Istio, refusal)),
        );
    }
}

fn request(result: IstioConnection, receipt: &mut Receipt) -> Result<HttpRequest, Refusal> {
    result.check().map_err(|_| Refusal::Unreadable)?;
    if result.path.is_empty() {
        return Err(Refusal::Unreadable);
    }
    let mut methods: Vec<HttpMethod> = result.methods.iter().map(|m| (*m).into()).collect();
    methods.sort_unstable();
    methods.dedup();
    if methods.is_empty() {
        // Requests by a method that the contract lacks are requests all the same.
        methods.push(HttpMethod::All);
    }
    Ok(HttpRequest {
        client: (result.src_workload_namespace.0, result.src_workload.0),
        server: (result.dst_workload_namespace.0, result.dst_workload.0),
        service: result.dst_service_name.0,
        path: result.path.0,
        methods,
        at: receipt.clamp(result.last_seen.0),
        outcome: outcome(result.attempt),
        client_canonical: result.src_canonical_service.unwrap_or_default().0,
        server_canonical: result.dst_canonical_service.unwrap_or_default().0,
    })
}
