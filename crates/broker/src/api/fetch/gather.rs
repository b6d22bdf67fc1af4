//! Gathers records for a fetch: from memory at once, from files by reads that come back.

use super::plan::{Plan, Reading, Target};
use super::stir::Found;
use super::{respond, send};
use crate::api::{Outcome, errors};
use crate::engine::{Context, LogId, Look, ReadId, Seen};
use bytes::{Bytes, BytesMut};
use once_log::store::ReadFailure;
use once_log::{FileRange, Isolation, Read, Source};
use once_wire::error::ErrorCode;
use once_wire::message::fetch_request::FetchRequest;
use once_wire::message::fetch_response::{AbortedTransaction, PartitionData};

/// Looks at every partition. Answers if there is enough, an error, no time left, or if too much waits
/// already; waits otherwise.
pub(super) fn attempt(
    cx: &mut Context<'_>,
    request: &FetchRequest,
    plan: &mut Plan,
    expired: bool,
) -> Outcome {
    // What woke it before its reads were asked for may come after.
    if !plan.reading.is_empty() {
        return Outcome::Parked;
    }
    let looked = look(cx, request, plan);
    let enough = enough(cx, request);
    let wait = !expired && cx.now() < plan.deadline;
    let found = looked.found;
    // Where memory is scarce there may be nothing to give, however much could be read.
    let gives = looked.bytes > 0 || enough == 0;
    let has_enough = looked.failed || (gives && found.bytes >= enough);
    if wait && !has_enough && cx.may_watch(found.logs.len()) {
        for seen in &found.logs {
            cx.watch(seen.log);
        }
        plan.wait(found.sorted(enough));
        cx.wait_until(plan.deadline);
        return Outcome::Parked;
    }
    for reading in looked.reads {
        ask(cx, plan, reading);
    }
    finish(cx, plan)
}

/// A file read came back.
pub(super) fn read_came(
    cx: &mut Context<'_>,
    plan: &mut Plan,
    read: ReadId,
    result: Result<Seen, ReadFailure>,
) -> Outcome {
    if let Some(reading) = plan.reading.remove(&read) {
        match result {
            Ok(Seen::Batches(records)) => {
                if let Some(data) = plan.targets[reading.target].data.as_mut() {
                    data.records = Some(records);
                }
            }
            Ok(Seen::Record(_)) => {}
            Err(failure) => missed(cx, plan, reading, &failure),
        }
    }
    finish(cx, plan)
}

/// A file read failed. If its segment has left the log since, with its topic or because the records
/// were deleted, the partition is looked at again.
fn missed(cx: &mut Context<'_>, plan: &mut Plan, reading: Reading, failure: &ReadFailure) {
    let Reading { log, range, .. } = reading;
    let (isolation, target) = (plan.isolation, &mut plan.targets[reading.target]);
    if cx.has_segment(log, &range) {
        let (topic, partition) = (&target.key.topic, target.key.partition);
        cx.warn(format!("{topic}-{partition}: {failure}"));
        if let Some(data) = target.data.as_mut() {
            data.error_code = errors::of_read(failure).code();
        }
        return;
    }
    let found = find(cx, target).and_then(|log| {
        let (most, one) = (range.max_bytes, range.at_least_one);
        Ok((log, read(cx, log, target, isolation, most, one)?))
    });
    let mut again = None;
    target.data = Some(Box::new(match found {
        Err(error) => failed(target, error),
        Ok((log, read)) => {
            let (data, _, range) = split(target, isolation, read);
            again = range.map(|range| Reading {
                log,
                range,
                ..reading
            });
            data
        }
    }));
    if let Some(again) = again {
        ask(cx, plan, again);
    }
}

fn ask(cx: &mut Context<'_>, plan: &mut Plan, reading: Reading) {
    let read = cx.read_file(reading.log, Look::Batches(reading.range));
    plan.reading.insert(read, reading);
}

/// Answers, if no file read is outstanding.
fn finish(cx: &mut Context<'_>, plan: &mut Plan) -> Outcome {
    if !plan.reading.is_empty() {
        return Outcome::Parked;
    }
    let response = respond::response(cx, plan);
    send(cx, &response)
}

/// What one answer brings at most (more only if its first batch is larger).
const ANSWER_BYTES: usize = 8 << 20;
/// What one answer may bring even when the memory budget is spent: small readers are served
/// while large ones wait.
const LEAST_BYTES: usize = 16 << 10;
/// What one answer brings from files at most (more only if one batch is larger). Its bytes are held
/// in memory until they are sent, and the client asks again at once.
const FILE_BYTES: usize = 2 << 20;

/// How many bytes are enough to answer with: no more than an answer may bring (Kafka: `KafkaApis.handleFetchRequest`).
fn enough(cx: &Context<'_>, request: &FetchRequest) -> u64 {
    let most = request.max_bytes.min(cx.config().fetch_max_bytes);
    u64::try_from(request.min_bytes.min(most)).unwrap_or(0)
}

/// What one look found.
#[derive(Default)]
struct Looked {
    found: Found,
    /// What an answer would bring.
    bytes: usize,
    failed: bool,
    reads: Vec<Reading>,
}

