//! Calls that wait: for a machine, for a log to move, for a file, or for a deadline.

use super::fence::Fence;
use super::ids::{ConnectionId, LogId, ReadId};
use crate::api::Call;
use once_coordinator::machine::Waiter;
use std::collections::{BTreeMap, BTreeSet};

/// Which request a call answers.
#[derive(Clone, Debug)]
pub(crate) struct RequestInfo {
    pub(crate) connection: ConnectionId,
    /// The request's number on its connection.
    pub(crate) number: u64,
    pub(crate) version: i16,
    pub(crate) correlation_id: i32,
    pub(crate) client_id: Option<String>,
    pub(crate) entropy: u128,
}

/// A call between two visits.
pub(crate) struct WaitingCall {
    pub(crate) request: RequestInfo,
    pub(crate) call: Box<dyn Call>,
    pub(crate) watches: Vec<LogId>,
    pub(crate) reads: Vec<ReadId>,
    /// What earlier visits wrote or read.
    pub(crate) fences: Vec<Fence>,
}

/// All waiting calls, by the waiter that names them.
#[derive(Default)]
pub(crate) struct Waiting {
    calls: BTreeMap<Waiter, WaitingCall>,
    watchers: BTreeMap<LogId, BTreeSet<Waiter>>,
    readers: BTreeMap<ReadId, Waiter>,
}

impl Waiting {
    /// Parks a call.
    pub(crate) fn park(&mut self, waiter: Waiter, call: WaitingCall) {
        for log in &call.watches {
            self.watchers.entry(*log).or_default().insert(waiter);
        }
        for read in &call.reads {
            self.readers.insert(*read, waiter);
        }
        self.calls.insert(waiter, call);
    }

    /// Takes a call out to be visited. It is parked anew if it must wait on.
    pub(crate) fn take(&mut self, waiter: Waiter) -> Option<WaitingCall> {
        let call = self.calls.remove(&waiter)?;
        for log in &call.watches {
            if let Some(watchers) = self.watchers.get_mut(log) {
                watchers.remove(&waiter);
                if watchers.is_empty() {
                    self.watchers.remove(log);
                }
            }
        }
        for read in &call.reads {
            self.readers.remove(read);
        }
        Some(call)
    }

    /// Who watches `log`.
    pub(crate) fn watchers(&self, log: LogId) -> Vec<Waiter> {
        self.watchers
            .get(&log)
            .map_or_else(Vec::new, |set| set.iter().copied().collect())
    }

    /// Who asked for `read`.
    pub(crate) fn reader(&self, read: ReadId) -> Option<Waiter> {
        self.readers.get(&read).copied()
    }

    /// The waiters of a connection that is gone.
    pub(crate) fn of_connection(&self, connection: ConnectionId) -> Vec<Waiter> {
        self.calls
            .iter()
            .filter(|(_, call)| call.request.connection == connection)
            .map(|(waiter, _)| *waiter)
            .collect()
    }
}
