//! How transactions begin and end.

use super::*;

#[test]
fn adding_what_is_there_already_writes_nothing() {
    let mut bench = Bench::new();
    let producer = bench.init();
    assert_eq!(bench.add(producer, 0), Ok(()));
    let began = bench.now;
    let batches = bench.rig.batches();
    bench.now += 10;
    assert_eq!(bench.add(producer, 0), Ok(()));
    assert_eq!(bench.rig.batches(), batches);
    assert_eq!(bench.add(producer, 1), Ok(()));
    assert_eq!(bench.stored().start_ms, began);
    assert_eq!(bench.stored().partitions.len(), 2);
    assert_eq!(bench.stored().last_update_ms, began + 10);
}

#[test]
fn end_is_answered_when_the_transaction_is_complete_and_not_before() {
    for commit in [true, false] {
        let mut bench = Bench::new();
        let producer = bench.init();
        bench.add(producer, 0).expect("added");
        let (waiter, decision) = bench.end(producer, commit);
        assert!(decision.replies.is_empty());
        let [
            Effect::WriteMarkers {
                commit: result,
                producer: by,
                ..
            },
        ] = decision.effects[..]
        else {
            panic!("{decision:?}");
        };
        assert_eq!((result, by), (commit, producer));
        assert!(bench.stored().state.is_prepared());
        let done = bench.markers_written();
        assert_eq!(done.replies, [(waiter, Reply::End(Ok(producer)))]);
        let complete = if commit {
            TransactionState::CompleteCommit
        } else {
            TransactionState::CompleteAbort
        };
        assert_eq!(bench.stored().state, complete);
        assert!(bench.stored().partitions.is_empty());
    }
}

#[test]
fn a_retried_end_gives_the_same_answer_before_and_after_the_completion() {
    for commit in [true, false] {
        let mut bench = Bench::new();
        let producer = bench.init();
        bench.add(producer, 0).expect("added");
        let (first, _) = bench.end(producer, commit);
        let batches = bench.rig.batches();
        let (second, joined) = bench.end(producer, commit);
        assert!(joined.replies.is_empty() && joined.effects.is_empty());
        assert_eq!(bench.rig.batches(), batches, "a retry writes nothing");
        let answer = Reply::End(Ok(producer));
        assert_eq!(
            bench.markers_written().replies,
            [(first, answer), (second, answer)]
        );
        assert_eq!(bench.end_now(producer, commit), Ok(producer));
        assert_eq!(
            bench.end_now(producer, !commit),
            Err(ErrorCode::InvalidTxnState)
        );
    }
}

#[test]
fn markers_of_a_transaction_that_is_over_change_nothing() {
    let mut bench = Bench::new();
    let producer = bench.init();
    let written = Command::MarkersWritten {
        transactional_id: ID.into(),
        producer,
    };
    bench.transact(producer, true);
    assert_eq!(bench.run(&written).1, Decision::none());
    bench.add(producer, 0).expect("added");
    assert_eq!(bench.run(&written).1, Decision::none());
    let unknown = Command::MarkersWritten {
        transactional_id: "other".into(),
        producer,
    };
    assert_eq!(bench.run(&unknown).1, Decision::none());
}

#[test]
fn a_decided_outcome_cannot_be_turned_or_added_to() {
    for commit in [true, false] {
        let mut bench = Bench::new();
        let producer = bench.init();
        bench.add(producer, 0).expect("added");
        bench.end(producer, commit);
        assert_eq!(
            bench.end_now(producer, !commit),
            Err(ErrorCode::InvalidTxnState)
        );
        assert_eq!(
            bench.add(producer, 0),
            Err(ErrorCode::ConcurrentTransactions)
        );
        assert_eq!(
            bench.verify(producer, 0),
            Err(ErrorCode::ConcurrentTransactions)
        );
    }
}

#[test]
fn an_empty_transaction_cannot_be_ended() {
    let mut bench = Bench::new();
    let producer = bench.init();
    assert_eq!(
        bench.end_now(producer, true),
        Err(ErrorCode::InvalidTxnState)
    );
    assert_eq!(
        bench.end_now(producer, false),
        Err(ErrorCode::InvalidTxnState)
    );
}

