//! Small histories, written down quickly: for tests.

mod reads;

use crate::anomaly::Anomaly;
use crate::check::check;
use crate::history::{
    CommitOffsets, FetchOffsets, History, Init, Invoked, Kind, Observe, Op, Partition, Producer,
    SendOffsets, SendRecord,
};
use crate::report::Report;
use crate::verdict::Verdict;

/// A history of one partition, `orders-0`, unless a method says otherwise.
#[derive(Clone)]
pub(crate) struct Story {
    pub(crate) history: History,
}

/// A send under way.
pub(crate) struct Sending {
    invoked: Invoked,
    record: SendRecord,
}

impl Story {
    pub(crate) fn new() -> Self {
        let history = History::new();
        Self { history }
    }

    pub(crate) fn partition() -> Partition {
        Partition::new("orders", 0)
    }

    pub(crate) fn producer() -> Producer {
        Producer::transactional("app")
    }

    pub(crate) fn report(&self) -> Report {
        check(&self.history)
    }

    /// It shows this, with its evidence.
    pub(crate) fn finds(&self, anomaly: Anomaly) -> Report {
        let report = self.report();
        assert!(report.count(anomaly) > 0, "no {anomaly}: {report}");
        assert_eq!(report.verdict(), Verdict::Invalid, "{report}");
        for finding in &report.findings {
            assert!(!finding.lines.is_empty(), "no evidence: {finding:?}");
        }
        report
    }

    pub(crate) fn valid(&self) {
        let report = self.report();
        assert_eq!(report.verdict(), Verdict::Valid, "{report}");
    }

    pub(crate) fn event(&mut self, process: u32, kind: Kind, op: impl Into<Op>) -> &mut Self {
        self.history.event(0, process, kind, op);
        self
    }

    pub(crate) fn invoke(&mut self, process: u32, op: impl Into<Op>) -> Invoked {
        self.history.invoke(0, process, op)
    }

    pub(crate) fn done(&mut self, process: u32, op: impl Into<Op>) -> &mut Self {
        let invoked = self.invoke(process, op);
        self.ok(invoked)
    }

    pub(crate) fn maybe(&mut self, process: u32, op: impl Into<Op>) -> &mut Self {
        let invoked = self.invoke(process, op);
        self.history.info(0, invoked);
        self
    }

    pub(crate) fn ok(&mut self, invoked: Invoked) -> &mut Self {
        self.history.ok(0, invoked);
        self
    }

    pub(crate) fn fail(&mut self, invoked: Invoked) -> &mut Self {
        self.history.fail(0, invoked);
        self
    }
}

/// Sends.
impl Story {
    pub(crate) fn send(&mut self, process: u32, record: SendRecord) -> Sending {
        let invoked = self.invoke(process, record.clone());
        Sending { invoked, record }
    }

    pub(crate) fn sent_at(&mut self, send: Sending, offset: i64) -> &mut Self {
        let Sending { invoked, record } = send;
        self.history.ok_with(0, invoked, record.at(offset));
        self
    }

    pub(crate) fn sending(&mut self, process: u32, value: u64) -> Sending {
        self.send(process, SendRecord::new(Self::partition(), value))
    }

    pub(crate) fn sending_idempotent(&mut self, process: u32, value: u64) -> Sending {
        let record = SendRecord::new(Self::partition(), value);
        self.send(process, record.by(Producer::default()))
    }

    pub(crate) fn sent(&mut self, process: u32, value: u64, offset: i64) -> &mut Self {
        self.sent_to(process, &Self::partition(), value, offset)
    }

    pub(crate) fn sent_to(
        &mut self,
        process: u32,
        partition: &Partition,
        value: u64,
        offset: i64,
    ) -> &mut Self {
        let send = self.send(process, SendRecord::new(partition.clone(), value));
        self.sent_at(send, offset)
    }

    pub(crate) fn sent_somewhere(&mut self, process: u32, value: u64) -> &mut Self {
        self.done(process, SendRecord::new(Self::partition(), value))
    }

    pub(crate) fn maybe_sent(&mut self, process: u32, value: u64) -> &mut Self {
        self.maybe(process, SendRecord::new(Self::partition(), value))
    }

    pub(crate) fn failed(&mut self, process: u32, value: u64) -> &mut Self {
        let invoked = self.invoke(process, SendRecord::new(Self::partition(), value));
        self.fail(invoked)
    }

    pub(crate) fn idempotent(&mut self, process: u32, value: u64, offset: i64) -> &mut Self {
        let send = self.sending_idempotent(process, value);
        self.sent_at(send, offset)
    }

