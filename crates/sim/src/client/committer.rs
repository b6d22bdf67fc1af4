//! A consumer in a group that commits what it has read, outside of transactions.

use super::Port;
use super::TOPICS;
use super::member::{Member, Protocol};
use super::offsets::{Rewound, rewind};
use super::reader::Consumer;
use super::setup::PATIENCE;
use crate::net::LinkId;
use crate::plan::Plan;
use once_check::history::{CommitOffsets, Isolation, Kind, Op};
use once_wire::error::ErrorCode;
use once_wire::message::offset_commit_request::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};

/// Commits the consumer's positions once. False: join again, or ask again on another connection.
async fn commit(port: &Port, link: LinkId, member: &Member, consumer: &Consumer) -> bool {
    let positions = consumer.positions.iter();
    let op = CommitOffsets {
        group: member.group.clone(),
        offsets: positions
            .clone()
            .map(|(p, at)| (p.clone(), Some(*at)))
            .collect(),
    };
    let partitions = positions.map(|(partition, at)| OffsetCommitRequestPartition {
        partition_index: partition.index,
        committed_offset: *at,
        ..Default::default()
    });
    let request = OffsetCommitRequest {
        group_id: member.group.to_string(),
        generation_id_or_member_epoch: member.generation,
        member_id: member.member_id.clone(),
        group_instance_id: member.instance_id.clone(),
        topics: vec![OffsetCommitRequestTopic {
            name: TOPICS[0].to_owned(),
            partitions: partitions.collect(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let invoked = port.invoke(Op::CommitOffsets(op));
    // A member of a group of KIP-848 is one from version 9 on.
    let versions: &[i16] = match member.protocol {
        Protocol::Classic => &[7, 8],
        Protocol::Consumer => &[9],
    };
    let version = *port.random().pick(versions);
    let Ok(response) = port.call(link, version, &request, PATIENCE).await else {
        port.complete(invoked, Kind::Info, None);
        return false;
    };
    let mut results = response.topics.iter().flat_map(|topic| &topic.partitions);
    let done = results.all(|p| p.error_code == ErrorCode::None.code());
    let kind = if done { Kind::Ok } else { Kind::Info };
    port.complete(invoked, kind, None);
    done
}

/// Reads and commits for so many rounds.
pub(crate) async fn committer(port: Port, protocol: Protocol, plan: Plan) {
    let mut member = Member::new(port.clone(), protocol, plan.partitions);
    let mut left = plan.operations;
    while left > 0 && member.join().await {
        let mut consumer = Consumer::new(port.clone(), Isolation::ReadCommitted);
        match rewind(&mut consumer, &member, &port).await {
            Rewound::Done => {}
            Rewound::Rejoin => continue,
            Rewound::Ended => break,
        }
        let link = port.connect().await;
        while left > 0 && !port.is_ending() {
            left -= 1;
            if member.wants_to_leave() {
                member.leave().await;
                break;
            }
            if consumer.positions.is_empty() {
                port.sleep(50_000).await;
            } else if consumer.poll(link, 20).await.is_none()
                || !commit(&port, link, &member, &consumer).await
            {
                break;
            }
            if !member.heartbeat(link).await {
                break;
            }
            let pause = port.random().below(20_000);
            port.sleep(pause).await;
        }
        port.close(link);
    }
    member.leave().await;
}
