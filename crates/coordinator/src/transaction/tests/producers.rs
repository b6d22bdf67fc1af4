//! Who holds a transactional id.

use super::*;

#[test]
fn each_start_gets_the_next_epoch_of_one_producer_id() {
    let mut bench = Bench::new();
    let first = bench.init();
    assert_eq!(first.epoch, 0);
    assert_eq!(bench.init(), epoch(first, 1));
    assert_eq!(bench.init(), epoch(first, 2));
    assert_eq!(bench.stored().state, TransactionState::Empty);
    assert_eq!(bench.stored().start_ms, -1);
}

#[test]
fn an_older_epoch_is_fenced_and_another_producer_id_is_unknown() {
    let mut bench = Bench::new();
    let old = bench.init();
    let new = bench.init();
    let other = ProducerIdentity {
        id: new.id + 1,
        epoch: new.epoch,
    };
    assert_eq!(bench.add(old, 0), Err(ErrorCode::ProducerFenced));
    assert_eq!(bench.end_now(old, true), Err(ErrorCode::ProducerFenced));
    assert_eq!(
        bench.add(other, 0),
        Err(ErrorCode::InvalidProducerIdMapping)
    );
    assert_eq!(
        bench.end_now(other, true),
        Err(ErrorCode::InvalidProducerIdMapping)
    );
    assert_eq!(bench.init_now(Some(other)), Err(ErrorCode::ProducerFenced));
    assert_eq!(bench.verify(old, 0), Err(ErrorCode::ProducerFenced));
    assert_eq!(
        bench.verify(other, 0),
        Err(ErrorCode::InvalidProducerIdMapping)
    );
}

#[test]
fn timeouts_and_empty_ids_are_refused_and_change_nothing() {
    let mut bench = Bench::new();
    let command = |transactional_id: &str, timeout_ms| Command::Init {
        transactional_id: transactional_id.into(),
        timeout_ms,
        expected: None,
        fresh_producer_id: 1,
    };
    for (id, timeout_ms, error) in [
        (ID, 0, ErrorCode::InvalidTransactionTimeout),
        (ID, -1, ErrorCode::InvalidTransactionTimeout),
        (ID, 900_001, ErrorCode::InvalidTransactionTimeout),
        ("", 1_000, ErrorCode::InvalidRequest),
    ] {
        let (waiter, decision) = bench.run(&command(id, timeout_ms));
        assert_eq!(decision, Decision::reply(waiter, Reply::Init(Err(error))));
    }
    let (_, decision) = bench.run(&command(ID, 900_000));
    assert!(matches!(decision.replies[..], [(_, Reply::Init(Ok(_)))]));
}

#[test]
fn a_producer_that_names_itself_goes_on_and_its_retry_gets_the_same_answer() {
    let mut bench = Bench::new();
    let first = bench.init();
    let second = bench.init_now(Some(first));
    assert_eq!(second, Ok(epoch(first, 1)));
    assert_eq!(bench.init_now(Some(first)), second);
    assert_eq!(bench.init_now(Some(first)), second);
    assert_eq!(bench.init_now(Some(epoch(first, 1))), Ok(epoch(first, 2)));
    assert_eq!(bench.init_now(Some(first)), Err(ErrorCode::ProducerFenced));
}

#[test]
fn a_plain_start_is_not_undone_by_the_retry_of_an_older_one() {
    let mut bench = Bench::new();
    let first = bench.init();
    bench.init_now(Some(first)).expect("the holder goes on");
    bench.init();
    assert_eq!(bench.init_now(Some(first)), Err(ErrorCode::ProducerFenced));
}

#[test]
fn over_an_open_transaction_a_start_waits_for_the_abort_and_gets_an_epoch_nobody_saw() {
    let mut bench = Bench::new();
    let zombie = bench.init();
    bench.add(zombie, 0).expect("added");
    let (waiter, decision) = bench.init_as(None);
    assert!(decision.replies.is_empty());
    assert_eq!(bench.stored().state, TransactionState::PrepareAbort);
    let fence = bench.stored().producer;
    assert_eq!(fence, epoch(zombie, 1));
    assert_eq!(
        decision.effects,
        [Effect::WriteMarkers {
            transactional_id: ID.into(),
            producer: fence,
            commit: false,
            partitions: vec![TopicPartition::new("t", 0)],
            coordinator_epoch: 7,
            transaction_version: TransactionVersion::V1,
        }]
    );
    assert_eq!(bench.end_now(zombie, true), Err(ErrorCode::ProducerFenced));
    let done = bench.markers_written();
    assert_eq!(done.replies, [(waiter, Reply::Init(Ok(epoch(zombie, 2))))]);
    assert_eq!(bench.stored().state, TransactionState::Empty);
    assert_eq!(bench.add(zombie, 0), Err(ErrorCode::ProducerFenced));
    assert_eq!(bench.add(fence, 0), Err(ErrorCode::ProducerFenced));
    assert_eq!(bench.add(epoch(zombie, 2), 0), Ok(()));
}

#[test]
fn of_two_that_wait_the_later_fences_the_earlier() {
    let mut bench = Bench::new();
    let old = bench.init();
    bench.add(old, 0).expect("added");
    let (first, _) = bench.init_as(None);
    let (second, decision) = bench.init_as(None);
    assert!(decision.replies.is_empty() && decision.effects.is_empty());
    let done = bench.markers_written();
    let expected = [
        (first, Reply::Init(Ok(epoch(old, 2)))),
        (second, Reply::Init(Ok(epoch(old, 3)))),
    ];
    assert_eq!(done.replies, expected);
    assert_eq!(bench.add(epoch(old, 2), 0), Err(ErrorCode::ProducerFenced));
}

