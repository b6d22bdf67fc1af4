//! What time does.

use super::*;

#[test]
fn an_open_transaction_times_out_and_its_producer_is_fenced() {
    let mut bench = Bench::new();
    let producer = bench.init();
    bench.add(producer, 0).expect("added");
    let due = bench.now + Millis::from(TIMEOUT_MS) + 1;
    assert_eq!(bench.rig.live.deadline(), Some(due));
    assert_eq!(bench.tick(due - 1), Decision::none());
    let decision = bench.tick(due);
    assert!(decision.replies.is_empty());
    assert_eq!(decision.effects, bench.rig.live.resume());
    assert_eq!(bench.stored().state, TransactionState::PrepareAbort);
    assert_eq!(bench.stored().producer, epoch(producer, 1));
    assert_eq!(
        bench.end_now(producer, true),
        Err(ErrorCode::ProducerFenced)
    );
    bench.markers_written();
    assert_eq!(bench.stored().state, TransactionState::CompleteAbort);
    assert_eq!(bench.add(producer, 0), Err(ErrorCode::ProducerFenced));
    assert_eq!(bench.init(), epoch(producer, 2));
}

#[test]
fn a_timeout_counts_from_the_first_partition_of_each_transaction() {
    let mut bench = Bench::new();
    let producer = bench.init();
    bench.transact(producer, true);
    bench.now += Millis::from(TIMEOUT_MS);
    bench.add(producer, 0).expect("added");
    let due = bench.now + Millis::from(TIMEOUT_MS) + 1;
    bench.now += 500;
    bench.add(producer, 1).expect("added");
    assert_eq!(bench.rig.live.deadline(), Some(due));
}

#[test]
fn a_two_phase_commit_never_times_out() {
    let mut bench = Bench::new();
    let producer = bench.init();
    bench.force(|metadata| metadata.timeout_ms = i32::MAX);
    bench.add(producer, 0).expect("added");
    assert_eq!(bench.rig.live.deadline(), None);
    assert_eq!(bench.tick(Millis::MAX), Decision::none());
}

#[test]
fn an_idle_id_expires_and_starts_afresh() {
    let mut bench = Bench::new();
    let producer = bench.init();
    bench.transact(producer, true);
    let due = bench.now + TransactionConfig::default().id_expiration_ms;
    assert_eq!(bench.rig.live.deadline(), Some(due));
    assert_eq!(bench.tick(due - 1), Decision::none());
    let decision = bench.tick(due);
    assert_eq!(
        decision.events,
        [Event::Removed {
            transactional_id: ID.into()
        }]
    );
    assert_eq!(bench.rig.live.deadline(), None);
    assert_eq!(
        bench.add(producer, 0),
        Err(ErrorCode::InvalidProducerIdMapping)
    );
    let fresh = bench.init();
    assert_eq!(fresh.epoch, 0);
    assert_ne!(fresh.id, producer.id);
}

#[test]
fn a_decided_transaction_neither_expires_nor_times_out() {
    let mut bench = Bench::new();
    let producer = bench.init();
    bench.add(producer, 0).expect("added");
    let (waiter, _) = bench.end(producer, true);
    let late = bench.tick(Millis::MAX);
    assert_eq!(late.replies, [(waiter, Reply::End(Ok(producer)))]);
    assert!(bench.stored().state.is_prepared());
    assert_eq!(bench.rig.live.deadline(), None);
}

#[test]
fn a_wait_ends_after_its_bound_with_kafkas_answer_and_is_answered_once() {
    let mut bench = Bench::new();
    let producer = bench.init();
    bench.add(producer, 0).expect("added");
    let (end, _) = bench.end(producer, true);
    bench.now += 1;
    let (start, _) = bench.init_as(None);
    let bound = bench.now + TransactionConfig::default().park_ms;
    assert_eq!(bench.rig.live.deadline(), Some(bound - 1));
    assert_eq!(
        bench.tick(bound - 1).replies,
        [(end, Reply::End(Ok(producer)))]
    );
    let again = bench.tick(bound);
    let concurrent = Reply::Init(Err(ErrorCode::ConcurrentTransactions));
    assert_eq!(again.replies, [(start, concurrent)]);
    assert!(bench.markers_written().replies.is_empty());
    assert_eq!(bench.end_now(producer, true), Ok(producer));
}

#[test]
fn one_tick_writes_a_bounded_batch_and_the_rest_stays_due() {
    let mut bench = Bench::new();
    for n in 0..300 {
        bench.run(&Command::Init {
            transactional_id: format!("app-{n}"),
            timeout_ms: TIMEOUT_MS,
            expected: None,
            fresh_producer_id: n,
        });
    }
    let due = bench.now + TransactionConfig::default().id_expiration_ms;
    let mut removed = 0;
    while bench.rig.live.deadline() == Some(due) {
        let events = bench.tick(due).events.len();
        assert!((1..=128).contains(&events));
        removed += events;
    }
    assert_eq!((removed, bench.rig.live.deadline()), (300, None));
}
