//! Bounding the catalog's log, whose records have no keys and cannot be compacted: now and then what
//! they have made is written down in a snapshot, in KRaft's form, and the log starts there.
//!
//! ```text
//!  enough written ─► segment closed, state encoded ─► flushed so far ─► snapshot written, durable
//!     ─► log start durable ─► older segments and snapshots go
//! ```
//!
//! The state is encoded when it is decided, and written down only when the log is durable up to there:
//! a snapshot that a crash leaves stands for nothing that the crash took.

use super::action::Action;
use super::core::Engine;
use super::fence::Fence;
use super::output::Output;
use super::shard::batches_of;
use super::topics::LEADER_EPOCH;
use bytes::{Bytes, BytesMut};
use once_coordinator::catalog::Catalog;
use once_coordinator::machine::Millis;
use once_log::{StateWrite, Write};
use once_wire::batch::Batch;
use once_wire::control::{snapshot_footer, snapshot_header};

/// When the catalog's log was summed up.
#[derive(Default)]
pub(super) struct Summary {
    /// Bytes of the log that had been written then.
    at: u64,
    /// A snapshot is on its way.
    under_way: bool,
}

impl Engine {
    /// Sums the catalog's log up, if enough was written since that was done.
    pub(super) fn sum_up_catalog(&mut self) {
        let (log, now) = (self.catalog.log, self.now);
        let Some(partition) = self.logs.get_mut(log) else {
            return;
        };
        let written = partition.log.bytes_written();
        let since = i64::try_from(written - self.summary.at).unwrap_or(i64::MAX);
        if self.summary.under_way || since < self.config.metadata_snapshot_bytes {
            return;
        }
        self.summary = Summary {
            at: written,
            under_way: true,
        };
        let end = partition.log.end_offset();
        let times = partition.log.segments().iter();
        let latest = times.map(|segment| segment.max_timestamp.timestamp).max();
        let writes = partition.log.close_segment(now);
        if !writes.is_empty() {
            self.outputs.push(Output::Write { log, writes, end });
        }
        let state = StateWrite {
            end,
            epoch: LEADER_EPOCH,
            bytes: encode(&self.catalog.machine, latest.unwrap_or(-1), now),
        };
        self.hold(&[Fence { log, end }], Action::Snapshot(state));
        self.act();
    }

    /// The log is durable up to where a snapshot stands for it: the snapshot is written, and the log
    /// starts there.
    pub(super) fn write_snapshot(&mut self, state: StateWrite) {
        let (log, start) = (self.catalog.log, state.end);
        let end = self.end_of(log).end;
        let writes = vec![Write::State(state)];
        self.outputs.push(Output::Write { log, writes, end });
        self.start_catalog_at(start);
    }

    /// A snapshot stands for all of the catalog's log below `start`, durably.
    pub(super) fn start_catalog_at(&mut self, start: i64) {
        let log = self.catalog.log;
        let partition = self.logs.get_mut(log);
        let deletion = partition.and_then(|partition| partition.log.move_start(start));
        self.summary.under_way = deletion.is_some();
        if let Some(deletion) = deletion {
            self.order_start(log, deletion);
        }
    }

    /// The catalog's log starts at a snapshot, durably: those before it go.
    pub(super) fn catalog_started(&mut self, start: i64) {
        self.summary.under_way = false;
        let (log, writes) = (self.catalog.log, vec![Write::DropStates { below: start }]);
        let end = self.end_of(log).end;
        self.outputs.push(Output::Write { log, writes, end });
    }
}

/// A snapshot of the catalog (Kafka: `RecordsSnapshotWriter`): between a header and a footer the
/// records that make an empty catalog equal to it. Offsets count from 0 within it.
fn encode(catalog: &Catalog, last_contained: Millis, now: Millis) -> Bytes {
    let batches = std::iter::once(snapshot_header(last_contained, now))
        .chain(batches_of::<Catalog>(now, &catalog.snapshot()))
        .chain([snapshot_footer(now)]);
    let (mut bytes, mut offset) = (BytesMut::new(), 0);
    for batch in batches {
        let placed: Batch = batch.placed(offset, LEADER_EPOCH);
        offset = placed.last_offset() + 1;
        bytes.extend_from_slice(placed.as_bytes());
    }
    bytes.freeze()
}
