//! DeleteRecords (key 21), versions 0–2.
//!
//! Deletes a partition's records below an offset, −1 being the high watermark. Answered with the log's
//! start once that is durable, so that no crash brings a record back; until then the request waits,
//! at most for its timeout: REQUEST_TIMED_OUT, and the records go nevertheless.
//!
//! * 2 flexible.
//!
//! OFFSET_OUT_OF_RANGE for an offset above the high watermark or below −1; POLICY_VIOLATION where
//! `cleanup.policy` has no `delete`; INVALID_TOPIC_EXCEPTION for the topics that the broker keeps for
//! itself (Kafka: `ReplicaManager.deleteRecordsOnLocalLog`). An offset below the log's start is no
//! error.

use super::call::reply_or_close;
use super::{Call, Outcome, Row, Wake, encode_reply, internal};
use crate::engine::{Context, LogId};
use once_wire::api::ApiKey;
use once_wire::codec::{DecodeError, Message, Reader, Request, VersionRange};
use once_wire::error::ErrorCode;
use once_wire::message::delete_records_request::DeleteRecordsRequest;
use once_wire::message::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsResponse, DeleteRecordsTopicResult,
};

/// What stands for "no low watermark" in an answer.
const NONE: i64 = -1;

/// The row of the table. Deletion waits for the disk, so there is a call of its own.
pub(crate) const fn row() -> Row {
    Row {
        key: ApiKey::DeleteRecords,
        versions: VersionRange::new(0, 2),
        advertised: VersionRange::new(0, 2),
        codec: DeleteRecordsRequest::VERSIONS,
        parse,
    }
}

fn parse(reader: &mut Reader, version: i16) -> Result<Box<dyn Call>, DecodeError> {
    let request = DeleteRecordsRequest::decode(reader, version)?;
    Ok(Box::new(DeleteRecords {
        request,
        asked: Vec::new(),
        deadline: 0,
    }))
}

/// One partition of the request.
struct Asked {
    topic: usize,
    partition: i32,
    /// The log, and where it has to start for this part to be answered.
    waits: Result<(LogId, i64), ErrorCode>,
}

struct DeleteRecords {
    request: DeleteRecordsRequest,
    asked: Vec<Asked>,
    deadline: i64,
}

impl Call for DeleteRecords {
    fn start(&mut self, cx: &mut Context<'_>) -> Outcome {
        self.deadline = cx.now() + i64::from(self.request.timeout_ms.max(0));
        for (index, topic) in self.request.topics.iter().enumerate() {
            for wanted in &topic.partitions {
                let partition = wanted.partition_index;
                self.asked.push(Asked {
                    topic: index,
                    partition,
                    waits: delete(cx, &topic.name, partition, wanted.offset),
                });
            }
        }
        self.finish(cx, false)
    }

    fn wake(&mut self, cx: &mut Context<'_>, wake: Wake) -> Outcome {
        self.finish(cx, matches!(wake, Wake::Deadline))
    }
}

impl DeleteRecords {
    /// Answers, if every log starts where it is to start, or there is no time left.
    fn finish(&mut self, cx: &mut Context<'_>, expired: bool) -> Outcome {
        let waiting: Vec<LogId> = self
            .asked
            .iter()
            .filter_map(|asked| {
                let (log, start) = asked.waits.ok()?;
                let now = cx.partition(log)?.log.log_start_offset();
                (now < start).then_some(log)
            })
            .collect();
        if !waiting.is_empty() && !expired && cx.now() < self.deadline {
            for log in waiting {
                cx.watch(log);
            }
            cx.wait_until(self.deadline);
            return Outcome::Parked;
        }
        let response = self.response(cx);
        let header = DeleteRecordsRequest::response_header_version(cx.version);
        reply_or_close(encode_reply(
            cx.correlation_id,
            header,
            &response,
            cx.version,
        ))
    }

    fn response(&self, cx: &mut Context<'_>) -> DeleteRecordsResponse {
        let names = self.request.topics.iter();
        let mut topics: Vec<DeleteRecordsTopicResult> = names
            .map(|topic| DeleteRecordsTopicResult {
                name: topic.name.clone(),
                ..Default::default()
            })
            .collect();
        for asked in &self.asked {
            let (low_watermark, error) = became(cx, asked.waits);
            topics[asked.topic]
                .partitions
                .push(DeleteRecordsPartitionResult {
                    partition_index: asked.partition,
                    low_watermark,
                    error_code: error.code(),
                    ..Default::default()
                });
        }
        DeleteRecordsResponse {
            topics,
            ..Default::default()
        }
    }
}

fn delete(
    cx: &mut Context<'_>,
    topic: &str,
    partition: i32,
    offset: i64,
) -> Result<(LogId, i64), ErrorCode> {
    let log = cx
        .find_log(topic, partition)
        .ok_or(ErrorCode::UnknownTopicOrPartition)?;
    if internal::is_internal(topic) {
        return Err(ErrorCode::InvalidTopicException);
    }
    let start = cx
        .delete_records(log, offset)
        .map_err(|error| error.code())?;
    Ok((log, start))
}

/// The low watermark and the error of one partition, now.
fn became(cx: &mut Context<'_>, waits: Result<(LogId, i64), ErrorCode>) -> (i64, ErrorCode) {
    let (log, start) = match waits {
        Ok(waits) => waits,
        Err(error) => return (NONE, error),
    };
    let Some(partition) = cx.partition(log) else {
        // Deleted while the request waited: the answer rests on that.
        cx.catalog();
        return (NONE, ErrorCode::UnknownTopicOrPartition);
    };
    let now = partition.log.log_start_offset();
    if now < start {
        (now, ErrorCode::RequestTimedOut)
    } else {
        (now, ErrorCode::None)
    }
}
