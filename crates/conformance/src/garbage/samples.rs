//! A valid request for every API and version: what the mutations start from.
//!
//! The APIs that exactly-once needs get requests that reach deep into the broker; the others get
//! an empty one. None changes what the well-behaved client uses, and those that would create or
//! alter something only validate, so that a flipped bit cannot ask for a million partitions.

mod groups;
mod records;
mod topics;
mod transactions;

use bytes::Bytes;
use once_wire::message as m;
use once_wire::{ApiKey, EncodeError, Message, Request, Uuid};

use crate::error::Error;
use crate::link::{self, answered};

/// What the requests are about.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    /// A topic of one partition that is there to be abused.
    pub(crate) topic: String,
    /// Its id.
    pub(crate) topic_id: Uuid,
}

/// The valid requests of one API.
pub(crate) struct Sample {
    pub(crate) api: ApiKey,
    content: fn(&Scene, i16, i32) -> Result<Bytes, EncodeError>,
    check: fn(Bytes, i16, i32) -> Result<(), Error>,
}

impl Sample {
    /// The content of a frame with a valid request.
    pub(crate) fn content(
        &self,
        scene: &Scene,
        version: i16,
        correlation_id: i32,
    ) -> Result<Bytes, EncodeError> {
        (self.content)(scene, version, correlation_id)
    }

    /// Whether these bytes are an answer to it: its own, whole, and nothing after it. What the
    /// answer says is not judged.
    pub(crate) fn check(
        &self,
        answer: Bytes,
        version: i16,
        correlation_id: i32,
    ) -> Result<(), Error> {
        (self.check)(answer, version, correlation_id)
    }

    /// The sample of this API, if clients may ask it at all.
    pub(crate) fn of(api: ApiKey) -> Option<&'static Sample> {
        SAMPLES.iter().find(|sample| sample.api == api)
    }
}

fn encode<R: Request>(
    request: &R,
    version: i16,
    correlation_id: i32,
) -> Result<Bytes, EncodeError> {
    link::content(R::KEY, version, correlation_id, request)
}

fn empty<R: Message>(_: &Scene, _: i16) -> R {
    R::default()
}

macro_rules! samples {
    ($($module:ident :: $request:ident = $build:path;)*) => {
        /// By no particular order.
        static SAMPLES: &[Sample] = &[$(Sample {
            api: <m::$module::$request as Request>::KEY,
            content: |scene, version, id| {
                let request: m::$module::$request = $build(scene, version);
                encode(&request, version, id)
            },
            check: |answer, version, id| {
                answered::<m::$module::$request>(answer, version, id).map(drop)
            },
        }),*];
    };
}

