//! What a reader of a topic's first partition is given.

use super::rig::Rig;
use bytes::Bytes;
use once_wire::batch::Batch;
use once_wire::message::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use once_wire::message::fetch_response::PartitionData;

/// A fetch from the beginning, outside any session: of all records (0) or of committed ones (1).
pub(super) fn fetch(rig: &mut Rig, topic: &str, isolation_level: i8) -> PartitionData {
    let topic = FetchTopic {
        topic: topic.into(),
        partitions: vec![FetchPartition {
            partition_max_bytes: 1 << 20,
            ..Default::default()
        }],
        ..Default::default()
    };
    let request = FetchRequest {
        max_bytes: 1 << 20,
        session_epoch: -1,
        isolation_level,
        topics: vec![topic],
        ..Default::default()
    };
    let client = rig.connect();
    let mut answer = rig.call(client, 12, &request);
    answer.responses.remove(0).partitions.remove(0)
}

/// The batches of a fetch.
pub(super) fn batches(records: Option<Bytes>) -> Vec<Batch> {
    let (mut bytes, mut batches) = (records.unwrap_or_default(), Vec::new());
    while !bytes.is_empty() {
        batches.push(Batch::split_first(&mut bytes).expect("whole and sound"));
    }
    batches
}
