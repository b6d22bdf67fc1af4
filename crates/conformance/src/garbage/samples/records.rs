//! Valid requests about records.

use once_wire::batch::BatchBuilder;
use once_wire::message::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use once_wire::message::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use once_wire::message::list_offsets_request::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use once_wire::message::offset_for_leader_epoch_request::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use once_wire::message::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};

use super::Scene;

pub(super) fn produce(scene: &Scene, _: i16) -> ProduceRequest {
    let headers: [(&str, Option<&[u8]>); 2] = [("h", Some(b"v")), ("h", None)];
    let batch = BatchBuilder::new()
        .push(1_700_000_000_000, Some(b"key"), Some(b"value"), &headers)
        .push(1_700_000_000_001, None, Some(&[b'x'; 100]), &[])
        .build();
    let partition = PartitionProduceData {
        index: 0,
        records: Some(batch.as_bytes().clone()),
        ..PartitionProduceData::default()
    };
    ProduceRequest {
        acks: -1,
        timeout_ms: 1_000,
        topic_data: vec![TopicProduceData {
            name: scene.topic.clone(),
            topic_id: scene.topic_id,
            partition_data: vec![partition],
            ..TopicProduceData::default()
        }],
        ..ProduceRequest::default()
    }
}

pub(super) fn fetch(scene: &Scene, _: i16) -> FetchRequest {
    let partition = FetchPartition {
        partition: 0,
        fetch_offset: 0,
        partition_max_bytes: 4 << 10,
        ..FetchPartition::default()
    };
    FetchRequest {
        max_wait_ms: 50,
        min_bytes: 1,
        max_bytes: 4 << 10,
        isolation_level: 1,
        topics: vec![FetchTopic {
            topic: scene.topic.clone(),
            topic_id: scene.topic_id,
            partitions: vec![partition],
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    }
}

pub(super) fn list_offsets(scene: &Scene, _: i16) -> ListOffsetsRequest {
    let partition = ListOffsetsPartition {
        timestamp: -1,
        ..ListOffsetsPartition::default()
    };
    ListOffsetsRequest {
        replica_id: -1,
        topics: vec![ListOffsetsTopic {
            name: scene.topic.clone(),
            partitions: vec![partition],
            ..ListOffsetsTopic::default()
        }],
        timeout_ms: 1_000,
        ..ListOffsetsRequest::default()
    }
}

pub(super) fn leader_epoch(scene: &Scene, _: i16) -> OffsetForLeaderEpochRequest {
    OffsetForLeaderEpochRequest {
        replica_id: -1,
        topics: vec![OffsetForLeaderTopic {
            topic: scene.topic.clone(),
            partitions: vec![OffsetForLeaderPartition::default()],
            ..OffsetForLeaderTopic::default()
        }],
        ..OffsetForLeaderEpochRequest::default()
    }
}

pub(super) fn delete_records(scene: &Scene, _: i16) -> DeleteRecordsRequest {
    DeleteRecordsRequest {
        topics: vec![DeleteRecordsTopic {
            name: scene.topic.clone(),
            partitions: vec![DeleteRecordsPartition::default()],
            ..DeleteRecordsTopic::default()
        }],
        timeout_ms: 1_000,
        ..DeleteRecordsRequest::default()
    }
}
