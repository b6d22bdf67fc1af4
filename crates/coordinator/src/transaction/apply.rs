//! The only code that changes the machine, live and in recovery.

use super::command::{Event, RetryMemory, TransactionConfig};
use super::machine::{Entry, Parked, Transactions};
use super::state::TransactionState;
use crate::machine::Millis;

impl Transactions {
    /// Makes `event` true. The legality of a move is asserted where it is decided, not here: a
    /// compacted log has lost the moves between.
    pub(super) fn apply_event(&mut self, _offset: i64, event: &Event) {
        let (Event::Stored {
            transactional_id, ..
        }
        | Event::Removed { transactional_id }
        | Event::Remembered {
            transactional_id, ..
        }
        | Event::Parked {
            transactional_id, ..
        }
        | Event::Released {
            transactional_id, ..
        }) = event;
        let before = self
            .entries
            .get(transactional_id)
            .and_then(|entry| entry.wake);
        self.change(transactional_id, event);
        self.rearm(transactional_id, before);
    }

    fn change(&mut self, id: &str, event: &Event) {
        match event {
            Event::Stored { metadata, .. } => {
                let Some(entry) = self.entries.get_mut(id) else {
                    let entry = Entry {
                        metadata: metadata.clone(),
                        memory: RetryMemory::default(),
                        parked: Vec::new(),
                        wake: None,
                    };
                    self.entries.insert(id.to_owned(), entry);
                    return;
                };
                if entry.metadata.producer != metadata.producer {
                    entry.memory = RetryMemory::default();
                }
                entry.metadata = metadata.clone();
            }
            Event::Removed { .. } => {
                self.entries.remove(id);
            }
            Event::Remembered { memory, .. } => self.known(id).memory = *memory,
            Event::Parked {
                waiter,
                until,
                wait,
                ..
            } => {
                let entry = self.known(id);
                assert!(
                    entry.metadata.state.is_prepared(),
                    "only a completion is waited for"
                );
                entry.parked.push(Parked {
                    waiter: *waiter,
                    until: *until,
                    wait: wait.clone(),
                });
            }
            Event::Released { waiter, .. } => {
                self.known(id)
                    .parked
                    .retain(|parked| parked.waiter != *waiter);
            }
        }
    }

    /// The entry that a volatile event is about.
    fn known(&mut self, id: &str) -> &mut Entry {
        self.entries
            .get_mut(id)
            .expect("a volatile event is about an id that is stored")
    }

    /// Puts the id's timer where its state now wants it.
    fn rearm(&mut self, id: &str, before: Option<Millis>) {
        let after = self
            .entries
            .get(id)
            .and_then(|entry| entry.next_wake(&self.config));
        if let Some(entry) = self.entries.get_mut(id) {
            entry.wake = after;
        }
        if before == after {
            return;
        }
        if let Some(at) = before {
            self.timers.remove(&(at, id.to_owned()));
        }
        if let Some(at) = after {
            self.timers.insert((at, id.to_owned()));
        }
    }
}

impl Entry {
    /// When this id next wants a tick.
    pub(super) fn next_wake(&self, config: &TransactionConfig) -> Option<Millis> {
        let own = match self.metadata.state {
            TransactionState::Ongoing => self.times_out_at(),
            TransactionState::PrepareCommit | TransactionState::PrepareAbort => None,
            TransactionState::Empty
            | TransactionState::CompleteCommit
            | TransactionState::CompleteAbort => Some(self.expires_at(config)),
        };
        own.into_iter()
            .chain(self.parked.iter().map(|parked| parked.until))
            .min()
    }

    /// When the open transaction is aborted: the first moment at which more than its timeout has
    /// passed. Never for a two-phase commit, which is known by the largest timeout.
    pub(super) fn times_out_at(&self) -> Option<Millis> {
        let timeout = self.metadata.timeout_ms;
        let open = self.metadata.state == TransactionState::Ongoing && timeout != i32::MAX;
        open.then(|| {
            self.metadata
                .start_ms
                .saturating_add(i64::from(timeout))
                .saturating_add(1)
        })
    }

    /// When an idle id is forgotten.
    pub(super) fn expires_at(&self, config: &TransactionConfig) -> Millis {
        self.metadata
            .last_update_ms
            .saturating_add(config.id_expiration_ms)
    }
}
