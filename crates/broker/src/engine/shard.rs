//! A machine and its log: decide, append, apply.

use super::ids::LogId;
use super::logs::Logs;
use super::output::Output;
use once_coordinator::machine::{Decision, Machine, Millis, ProducerIdentity, Waiter};
use once_wire::batch::{Batch, BatchBuilder};

/// One machine over one log.
pub(crate) struct Shard<M> {
    pub(crate) machine: M,
    pub(crate) log: LogId,
}

/// What a command led to, once its events are recorded and applied.
pub(crate) struct Ran<M: Machine> {
    pub(crate) events: Vec<M::Event>,
    pub(crate) replies: Vec<(Waiter, M::Reply)>,
    pub(crate) effects: Vec<M::Effect>,
}

impl<M: Machine> Shard<M> {
    /// Decides `command`, appends the durable events, in one batch if it does not become too large, and
    /// applies all of them.
    pub(crate) fn run(
        &mut self,
        logs: &mut Logs,
        outputs: &mut Vec<Output>,
        now: Millis,
        waiter: Waiter,
        command: &M::Command,
    ) -> Ran<M> {
        let Decision {
            events,
            replies,
            effects,
        } = self.machine.decide(now, waiter, command);
        let mut offset = self.record(logs, outputs, now, &events);
        for event in &events {
            if M::encode(event).is_some() {
                self.machine.apply(offset, event);
                offset += 1;
            } else {
                self.machine.apply(-1, event);
            }
        }
        Ran {
            events,
            replies,
            effects,
        }
    }

    /// Whether `command`, decided now, would write.
    pub(crate) fn would_record(&self, now: Millis, waiter: Waiter, command: &M::Command) -> bool {
        !self.sizes(now, waiter, command).is_empty()
    }

    /// The bytes of each record that `command`, decided now, would write.
    pub(crate) fn sizes(&self, now: Millis, waiter: Waiter, command: &M::Command) -> Vec<usize> {
        let size = |field: Option<&[u8]>| field.map_or(0, <[u8]>::len);
        let events = self.machine.decide(now, waiter, command).events;
        let records = events.iter().filter_map(M::encode);
        records
            .map(|record| size(record.key.as_deref()) + size(record.value.as_deref()))
            .collect()
    }

    /// Appends the durable events; returns the first one's offset.
    fn record(
        &self,
        logs: &mut Logs,
        outputs: &mut Vec<Output>,
        now: Millis,
        events: &[M::Event],
    ) -> i64 {
        let mut first = -1;
        for batch in batches_of::<M>(now, events) {
            let appended = logs
                .append(outputs, self.log, |log| log.append_coordinator(now, &batch))
                .expect("a coordinator's batch has no sequence and no size to refuse");
            if first < 0 {
                first = appended.base_offset;
            }
        }
        first
    }
}

/// Bytes after which a decision goes on in another batch: one of thousands of large records could not
/// be written at all.
const BATCH_BYTES: usize = 1 << 20;

/// The batches of a decision's durable events, nearly always one; none if there are none.
pub(super) fn batches_of<M: Machine>(now: Millis, events: &[M::Event]) -> Vec<Batch> {
    let mut batches = Vec::new();
    let mut producer: Option<Option<ProducerIdentity>> = None;
    let mut builder = BatchBuilder::new();
    for event in events {
        let Some(record) = M::encode(event) else {
            continue;
        };
        let of_event = M::producer(event);
        assert!(
            producer.is_none_or(|producer| producer == of_event),
            "one decision writes for one producer"
        );
        producer = Some(of_event);
        if builder.size() >= BATCH_BYTES {
            let full = std::mem::replace(&mut builder, BatchBuilder::new());
            batches.push(finished(full, of_event));
        }
        builder = builder.push(now, record.key.as_deref(), record.value.as_deref(), &[]);
    }
    if let Some(producer) = producer {
        batches.push(finished(builder, producer));
    }
    batches
}

fn finished(builder: BatchBuilder, producer: Option<ProducerIdentity>) -> Batch {
    match producer {
        None => builder.build(),
        // Kafka's group coordinator writes sequence 0 here; nobody checks it.
        Some(producer) => builder
            .producer(producer.id, producer.epoch, 0)
            .transactional(true)
            .build(),
    }
}
