//! Consume, process, produce: each input record becomes one output record, in the transaction that
//! commits the input's offset (KIP-447).

use super::flight::Refused;
use super::member::{Member, Protocol};
use super::offsets::{Rewound, rewind};
use super::producer::random_partition;
use super::reader::Consumer;
use super::records::Payload;
use super::setup::PATIENCE;
use super::transactor::Transactor;
use super::{Port, TOPICS};
use crate::plan::Plan;
use once_check::history::{Isolation, Kind, Name, Op, Partition, PartitionRead, SendOffsets};
use once_wire::error::ErrorCode;
use once_wire::message::add_offsets_to_txn_request::AddOffsetsToTxnRequest;
use once_wire::message::txn_offset_commit_request::{
    TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use std::collections::BTreeMap;

/// Makes outputs of what was read, and commits both.
async fn process(
    own: &mut Transactor,
    member: &Member,
    reads: &[PartitionRead],
    partitions: i32,
) -> Result<(), Refused> {
    own.begin();
    let position = |read: &PartitionRead| (read.partition.clone(), read.position.unwrap_or(0));
    let offsets: BTreeMap<_, _> = reads.iter().map(position).collect();
    // An application may send them when it likes: Java's, which waits for them and not for its data, often has them
    // in the transaction first.
    let offsets_first = own.port.random().coin();
    if offsets_first {
        send_offsets(own, member, &offsets).await?;
    }
    for read in reads {
        for record in &read.records {
            let target = random_partition(&own.port, TOPICS[1], partitions);
            own.add(&target).await?;
            let payload = Payload {
                value: own.port.fresh_value(),
                weight: own.port.random().index(60),
                input: Some(read.partition.at(record.offset)),
                key: None,
                tombstone: false,
            };
            own.flight.push(&target, vec![payload], Some(own.txn));
        }
    }
    own.flight.fly(|_| false).await?;
    if !offsets_first {
        send_offsets(own, member, &offsets).await?;
    }
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
    offsets: &BTreeMap<Partition, i64>,
) -> Result<(), Refused> {
    let op = SendOffsets {
        txn: own.txn,
        producer: own.flight.producer(),
        group: member.group.clone(),
        offsets: offsets.clone(),
    };
    let invoked = own.port.invoke(Op::SendOffsets(op));
    let sent = match add_offsets(own, member).await {
        Ok(()) => commit_offsets(own, member, offsets).await,
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
        group_instance_id: member.instance_id.clone(),
        topics: vec![TxnOffsetCommitRequestTopic {
            name: TOPICS[0].to_owned(),
            partitions: partitions.collect(),
            ..Default::default()
        }],
        ..Default::default()
    };
    for _ in 0..200 {
        let link = own.flight.link().await;
        let version = *own.port.random().pick(&[3, 4]);
        let Ok(response) = own.port.call(link, version, &request, PATIENCE).await else {
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
            | ErrorCode::StaleMemberEpoch
            | ErrorCode::FencedMemberEpoch
    )
}

/// Back to what is committed, or why the round ends.
async fn back(consumer: &mut Consumer, member: &Member, port: &Port) -> Option<Ended> {
    match rewind(consumer, member, port).await {
        Rewound::Done => None,
        Rewound::Rejoin => Some(Ended::Rejoin),
        Rewound::Ended => Some(Ended::Done),
    }
}

async fn rounds(
    own: &mut Transactor,
    member: &mut Member,
    left: &mut u32,
    partitions: i32,
) -> Ended {
    let port = own.port.clone();
    let mut consumer = Consumer::new(port.clone(), Isolation::ReadCommitted);
    if let Some(ended) = back(&mut consumer, member, &port).await {
        return ended;
    }
    while *left > 0 && !port.is_ending() {
        *left -= 1;
        if member.wants_to_leave() {
            member.leave().await;
            return Ended::Rejoin;
        }
        let link = own.flight.link().await;
        if !member.heartbeat(link).await {
            return Ended::Rejoin;
        }
        if consumer.positions.is_empty() {
            port.sleep(50_000).await;
            continue;
        }
        let link = own.flight.link().await;
        consumer.txn = Some(own.next_txn);
        let Some(reads) = consumer.poll(link, 20).await else {
            own.flight.drop_link();
            if let Some(ended) = back(&mut consumer, member, &port).await {
                return ended;
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
        if let Some(ended) = back(&mut consumer, member, &port).await {
            return ended;
        }
    }
    Ended::Done
}

/// Runs so many rounds as a member of a group.
pub(crate) async fn processor(port: Port, protocol: Protocol, plan: Plan) {
    let id: Name = format!("processor-{}", port.client()).into();
    let mut member = Member::new(port.clone(), protocol, plan.partitions);
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
