//! Reads, and drains.

use super::Story;
use crate::history::{Drained, DrainedPartition, Isolation, Kind, Partition, PartitionRead, Poll};

type Records<'r> = &'r [(i64, u64)];

impl Story {
    pub(crate) fn poll(
        &mut self,
        process: u32,
        isolation: Isolation,
        txn: Option<u64>,
        read: PartitionRead,
    ) -> &mut Self {
        let mut poll = Poll::new(isolation);
        poll.txn = txn;
        let invoked = self.invoke(process, poll.clone());
        self.history.ok_with(0, invoked, poll.read(read));
        self
    }

    fn part(partition: &Partition, records: Records<'_>) -> PartitionRead {
        let part = PartitionRead::new(partition.clone());
        let add = |part: PartitionRead, (offset, value): &(i64, u64)| part.record(*offset, *value);
        records.iter().fold(part, add)
    }

    pub(crate) fn read(&mut self, process: u32, records: Records<'_>) -> &mut Self {
        self.read_as(process, Isolation::ReadCommitted, records)
    }

    pub(crate) fn read_as(
        &mut self,
        process: u32,
        isolation: Isolation,
        records: Records<'_>,
    ) -> &mut Self {
        self.poll(
            process,
            isolation,
            None,
            Self::part(&Self::partition(), records),
        )
    }

    pub(crate) fn read_of(
        &mut self,
        process: u32,
        partition: &Partition,
        records: Records<'_>,
    ) -> &mut Self {
        let isolation = Isolation::ReadCommitted;
        self.poll(process, isolation, None, Self::part(partition, records))
    }

    pub(crate) fn read_outputs(&mut self, process: u32, records: Records<'_>) -> &mut Self {
        self.read_of(process, &Partition::new("outputs", 0), records)
    }

    pub(crate) fn read_span(
        &mut self,
        process: u32,
        from: i64,
        position: i64,
        records: Records<'_>,
    ) -> &mut Self {
        self.read_span_as(process, Isolation::ReadCommitted, from, position, records)
    }

    pub(crate) fn read_span_as(
        &mut self,
        process: u32,
        isolation: Isolation,
        from: i64,
        position: i64,
        records: Records<'_>,
    ) -> &mut Self {
        let part = Self::part(&Self::partition(), records).positions(from, position);
        self.poll(process, isolation, None, part)
    }

    pub(crate) fn read_in_txn(
        &mut self,
        process: u32,
        txn: u64,
        records: Records<'_>,
    ) -> &mut Self {
        self.read_in_txn_of(process, txn, &Self::partition(), records)
    }

    pub(crate) fn read_in_txn_of(
        &mut self,
        process: u32,
        txn: u64,
        partition: &Partition,
        records: Records<'_>,
    ) -> &mut Self {
        let isolation = Isolation::ReadCommitted;
        self.poll(
            process,
            isolation,
            Some(txn),
            Self::part(partition, records),
        )
    }

    pub(crate) fn bounds(
        &mut self,
        process: u32,
        records: Records<'_>,
        last_stable: i64,
        high_watermark: i64,
    ) -> &mut Self {
        let mut part = Self::part(&Self::partition(), records);
        (part.last_stable, part.high_watermark) = (Some(last_stable), Some(high_watermark));
        self.poll(process, Isolation::ReadCommitted, None, part)
    }

    pub(crate) fn drained(&mut self, process: u32, start: i64, end: i64) -> &mut Self {
        self.drain(process, DrainedPartition::new(start, end))
    }

    pub(crate) fn drained_to(
        &mut self,
        process: u32,
        start: i64,
        last_stable: i64,
        high_watermark: i64,
    ) -> &mut Self {
        let mut bounds = DrainedPartition::new(start, last_stable);
        (bounds.last_stable, bounds.high_watermark) = (Some(last_stable), Some(high_watermark));
        self.drain(process, bounds)
    }

    fn drain(&mut self, process: u32, bounds: DrainedPartition) -> &mut Self {
        let drained = Drained {
            isolation: Isolation::ReadCommitted,
            partitions: [(Self::partition(), bounds)].into(),
        };
        self.event(process, Kind::Ok, drained)
    }
}
