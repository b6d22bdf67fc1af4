use crate::group::tests::rig::{Rig, committer, join, nobody, sync, to_commit, topic_id};
use crate::group::{
    Command, CommitOffsets, DeleteOffsets, FetchOffsets, GroupConfig, OffsetToCommit, Reply,
};
use crate::ids::TopicPartition;
use crate::machine::Machine;
use once_wire::{ErrorCode, Uuid};

mod gone;

fn rig() -> Rig {
    Rig::quick(&[("t", 3), ("u", 1)])
}

fn committed(rig: &Rig) -> i64 {
    rig.fetch(false).offset
}

#[test]
fn an_offset_is_kept_across_a_crash() {
    let mut rig = rig();
    assert_eq!(rig.commit(nobody(), 7), Ok(()));
    rig.crash();
    assert_eq!(committed(&rig), 7);
    assert_eq!(rig.fetch(true).error, ErrorCode::None);
}

#[test]
fn an_offset_of_an_open_transaction_is_invisible_until_commit() {
    let mut rig = rig();
    assert_eq!(rig.commit(nobody(), 1), Ok(()));
    assert_eq!(rig.txn_commit(9, nobody(), 5), Ok(()));
    assert_eq!(committed(&rig), 1);
    let stable = rig.fetch(true);
    assert_eq!(
        (stable.error, stable.offset),
        (ErrorCode::UnstableOffsetCommit, -1)
    );
    rig.crash();
    assert_eq!(rig.fetch(true).error, ErrorCode::UnstableOffsetCommit);
    rig.end_transaction(9, true);
    assert_eq!(
        (rig.fetch(true).error, rig.fetch(true).offset),
        (ErrorCode::None, 5)
    );
}

#[test]
fn an_aborted_offset_is_forgotten() {
    let mut rig = rig();
    assert_eq!(rig.commit(nobody(), 1), Ok(()));
    assert_eq!(rig.txn_commit(9, nobody(), 5), Ok(()));
    rig.end_transaction(9, false);
    rig.end_transaction(9, true);
    assert_eq!(
        (committed(&rig), rig.fetch(true).error),
        (1, ErrorCode::None)
    );
}

#[test]
fn the_later_record_wins_not_the_later_marker() {
    let mut rig = rig();
    assert_eq!(rig.txn_commit(9, nobody(), 5), Ok(()));
    assert_eq!(rig.commit(nobody(), 6), Ok(()));
    rig.end_transaction(9, true);
    assert_eq!(
        committed(&rig),
        6,
        "a plain commit written after the transactional one"
    );

    assert_eq!(rig.txn_commit(9, nobody(), 7), Ok(()));
    assert_eq!(rig.txn_commit(10, nobody(), 8), Ok(()));
    rig.end_transaction(10, true);
    rig.end_transaction(9, true);
    assert_eq!(
        committed(&rig),
        8,
        "two transactions that end in the other order"
    );
}

#[test]
fn only_the_partition_that_is_touched_is_unstable() {
    let mut rig = rig();
    assert_eq!(rig.txn_commit(9, nobody(), 5), Ok(()));
    let request = FetchOffsets {
        group_id: "g".to_owned(),
        member: None,
        partitions: Some(vec![
            (TopicPartition::new("t", 1), Uuid::ZERO),
            (TopicPartition::new("t", 0), Uuid::ZERO),
        ]),
        require_stable: true,
    };
    let fetched = rig.live.fetch_offsets(&request).expect("anyone may fetch");
    let errors: Vec<_> = fetched.iter().map(|fetched| fetched.error).collect();
    assert_eq!(errors, [ErrorCode::None, ErrorCode::UnstableOffsetCommit]);
}

#[test]
fn an_offset_of_another_topic_of_the_same_name_does_not_count() {
    let mut rig = rig();
    assert_eq!(rig.commit(nobody(), 7), Ok(()));
    let ask = |id| FetchOffsets {
        group_id: "g".to_owned(),
        member: None,
        partitions: Some(vec![(TopicPartition::new("t", 0), id)]),
        require_stable: false,
    };
    let offset = |id| rig.live.fetch_offsets(&ask(id)).expect("anyone may fetch")[0].offset;
    assert_eq!([offset(topic_id("t")), offset(Uuid([1; 16]))], [7, -1]);
}

#[test]
fn a_group_without_members_takes_commits_of_those_who_claim_no_generation_only() {
    let mut rig = rig();
    assert_eq!(
        rig.commit(committer("m", 3), 1),
        Err(ErrorCode::GroupIdNotFound)
    );
    assert_eq!(
        rig.txn_commit(9, committer("m", 3), 1),
        Err(ErrorCode::IllegalGeneration)
    );
    assert_eq!(rig.txn_commit(9, nobody(), 1), Ok(()));
    assert_eq!(rig.commit(nobody(), 1), Ok(()));
    assert_eq!(
        rig.commit(committer("m", 3), 1),
        Err(ErrorCode::UnknownMemberId)
    );
}

