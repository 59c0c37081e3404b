//! The items of reports: how many an entry holds, and how it is halved.

use serde::Serialize;

use crate::input::{
    AwsOperation, AzureOperation, GcpOperation, IstioConnection, KafkaMapperResult,
    RecordedDestinationsForSrc, TrafficLevelResult,
};

/// An entry of a report's list.
pub(super) trait Element: Serialize + Sized {
    /// What it says: nothing of what has no items is sent.
    fn items(&self) -> usize {
        1
    }

    /// Two entries that say the same together; the entry itself if it has one item only.
    fn halves(self) -> Result<(Self, Self), Self> {
        Err(self)
    }
}

impl Element for RecordedDestinationsForSrc {
    fn items(&self) -> usize {
        self.destinations.len()
    }

    fn halves(mut self) -> Result<(Self, Self), Self> {
        let middle = self.destinations.len() / 2;
        if middle == 0 {
            return Err(self);
        }
        let destinations = self.destinations.split_off(middle);
        let second = Self {
            destinations,
            src_ip: self.src_ip.clone(),
            src_hostname: self.src_hostname.clone(),
            src_pod_uid: self.src_pod_uid.clone(),
            node_name: self.node_name.clone(),
            reporter_id: self.reporter_id.clone(),
        };
        Ok((self, second))
    }
}

impl Element for KafkaMapperResult {}
impl Element for IstioConnection {}
impl Element for AwsOperation {}
impl Element for AzureOperation {}
impl Element for GcpOperation {}
impl Element for TrafficLevelResult {}
