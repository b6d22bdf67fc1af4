//! A disk that runs full: data is refused, readers go on, transactions end, nothing is lost.

use super::rig::{Rig, Sent};
use crate::engine::ConnectionId;
use bytes::Bytes;
use once_log::store::JournalSizes;
use once_wire::batch::BatchBuilder;
use once_wire::error::ErrorCode;
use once_wire::message::add_partitions_to_txn_request::{
    AddPartitionsToTxnRequest, AddPartitionsToTxnTopic,
};
use once_wire::message::create_topics_request::{CreatableTopic, CreateTopicsRequest};
use once_wire::message::delete_topics_request::{DeleteTopicState, DeleteTopicsRequest};
use once_wire::message::end_txn_request::EndTxnRequest;
use once_wire::message::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use once_wire::message::init_producer_id_request::InitProducerIdRequest;
use once_wire::message::join_group_request::{JoinGroupRequest, JoinGroupRequestProtocol};
use once_wire::message::offset_commit_request::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use once_wire::message::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};

const GIB: u64 = 1 << 30;
const RESERVE: u64 = 64 << 20;
const NONE: i16 = 0;
const FULL: i16 = ErrorCode::KafkaStorageError.code();
const LATER: i16 = ErrorCode::NotCoordinator.code();

struct Site {
    rig: Rig,
    client: ConnectionId,
}

/// A broker with a topic, on a disk with plenty of room.
fn site() -> Site {
    site_with(|_| {})
}

fn site_with(change: impl FnOnce(&mut crate::config::Config)) -> Site {
    let mut rig = Rig::with(change);
    rig.room(100 * GIB, 200 * GIB);
    let client = rig.connect();
    let mut site = Site { rig, client };
    assert_eq!(site.create("t"), NONE);
    site
}

impl Site {
    /// So many bytes are free from now on. The engine hears of it with the next write.
    fn free(&mut self, bytes: u64) {
        self.rig.room(100 * GIB, 200 * GIB);
        let looks = self.rig.looks;
        self.rig.sleep(2_000);
        self.produce(plain(b"look"));
        assert_eq!(self.rig.looks, looks + 1, "an old answer is not enough");
        self.rig.room(bytes, 200 * GIB);
    }

    fn create(&mut self, name: &str) -> i16 {
        let request = CreateTopicsRequest {
            topics: vec![CreatableTopic {
                name: name.into(),
                num_partitions: 1,
                replication_factor: 1,
                ..Default::default()
            }],
            ..Default::default()
        };
        self.rig.call(self.client, 7, &request).topics[0].error_code
    }

    fn delete(&mut self, name: &str) -> i16 {
        let request = DeleteTopicsRequest {
            topics: vec![DeleteTopicState {
                name: Some(name.into()),
                ..Default::default()
            }],
            ..Default::default()
        };
        self.rig.call(self.client, 6, &request).responses[0].error_code
    }

    fn produce(&mut self, records: Bytes) -> i16 {
        self.produce_as(None, records)
    }

    fn send(&mut self, records: Bytes) -> Sent {
        let request = produce(None, records);
        self.rig.send(self.client, 11, &request)
    }

    fn produce_as(&mut self, transactional_id: Option<&str>, records: Bytes) -> i16 {
        let request = produce(transactional_id, records);
        let answer = self.rig.call(self.client, 11, &request);
        answer.responses[0].partition_responses[0].error_code
    }

