//! What becomes true of groups.
//!
//! A durable event is one record of `__consumer_offsets`; all else is volatile: who waits, whose
//! session ends when, who has joined a generation that has no assignment yet. After a crash the
//! volatile part starts afresh: members are given a whole session to come back.

use super::classic::JoinPhase;
use super::command::{ClassicProtocol, MemberOrigin};
use super::consumer::{ConsumerMemberRecord, CurrentAssignment, Partitions, ResolvedRegex};
use super::offsets::CommittedOffset;
use super::topics::TopicImage;
use crate::ids::TopicPartition;
use crate::machine::{Millis, ProducerIdentity, Waiter};
use bytes::Bytes;
use std::sync::Arc;

/// A fact about the groups of this partition.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// Durable: a group's offset for a partition; pending until the marker if `producer` is given.
    OffsetCommitted {
        /// Group id.
        group_id: String,
        /// The partition.
        partition: TopicPartition,
        /// What was committed.
        offset: CommittedOffset,
        /// The producer whose transaction it belongs to.
        producer: Option<ProducerIdentity>,
    },
    /// Durable: the offset is forgotten, a pending one too.
    OffsetRemoved {
        /// Group id.
        group_id: String,
        /// The partition.
        partition: TopicPartition,
    },
    /// The marker of a transaction reached this log. The engine writes it; it has no record here.
    TransactionEnded {
        /// Producer id.
        producer_id: i64,
        /// COMMIT or ABORT.
        commit: bool,
    },
    /// Durable: a classic group as the log keeps it; `None` if it is gone.
    ClassicGroup {
        /// Group id.
        group_id: String,
        /// Everything that a restart needs.
        record: Option<GroupRecord>,
    },
    /// Volatile: a step of a classic group between two records.
    Classic {
        /// Group id.
        group_id: String,
        /// The step.
        event: ClassicEvent,
    },
    /// A step of a consumer group; most are durable.
    Consumer {
        /// Group id.
        group_id: String,
        /// The step.
        event: ConsumerEvent,
    },
    /// Volatile: what topics there are.
    Topics(Arc<TopicImage>),
    /// Volatile: when to look for expired offsets next.
    ExpiryScheduled(Millis),
}

/// A classic group as its record tells it (Kafka's `GroupMetadataValue`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupRecord {
    /// `consumer`, `connect`, …; `None` before the first member.
    pub protocol_type: Option<String>,
    /// Generation, from 0.
    pub generation: i32,
    /// The protocol chosen; `None` if there are no members.
    pub protocol_name: Option<String>,
    /// Member id of the leader.
    pub leader: Option<String>,
    /// When the group came into its state; `None` in records of old brokers.
    pub state_since: Option<Millis>,
    /// Its members, by id.
    pub members: Vec<MemberRecord>,
}

/// A member in [`GroupRecord`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemberRecord {
    /// Member id.
    pub member_id: String,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<String>,
    /// The client.
    pub origin: MemberOrigin,
    /// In milliseconds.
    pub rebalance_timeout_ms: i32,
    /// In milliseconds.
    pub session_timeout_ms: i32,
    /// The subscription under the protocol chosen.
    pub subscription: Bytes,
    /// What the leader gave it.
    pub assignment: Bytes,
}

