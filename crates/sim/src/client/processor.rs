//! Consume, process, produce: each input record becomes one output record, in the transaction that
//! commits the input's offset (KIP-447).

use super::flight::Refused;
use super::member::Member;
use super::producer::random_partition;
use super::reader::Consumer;
use super::records::Payload;
use super::setup::PATIENCE;
use super::transactor::Transactor;
use super::{Port, TOPICS};
use crate::plan::Plan;
use once_check::history::{
    Assign, FetchOffsets, Isolation, Kind, Name, Op, Partition, PartitionRead, SendOffsets,
};
use once_wire::error::ErrorCode;
use once_wire::message::add_offsets_to_txn_request::AddOffsetsToTxnRequest;
use once_wire::message::offset_fetch_request::{OffsetFetchRequest, OffsetFetchRequestTopic};
use once_wire::message::txn_offset_commit_request::{
    TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use std::collections::BTreeMap;

/// What a group has committed.
type Offsets = BTreeMap<Partition, Option<i64>>;

/// Asks what a group has committed for partitions of the input, until there is an answer. `None`:
/// the run ends.
pub(crate) async fn committed(
    port: &Port,
    group: &Name,
    partitions: &[i32],
    require_stable: bool,
) -> Option<Offsets> {
    let asked = partitions
        .iter()
        .map(|p| (Partition::new(TOPICS[0], *p), None));
    let mut op = FetchOffsets {
        group: group.clone(),
        require_stable,
        offsets: asked.collect(),
    };
    let request = OffsetFetchRequest {
        group_id: group.to_string(),
        topics: Some(vec![OffsetFetchRequestTopic {
            name: TOPICS[0].to_owned(),
            partition_indexes: partitions.to_vec(),
            ..Default::default()
        }]),
        require_stable,
        ..Default::default()
    };
    let mut link = port.connect().await;
    let mut refusals = 0;
    loop {
        let invoked = port.invoke(Op::FetchOffsets(op.clone()));
        let Ok(response) = port.call(link, 7, &request, PATIENCE).await else {
            port.complete(invoked, Kind::Info, None);
            port.close(link);
            link = port.connect().await;
            continue;
        };
        let found = response.topics.iter().flat_map(|topic| &topic.partitions);
        let refused = |p: &&_| -> bool {
            let p: &once_wire::message::offset_fetch_response::OffsetFetchResponsePartition = p;
            p.error_code != ErrorCode::None.code()
        };
        if response.error_code != 0 || found.clone().any(|p| refused(&p)) {
            port.complete(invoked, Kind::Info, None);
            refusals += 1;
            // When the run ends only who may wait for ever goes on: for a transaction to be decided.
            if port.is_ending() && (!require_stable || refusals < 100) {
                port.close(link);
                return None;
            }
            port.sleep(10_000 * refusals.min(100)).await;
            continue;
        }
        for part in found {
            let partition = Partition::new(TOPICS[0], part.partition_index);
            let offset = Some(part.committed_offset).filter(|offset| *offset >= 0);
            op.offsets.insert(partition, offset);
        }
        port.complete(invoked, Kind::Ok, Some(Op::FetchOffsets(op.clone())));
        port.close(link);
        return Some(op.offsets);
    }
}

/// Goes back to what is committed.
pub(crate) async fn rewind(consumer: &mut Consumer, member: &Member, port: &Port) -> bool {
    let Some(offsets) = committed(port, &member.group, &member.assigned, true).await else {
        return false;
    };
    consumer.positions.clear();
    for (partition, offset) in offsets {
        consumer.positions.insert(partition, offset.unwrap_or(0));
    }
    let positions = consumer.positions.iter();
    let assign = Assign {
        group: Some(member.group.clone()),
        partitions: positions.map(|(p, at)| (p.clone(), Some(*at))).collect(),
    };
    port.note(Kind::Ok, Op::Assign(assign));
    true
}

/// Makes outputs of what was read, and commits both.
async fn process(
    own: &mut Transactor,
    member: &Member,
    reads: &[PartitionRead],
    partitions: i32,
) -> Result<(), Refused> {
    own.begin();
    let mut offsets = BTreeMap::new();
    for read in reads {
        for record in &read.records {
            let target = random_partition(&own.port, TOPICS[1], partitions);
            own.add(&target).await?;
            let payload = Payload {
                value: own.port.fresh_value(),
                weight: own.port.random().index(60),
                input: Some(read.partition.at(record.offset)),
            };
            own.flight.push(&target, vec![payload], Some(own.txn));
        }
        offsets.insert(read.partition.clone(), read.position.unwrap_or(0));
    }
    own.flight.fly(|_| false).await?;
    send_offsets(own, member, offsets).await?;
    let commit = own.port.random().below(6) != 0;
    own.end(commit).await?;
    if commit {
        return Ok(());
    }
    Err(Refused(ErrorCode::None))
}

async fn send_offsets(
    own: &mut Transactor,
    member: &Member,
    offsets: BTreeMap<Partition, i64>,
) -> Result<(), Refused> {
    let op = SendOffsets {
        txn: own.txn,
        producer: own.flight.producer(),
        group: member.group.clone(),
        offsets: offsets.clone(),
    };
    let invoked = own.port.invoke(Op::SendOffsets(op));
    let sent = match add_offsets(own, member).await {
        Ok(()) => commit_offsets(own, member, &offsets).await,
        refused => refused,
    };
    let kind = if sent.is_ok() { Kind::Ok } else { Kind::Info };
    own.port.complete(invoked, kind, None);
    sent
}

async fn add_offsets(own: &mut Transactor, member: &Member) -> Result<(), Refused> {
    let request = AddOffsetsToTxnRequest {
        transactional_id: own.id.to_string(),
        producer_id: own.flight.identity.0,
        producer_epoch: own.flight.identity.1,
        group_id: member.group.to_string(),
        ..Default::default()
    };
    for _ in 0..200 {
        let link = own.flight.link().await;
        let Ok(response) = own.port.call(link, 3, &request, PATIENCE).await else {
            own.flight.drop_link();
            continue;
        };
        match ErrorCode::from_code(response.error_code).unwrap_or_default() {
            ErrorCode::None => return Ok(()),
            code if code.is_retriable() => own.port.sleep(5_000).await,
            code => return Err(Refused(code)),
        }
    }
    Err(Refused(ErrorCode::RequestTimedOut))
}

async fn commit_offsets(
    own: &mut Transactor,
    member: &Member,
    offsets: &BTreeMap<Partition, i64>,
) -> Result<(), Refused> {
    let partitions = offsets
        .iter()
        .map(|(partition, offset)| TxnOffsetCommitRequestPartition {
            partition_index: partition.index,
            committed_offset: *offset,
            ..Default::default()
        });
    let request = TxnOffsetCommitRequest {
        transactional_id: own.id.to_string(),
        group_id: member.group.to_string(),
        producer_id: own.flight.identity.0,
        producer_epoch: own.flight.identity.1,
        generation_id: member.generation,
        member_id: member.member_id.clone(),
        topics: vec![TxnOffsetCommitRequestTopic {
            name: TOPICS[0].to_owned(),
            partitions: partitions.collect(),
            ..Default::default()
        }],
        ..Default::default()
    };
    for _ in 0..200 {
        let link = own.flight.link().await;
        let Ok(response) = own.port.call(link, 3, &request, PATIENCE).await else {
            own.flight.drop_link();
            continue;
        };
        let results = response.topics.iter().flat_map(|topic| &topic.partitions);
        let refusals = results.filter_map(|p| ErrorCode::from_code(p.error_code));
        match refusals.max_by_key(|code| code.code()).unwrap_or_default() {
            ErrorCode::None => return Ok(()),
            code if code.is_retriable() => own.port.sleep(5_000).await,
            code => return Err(Refused(code)),
        }
    }
    Err(Refused(ErrorCode::RequestTimedOut))
}

/// Why a round ended.
enum Ended {
    /// Join the group again.
    Rejoin,
    /// Start the producer anew.
    Restart,
    /// Everything is done.
    Done,
}

/// As the errors of the group say: the member is out of date, the producer is not.
fn of_the_group(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::UnknownMemberId
            | ErrorCode::IllegalGeneration
            | ErrorCode::FencedInstanceId
            | ErrorCode::RebalanceInProgress
    )
}

