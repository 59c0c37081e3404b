//! Words of the ClientIntents definition that are not those of the API.

use map::KafkaOperation;

pub(crate) const fn operation(operation: KafkaOperation) -> &'static str {
    match operation {
        KafkaOperation::All => "all",
        KafkaOperation::Consume => "consume",
        KafkaOperation::Produce => "produce",
        KafkaOperation::Create => "create",
        KafkaOperation::Alter => "alter",
        KafkaOperation::Delete => "delete",
        KafkaOperation::Describe => "describe",
        KafkaOperation::ClusterAction => "ClusterAction",
        KafkaOperation::DescribeConfigs => "DescribeConfigs",
        KafkaOperation::AlterConfigs => "AlterConfigs",
        KafkaOperation::IdempotentWrite => "IdempotentWrite",
    }
}