#[test]
fn a_text_that_is_too_long_fails_its_partition_only() {
    let mut rig = rig();
    let long = OffsetToCommit {
        metadata: Some("x".repeat(4_097)),
        ..to_commit("t", 0, 1)
    };
    let command = CommitOffsets {
        group_id: "g".to_owned(),
        member: nobody(),
        knows_member_epochs: true,
        retention_ms: None,
        offsets: vec![long, to_commit("t", 1, 2)],
    };
    let Reply::Offsets(Ok(results)) = rig.call(&Command::CommitOffsets(command)) else {
        panic!("the request as a whole is fine")
    };
    let errors: Vec<_> = results.into_iter().map(|(_, error)| error).collect();
    assert_eq!(errors, [ErrorCode::OffsetMetadataTooLarge, ErrorCode::None]);
}

/// A group with an offset for each of so many partitions of `t`.
fn with_many_offsets(config: GroupConfig, count: i32) -> Rig {
    let mut rig = Rig::new(config);
    rig.set_topics(&[("t", count)]);
    let command = CommitOffsets {
        group_id: "g".to_owned(),
        member: nobody(),
        knows_member_epochs: true,
        retention_ms: None,
        offsets: (0..count).map(|n| to_commit("t", n, 1)).collect(),
    };
    rig.call(&Command::CommitOffsets(command));
    rig.most_events = 0;
    rig
}

#[test]
fn offsets_of_a_large_topic_go_bit_by_bit_and_at_once() {
    let mut rig = with_many_offsets(GroupConfig::default(), 3_500);
    rig.set_topics(&[("u", 1)]);
    assert!(rig.live.deadline().is_some_and(|at| at <= rig.now));
    rig.set_topics(&[("t", 3_500)]);
    // Committed anew meanwhile: what is still to be removed is not that.
    let last = CommitOffsets {
        group_id: "g".to_owned(),
        member: nobody(),
        knows_member_epochs: true,
        retention_ms: None,
        offsets: vec![to_commit("t", 3_499, 2)],
    };
    rig.call(&Command::CommitOffsets(last));
    rig.pass(1);
    let request = FetchOffsets {
        group_id: "g".to_owned(),
        member: None,
        partitions: None,
        require_stable: false,
    };
    let left = rig.live.fetch_offsets(&request).expect("anyone may fetch");
    let left: Vec<_> = left
        .iter()
        .map(|fetched| (fetched.partition.partition, fetched.offset))
        .collect();
    assert_eq!(left, [(3_499, 2)]);
    assert!(rig.most_events <= 1_001, "{}", rig.most_events);
}

#[test]
fn many_offsets_expire_bit_by_bit_and_at_once() {
    let config = GroupConfig {
        offsets_retention_ms: 1_000,
        ..Default::default()
    };
    let mut rig = with_many_offsets(config, 3_500);
    // The clock starts, then the first check.
    rig.pass(600_000);
    assert_eq!(rig.live.list().len(), 0);
    assert!(rig.most_events <= 1_001, "{}", rig.most_events);
}

#[test]
fn offsets_expire_when_the_group_is_no_longer_used_and_the_group_with_them() {
    let config = GroupConfig {
        offsets_retention_ms: 50_000_000,
        ..Default::default()
    };
    let mut rig = Rig::new(config);
    rig.set_topics(&[("t", 1)]);
    assert_eq!(rig.commit(nobody(), 1), Ok(()));
    rig.pass(40_000_000);
    assert_eq!((committed(&rig), rig.live.list().len()), (1, 1));
    rig.pass(11_000_000);
    assert_eq!((committed(&rig), rig.live.list().len()), (-1, 0));
}

#[test]
fn offsets_that_a_member_reads_or_a_transaction_touches_do_not_expire() {
    let config = GroupConfig {
        offsets_retention_ms: 1,
        initial_rebalance_delay_ms: 0,
        ..Default::default()
    };
    let mut rig = Rig::new(config);
    rig.set_topics(&[("t", 1)]);
    assert_eq!(rig.commit(nobody(), 1), Ok(()));
    assert_eq!(rig.txn_commit(9, nobody(), 5), Ok(()));
    rig.pass(2_000_000);
    assert_eq!(committed(&rig), 1, "touched by a transaction");
    rig.end_transaction(9, true);
    let waiter = rig.ask(&Command::Join(join("c", "")));
    let member = rig.joined(waiter).member_id;
    rig.ask(&sync(&member, 1, &[]));
    for _ in 0..100 {
        rig.pass(9_000);
        assert_eq!(rig.heartbeat(&member, 1), ErrorCode::None);
    }
    assert_eq!(committed(&rig), 5, "the group is in use");
}

#[test]
fn an_offset_with_its_own_expiry_ends_then() {
    let mut rig = rig();
    let command = CommitOffsets {
        group_id: "g".to_owned(),
        member: nobody(),
        knows_member_epochs: false,
        retention_ms: Some(1_000),
        offsets: vec![to_commit("t", 0, 4)],
    };
    rig.call(&Command::CommitOffsets(command));
    assert_eq!(committed(&rig), 4);
    rig.pass(1_300_000);
    assert_eq!(committed(&rig), -1);
}