samples! {
    produce_request::ProduceRequest = records::produce;
    fetch_request::FetchRequest = records::fetch;
    list_offsets_request::ListOffsetsRequest = records::list_offsets;
    offset_for_leader_epoch_request::OffsetForLeaderEpochRequest = records::leader_epoch;
    delete_records_request::DeleteRecordsRequest = records::delete_records;
    api_versions_request::ApiVersionsRequest = topics::api_versions;
    metadata_request::MetadataRequest = topics::metadata;
    create_topics_request::CreateTopicsRequest = topics::create_topics;
    delete_topics_request::DeleteTopicsRequest = topics::delete_topics;
    create_partitions_request::CreatePartitionsRequest = topics::create_partitions;
    describe_configs_request::DescribeConfigsRequest = topics::describe_configs;
    incremental_alter_configs_request::IncrementalAlterConfigsRequest = topics::alter_configs;
    describe_topic_partitions_request::DescribeTopicPartitionsRequest = topics::describe_partitions;
    describe_cluster_request::DescribeClusterRequest = empty;
    find_coordinator_request::FindCoordinatorRequest = groups::find_coordinator;
    join_group_request::JoinGroupRequest = groups::join;
    sync_group_request::SyncGroupRequest = groups::sync;
    heartbeat_request::HeartbeatRequest = groups::heartbeat;
    leave_group_request::LeaveGroupRequest = groups::leave;
    consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest = groups::consumer_heartbeat;
    consumer_group_describe_request::ConsumerGroupDescribeRequest = groups::consumer_describe;
    list_groups_request::ListGroupsRequest = groups::list;
    describe_groups_request::DescribeGroupsRequest = groups::describe;
    offset_commit_request::OffsetCommitRequest = groups::commit;
    offset_fetch_request::OffsetFetchRequest = groups::fetch;
    init_producer_id_request::InitProducerIdRequest = transactions::init;
    add_partitions_to_txn_request::AddPartitionsToTxnRequest = transactions::add_partitions;
    add_offsets_to_txn_request::AddOffsetsToTxnRequest = transactions::add_offsets;
    txn_offset_commit_request::TxnOffsetCommitRequest = transactions::offset_commit;
    end_txn_request::EndTxnRequest = transactions::end;
    describe_producers_request::DescribeProducersRequest = transactions::producers;
    describe_transactions_request::DescribeTransactionsRequest = transactions::describe;
    list_transactions_request::ListTransactionsRequest = empty;
    sasl_handshake_request::SaslHandshakeRequest = empty;
    sasl_authenticate_request::SaslAuthenticateRequest = empty;
    describe_acls_request::DescribeAclsRequest = topics::describe_acls;
    create_acls_request::CreateAclsRequest = empty;
    delete_acls_request::DeleteAclsRequest = empty;
    alter_configs_request::AlterConfigsRequest = empty;
    alter_replica_log_dirs_request::AlterReplicaLogDirsRequest = empty;
    describe_log_dirs_request::DescribeLogDirsRequest = empty;
    create_delegation_token_request::CreateDelegationTokenRequest = empty;
    renew_delegation_token_request::RenewDelegationTokenRequest = empty;
    expire_delegation_token_request::ExpireDelegationTokenRequest = empty;
    describe_delegation_token_request::DescribeDelegationTokenRequest = empty;
    delete_groups_request::DeleteGroupsRequest = empty;
    elect_leaders_request::ElectLeadersRequest = empty;
    alter_partition_reassignments_request::AlterPartitionReassignmentsRequest = empty;
    list_partition_reassignments_request::ListPartitionReassignmentsRequest = empty;
    offset_delete_request::OffsetDeleteRequest = empty;
    describe_client_quotas_request::DescribeClientQuotasRequest = empty;
    alter_client_quotas_request::AlterClientQuotasRequest = empty;
    describe_user_scram_credentials_request::DescribeUserScramCredentialsRequest = empty;
    alter_user_scram_credentials_request::AlterUserScramCredentialsRequest = empty;
    describe_quorum_request::DescribeQuorumRequest = empty;
    update_features_request::UpdateFeaturesRequest = empty;
    get_telemetry_subscriptions_request::GetTelemetrySubscriptionsRequest = empty;
    list_config_resources_request::ListConfigResourcesRequest = empty;
    share_group_heartbeat_request::ShareGroupHeartbeatRequest = empty;
    share_group_describe_request::ShareGroupDescribeRequest = empty;
    share_fetch_request::ShareFetchRequest = empty;
    share_acknowledge_request::ShareAcknowledgeRequest = empty;
    streams_group_heartbeat_request::StreamsGroupHeartbeatRequest = empty;
    streams_group_describe_request::StreamsGroupDescribeRequest = empty;
    describe_share_group_offsets_request::DescribeShareGroupOffsetsRequest = empty;
    alter_share_group_offsets_request::AlterShareGroupOffsetsRequest = empty;
    delete_share_group_offsets_request::DeleteShareGroupOffsetsRequest = empty;
}

#[cfg(test)]
mod tests {
    use once_wire::Reader;
    use once_wire::message::fetch_request::FetchRequest;
    use once_wire::message::produce_request::ProduceRequest;
    use once_wire::request::read_header;

    use super::*;

    pub(super) fn scene() -> Scene {
        Scene {
            topic: "topic".to_owned(),
            topic_id: Uuid([7; 16]),
        }
    }

    #[test]
    fn every_version_of_every_sample_can_be_written() {
        for sample in SAMPLES {
            let versions = sample.api.versions().expect("a sample has messages");
            for version in versions.stable.iter() {
                let content = sample
                    .content(&scene(), version, 7)
                    .unwrap_or_else(|error| panic!("{} {version}: {error}", sample.api));
                let header = read_header(&mut Reader::new(content)).expect("its header");
                assert_eq!(header.key, sample.api.key());
                assert_eq!((header.version, header.correlation_id), (version, 7));
            }
        }
    }

    #[test]
    fn an_api_has_one_sample() {
        for sample in SAMPLES {
            let found = Sample::of(sample.api).expect("it is in the list");
            assert!(std::ptr::eq(found, sample), "{}", sample.api);
        }
        assert!(Sample::of(ApiKey::Vote).is_none(), "no client may vote");
    }

    #[test]
    fn samples_name_the_topic_as_their_version_does() {
        let body = |api, version| {
            let sample = Sample::of(api).expect("it is in the list");
            let mut reader = Reader::new(sample.content(&scene(), version, 1).expect("written"));
            read_header(&mut reader).expect("its header");
            reader
        };
        let by_name = ProduceRequest::decode(&mut body(ApiKey::Produce, 12), 12).expect("it reads");
        assert_eq!(by_name.topic_data[0].name, "topic");
        let by_id = FetchRequest::decode(&mut body(ApiKey::Fetch, 13), 13).expect("it reads");
        assert_eq!(by_id.topics[0].topic_id, Uuid([7; 16]));
    }
}
