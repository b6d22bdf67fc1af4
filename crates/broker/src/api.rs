//! The table: every API that this broker serves, with its versions and its handler.
//!
//! One file per API under `api/`; its head is its contract. [`TABLE`] is the only list: the
//! answer to ApiVersions, `docs/apis.md` and the dispatch derive from it, and its laws are
//! checked at compile time. Types are erased in [`row`] and nowhere else.

mod add_offsets_to_txn;
mod add_partitions_to_txn;
mod api_versions;
mod authorized;
mod call;
mod consumer_group_describe;
mod consumer_group_heartbeat;
mod create_partitions;
mod create_topics;
mod delete_groups;
mod delete_records;
mod delete_topics;
mod describe_cluster;
mod describe_configs;
mod describe_groups;
mod describe_topic_partitions;
mod distinct;
#[cfg(test)]
mod document;
mod end_txn;
mod errors;
mod fetch;
mod find_coordinator;
mod group_reply;
mod heartbeat;
mod incremental_alter_configs;
mod init_producer_id;
pub(crate) mod internal;
mod join_group;
mod leave_group;
mod list_groups;
mod list_offsets;
mod metadata;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod offset_for_leader_epoch;
mod produce;
mod produce_legacy;
mod reply;
mod sync_group;
mod txn_offset_commit;

pub use call::BatchRules;
pub(crate) use call::{Call, Decoded, Outcome, Wake};
pub(crate) use reply::{Frames, encode_reply};

use crate::engine::{Context, Settled};
use once_wire::api::ApiKey;
use once_wire::codec::{DecodeError, Message, Reader, Request, VersionRange};
use once_wire::error::ErrorCode;

/// What a handler answers.
pub(crate) enum Answer<R> {
    /// This, as soon as everything it rests on is durable.
    Now(R),
    /// Later: a machine keeps this request's waiter and will settle it.
    Parked,
}

/// The response type of an API.
pub(crate) type ResponseOf<A> = <<A as Api>::Request as Request>::Response;

/// One API: a unit struct that translates a request into a decision, and the decision into a
/// response. Checks stand in the order in which Kafka makes them.
pub(crate) trait Api: 'static {
    /// The codec's request; it names its response.
    type Request: Request + Send;

    /// The versions served, within what the codec knows.
    const VERSIONS: VersionRange;

    /// Answers a request.
    ///
    /// # Errors
    /// An error that concerns the whole request; it is answered through [`Api::refuse`].
    fn handle(
        cx: &mut Context<'_>,
        request: &Self::Request,
    ) -> Result<Answer<ResponseOf<Self>>, ErrorCode>;

    /// Answers a parked request once its machine settled it.
    ///
    /// # Errors
    /// As [`Api::handle`].
    fn resume(
        cx: &mut Context<'_>,
        request: &Self::Request,
        settled: Settled,
    ) -> Result<ResponseOf<Self>, ErrorCode> {
        let _ = (cx, request, settled);
        Err(ErrorCode::UnknownServerError)
    }

    /// Says no in this API's own response shape.
    fn refuse(request: &Self::Request, error: ErrorCode) -> ResponseOf<Self>;
}

/// Decodes a body of a version.
pub(crate) type Parse = fn(&mut Reader, i16) -> Result<Box<dyn Call>, DecodeError>;

/// One row of the table.
pub(crate) struct Row {
    /// The API's key.
    pub(crate) key: ApiKey,
    /// The versions served.
    pub(crate) versions: VersionRange,
    /// The versions told to clients: Produce says 0, as Kafka 4 does, because librdkafka reads
    /// support for compression from it (KAFKA-18659).
    pub(crate) advertised: VersionRange,
    /// The versions that the codec knows.
    pub(crate) codec: VersionRange,
    /// Decodes a request's body into a call. Runs in the connection's task, outside the engine.
    pub(crate) parse: Parse,
}

const fn row<A: Api>() -> Row {
    Row {
        key: <A::Request as Request>::KEY,
        versions: A::VERSIONS,
        advertised: A::VERSIONS,
        codec: <A::Request as Message>::VERSIONS,
        parse: Decoded::<A>::parse,
    }
}

/// Every API, by key.
pub(crate) const TABLE: &[Row] = &[
    produce::row(),
    fetch::row(),
    list_offsets::row(),
    row::<metadata::Metadata>(),
    row::<offset_commit::OffsetCommit>(),
    row::<offset_fetch::OffsetFetch>(),
    row::<find_coordinator::FindCoordinator>(),
    row::<join_group::JoinGroup>(),
    row::<heartbeat::Heartbeat>(),
    row::<leave_group::LeaveGroup>(),
    row::<sync_group::SyncGroup>(),
    row::<describe_groups::DescribeGroups>(),
    row::<list_groups::ListGroups>(),
    row::<api_versions::ApiVersions>(),
    row::<create_topics::CreateTopics>(),
    row::<delete_topics::DeleteTopics>(),
    delete_records::row(),
    row::<init_producer_id::InitProducerId>(),
    row::<offset_for_leader_epoch::OffsetForLeaderEpoch>(),
    row::<add_partitions_to_txn::AddPartitionsToTxn>(),
    row::<add_offsets_to_txn::AddOffsetsToTxn>(),
    row::<end_txn::EndTxn>(),
    row::<txn_offset_commit::TxnOffsetCommit>(),
    row::<describe_configs::DescribeConfigs>(),
    row::<create_partitions::CreatePartitions>(),
    row::<delete_groups::DeleteGroups>(),
    row::<incremental_alter_configs::IncrementalAlterConfigs>(),
    row::<offset_delete::OffsetDelete>(),
    row::<describe_cluster::DescribeCluster>(),
    row::<consumer_group_heartbeat::ConsumerGroupHeartbeat>(),
    row::<consumer_group_describe::ConsumerGroupDescribe>(),
    row::<describe_topic_partitions::DescribeTopicPartitions>(),
];

// The table's laws, checked before the program exists.
const _: () = {
    let mut index = 0;
    while index < TABLE.len() {
        let row = &TABLE[index];
        assert!(row.versions.min <= row.versions.max);
        assert!(
            row.versions.min >= row.codec.min,
            "a version that the codec does not know"
        );
        assert!(
            row.versions.max <= row.codec.max,
            "a version that the codec does not know"
        );
        assert!(row.advertised.max == row.versions.max);
        assert!(
            index == 0 || TABLE[index - 1].key.key() < row.key.key(),
            "keys ascend"
        );
        index += 1;
    }
};

/// A request in a version that is not served, for the two that answer it; the error closes the
/// connection, as Kafka does.
pub(crate) fn unsupported(
    row: &Row,
    reader: &mut Reader,
    version: i16,
) -> Result<Box<dyn Call>, String> {
    if row.key == ApiKey::ApiVersions {
        return Ok(Box::new(api_versions::UnknownVersion));
    }
    if row.advertised.contains(version) {
        return produce_legacy::parse(reader, version)
            .map_err(|error| format!("bad Produce v{version}: {error}"));
    }
    Err(format!(
        "{} v{version} is not served (UNSUPPORTED_VERSION)",
        row.key.name()
    ))
}