async fn rounds(
    own: &mut Transactor,
    member: &mut Member,
    left: &mut u32,
    partitions: i32,
) -> Ended {
    let port = own.port.clone();
    let mut consumer = Consumer::new(port.clone(), Isolation::ReadCommitted);
    if !rewind(&mut consumer, member, &port).await {
        return Ended::Done;
    }
    while *left > 0 && !port.is_ending() {
        *left -= 1;
        let link = own.flight.link().await;
        if !member.heartbeat(link).await {
            return Ended::Rejoin;
        }
        if consumer.positions.is_empty() {
            port.sleep(50_000).await;
            continue;
        }
        let link = own.flight.link().await;
        let Some(reads) = consumer.poll(link, 20).await else {
            own.flight.drop_link();
            if !rewind(&mut consumer, member, &port).await {
                return Ended::Done;
            }
            continue;
        };
        if reads.iter().all(|read| read.records.is_empty()) {
            port.sleep(10_000).await;
            continue;
        }
        let pause = if port.random().below(20) == 0 {
            2_000_000
        } else {
            2_000
        };
        let pause = port.random().below(pause);
        port.sleep(pause).await;
        let Err(Refused(code)) = process(own, member, &reads, partitions).await else {
            continue;
        };
        if of_the_group(code) {
            // Abortable: what was sent is undone, and the producer goes on.
            if own.end(false).await.is_err() {
                return Ended::Restart;
            }
            return Ended::Rejoin;
        }
        if code != ErrorCode::None {
            port.say(format!("processing in transaction {}: {code}", own.txn));
            return Ended::Restart;
        }
        if !rewind(&mut consumer, member, &port).await {
            return Ended::Done;
        }
    }
    Ended::Done
}

/// Runs so many rounds as a member of the group.
pub(crate) async fn processor(port: Port, group: Name, plan: Plan) {
    let id: Name = format!("processor-{}", port.client()).into();
    let mut member = Member::new(port.clone(), group, plan.partitions);
    let mut left = plan.operations;
    'process: while left > 0 && !port.is_ending() {
        let Some(mut own) = Transactor::start(port.clone(), id.clone(), 3_000).await else {
            left -= 1;
            continue;
        };
        while member.join().await {
            match rounds(&mut own, &mut member, &mut left, plan.partitions).await {
                Ended::Rejoin => {}
                Ended::Restart => {
                    own.flight.give_up();
                    own.flight.drop_link();
                    continue 'process;
                }
                Ended::Done => break 'process,
            }
        }
        break;
    }
    member.leave().await;
}