fn look(cx: &mut Context<'_>, request: &FetchRequest, plan: &mut Plan) -> Looked {
    let mut looked = Looked::default();
    let isolation = plan.isolation;
    let most = request.max_bytes.min(cx.config().fetch_max_bytes);
    let scarce = cx.room() < LEAST_BYTES;
    let room = cx.room().clamp(LEAST_BYTES, ANSWER_BYTES);
    let mut left = usize::try_from(most).unwrap_or(0).min(room);
    let mut left_in_files = FILE_BYTES;
    for (index, target) in plan.targets.iter_mut().enumerate() {
        target.data = Some(Box::new(match find(cx, target) {
            Err(error) => {
                looked.failed = true;
                failed(target, error)
            }
            Ok(log) => {
                let at_least_one = looked.bytes == 0 && !scarce;
                let found = cx
                    .partition(log)
                    .map(|p| target.readable(&p.log, isolation));
                let found = found.and_then(Result::ok).unwrap_or(0);
                looked.found.add(log, index, found);
                let wanted = usize::try_from(target.wanted.max_bytes)
                    .unwrap_or(0)
                    .min(left)
                    .min(left_in_files);
                match read(cx, log, target, isolation, wanted, at_least_one) {
                    Err(error) => {
                        looked.failed = true;
                        failed(target, error)
                    }
                    Ok(read) => {
                        let (data, size, range) = split(target, isolation, read);
                        if range.is_some() {
                            left_in_files = left_in_files.saturating_sub(size);
                        }
                        looked.bytes += size;
                        left = left.saturating_sub(size);
                        looked.reads.extend(range.map(|range| Reading {
                            target: index,
                            log,
                            range,
                        }));
                        data
                    }
                }
            }
        }));
    }
    looked
}

/// The target's log, if the client's view of its leader is not outdated.
fn find(cx: &mut Context<'_>, target: &Target) -> Result<LogId, ErrorCode> {
    let unknown = if cx.version < 13 {
        ErrorCode::UnknownTopicOrPartition
    } else if target.key.topic.is_empty() {
        ErrorCode::UnknownTopicId
    } else {
        ErrorCode::UnknownTopicOrPartition
    };
    let log = cx
        .find_log(&target.key.topic, target.key.partition)
        .ok_or(unknown)?;
    let partition = cx.partition(log).ok_or(unknown)?;
    if cx.version >= 13 && partition.topic_id != target.key.topic_id {
        return Err(ErrorCode::UnknownTopicId);
    }
    let (current, known) = (
        partition.log.leader_epoch(),
        target.wanted.current_leader_epoch,
    );
    match known {
        -1 => Ok(log),
        known if known < current => Err(ErrorCode::FencedLeaderEpoch),
        known if known > current => Err(ErrorCode::UnknownLeaderEpoch),
        _ => Ok(log),
    }
}

fn read(
    cx: &Context<'_>,
    log: LogId,
    target: &Target,
    isolation: Isolation,
    max_bytes: usize,
    at_least_one: bool,
) -> Result<Read, ErrorCode> {
    let partition = cx
        .partition(log)
        .ok_or(ErrorCode::UnknownTopicOrPartition)?;
    partition
        .log
        .read(
            target.wanted.fetch_offset,
            isolation,
            max_bytes,
            at_least_one,
        )
        .map_err(|error| error.code())
}

/// A read as response data: the data, how many bytes it brings, and the file read it needs.
fn split(
    target: &Target,
    isolation: Isolation,
    read: Read,
) -> (PartitionData, usize, Option<FileRange>) {
    let aborted = read
        .aborted
        .iter()
        .map(|aborted| AbortedTransaction {
            producer_id: aborted.producer_id,
            first_offset: aborted.first_offset,
            ..Default::default()
        })
        .collect();
    let mut data = PartitionData {
        partition_index: target.key.partition,
        high_watermark: read.high_watermark,
        last_stable_offset: read.last_stable_offset,
        log_start_offset: read.log_start_offset,
        aborted_transactions: (isolation == Isolation::ReadCommitted).then_some(aborted),
        records: Some(Bytes::new()),
        ..Default::default()
    };
    match read.source {
        Source::Empty => (data, 0, None),
        Source::Memory(batches) => {
            let records = joined(batches);
            let size = records.len();
            data.records = Some(records);
            (data, size, None)
        }
        Source::File(range) => {
            let size = range.max_bytes;
            (data, size, Some(range))
        }
    }
}

fn joined(mut batches: Vec<Bytes>) -> Bytes {
    if batches.len() == 1 {
        return batches.remove(0);
    }
    let mut records = BytesMut::with_capacity(batches.iter().map(Bytes::len).sum());
    for batch in &batches {
        records.extend_from_slice(batch);
    }
    records.freeze()
}

fn failed(target: &Target, error: ErrorCode) -> PartitionData {
    PartitionData {
        partition_index: target.key.partition,
        error_code: error.code(),
        high_watermark: -1,
        last_stable_offset: -1,
        log_start_offset: -1,
        records: Some(Bytes::new()),
        ..Default::default()
    }
}