/// A volatile step of a classic group.
#[derive(Clone, PartialEq, Debug)]
pub enum ClassicEvent {
    /// A new member was told its id and is expected back until `deadline`.
    MemberPending {
        /// Its id.
        member_id: String,
        /// When it is given up.
        deadline: Millis,
    },
    /// A member is in and waits for the generation.
    MemberAdded {
        /// Its id.
        member_id: String,
        /// `group.instance.id` of a static member.
        instance_id: Option<String>,
        /// The client.
        origin: MemberOrigin,
        /// The group's type, which the first member decides.
        protocol_type: String,
        /// What it can do.
        terms: MemberTerms,
        /// Its JoinGroup.
        waiter: Waiter,
        /// When its join is given up.
        deadline: Millis,
    },
    /// A member joins again, perhaps on other terms, and waits for the generation.
    MemberRejoined {
        /// Its id.
        member_id: String,
        /// What it can do.
        terms: MemberTerms,
        /// Its JoinGroup.
        waiter: Waiter,
    },
    /// A static member came back under a new id; the old id is fenced.
    StaticMemberReplaced {
        /// Its `group.instance.id`.
        instance_id: String,
        /// The id that is no more.
        old_member_id: String,
        /// The id from now on.
        new_member_id: String,
        /// When its session ends.
        deadline: Millis,
    },
    /// A member, or one that was expected, is out.
    MemberRemoved {
        /// Its id.
        member_id: String,
    },
    /// The leader did not come back; another leads.
    LeaderElected {
        /// Its id.
        member_id: String,
    },
    /// Members must join again: → PreparingRebalance.
    RebalancePrepared {
        /// Now.
        at: Millis,
        /// How long they have.
        phase: JoinPhase,
    },
    /// The join phase goes on.
    JoinExtended {
        /// How long they have now.
        phase: JoinPhase,
    },
    /// Everyone is in: → CompletingRebalance.
    GenerationStarted {
        /// Now.
        at: Millis,
        /// The generation's number.
        generation: i32,
        /// The protocol chosen by vote.
        protocol_name: String,
        /// Until when every member must have asked for its assignment.
        sync_deadline: Millis,
    },
    /// A member asks for its assignment; it waits if the leader's word is not there yet.
    SyncReceived {
        /// Its id.
        member_id: String,
        /// Its SyncGroup, if it waits.
        waiter: Option<Waiter>,
    },
    /// What a member waited for was answered; its session starts anew.
    MemberAnswered {
        /// Its id.
        member_id: String,
        /// When its session ends.
        deadline: Millis,
    },
    /// A sign of life.
    SessionExtended {
        /// Its id.
        member_id: String,
        /// When its session ends.
        deadline: Millis,
    },
}

/// What a classic member offers and asks for, given anew with each join.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemberTerms {
    /// In milliseconds.
    pub rebalance_timeout_ms: i32,
    /// In milliseconds.
    pub session_timeout_ms: i32,
    /// Its protocols, the favourite first.
    pub protocols: Vec<ClassicProtocol>,
}

/// A step of a consumer group (KIP-848). All but the last two are durable, one record each.
#[derive(Clone, PartialEq, Debug)]
pub enum ConsumerEvent {
    /// Key 3: the group's epoch and the hash of the topics that it is about; `None` if it is gone.
    Epoch(Option<(i32, i64)>),
    /// Key 5: what a member is; `None` if it is gone.
    Member {
        /// Member id.
        member_id: String,
        /// What the log keeps of it.
        record: Option<ConsumerMemberRecord>,
    },
    /// Key 6: the epoch for which the target assignment was made, and when; `None` if it is gone.
    TargetEpoch(Option<(i32, Millis)>),
    /// Key 7: what a member shall own in the end; `None` if it is gone.
    Target {
        /// Member id.
        member_id: String,
        /// The partitions.
        partitions: Option<Partitions>,
    },
    /// Key 8: what a member owns, and how far it is on its way; `None` if it is gone.
    Current {
        /// Member id.
        member_id: String,
        /// Its epoch, state and partitions.
        assignment: Option<CurrentAssignment>,
    },
    /// Key 16: the topics that a pattern stands for; `None` if no member uses it.
    Regex {
        /// The pattern.
        pattern: String,
        /// Its topics.
        resolved: Option<ResolvedRegex>,
    },
    /// Volatile: a sign of life; the session now ends at `deadline`.
    SessionExtended {
        /// Member id.
        member_id: String,
        /// When its session ends.
        deadline: Millis,
    },
    /// Volatile: until when a member must have given back what it shall give back.
    RevocationDue {
        /// Member id.
        member_id: String,
        /// When it is fenced; `None` once it gave back.
        deadline: Option<Millis>,
    },
}
