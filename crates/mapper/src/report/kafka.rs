//! Who used which topic, from a broker's log.

use map::{Evidence, KafkaOperation};
use wire::input::KafkaMapperResult;

use super::{Item, Receipt, address, outcome};
use crate::fact::{Fact, TopicAccess};
use crate::fate::Refusal;

pub(super) fn read(
    results: Vec<KafkaMapperResult>,
    receipt: &mut Receipt,
    each: &mut dyn FnMut(Item),
) {
    for result in results {
        let access = access(result, receipt);
        each(
            access
                .map(Fact::Topic)
                .map_err(|refusal| (Evidence::Kafka, refusal)),
        );
    }
}

fn access(result: KafkaMapperResult, receipt: &mut Receipt) -> Result<TopicAccess, Refusal> {
    result.check().map_err(|_| Refusal::Unreadable)?;
    if result.topic.is_empty() {
        return Err(Refusal::Unreadable);
    }
    Ok(TopicAccess {
        client: address(&result.src_ip).ok_or(Refusal::Unreadable)?,
        broker: (result.server_namespace.0, result.server_pod_name.0),
        operation: operation(&result.operation).ok_or(Refusal::UnknownOperation)?,
        topic: result.topic.0,
        at: receipt.clamp(result.last_seen.0),
        outcome: outcome(result.attempt),
    })
}

/// The broker's word, whatever its capitals and underscores (`Read`, `READ`, `DescribeConfigs`, `DESCRIBE_CONFIGS`).
fn operation(word: &str) -> Option<KafkaOperation> {
    let mut word = word.replace('_', "");
    word.make_ascii_lowercase();
    Some(match word.as_str() {
        "all" => KafkaOperation::All,
        "read" => KafkaOperation::Consume,
        "write" => KafkaOperation::Produce,
        "create" => KafkaOperation::Create,
        "delete" => KafkaOperation::Delete,
        "alter" => KafkaOperation::Alter,
        "describe" => KafkaOperation::Describe,
        "clusteraction" => KafkaOperation::ClusterAction,
        "describeconfigs" => KafkaOperation::DescribeConfigs,
        "alterconfigs" => KafkaOperation::AlterConfigs,
        "idempotentwrite" => KafkaOperation::IdempotentWrite,
        _ => return None,
    })
}
