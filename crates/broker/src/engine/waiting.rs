//! Calls that wait: for a machine, for a log to move, for a file, or for a deadline.

use super::fence::Fence;
use super::ids::{ConnectionId, LogId, ReadId};
use crate::api::Call;
use once_coordinator::machine::Waiter;
use once_log::PartitionLog;
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
    /// The file reads that it asked for and that are under way.
    pub(crate) reads: BTreeSet<ReadId>,
    /// Whether it is to be visited already because a log moved.
    pub(crate) moved: bool,
    /// What earlier visits wrote or read.
    pub(crate) fences: Vec<Fence>,
}

/// How many logs all calls together may watch; what a fetch keeps of each is about 180 bytes.
const WATCHED_MAX: usize = 200_000;

/// All waiting calls, by the waiter that names them.
///
/// A call may wait for thousands of reads, and is visited when each comes: a visit must not cost what
/// all of them do. So a read is noted once, when it is asked for, and forgotten once.
#[derive(Default)]
pub(crate) struct Waiting {
    calls: BTreeMap<Waiter, WaitingCall>,
    watchers: BTreeMap<LogId, BTreeSet<Waiter>>,
    readers: BTreeMap<ReadId, Waiter>,
    /// How many logs all calls watch, each counted for each of them.
    watched: usize,
}

impl Waiting {
    /// Parks a call, which has just asked for `reads`.
    pub(crate) fn park(&mut self, waiter: Waiter, mut call: WaitingCall, reads: Vec<ReadId>) {
        for log in &call.watches {
            self.watchers.entry(*log).or_default().insert(waiter);
        }
        for read in reads {
            self.readers.insert(read, waiter);
            call.reads.insert(read);
        }
        self.watched += call.watches.len();
        call.moved = false;
        self.calls.insert(waiter, call);
    }

    /// Whether a call that is visited may watch so many logs.
    pub(crate) fn may_watch(&self, logs: usize) -> bool {
        self.watched + logs <= WATCHED_MAX
    }

    /// Takes a call out to be visited. It is parked anew if it must wait on; if not, its reads are to be
    /// forgotten ([`Waiting::forget_reads`]).
    pub(crate) fn take(&mut self, waiter: Waiter) -> Option<WaitingCall> {
        let call = self.calls.remove(&waiter)?;
        self.watched -= call.watches.len();
        for log in &call.watches {
            if let Some(watchers) = self.watchers.get_mut(log) {
                watchers.remove(&waiter);
                if watchers.is_empty() {
                    self.watchers.remove(log);
                }
            }
        }
        Some(call)
    }

    /// Nobody waits for these reads any more.
    pub(crate) fn forget_reads(&mut self, reads: &BTreeSet<ReadId>) {
        for read in reads {
            self.readers.remove(read);
        }
    }

    /// A log moved, to where it is now: who watches it, wants to be visited for that, and is not to be visited anyway
    /// because another did.
    pub(crate) fn moved(&mut self, log: LogId, now: Option<&PartitionLog>) -> Vec<Waiter> {
        let mut news = Vec::new();
        for waiter in self.watchers.get(&log).into_iter().flatten() {
            if let Some(call) = self.calls.get_mut(waiter).filter(|call| !call.moved) {
                call.moved = call.call.is_stirred(log, now);
                news.extend(call.moved.then_some(*waiter));
            }
        }
        news
    }

    /// A read came: who asked for it, and waits still.
    pub(crate) fn read_came(&mut self, read: ReadId) -> Option<Waiter> {
        let waiter = self.readers.remove(&read)?;
        if let Some(call) = self.calls.get_mut(&waiter) {
            call.reads.remove(&read);
        }
        Some(waiter)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Outcome, Wake};
    use crate::engine::Context;

    struct Idle;

    impl Call for Idle {
        fn start(&mut self, _: &mut Context<'_>) -> Outcome {
            Outcome::Parked
        }
        fn wake(&mut self, _: &mut Context<'_>, _: Wake) -> Outcome {
            Outcome::Parked
        }
    }

    fn call(watches: Vec<LogId>) -> WaitingCall {
        let request = RequestInfo {
            connection: ConnectionId(1),
            number: 1,
            version: 0,
            correlation_id: 1,
            client_id: None,
            entropy: 0,
        };
        WaitingCall {
            request,
            call: Box::new(Idle),
            watches,
            reads: BTreeSet::new(),
            moved: false,
            fences: Vec::new(),
        }
    }

    #[test]
    fn however_many_of_its_logs_moved_a_call_is_visited_once() {
        let (mut waiting, who, logs) = (Waiting::default(), Waiter(1), [LogId(1), LogId(2)]);
        waiting.park(who, call(logs.to_vec()), Vec::new());
        assert_eq!(
            logs.map(|log| waiting.moved(log, None)),
            [vec![who], vec![]]
        );
        let mut again = waiting.take(who).expect("parked");
        assert_eq!(logs.map(|log| waiting.moved(log, None)), [vec![], vec![]]);
        again.watches = logs.to_vec();
        waiting.park(who, again, Vec::new());
        assert_eq!(waiting.moved(logs[1], None), [who]);
    }

    #[test]
    fn calls_together_watch_no_more_than_their_bound() {
        let (mut waiting, who) = (Waiting::default(), Waiter(1));
        waiting.park(who, call(vec![LogId(1); WATCHED_MAX - 1]), Vec::new());
        assert!(waiting.may_watch(1) && !waiting.may_watch(2));
        waiting.take(who).expect("parked");
        assert!(waiting.may_watch(WATCHED_MAX));
    }

    #[test]
    fn a_read_finds_its_call_once_and_however_often_that_was_visited() {
        let (mut waiting, who) = (Waiting::default(), Waiter(1));
        let reads = [ReadId(1), ReadId(2), ReadId(3)];
        waiting.park(who, call(Vec::new()), reads.to_vec());
        assert_eq!(waiting.read_came(reads[0]), Some(who));
        assert_eq!(waiting.read_came(reads[0]), None);
        let visited = waiting.take(who).expect("parked");
        waiting.park(who, visited, Vec::new());
        assert_eq!(waiting.read_came(reads[1]), Some(who));
        let done = waiting.take(who).expect("parked");
        waiting.forget_reads(&done.reads);
        assert_eq!(waiting.read_came(reads[2]), None);
        assert!(waiting.readers.is_empty());
    }
}
