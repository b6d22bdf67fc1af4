//! One who deletes records of the topics that all others use. What it asks to delete is in the history
//! before it asks, so that the judge knows what may be gone, and misses everything else.

use super::producer::random_partition;
use super::setup::PATIENCE;
use super::{Port, TOPICS};
use crate::net::LinkId;
use once_check::history::{Isolation, Kind, Op, Partition, Topic};
use once_wire::error::ErrorCode;
use once_wire::message::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use once_wire::message::list_offsets_request::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use std::collections::BTreeMap;

/// ListOffsets' names for the end and the start of a log.
pub(crate) const LATEST: i64 = -1;
pub(crate) const EARLIEST: i64 = -2;

/// Where a log ends or starts, by the name of that. `None`: no answer, or a refusal.
pub(crate) async fn offset_of(
    port: &Port,
    link: LinkId,
    partition: &Partition,
    which: i64,
) -> Option<i64> {
    offset_seen(port, link, partition, which, Isolation::ReadUncommitted).await
}

/// The same, as a reader of that isolation sees it: for one of committed data the end is the last stable offset.
pub(crate) async fn offset_seen(
    port: &Port,
    link: LinkId,
    partition: &Partition,
    which: i64,
    isolation: Isolation,
) -> Option<i64> {
    let request = ListOffsetsRequest {
        replica_id: -1,
        isolation_level: i8::from(isolation == Isolation::ReadCommitted),
        topics: vec![ListOffsetsTopic {
            name: partition.topic.to_string(),
            partitions: vec![ListOffsetsPartition {
                partition_index: partition.index,
                current_leader_epoch: -1,
                timestamp: which,
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let answer = port.call(link, 4, &request, PATIENCE).await.ok()?;
    let found = answer.topics.first()?.partitions.first()?;
    (found.error_code == ErrorCode::None.code()).then_some(found.offset)
}

/// Asks for the deletion of records; the error and the low watermark, if there is an answer.
pub(crate) async fn delete_below(
    port: &Port,
    link: LinkId,
    partition: &Partition,
    offset: i64,
) -> Option<(ErrorCode, i64)> {
    let request = DeleteRecordsRequest {
        topics: vec![DeleteRecordsTopic {
            name: partition.topic.to_string(),
            partitions: vec![DeleteRecordsPartition {
                partition_index: partition.index,
                offset,
                ..Default::default()
            }],
            ..Default::default()
        }],
        timeout_ms: 1_000,
        ..Default::default()
    };
    let version = *port.random().pick(&[0, 1, 2]);
    let answer = port.call(link, version, &request, PATIENCE).await.ok()?;
    let result = answer.topics.first()?.partitions.first()?;
    let code = ErrorCode::from_code(result.error_code).unwrap_or_default();
    Some((code, result.low_watermark))
}

/// Deletes records now and then.
pub(crate) async fn trim(port: Port, operations: u32, partitions: i32) {
    let mut link = port.connect().await;
    let mut lowest: BTreeMap<Partition, i64> = BTreeMap::new();
    for _ in 0..operations / 8 {
        if port.is_ending() {
            break;
        }
        let pause = port.random().below(400_000);
        port.sleep(pause).await;
        let topic = *port.random().pick(&TOPICS);
        let partition = random_partition(&port, topic, partitions);
        let Some(end) = offset_of(&port, link, &partition, LATEST).await else {
            port.close(link);
            link = port.connect().await;
            continue;
        };
        let most = u64::try_from(end).unwrap_or(0);
        let draw = port.random().below(8);
        let offset = match draw {
            0 => most,
            _ => port.random().below(most + 1),
        };
        let offset = i64::try_from(offset).unwrap_or(0);
        let about = Topic {
            topic: partition.topic.clone(),
            generation: 0,
            deleted: false,
            compacted: false,
            expires: false,
            deleted_below: BTreeMap::from([(partition.index, offset)]),
        };
        port.note(Kind::Info, Op::Topic(about));
        match delete_below(&port, link, &partition, offset).await {
            None => {
                port.close(link);
                link = port.connect().await;
            }
            Some((ErrorCode::None, low)) => {
                let before = lowest.insert(partition.clone(), low).unwrap_or(0);
                if low < offset.max(before) {
                    port.found(format!(
                        "{partition} is said to start at {low}, after a deletion below {offset} \
                         and a start at {before}"
                    ));
                }
                // On this connection, and so in the same life.
                let start = offset_of(&port, link, &partition, EARLIEST).await;
                if let Some(start) = start.filter(|start| *start < low) {
                    port.found(format!(
                        "{partition} was said to start at {low}, and starts at {start}"
                    ));
                }
            }
            Some((code, _)) if code.is_retriable() => {
                port.say(format!("deletion below {offset} of {partition}: {code}"));
            }
            Some((code, _)) => {
                port.found(format!(
                    "deletion below {offset} of {partition} is refused: {code}"
                ));
            }
        }
    }
    port.close(link);
}
