//! Against `kafka-protocol`, for every message and version that it knows.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages as theirs;
use kafka_protocol::protocol::{Decodable, Encodable, Message};

use super::every_message;
use super::vectors::{self, Rng, schema};

struct Theirs {
    name: &'static str,
    versions: std::ops::RangeInclusive<i16>,
    recode: fn(Bytes, i16) -> Result<Bytes, String>,
    default: fn(i16) -> Result<Bytes, String>,
}

macro_rules! theirs {
    ($($message:ident)*) => {
        fn all() -> Vec<Theirs> {
            vec![$(entry::<theirs::$message>(stringify!($message))),*]
        }
    };
}

fn entry<M: Message + Encodable + Decodable + Default>(name: &'static str) -> Theirs {
    Theirs {
        name,
        versions: M::VERSIONS.min..=M::VERSIONS.max,
        recode: |mut bytes, version| {
            let message = M::decode(&mut bytes, version).map_err(|error| error.to_string())?;
            if !bytes.is_empty() {
                return Err(format!("{} bytes left", bytes.len()));
            }
            encode(&message, version)
        },
        default: |version| encode(&M::default(), version),
    }
}

fn encode<M: Encodable>(message: &M, version: i16) -> Result<Bytes, String> {
    let mut out = BytesMut::new();
    message
        .encode(&mut out, version)
        .map_err(|error| error.to_string())?;
    Ok(out.freeze())
}

#[test]
fn we_and_kafka_protocol_read_and_write_alike() {
    let schema = schema();
    let mut compared = 0;
    for theirs in all() {
        let message = schema
            .messages
            .iter()
            .find(|message| message.name == theirs.name)
            .expect("a known name");
        let ours = every_message::find(theirs.name).expect("a known name");
        for version in ours
            .versions
            .clone()
            .filter(|version| theirs.versions.contains(version))
        {
            for seed in 100..110 {
                let vector = vectors::random(message, version, &mut Rng::new(seed));
                let case = format!("{} version {version} seed {seed}", ours.name);
                let from_us =
                    (ours.recode)(vector.into(), version).expect("it follows the notation");
                let from_them = (theirs.recode)(from_us.clone(), version);
                assert_eq!(
                    from_them.as_ref(),
                    Ok(&from_us),
                    "ours, read and written by them: {case}"
                );
                let back = (ours.recode)(from_them.expect("just compared"), version);
                assert_eq!(back, Ok(from_us), "theirs, read and written by us: {case}");
            }
            let case = format!("the default of {} version {version}", ours.name);
            assert_eq!(
                (ours.default)(version).map_err(|e| e.to_string()),
                (theirs.default)(version),
                "{case}"
            );
            compared += 1;
        }
    }
    assert!(compared > 400, "only {compared} versions compared");
}

theirs! {
    AddOffsetsToTxnRequest AddOffsetsToTxnResponse AddPartitionsToTxnRequest AddPartitionsToTxnResponse
    AddRaftVoterRequest AddRaftVoterResponse AlterClientQuotasRequest AlterClientQuotasResponse
    AlterConfigsRequest AlterConfigsResponse AlterPartitionReassignmentsRequest
    AlterPartitionReassignmentsResponse AlterReplicaLogDirsRequest AlterReplicaLogDirsResponse
    AlterShareGroupOffsetsRequest AlterShareGroupOffsetsResponse AlterUserScramCredentialsRequest
    AlterUserScramCredentialsResponse ApiVersionsRequest ApiVersionsResponse ConsumerGroupDescribeRequest
    ConsumerGroupDescribeResponse ConsumerGroupHeartbeatRequest ConsumerGroupHeartbeatResponse
    CreateAclsRequest CreateAclsResponse CreateDelegationTokenRequest CreateDelegationTokenResponse
    CreatePartitionsRequest CreatePartitionsResponse CreateTopicsRequest CreateTopicsResponse DeleteAclsRequest
    DeleteAclsResponse DeleteGroupsRequest DeleteGroupsResponse DeleteRecordsRequest DeleteRecordsResponse
    DeleteShareGroupOffsetsRequest DeleteShareGroupOffsetsResponse DeleteShareGroupStateRequest
    DeleteShareGroupStateResponse DeleteTopicsRequest DeleteTopicsResponse DescribeAclsRequest
    DescribeAclsResponse DescribeClientQuotasRequest DescribeClientQuotasResponse DescribeClusterRequest
    DescribeClusterResponse DescribeConfigsRequest DescribeConfigsResponse DescribeDelegationTokenRequest
    DescribeDelegationTokenResponse DescribeGroupsRequest DescribeGroupsResponse DescribeLogDirsRequest
    DescribeLogDirsResponse DescribeProducersRequest DescribeProducersResponse DescribeQuorumRequest
    DescribeQuorumResponse DescribeShareGroupOffsetsRequest DescribeShareGroupOffsetsResponse
    DescribeTopicPartitionsRequest DescribeTopicPartitionsResponse DescribeTransactionsRequest
    DescribeTransactionsResponse DescribeUserScramCredentialsRequest DescribeUserScramCredentialsResponse
    ElectLeadersRequest ElectLeadersResponse EndTxnRequest EndTxnResponse ExpireDelegationTokenRequest
    ExpireDelegationTokenResponse FetchRequest FetchResponse FindCoordinatorRequest FindCoordinatorResponse
    GetTelemetrySubscriptionsRequest GetTelemetrySubscriptionsResponse HeartbeatRequest HeartbeatResponse
    IncrementalAlterConfigsRequest IncrementalAlterConfigsResponse InitProducerIdRequest InitProducerIdResponse
    InitializeShareGroupStateRequest InitializeShareGroupStateResponse JoinGroupRequest JoinGroupResponse
    LeaveGroupRequest LeaveGroupResponse ListConfigResourcesRequest ListConfigResourcesResponse
    ListGroupsRequest ListGroupsResponse ListOffsetsRequest ListOffsetsResponse
    ListPartitionReassignmentsRequest ListPartitionReassignmentsResponse ListTransactionsRequest
    ListTransactionsResponse MetadataRequest MetadataResponse OffsetCommitRequest OffsetCommitResponse
    OffsetDeleteRequest OffsetDeleteResponse OffsetFetchRequest OffsetFetchResponse OffsetForLeaderEpochRequest
    OffsetForLeaderEpochResponse ProduceRequest ProduceResponse PushTelemetryRequest PushTelemetryResponse
    ReadShareGroupStateRequest ReadShareGroupStateResponse ReadShareGroupStateSummaryRequest
    ReadShareGroupStateSummaryResponse RemoveRaftVoterRequest RemoveRaftVoterResponse
    RenewDelegationTokenRequest RenewDelegationTokenResponse SaslAuthenticateRequest SaslAuthenticateResponse
    SaslHandshakeRequest SaslHandshakeResponse ShareAcknowledgeRequest ShareAcknowledgeResponse
    ShareFetchRequest ShareFetchResponse ShareGroupDescribeRequest ShareGroupDescribeResponse
    ShareGroupHeartbeatRequest ShareGroupHeartbeatResponse SyncGroupRequest SyncGroupResponse
    TxnOffsetCommitRequest TxnOffsetCommitResponse UnregisterBrokerRequest UnregisterBrokerResponse
    UpdateFeaturesRequest UpdateFeaturesResponse WriteShareGroupStateRequest WriteShareGroupStateResponse
    WriteTxnMarkersRequest WriteTxnMarkersResponse
    RequestHeader ResponseHeader ConsumerProtocolAssignment ConsumerProtocolSubscription EndTxnMarker
}
