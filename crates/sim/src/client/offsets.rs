//! What a group has committed: asked for by its members and by others.

use super::member::{Member, Protocol};
use super::reader::Consumer;
use super::setup::PATIENCE;
use super::{Port, TOPICS};
use crate::invariant::Fact;
use once_check::history::{Assign, FetchOffsets, Kind, Name, Op, Partition};
use once_wire::error::ErrorCode;
use once_wire::message::offset_fetch_request::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use once_wire::message::offset_fetch_response::OffsetFetchResponse;
use std::collections::BTreeMap;

/// What a group has committed.
pub(crate) type Offsets = BTreeMap<Partition, Option<i64>>;

/// What became of the question.
pub(crate) enum Asked {
    /// It was answered.
    Offsets(Offsets),
    /// Who asks is no member any more, or does not know its epoch.
    Stale,
    /// The run ends.
    Ended,
}

/// Who asks for what.
pub(crate) struct Question<'a> {
    pub(crate) port: &'a Port,
    pub(crate) group: Name,
    /// The member that asks, and its epoch, in a group of KIP-848.
    pub(crate) member: Option<(String, i32)>,
    pub(crate) partitions: Vec<i32>,
    pub(crate) require_stable: bool,
}

impl Question<'_> {
    fn op(&self) -> FetchOffsets {
        let partitions = self.partitions.iter();
        FetchOffsets {
            group: self.group.clone(),
            require_stable: self.require_stable,
            offsets: partitions
                .map(|p| (Partition::new(TOPICS[0], *p), None))
                .collect(),
        }
    }

    /// The request in its older form, up to version 7, and in that for several groups. Who does not ask for stable
    /// offsets asks for all there are, as Kafka's admin client does.
    fn request(&self, version: i16) -> OffsetFetchRequest {
        let mut request = OffsetFetchRequest {
            require_stable: self.require_stable,
            ..Default::default()
        };
        if version < 8 {
            request.group_id = self.group.to_string();
            request.topics = self.require_stable.then(|| {
                vec![OffsetFetchRequestTopic {
                    name: TOPICS[0].to_owned(),
                    partition_indexes: self.partitions.clone(),
                    ..Default::default()
                }]
            });
            return request;
        }
        let member = self.member.clone().filter(|_| version >= 9);
        request.groups = vec![OffsetFetchRequestGroup {
            group_id: self.group.to_string(),
            member_epoch: member.as_ref().map_or(-1, |(_, epoch)| *epoch),
            member_id: member.map(|(id, _)| id),
            topics: self.require_stable.then(|| {
                vec![OffsetFetchRequestTopics {
                    name: TOPICS[0].to_owned(),
                    partition_indexes: self.partitions.clone(),
                    ..Default::default()
                }]
            }),
            ..Default::default()
        }];
        request
    }

    /// Asks until there is an answer.
    pub(crate) async fn ask(&self) -> Asked {
        let mut link = self.port.connect().await;
        let mut refusals = 0;
        loop {
            let invoked = self.port.invoke(Op::FetchOffsets(self.op()));
            let versions: &[i16] = if self.member.is_some() { &[9] } else { &[7, 8] };
            let version = *self.port.random().pick(versions);
            let request = self.request(version);
            let Ok(response) = self.port.call(link, version, &request, PATIENCE).await else {
                self.port.complete(invoked, Kind::Info, None);
                self.port.close(link);
                link = self.port.connect().await;
                continue;
            };
            let (offsets, refused) = answered(&response);
            if refused == ErrorCode::None {
                let mut op = self.op();
                op.offsets.extend(offsets);
                let offsets = op.offsets.clone();
                self.port
                    .complete(invoked, Kind::Ok, Some(Op::FetchOffsets(op)));
                self.port.told(Fact::Committed {
                    group: self.group.clone(),
                    offsets: offsets.clone(),
                });
                self.port.close(link);
                return Asked::Offsets(offsets);
            }
            self.port.complete(invoked, Kind::Info, None);
            refusals += 1;
            if let Some(end) = self.ends(refused, refusals) {
                self.port.close(link);
                return end;
            }
            self.port.sleep(10_000 * refusals.min(100)).await;
        }
    }

    /// Whether a refusal ends the asking.
    fn ends(&self, refused: ErrorCode, refusals: u64) -> Option<Asked> {
        let stale = matches!(
            refused,
            ErrorCode::StaleMemberEpoch | ErrorCode::UnknownMemberId
        );
        if stale {
            return Some(Asked::Stale);
        }
        // When the run ends only who may wait for ever goes on: for a transaction to be decided.
        let waits = self.require_stable && refusals < 100;
        (self.port.is_ending() && !waits).then_some(Asked::Ended)
    }
}

/// The offsets of an answer, in either form, or why there are none.
fn answered(response: &OffsetFetchResponse) -> (Offsets, ErrorCode) {
    let (mut found, mut codes) = (Vec::new(), vec![response.error_code]);
    for part in response.topics.iter().flat_map(|topic| &topic.partitions) {
        found.push((part.partition_index, part.committed_offset));
        codes.push(part.error_code);
    }
    for group in &response.groups {
        codes.push(group.error_code);
        for part in group.topics.iter().flat_map(|topic| &topic.partitions) {
            found.push((part.partition_index, part.committed_offset));
            codes.push(part.error_code);
        }
    }
    let refused = codes.into_iter().find(|code| *code != 0).unwrap_or(0);
    let offsets = found.into_iter().map(|(index, offset)| {
        let offset = Some(offset).filter(|offset| *offset >= 0);
        (Partition::new(TOPICS[0], index), offset)
    });
    (
        offsets.collect(),
        ErrorCode::from_code(refused).unwrap_or(ErrorCode::UnknownServerError),
    )
}

/// Whether a consumer went back to what is committed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rewound {
    /// It did.
    Done,
    /// Its member has to join again.
    Rejoin,
    /// The run ends.
    Ended,
}

/// Goes back to what is committed.
pub(crate) async fn rewind(consumer: &mut Consumer, member: &Member, port: &Port) -> Rewound {
    let of_member = (member.member_id.clone(), member.generation);
    let question = Question {
        port,
        group: member.group.clone(),
        member: (member.protocol == Protocol::Consumer).then_some(of_member),
        partitions: member.assigned.clone(),
        require_stable: true,
    };
    let offsets = match question.ask().await {
        Asked::Offsets(offsets) => offsets,
        Asked::Stale => return Rewound::Rejoin,
        Asked::Ended => return Rewound::Ended,
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
    Rewound::Done
}