#[test]
fn an_offset_kept_for_less_than_no_time_ends_at_once() {
    let mut rig = rig();
    let command = CommitOffsets {
        group_id: "g".to_owned(),
        member: nobody(),
        knows_member_epochs: false,
        retention_ms: Some(i64::MIN),
        offsets: vec![to_commit("t", 0, 4)],
    };
    rig.call(&Command::CommitOffsets(command));
    rig.pass(1_300_000);
    assert_eq!(committed(&rig), -1);
}

#[test]
fn offsets_are_deleted_only_where_nobody_subscribes() {
    let mut rig = rig();
    let waiter = rig.ask(&Command::Join(join("c", "")));
    let member = rig.joined(waiter).member_id;
    rig.ask(&sync(&member, 1, &[(member.as_str(), "all")]));
    assert_eq!(rig.commit(committer(&member, 1), 3), Ok(()));
    let partitions = vec![TopicPartition::new("t", 0), TopicPartition::new("u", 0)];
    let command = DeleteOffsets {
        group_id: "g".to_owned(),
        partitions,
    };
    let Reply::DeleteOffsets(Ok(results)) = rig.call(&Command::DeleteOffsets(command)) else {
        panic!("the group is there")
    };
    let errors: Vec<_> = results.into_iter().map(|(_, error)| error).collect();
    assert_eq!(errors, [ErrorCode::GroupSubscribedToTopic, ErrorCode::None]);
    assert_eq!(committed(&rig), 3);
}

#[test]
fn a_group_is_deleted_with_its_offsets_once_it_is_empty() {
    let mut rig = rig();
    let waiter = rig.ask(&Command::Join(join("c", "")));
    let member = rig.joined(waiter).member_id;
    let delete = Command::DeleteGroup("g".to_owned());
    assert_eq!(
        rig.call(&delete),
        Reply::DeleteGroup(ErrorCode::NonEmptyGroup)
    );
    assert_eq!(rig.leave(&member), ErrorCode::None);
    assert_eq!(rig.commit(nobody(), 3), Ok(()));
    assert_eq!(rig.txn_commit(9, nobody(), 5), Ok(()));
    assert_eq!(rig.call(&delete), Reply::DeleteGroup(ErrorCode::None));
    assert_eq!(
        rig.call(&delete),
        Reply::DeleteGroup(ErrorCode::GroupIdNotFound)
    );
    rig.end_transaction(9, true);
    assert_eq!((committed(&rig), rig.live.list().len()), (-1, 0));
}

#[test]
fn a_commit_is_what_the_client_said() {
    let mut rig = rig();
    let asked = OffsetToCommit {
        leader_epoch: 4,
        metadata: Some("mine".to_owned()),
        ..to_commit("t", 0, 11)
    };
    let command = CommitOffsets {
        group_id: "g".to_owned(),
        member: nobody(),
        knows_member_epochs: true,
        retention_ms: None,
        offsets: vec![asked],
    };
    rig.call(&Command::CommitOffsets(command));
    let got = rig.fetch(true);
    assert_eq!(
        (got.offset, got.leader_epoch, got.metadata),
        (11, 4, "mine".to_owned())
    );
    assert_eq!((got.topic_id, got.error), (topic_id("t"), ErrorCode::None));
}

#[test]
fn names_that_no_record_can_hold_are_refused() {
    let mut rig = rig();
    let long = "x".repeat(40_000);
    let command = CommitOffsets {
        group_id: long.clone(),
        member: nobody(),
        knows_member_epochs: true,
        retention_ms: None,
        offsets: vec![to_commit("t", 0, 1)],
    };
    let refused = Reply::Offsets(Err(ErrorCode::InvalidRequest));
    assert_eq!(rig.call(&Command::CommitOffsets(command)), refused);
    let waiter = rig.ask(&Command::Join(join(&long, "")));
    assert_eq!(rig.joined(waiter).error, ErrorCode::InvalidRequest);
}

#[test]
fn a_commit_that_would_write_more_than_a_batch_may_hold_is_refused() {
    let mut rig = rig();
    let large = |times| CommitOffsets {
        group_id: "g".repeat(20_000),
        member: nobody(),
        knows_member_epochs: true,
        retention_ms: None,
        offsets: vec![to_commit("t", 0, 7); times],
    };
    let answer = rig.call(&Command::CommitOffsets(large(60)));
    let refused = ErrorCode::InvalidCommitOffsetSize;
    assert!(
        matches!(answer, Reply::Offsets(Err(error)) if error == refused),
        "{answer:?}"
    );
    let answer = rig.call(&Command::CommitOffsets(large(50)));
    assert!(matches!(answer, Reply::Offsets(Ok(_))), "{answer:?}");
}
