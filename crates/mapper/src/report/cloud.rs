//! What clients did to resources of clouds.

use compact_str::CompactString;
use map::{CloudProvider, CloudResource, Evidence, Time};
use wire::Text;
use wire::input::{AwsOperation, AzureOperation, GcpOperation, NamespacedName};
use wire::limits::{MAX_ADDRESS, MAX_CLOUD_TEXT, MAX_NAME};

use super::{Item, address};
use crate::fact::{CloudAccess, CloudClient, Fact};
use crate::fate::Refusal;

pub(super) fn aws(operations: Vec<AwsOperation>, at: Time, each: &mut dyn FnMut(Item)) {
    for operation in operations {
        let role = operation.iam_role.map(|role| role.0).unwrap_or_default();
        let client = client(operation.client, operation.src_ip.as_ref());
        tell(
            client.and_then(|client| {
                readable(CloudAccess {
                    client,
                    resource: resource(CloudProvider::Aws, operation.resource),
                    actions: texts(operation.actions),
                    data_actions: Vec::new(),
                    role,
                    at,
                })
            }),
            each,
        );
    }
}

pub(super) fn gcp(operations: Vec<GcpOperation>, at: Time, each: &mut dyn FnMut(Item)) {
    for operation in operations {
        let client = client(operation.client, operation.src_ip.as_ref());
        tell(
            client.and_then(|client| {
                readable(CloudAccess {
                    client,
                    resource: resource(CloudProvider::Gcp, operation.resource),
                    actions: texts(operation.permissions),
                    data_actions: Vec::new(),
                    role: CompactString::default(),
                    at,
                })
            }),
            each,
        );
    }
}

pub(super) fn azure(operations: Vec<AzureOperation>, at: Time, each: &mut dyn FnMut(Item)) {
    for operation in operations {
        let access = CloudAccess {
            client: CloudClient::Named(operation.client_namespace.0, operation.client_name.0),
            resource: resource(CloudProvider::Azure, operation.scope),
            actions: texts(operation.actions),
            data_actions: texts(operation.data_actions),
            role: CompactString::default(),
            at,
        };
        tell(readable(access), each);
    }
}

fn readable(access: CloudAccess) -> Result<CloudAccess, Refusal> {
    if is_readable(&access) {
        Ok(access)
    } else {
        Err(Refusal::Unreadable)
    }
}

/// Whether its texts keep their bounds.
fn is_readable(access: &CloudAccess) -> bool {
    let named = match &access.client {
        CloudClient::Named(namespace, name) => namespace.len().max(name.len()) <= MAX_NAME,
        CloudClient::At(_) => true,
    };
    let texts = access.actions.iter().chain(&access.data_actions);
    let mut texts = texts.chain([&access.role, &access.resource.name]);
    named && !access.resource.name.is_empty() && texts.all(|text| text.len() <= MAX_CLOUD_TEXT)
}

fn tell(access: Result<CloudAccess, Refusal>, each: &mut dyn FnMut(Item)) {
    each(
        access
            .map(Fact::Cloud)
            .map_err(|refusal| (Evidence::Cloud, refusal)),
    );
}

fn client(named: Option<NamespacedName>, source: Option<&Text>) -> Result<CloudClient, Refusal> {
    if let Some(named) = named {
        return Ok(CloudClient::Named(named.namespace.0, named.name.0));
    }
    let short = source.filter(|source| source.len() <= MAX_ADDRESS);
    let at = short.and_then(|source| address(source));
    at.map(CloudClient::At).ok_or(Refusal::Unreadable)
}

fn resource(provider: CloudProvider, name: Text) -> CloudResource {
    CloudResource {
        provider,
        name: name.0,
    }
}

fn texts(list: Vec<Text>) -> Vec<CompactString> {
    list.into_iter().map(|text| text.0).collect()
}
