//! Offsets of topics that are gone.

use super::{committed, rig};
use crate::group::tests::rig::{Rig, nobody, to_commit};
use crate::group::{
    Command, CommitOffsets, FetchOffsets, OffsetToCommit, TopicImage, TopicInfo, TxnCommitOffsets,
};
use crate::ids::TopicPartition;
use crate::machine::ProducerIdentity;
use once_wire::{ErrorCode, Uuid};
use std::sync::Arc;

#[test]
fn offsets_of_a_deleted_topic_go_with_it_pending_ones_too() {
    let mut rig = rig();
    assert_eq!(rig.commit(nobody(), 1), Ok(()));
    assert_eq!(rig.txn_commit(9, nobody(), 5), Ok(()));
    rig.set_topics(&[("u", 1)]);
    rig.set_topics(&[("u", 1), ("t", 3)]);
    rig.end_transaction(9, true);
    assert_eq!(
        (committed(&rig), rig.fetch(true).error),
        (-1, ErrorCode::None)
    );
}

#[test]
fn offsets_of_a_topic_that_went_just_before_a_crash_go_after_it() {
    let mut rig = rig();
    assert_eq!(rig.commit(nobody(), 1), Ok(()));
    assert_eq!(rig.txn_commit(9, nobody(), 5), Ok(()));
    rig.restart();
    rig.set_topics(&[("u", 1)]);
    rig.set_topics(&[("u", 1), ("t", 3)]);
    rig.end_transaction(9, true);
    assert_eq!(
        (committed(&rig), rig.fetch(true).error),
        (-1, ErrorCode::None)
    );
}

/// One topic `t`, under an id that no other test gives it.
fn another_t() -> Command {
    let info = TopicInfo {
        id: Uuid([7; 16]),
        partitions: 3,
    };
    Command::Topics(Arc::new(TopicImage::new([("t".to_owned(), info)])))
}

#[test]
fn offsets_of_a_topic_that_was_made_anew_just_before_a_crash_go_after_it() {
    let mut rig = rig();
    assert_eq!(rig.commit(nobody(), 5), Ok(()));
    rig.restart();
    rig.ask(&another_t());
    assert_eq!(committed(&rig), -1);
}

/// So the id cannot tell a topic from its successor there: an offset of the old one that a crash left
/// counts for the new one, in Kafka and here.
#[test]
fn a_transactions_offset_goes_by_the_topics_name_alone_as_in_kafka() {
    let mut rig = rig();
    assert_eq!(rig.txn_commit(9, nobody(), 5), Ok(()));
    rig.end_transaction(9, true);
    assert_eq!((committed(&rig), rig.fetch(true).topic_id), (5, Uuid::ZERO));
    rig.restart();
    rig.ask(&another_t());
    assert_eq!(committed(&rig), 5);
}

#[test]
fn offsets_of_topics_that_are_there_survive_the_first_image_with_and_without_an_id() {
    let mut rig = rig();
    let anonymous = OffsetToCommit {
        topic_id: Uuid::ZERO,
        ..to_commit("t", 1, 2)
    };
    let command = CommitOffsets {
        group_id: "g".to_owned(),
        member: nobody(),
        knows_member_epochs: true,
        retention_ms: None,
        offsets: vec![to_commit("t", 0, 1), anonymous],
    };
    rig.call(&Command::CommitOffsets(command));
    rig.crash();
    let offset = |rig: &Rig, partition| {
        let request = FetchOffsets {
            group_id: "g".to_owned(),
            member: None,
            partitions: Some(vec![(TopicPartition::new("t", partition), Uuid::ZERO)]),
            require_stable: false,
        };
        rig.live.fetch_offsets(&request).expect("anyone may fetch")[0].offset
    };
    assert_eq!([offset(&rig, 0), offset(&rig, 1)], [1, 2]);
    rig.ask(&another_t());
    assert_eq!([offset(&rig, 0), offset(&rig, 1)], [-1, -1]);
}

#[test]
fn a_tombstone_for_a_topic_that_is_gone_does_not_take_the_offset_of_its_successor() {
    let mut rig = rig();
    assert_eq!(rig.commit(nobody(), 1), Ok(()));
    let successor = OffsetToCommit {
        topic_id: Uuid([7; 16]),
        ..to_commit("t", 0, 5)
    };
    let command = TxnCommitOffsets {
        group_id: "g".to_owned(),
        member: nobody(),
        producer: ProducerIdentity { id: 9, epoch: 0 },
        offsets: vec![successor],
    };
    rig.call(&Command::TxnCommitOffsets(command));
    rig.restart();
    rig.ask(&another_t());
    rig.end_transaction(9, true);
    assert_eq!(committed(&rig), 5);
}