#[test]
fn only_partitions_of_the_open_transaction_may_be_written_to() {
    let mut bench = Bench::new();
    let producer = bench.init();
    assert_eq!(
        bench.verify(producer, 0),
        Err(ErrorCode::TransactionAbortable)
    );
    bench.add(producer, 0).expect("added");
    assert_eq!(bench.verify(producer, 0), Ok(()));
    assert_eq!(
        bench.verify(producer, 1),
        Err(ErrorCode::TransactionAbortable)
    );
    bench.end(producer, true);
    bench.markers_written();
    assert_eq!(
        bench.verify(producer, 0),
        Err(ErrorCode::TransactionAbortable)
    );
    let nobody = bench
        .rig
        .live
        .verify("other", producer, &TopicPartition::new("t", 0));
    assert_eq!(nobody, Err(ErrorCode::InvalidProducerIdMapping));
}

#[test]
fn unknown_and_empty_ids_are_told_apart() {
    let mut bench = Bench::new();
    let producer = ProducerIdentity { id: 1, epoch: 0 };
    assert_eq!(
        bench.add(producer, 0),
        Err(ErrorCode::InvalidProducerIdMapping)
    );
    assert_eq!(
        bench.end_now(producer, true),
        Err(ErrorCode::InvalidProducerIdMapping)
    );
    let empty = Command::End {
        transactional_id: String::new(),
        producer,
        commit: true,
        client_version: TransactionVersion::V0,
    };
    let (waiter, decision) = bench.run(&empty);
    assert_eq!(
        decision,
        Decision::reply(waiter, Reply::End(Err(ErrorCode::InvalidRequest)))
    );
}

#[test]
fn a_start_during_the_completion_takes_its_turn_after_the_end_is_answered() {
    let mut bench = Bench::new();
    let producer = bench.init();
    bench.add(producer, 0).expect("added");
    let (end, _) = bench.end(producer, true);
    let (start, decision) = bench.init_as(None);
    assert!(decision.replies.is_empty());
    let done = bench.markers_written();
    let expected = [
        (end, Reply::End(Ok(producer))),
        (start, Reply::Init(Ok(epoch(producer, 1)))),
    ];
    assert_eq!(done.replies, expected);
}

#[test]
fn after_any_crash_a_decided_transaction_resumes_to_the_same_result() {
    for commit in [true, false] {
        let mut bench = Bench::new();
        let producer = bench.init();
        bench.add(producer, 0).expect("added");
        bench.add(producer, 1).expect("added");
        let (_, decided) = bench.end(producer, commit);
        let prepared = bench.rig.batches();
        bench.markers_written();
        for durable in 0..=bench.rig.batches() {
            let crashed = bench.rig.crashed(durable);
            let expected: &[Effect] = if durable == prepared {
                &decided.effects
            } else {
                &[]
            };
            assert_eq!(crashed.live.resume(), expected);
        }
        let complete = bench.stored().clone();
        let mut again = Bench::new();
        again.rig = bench.rig.crashed(prepared);
        again.markers_written();
        assert_eq!(again.stored(), &complete);
        assert_eq!(again.end_now(producer, commit), Ok(producer));
    }
}

#[test]
fn ids_are_described_and_listed_as_stored() {
    let mut bench = Bench::new();
    let live = |bench: &Bench, filter: &ListFilter| bench.rig.live.list(bench.now, filter);
    let missing = bench.rig.live.describe("nobody");
    assert_eq!(missing, Err(ErrorCode::TransactionalIdNotFound));
    assert_eq!(bench.rig.live.describe(""), Err(ErrorCode::InvalidRequest));
    let producer = bench.init();
    bench.add(producer, 0).expect("added");
    let all = live(&bench, &ListFilter::default());
    let listed = Listed {
        transactional_id: ID.into(),
        producer_id: producer.id,
        state: TransactionState::Ongoing,
    };
    assert_eq!(all.transactions, [listed]);
    let states = |names: &[&str]| ListFilter {
        states: names.iter().map(|name| (*name).to_owned()).collect(),
        ..ListFilter::default()
    };
    assert_eq!(live(&bench, &states(&["Ongoing"])).transactions.len(), 1);
    let none = live(&bench, &states(&["Empty", "Dead", "Nonsense"]));
    assert_eq!(
        (none.transactions.len(), none.unknown_states),
        (0, vec!["Nonsense".to_owned()])
    );
    let strangers = ListFilter {
        producer_ids: vec![producer.id + 1],
        ..ListFilter::default()
    };
    assert!(live(&bench, &strangers).transactions.is_empty());
    bench.now += 100;
    let longer = |ms| ListFilter {
        longer_than_ms: Some(ms),
        ..ListFilter::default()
    };
    assert_eq!(live(&bench, &longer(99)).transactions.len(), 1);
    assert_eq!(live(&bench, &longer(100)).transactions.len(), 0);
}