    /// How many bytes of records a reader gets from the beginning.
    fn fetch(&mut self) -> usize {
        let request = FetchRequest {
            max_bytes: 1 << 20,
            session_epoch: -1,
            topics: vec![FetchTopic {
                topic: "t".into(),
                partitions: vec![FetchPartition {
                    partition_max_bytes: 1 << 20,
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        };
        let answer = self.rig.call(self.client, 12, &request);
        let data = &answer.responses[0].partitions[0];
        assert_eq!(data.error_code, NONE);
        data.records.as_ref().map_or(0, Bytes::len)
    }

    fn commit_offset(&mut self) -> i16 {
        let request = OffsetCommitRequest {
            group_id: "g".into(),
            generation_id_or_member_epoch: -1,
            topics: vec![OffsetCommitRequestTopic {
                name: "t".into(),
                partitions: vec![OffsetCommitRequestPartition {
                    committed_offset: 1,
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        };
        self.rig.call(self.client, 8, &request).topics[0].partitions[0].error_code
    }

    fn init(&mut self, transactional_id: &str) -> (i16, i64, i16) {
        let request = InitProducerIdRequest {
            transactional_id: Some(transactional_id.into()),
            transaction_timeout_ms: 60_000,
            producer_id: -1,
            producer_epoch: -1,
            ..Default::default()
        };
        let answer = self.rig.call(self.client, 4, &request);
        (answer.error_code, answer.producer_id, answer.producer_epoch)
    }

    fn add(&mut self, transactional_id: &str, (id, epoch): (i64, i16)) -> i16 {
        let request = AddPartitionsToTxnRequest {
            v3_and_below_transactional_id: transactional_id.into(),
            v3_and_below_producer_id: id,
            v3_and_below_producer_epoch: epoch,
            v3_and_below_topics: vec![AddPartitionsToTxnTopic {
                name: "t".into(),
                partitions: vec![0],
                ..Default::default()
            }],
            ..Default::default()
        };
        let answer = self.rig.call(self.client, 3, &request);
        let topic = &answer.results_by_topic_v3_and_below[0];
        topic.results_by_partition[0].partition_error_code
    }

    fn end(&mut self, transactional_id: &str, (id, epoch): (i64, i16)) -> i16 {
        let request = EndTxnRequest {
            transactional_id: transactional_id.into(),
            producer_id: id,
            producer_epoch: epoch,
            committed: true,
            ..Default::default()
        };
        self.rig.call(self.client, 3, &request).error_code
    }

    fn join(&mut self) -> i16 {
        let request = JoinGroupRequest {
            group_id: "readers".into(),
            session_timeout_ms: 10_000,
            rebalance_timeout_ms: 10_000,
            protocol_type: "consumer".into(),
            protocols: vec![JoinGroupRequestProtocol {
                name: "range".into(),
                ..Default::default()
            }],
            ..Default::default()
        };
        self.rig.call(self.client, 3, &request).error_code
    }
}

fn produce(transactional_id: Option<&str>, records: Bytes) -> ProduceRequest {
    ProduceRequest {
        transactional_id: transactional_id.map(str::to_owned),
        acks: -1,
        topic_data: vec![TopicProduceData {
            name: "t".into(),
            partition_data: vec![PartitionProduceData {
                index: 0,
                records: Some(records),
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    }
}

fn plain(value: &[u8]) -> Bytes {
    let builder = BatchBuilder::new().push(1_700_000_000_000, None, Some(value), &[]);
    builder.build().as_bytes().clone()
}

fn numbered((id, epoch): (i64, i16), sequence: i32, transactional: bool) -> Bytes {
    let builder = BatchBuilder::new().push(1_700_000_000_000, None, Some(b"numbered"), &[]);
    let builder = builder.producer(id, epoch, sequence);
    let batch = builder.transactional(transactional).build();
    batch.as_bytes().clone()
}

#[test]
fn without_room_data_is_refused_and_readers_go_on_and_with_room_it_is_taken_again() {
    let mut site = site();
    site.free(RESERVE - 1);
    let stored = site.fetch();
    assert_eq!(site.produce(plain(b"refused")), FULL);
    assert_eq!(site.commit_offset(), LATER);
    assert_eq!(site.create("u"), FULL);
    assert_eq!(
        site.fetch(),
        stored,
        "what was refused is not there, the rest is"
    );
    assert_eq!(site.join(), NONE, "readers come and go");
    assert_eq!(site.delete("t"), NONE, "what makes room is always done");
    site.rig.sleep(200);
    assert_eq!(site.create("u"), FULL, "nobody looked yet");
    site.rig.room(10 * GIB, 200 * GIB);
    assert_eq!(site.create("t"), NONE);
    assert_eq!(site.produce(plain(b"taken")), NONE);
    assert_eq!(site.commit_offset(), NONE);
}

#[test]
fn what_was_appended_since_the_disk_was_looked_at_counts() {
    for (journal, copies) in [
        (None, 1),
        (
            Some(JournalSizes {
                first: 1,
                next: 5 << 20,
            }),
            2,
        ),
    ] {
        let mut site = site_with(|config| config.journal = journal);
        let ahead = journal.map_or(0, |sizes| sizes.next);
        site.free(RESERVE + ahead + (4 << 20));
        let mut taken = 0;
        while site.produce(plain(&vec![1; 100_000])) == NONE {
            taken += 1;
            assert!(taken < 100, "the engine counts nothing");
        }
        let (least, most) = (
            (4 << 20) / copies * 8 / 10 / 100_000,
            (4 << 20) / copies / 100_000,
        );
        assert!((least..=most).contains(&taken), "{taken} of {most}");
    }
}

#[test]
fn an_answer_counts_what_was_not_written_when_it_was_asked_for() {
    let mut site = site();
    site.free(2 * RESERVE);
    site.rig.flush_at_once = false;
    let unwritten = plain(&vec![1; 900_000]);
    for _ in 0..40 {
        let sent = site.send(unwritten.clone());
        assert!(site.rig.answer::<ProduceRequest>(sent, 11).is_none());
    }
    // The last look shows a disk to which none of it was written.
    site.rig.room(2 * RESERVE, 200 * GIB);
    let mut refused = 0;
    for _ in 0..40 {
        site.send(unwritten.clone());
        refused = u32::from(site.rig.is_short_of_room());
    }
    assert_eq!(refused, 1, "80 batches of 0.9 MB do not fit into 64 MiB");
}

#[test]
fn open_transactions_end_and_new_ones_do_not_begin() {
    let mut site = site();
    let (_, id, epoch) = site.init("open");
    assert_eq!(site.add("open", (id, epoch)), NONE);
    assert_eq!(
        site.produce_as(Some("open"), numbered((id, epoch), 0, true)),
        NONE
    );
    let (_, other, other_epoch) = site.init("late");
    site.free(RESERVE - 1);
    assert_eq!(
        site.produce_as(Some("open"), numbered((id, epoch), 1, true)),
        FULL
    );
    assert_eq!(
        site.add("open", (id, epoch)),
        NONE,
        "it has the partition already"
    );
    assert_eq!(site.add("late", (other, other_epoch)), LATER);
    assert_eq!(site.end("open", (id, epoch)), NONE);
    site.rig.room(0, 200 * GIB);
    assert_eq!(site.add("late", (other, other_epoch)), LATER);
}

#[test]
fn memberships_are_refused_when_half_of_the_reserve_is_gone() {
    let mut site = site();
    site.free(RESERVE / 2 - 1);
    assert_eq!(site.init("app").0, LATER);
    assert!(site.fetch() > 0, "readers need no room");
}

#[test]
fn a_batch_that_is_there_already_is_acknowledged_on_a_full_disk() {
    let mut site = site();
    let (_, id, epoch) = site.init("unused");
    assert_eq!(site.produce(numbered((id, epoch), 0, false)), NONE);
    site.free(0);
    assert_eq!(site.produce(numbered((id, epoch), 1, false)), FULL);
    assert_eq!(site.produce(numbered((id, epoch), 0, false)), NONE);
}

#[test]
fn a_producer_that_was_turned_away_begins_where_it_was() {
    let mut site = site();
    let (_, id, epoch) = site.init("unused");
    site.free(0);
    assert_eq!(site.produce(numbered((id, epoch), 0, false)), FULL);
    site.rig.sleep(1_000);
    assert_eq!(site.produce(plain(b"look")), FULL);
    site.rig.room(100 * GIB, 200 * GIB);
    // The second of two that were on their way comes to a disk with room again.
    let early = site.produce(numbered((id, epoch), 1, false));
    assert_eq!(early, ErrorCode::OutOfOrderSequenceNumber.code());
    assert_eq!(site.produce(numbered((id, epoch), 0, false)), NONE);
    assert_eq!(site.produce(numbered((id, epoch), 1, false)), NONE);
}

#[test]
fn what_open_transactions_need_is_not_given_to_others() {
    let mut site = site();
    for n in 0..200 {
        let name = format!("txn-{n}");
        let (_, id, epoch) = site.init(&name);
        assert_eq!(site.add(&name, (id, epoch)), NONE);
    }
    site.free(RESERVE + 200 * 512);
    assert_eq!(site.produce(plain(b"refused")), FULL);
}

#[test]
fn a_small_file_system_has_a_small_reserve() {
    let mut site = site();
    site.free(GIB);
    site.rig.sleep(2_000);
    assert_eq!(site.produce(plain(b"look")), NONE);
    let small = 100 << 20;
    site.rig.room(small / 10 + (1 << 20), small);
    assert_eq!(site.produce(plain(b"taken")), NONE);
}
