//! The bounds of the contract, each with its reason, and the check of a report's texts against them.

use crate::Text;

/// Bytes of a request's body. A report of the replaced sniffer holds all that a node saw in a second, about 200 bytes
/// each; ten times the 10 000 observations of a busy node, and as much again for source ports.
pub const MAX_BODY: usize = 32 << 20;

/// Bytes of a document that may be a report: the longest of them has 100, the rest is room for another layout.
pub const MAX_KNOWN_DOCUMENT: usize = 1024;

/// Bytes of a document that the engine parses: thirty times the longest of our own clients.
pub const MAX_DOCUMENT: usize = 64 << 10;

/// Brackets around brackets in a document. The parser calls itself for each, and would run out of stack; an
/// introspection query has 16.
pub const MAX_NESTING: usize = 64;

/// Destinations (or results) of one report; what is beyond is refused and counted. As many as a body has room for,
/// so that only reports of empty items meet it.
pub const MAX_ITEMS: usize = 250_000;

/// Source ports of one destination: there are no more.
pub const MAX_PORTS: usize = 65_536;

/// A DNS name: 255 bytes on the wire (RFC 1035 3.1), of which 251 could be written as `\DDD` (RFC 4343 2.1).
pub const MAX_DNS_NAME: usize = 1004;

/// Names of Kubernetes objects and namespaces (RFC 1123 subdomain), host names of Linux (64) are within.
pub const MAX_NAME: usize = 253;

/// An address: IPv6 with an embedded IPv4 address, and a zone.
pub const MAX_ADDRESS: usize = 64;

/// Kafka's own bound for a topic (`Topic.MAX_NAME_LENGTH`).
pub const MAX_TOPIC: usize = 249;

/// The path of an HTTP request. RFC 9110 4.1 asks for at least 8 000 bytes of a URI; longer ones are attacks or data.
pub const MAX_PATH: usize = 8_000;

/// A cloud resource or action: ARNs have up to 2 048 bytes.
pub const MAX_CLOUD_TEXT: usize = 2_048;

/// Anything else: operations, versions, reasons, UIDs, reporters.
pub const MAX_WORD: usize = 253;

/// A text is longer than its bound. Refuse the item and count it; the rest of the report is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} has {length} bytes, more than {most}")]
pub struct TooLong {
    /// The field, as it is called on the wire.
    pub field: &'static str,
    /// Its length.
    pub length: usize,
    /// Its bound.
    pub most: usize,
}

/// Whether a text keeps its bound.
pub const fn check(field: &'static str, length: usize, most: usize) -> Result<(), TooLong> {
    if length > most {
        return Err(TooLong {
            field,
            length,
            most,
        });
    }
    Ok(())
}

fn text(field: &'static str, text: &str, most: usize) -> Result<(), TooLong> {
    check(field, text.len(), most)
}

fn optional(field: &'static str, value: Option<&Text>, most: usize) -> Result<(), TooLong> {
    value.map_or(Ok(()), |value| text(field, value, most))
}

impl crate::input::Destination {
    /// Whether its texts and lists keep their bounds.
    pub fn check(&self) -> Result<(), TooLong> {
        text("destination", &self.destination, MAX_DNS_NAME)?;
        optional("destinationIP", self.destination_ip.as_ref(), MAX_ADDRESS)?;
        let pod = self.destination_pod_uid.as_ref();
        optional("destinationPodUid", pod, MAX_WORD)?;
        let original = self.original_destination.as_ref();
        optional("originalDestination", original, MAX_ADDRESS)?;
        let ports = self.src_ports.as_ref().map_or(0, Vec::len);
        check("srcPorts", ports, MAX_PORTS)
    }
}

impl crate::input::RecordedDestinationsForSrc {
    /// Whether its own texts keep their bounds; each destination has a check of its own.
    pub fn check(&self) -> Result<(), TooLong> {
        text("srcIp", &self.src_ip, MAX_ADDRESS)?;
        text("srcHostname", &self.src_hostname, MAX_NAME)?;
        optional("srcPodUid", self.src_pod_uid.as_ref(), MAX_WORD)?;
        optional("nodeName", self.node_name.as_ref(), MAX_NAME)?;
        optional("reporterId", self.reporter_id.as_ref(), MAX_WORD)
    }
}

impl crate::input::KafkaMapperResult {
    /// Whether its texts keep their bounds.
    pub fn check(&self) -> Result<(), TooLong> {
        text("srcIp", &self.src_ip, MAX_ADDRESS)?;
        text("serverPodName", &self.server_pod_name, MAX_NAME)?;
        text("serverNamespace", &self.server_namespace, MAX_NAME)?;
        text("topic", &self.topic, MAX_TOPIC)?;
        text("operation", &self.operation, MAX_WORD)?;
        optional("reporterId", self.reporter_id.as_ref(), MAX_WORD)
    }
}

impl crate::input::IstioConnection {
    /// Whether its texts and lists keep their bounds.
    pub fn check(&self) -> Result<(), TooLong> {
        text("srcWorkload", &self.src_workload, MAX_NAME)?;
        text(
            "srcWorkloadNamespace",
            &self.src_workload_namespace,
            MAX_NAME,
        )?;
        text("dstWorkload", &self.dst_workload, MAX_NAME)?;
        text("dstServiceName", &self.dst_service_name, MAX_NAME)?;
        text(
            "dstWorkloadNamespace",
            &self.dst_workload_namespace,
            MAX_NAME,
        )?;
        text("path", &self.path, MAX_PATH)?;
        check("methods", self.methods.len(), MAX_WORD)?;
        let canonical = self.src_canonical_service.as_ref();
        optional("srcCanonicalService", canonical, MAX_NAME)?;
        let canonical = self.dst_canonical_service.as_ref();
        optional("dstCanonicalService", canonical, MAX_NAME)?;
        optional("reporterId", self.reporter_id.as_ref(), MAX_WORD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Destination;

    #[test]
    fn an_over_long_name_is_named() {
        let mut destination = Destination {
            destination: "a".repeat(MAX_DNS_NAME).into(),
            ..Destination::default()
        };
        assert_eq!(destination.check(), Ok(()));
        destination.destination = "a".repeat(MAX_DNS_NAME + 1).into();
        let error = destination.check().unwrap_err();
        assert_eq!(
            error.to_string(),
            "destination has 1005 bytes, more than 1004"
        );
    }
}
