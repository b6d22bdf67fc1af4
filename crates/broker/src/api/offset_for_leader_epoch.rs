//! OffsetForLeaderEpoch (key 23), versions 2–4.
//!
//! The end offset of the largest leader epoch at or below the one asked for (KIP-320). A client
//! uses it to find out whether its position was truncated away.

use super::{Answer, Api};
use crate::engine::Context;
use once_wire::codec::VersionRange;
use once_wire::error::ErrorCode;
use once_wire::message::offset_for_leader_epoch_request::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition,
};
use once_wire::message::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderEpochResponse, OffsetForLeaderTopicResult,
};

/// See the module.
pub(crate) struct OffsetForLeaderEpoch;

impl Api for OffsetForLeaderEpoch {
    type Request = OffsetForLeaderEpochRequest;
    const VERSIONS: VersionRange = VersionRange::new(2, 4);

    fn handle(
        cx: &mut Context<'_>,
        request: &Self::Request,
    ) -> Result<Answer<OffsetForLeaderEpochResponse>, ErrorCode> {
        let mut topics = Vec::with_capacity(request.topics.len());
        for topic in &request.topics {
            let mut partitions = Vec::with_capacity(topic.partitions.len());
            for wanted in &topic.partitions {
                partitions.push(
                    look(cx, &topic.topic, wanted)
                        .unwrap_or_else(|error| failed(wanted.partition, error)),
                );
            }
            let topic = topic.topic.clone();
            topics.push(OffsetForLeaderTopicResult {
                topic,
                partitions,
                ..Default::default()
            });
        }
        Ok(Answer::Now(OffsetForLeaderEpochResponse {
            topics,
            ..Default::default()
        }))
    }

    fn refuse(request: &Self::Request, error: ErrorCode) -> OffsetForLeaderEpochResponse {
        let topics = request
            .topics
            .iter()
            .map(|topic| OffsetForLeaderTopicResult {
                topic: topic.topic.clone(),
                partitions: topic
                    .partitions
                    .iter()
                    .map(|p| failed(p.partition, error))
                    .collect(),
                ..Default::default()
            })
            .collect();
        OffsetForLeaderEpochResponse {
            topics,
            ..Default::default()
        }
    }
}

fn look(
    cx: &mut Context<'_>,
    topic: &str,
    wanted: &OffsetForLeaderPartition,
) -> Result<EpochEndOffset, ErrorCode> {
    let unknown = ErrorCode::UnknownTopicOrPartition;
    let id = cx.find_log(topic, wanted.partition).ok_or(unknown)?;
    let log = &cx.partition(id).ok_or(unknown)?.log;
    match wanted.current_leader_epoch {
        -1 => {}
        known if known < log.leader_epoch() => return Err(ErrorCode::FencedLeaderEpoch),
        known if known > log.leader_epoch() => return Err(ErrorCode::UnknownLeaderEpoch),
        _ => {}
    }
    let (leader_epoch, end_offset) = log.end_offset_for_epoch(wanted.leader_epoch);
    Ok(EpochEndOffset {
        partition: wanted.partition,
        leader_epoch,
        // A crash may take back what lies above.
        end_offset: end_offset.min(log.high_watermark()),
        ..Default::default()
    })
}

fn failed(partition: i32, error: ErrorCode) -> EpochEndOffset {
    EpochEndOffset {
        partition,
        error_code: error.code(),
        ..Default::default()
    }
}