#[test]
fn a_producer_may_abandon_its_own_open_transaction_and_retry_that() {
    let mut bench = Bench::new();
    let first = bench.init();
    bench.add(first, 0).expect("added");
    let (asked, _) = bench.init_as(Some(first));
    let (again, _) = bench.init_as(Some(first));
    let done = bench.markers_written();
    let next = Reply::Init(Ok(epoch(first, 2)));
    assert_eq!(done.replies, [(asked, next), (again, next)]);
    assert_eq!(bench.init_now(Some(first)), Ok(epoch(first, 2)));
    assert_eq!(
        bench.init_now(Some(epoch(first, 1))),
        Err(ErrorCode::ProducerFenced)
    );
}

#[test]
fn a_zombie_that_names_an_old_epoch_leaves_the_open_transaction_alone() {
    let mut bench = Bench::new();
    let old = bench.init();
    let new = bench.init();
    bench.add(new, 0).expect("added");
    assert_eq!(bench.init_now(Some(old)), Err(ErrorCode::ProducerFenced));
    assert_eq!(bench.stored().state, TransactionState::Ongoing);
    assert_eq!(bench.add(new, 1), Ok(()));
}

#[test]
fn exhausted_epochs_rotate_the_producer_id() {
    let mut bench = Bench::new();
    let first = bench.init();
    bench.force(|metadata| metadata.producer.epoch = i16::MAX - 2);
    assert_eq!(bench.init(), epoch(first, i16::MAX - 1));
    let rotated = bench.init();
    assert_eq!(rotated.epoch, 0);
    assert_ne!(rotated.id, first.id);
    assert_eq!(bench.stored().previous_producer_id, first.id);
}

#[test]
fn the_last_holder_of_an_exhausted_id_can_still_be_fenced() {
    let mut bench = Bench::new();
    let first = bench.init();
    bench.force(|metadata| metadata.producer.epoch = i16::MAX - 1);
    let last = epoch(first, i16::MAX - 1);
    bench.add(last, 0).expect("added");
    let (waiter, _) = bench.init_as(None);
    assert_eq!(bench.stored().producer, epoch(first, i16::MAX));
    let done = bench.markers_written();
    let [(to, Reply::Init(Ok(next)))] = done.replies[..] else {
        panic!("{done:?}")
    };
    assert_eq!((to, next.epoch), (waiter, 0));
    assert_ne!(next.id, first.id);
}

#[test]
fn a_rotation_asked_for_again_gives_the_same_producer() {
    let mut bench = Bench::new();
    let first = bench.init();
    bench.force(|metadata| metadata.producer.epoch = i16::MAX - 1);
    let last = epoch(first, i16::MAX - 1);
    let rotated = bench.init_now(Some(last)).expect("the holder goes on");
    assert_ne!(rotated.id, first.id);
    assert_eq!(bench.init_now(Some(last)), Ok(rotated));
}

#[test]
fn an_id_that_no_record_can_hold_is_refused_and_the_longest_that_one_can_is_not() {
    let mut bench = Bench::new();
    let mut init = |len: usize| {
        let (_, decision) = bench.run(&Command::Init {
            transactional_id: "x".repeat(len),
            timeout_ms: TIMEOUT_MS,
            expected: None,
            fresh_producer_id: 100,
        });
        match decision.replies[..] {
            [(_, Reply::Init(result))] => result.map(|producer| producer.epoch),
            _ => panic!("not answered at once: {decision:?}"),
        }
    };
    assert_eq!(init(40_000), Err(ErrorCode::InvalidRequest));
    assert_eq!(init(32_768), Err(ErrorCode::InvalidRequest));
    assert_eq!(init(32_767), Ok(0));
}

#[test]
fn partitions_of_any_name_fit_a_record() {
    let mut bench = Bench::new();
    let producer = bench.init();
    let (_, decision) = bench.run(&Command::AddPartitions {
        transactional_id: ID.into(),
        producer,
        partitions: vec![TopicPartition::new("x".repeat(40_000), 0)],
        client_version: TransactionVersion::V0,
    });
    assert!(matches!(
        decision.replies[..],
        [(_, Reply::AddPartitions(Ok(())))]
    ));
}

#[test]
fn the_epoch_that_is_kept_for_fencing_is_nobodys_and_what_is_open_at_it_can_be_aborted() {
    let mut bench = Bench::new();
    let first = bench.init();
    bench.force(|metadata| metadata.producer.epoch = i16::MAX - 1);
    bench.add(epoch(first, i16::MAX - 1), 0).expect("added");
    bench.init_as(None);
    bench.markers_written();
    bench.force(|metadata| metadata.producer.epoch = i16::MAX);
    let fencing = epoch(bench.stored().producer, i16::MAX);
    assert_eq!(bench.add(fencing, 0), Err(ErrorCode::ProducerFenced));
    // Logs may hold one that an earlier version let in.
    bench.force(|metadata| metadata.state = TransactionState::Ongoing);
    bench.init_as(None);
    assert_eq!(bench.stored().state, TransactionState::PrepareAbort);
    assert_eq!(bench.stored().producer, fencing);
}