    pub(crate) fn keyed(&mut self, process: u32, value: u64, key: u64, offset: i64) -> &mut Self {
        let record = SendRecord::new(Self::partition(), value).key(key);
        let send = self.send(process, record);
        self.sent_at(send, offset)
    }
}

/// Transactions.
impl Story {
    pub(crate) fn init(&mut self, process: u32, epoch: i16) -> &mut Self {
        let producer = Self::producer();
        let invoked = self.invoke(process, Init { producer });
        let producer = Self::producer().with_epoch(7, epoch);
        self.history.ok_with(0, invoked, Init { producer });
        self
    }

    pub(crate) fn in_txn(&mut self, process: u32, txn: u64, value: u64, offset: i64) -> &mut Self {
        self.in_txn_to(process, txn, &Self::partition(), value, offset)
    }

    pub(crate) fn in_txn_to(
        &mut self,
        process: u32,
        txn: u64,
        partition: &Partition,
        value: u64,
        offset: i64,
    ) -> &mut Self {
        let record = SendRecord::new(partition.clone(), value).txn(txn);
        let send = self.send(process, record.by(Self::producer()));
        self.sent_at(send, offset)
    }

    pub(crate) fn in_txn_epoch(
        &mut self,
        process: u32,
        txn: u64,
        value: u64,
        epoch: i16,
        offset: i64,
    ) -> &mut Self {
        let producer = Self::producer().with_epoch(7, epoch);
        let record = SendRecord::new(Self::partition(), value).txn(txn);
        let send = self.send(process, record.by(producer));
        self.sent_at(send, offset)
    }

    pub(crate) fn output(
        &mut self,
        process: u32,
        txn: u64,
        value: u64,
        offset: i64,
        input: i64,
    ) -> &mut Self {
        let record = SendRecord::new(Partition::new("outputs", 0), value).txn(txn);
        let record = record.from_input(Self::partition().at(input));
        let send = self.send(process, record.by(Self::producer()));
        self.sent_at(send, offset)
    }

    pub(crate) fn offsets_in_txn(&mut self, process: u32, txn: u64, offset: i64) -> &mut Self {
        let sent = SendOffsets {
            txn,
            producer: Self::producer(),
            group: "group".into(),
            offsets: [(Self::partition(), offset)].into(),
        };
        self.done(process, sent)
    }

    pub(crate) fn committing(&mut self, process: u32, txn: u64) -> Invoked {
        self.invoke(process, Op::commit(txn, Self::producer()))
    }

    pub(crate) fn committed(&mut self, process: u32, txn: u64) -> &mut Self {
        self.done(process, Op::commit(txn, Self::producer()))
    }

    pub(crate) fn maybe_committed(&mut self, process: u32, txn: u64) -> &mut Self {
        self.maybe(process, Op::commit(txn, Self::producer()))
    }

    pub(crate) fn aborted(&mut self, process: u32, txn: u64) -> &mut Self {
        self.done(process, Op::abort(txn, Self::producer()))
    }
}

/// Groups, and numbers.
impl Story {
    fn commit(offset: i64) -> CommitOffsets {
        CommitOffsets {
            group: "group".into(),
            offsets: [(Self::partition(), Some(offset))].into(),
        }
    }

    pub(crate) fn commit_offset(&mut self, process: u32, offset: i64) -> &mut Self {
        self.done(process, Self::commit(offset))
    }

    pub(crate) fn maybe_commit_offset(&mut self, process: u32, offset: i64) -> &mut Self {
        self.maybe(process, Self::commit(offset))
    }

    fn fetch(&mut self, process: u32, offset: Option<i64>, require_stable: bool) -> &mut Self {
        let fetch = FetchOffsets {
            group: "group".into(),
            require_stable,
            offsets: [(Self::partition(), offset)].into(),
        };
        self.done(process, fetch)
    }

    pub(crate) fn fetched(&mut self, process: u32, offset: Option<i64>) -> &mut Self {
        self.fetch(process, offset, true)
    }

    pub(crate) fn fetched_unstable(&mut self, process: u32, offset: Option<i64>) -> &mut Self {
        self.fetch(process, offset, false)
    }

    fn number(number: i64) -> Observe {
        let what = "partitions of orders".into();
        Observe { what, number }
    }

    pub(crate) fn observed(&mut self, process: u32, number: i64) -> &mut Self {
        self.done(process, Self::number(number))
    }

    pub(crate) fn observing(&mut self, process: u32) -> Invoked {
        self.invoke(process, Self::number(0))
    }

    pub(crate) fn saw(&mut self, invoked: Invoked, number: i64) -> &mut Self {
        self.history.ok_with(0, invoked, Self::number(number));
        self
    }
}
