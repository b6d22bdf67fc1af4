//! The broker's own topics are made when they are first needed, whatever clients made or set before, and clients do not
//! write to them.

use super::rig::Rig;
use crate::engine::ConnectionId;
use once_wire::error::ErrorCode;
use once_wire::message::add_partitions_to_txn_request::{
    AddPartitionsToTxnRequest, AddPartitionsToTxnTopic,
};
use once_wire::message::find_coordinator_request::FindCoordinatorRequest;
use once_wire::message::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
use once_wire::message::init_producer_id_request::InitProducerIdRequest;

const OFFSETS: &str = "__consumer_offsets";
const TRANSACTIONS: &str = "__transaction_state";

/// Asks for the coordinators of a group and of a transactional id, and for an identity.
fn use_both(rig: &mut Rig, client: ConnectionId) -> (i64, i16) {
    for key_type in [0, 1] {
        let request = FindCoordinatorRequest {
            key: "app".into(),
            key_type,
            ..Default::default()
        };
        assert_eq!(rig.call(client, 3, &request).error_code, 0);
    }
    let request = InitProducerIdRequest {
        transactional_id: Some("app".into()),
        transaction_timeout_ms: 60_000,
        ..Default::default()
    };
    let granted = rig.call(client, 4, &request);
    assert_eq!(granted.error_code, 0);
    for name in [OFFSETS, TRANSACTIONS] {
        assert!(rig.catalog().topic(name).is_some(), "{name}");
    }
    (granted.producer_id, granted.producer_epoch)
}

#[test]
fn no_topic_of_a_client_is_in_their_way() {
    let mut rig = Rig::new();
    let client = rig.connect();
    for name in ["__consumer.offsets", "__transaction.state"] {
        rig.make_topic(client, name, 1);
    }
    use_both(&mut rig, client);
}

#[test]
fn defaults_that_refuse_every_other_topic_do_not_refuse_them() {
    let mut rig = Rig::new();
    let client = rig.connect();
    let set = |name: &str, value: &str| AlterableConfig {
        name: name.into(),
        value: Some(value.into()),
        ..Default::default()
    };
    let request = IncrementalAlterConfigsRequest {
        resources: vec![AlterConfigsResource {
            resource_type: 4,
            resource_name: "1".into(),
            configs: vec![
                set("log.cleaner.min.compaction.lag.ms", "120000"),
                set("log.cleaner.max.compaction.lag.ms", "60000"),
            ],
            ..Default::default()
        }],
        ..Default::default()
    };
    let altered = rig.call(client, 1, &request);
    assert_eq!(altered.responses[0].error_code, 0);
    use_both(&mut rig, client);
}

#[test]
fn no_transaction_gets_a_partition_of_theirs() {
    let mut rig = Rig::new();
    let client = rig.connect();
    rig.make_topic(client, "t", 1);
    let (id, epoch) = use_both(&mut rig, client);
    let topic = |name: &str| AddPartitionsToTxnTopic {
        name: name.into(),
        partitions: vec![0],
        ..Default::default()
    };
    let names = ["t", OFFSETS, TRANSACTIONS, "missing"];
    let request = AddPartitionsToTxnRequest {
        v3_and_below_transactional_id: "app".into(),
        v3_and_below_producer_id: id,
        v3_and_below_producer_epoch: epoch,
        v3_and_below_topics: names.map(topic).into(),
        ..Default::default()
    };
    let response = rig.call(client, 3, &request);
    let results = response.results_by_topic_v3_and_below.iter();
    let codes: Vec<i16> = results
        .map(|topic| topic.results_by_partition[0].partition_error_code)
        .collect();
    let refused = ErrorCode::TopicAuthorizationFailed;
    let others = ErrorCode::OperationNotAttempted;
    let missing = ErrorCode::UnknownTopicOrPartition;
    assert_eq!(
        codes,
        [others, refused, refused, missing].map(ErrorCode::code)
    );
}
