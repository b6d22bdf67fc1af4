//! Incremental fetch sessions (KIP-227): a client names its partitions once, then only changes.
//!
//! A session is a cache for one consumer's fetches, not a promise: one that is not found is
//! answered FETCH_SESSION_ID_NOT_FOUND and the client starts anew (Kafka: `FetchSession`,
//! `FetchManager`).

use once_wire::error::ErrorCode;
use once_wire::ids::Uuid;
use std::collections::BTreeMap;

/// A partition as a fetch names it: by topic id since version 13, by name before.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct FetchKey {
    pub(crate) topic: String,
    pub(crate) topic_id: Uuid,
    pub(crate) partition: i32,
}

/// What a session remembers of one partition.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Remembered {
    pub(crate) fetch_offset: i64,
    pub(crate) max_bytes: i32,
    pub(crate) current_leader_epoch: i32,
    /// What the last response said; a partition with nothing new to say is left out.
    pub(crate) told: Option<Told>,
}

/// What a response said of a partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Told {
    pub(crate) high_watermark: i64,
    pub(crate) log_start_offset: i64,
    pub(crate) error: ErrorCode,
}

/// A request's session could not be used.
pub(crate) type SessionError = ErrorCode;

#[derive(Default)]
struct FetchSession {
    epoch: i32,
    used: u64,
    /// In the order in which partitions are served; what was served moves to the end.
    partitions: Vec<(FetchKey, Remembered)>,
}

/// All sessions; the least recently used one makes room for a new one.
pub(crate) struct FetchSessions {
    slots: usize,
    next: i32,
    clock: u64,
    by_id: BTreeMap<i32, FetchSession>,
}

impl FetchSessions {
    /// Room for `slots` sessions.
    pub(crate) fn new(slots: usize) -> Self {
        Self {
            slots,
            next: 1,
            clock: 0,
            by_id: BTreeMap::new(),
        }
    }

    /// A new session over `partitions`; 0, no session, if there is no room at all.
    pub(crate) fn create(&mut self, partitions: Vec<(FetchKey, Remembered)>) -> i32 {
        if self.slots == 0 || partitions.is_empty() {
            return 0;
        }
        if self.by_id.len() >= self.slots {
            let oldest = self.by_id.iter().min_by_key(|(_, session)| session.used);
            if let Some(id) = oldest.map(|(id, _)| *id) {
                self.by_id.remove(&id);
            }
        }
        let id = self.next;
        self.next = self.next.checked_add(1).unwrap_or(1);
        self.clock += 1;
        self.by_id.insert(
            id,
            FetchSession {
                epoch: 1,
                used: self.clock,
                partitions,
            },
        );
        id
    }

    /// Continues a session at `epoch`: changed partitions replace or join, forgotten ones go.
    /// Returns all of its partitions.
    ///
    /// # Errors
    /// FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH.
    pub(crate) fn resume(
        &mut self,
        id: i32,
        epoch: i32,
        changed: Vec<(FetchKey, Remembered)>,
        forgotten: &[FetchKey],
    ) -> Result<Vec<(FetchKey, Remembered)>, SessionError> {
        let session = self
            .by_id
            .get_mut(&id)
            .ok_or(ErrorCode::FetchSessionIdNotFound)?;
        if session.epoch != epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        session.epoch = if epoch == i32::MAX { 1 } else { epoch + 1 };
        self.clock += 1;
        session.used = self.clock;
        session
            .partitions
            .retain(|(key, _)| !forgotten.contains(key));
        for (key, mut fresh) in changed {
            match session
                .partitions
                .iter_mut()
                .find(|(known, _)| *known == key)
            {
                Some((_, known)) => {
                    fresh.told = known.told;
                    *known = fresh;
                }
                None => session.partitions.push((key, fresh)),
            }
        }
        Ok(session.partitions.clone())
    }

    /// Ends a session.
    pub(crate) fn close(&mut self, id: i32) {
        self.by_id.remove(&id);
    }

    /// Notes what the response tells of a partition. True if it must be in the response: it has
    /// records, or something changed. A partition with records goes to the end of the order, so
    /// that the others are not starved.
    pub(crate) fn tell(&mut self, id: i32, key: &FetchKey, told: Told, has_records: bool) -> bool {
        let Some(session) = self.by_id.get_mut(&id) else {
            return true;
        };
        let Some(index) = session
            .partitions
            .iter()
            .position(|(known, _)| known == key)
        else {
            return true;
        };
        let remembered = &mut session.partitions[index].1;
        let news = has_records || told.error != ErrorCode::None || remembered.told != Some(told);
        remembered.told = Some(told);
        if has_records {
            let served = session.partitions.remove(index);
            session.partitions.push(served);
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(partition: i32) -> FetchKey {
        FetchKey {
            topic: "t".into(),
            topic_id: Uuid::ZERO,
            partition,
        }
    }

    fn at(fetch_offset: i64) -> Remembered {
        Remembered {
            fetch_offset,
            max_bytes: 1,
            current_leader_epoch: -1,
            told: None,
        }
    }

    #[test]
    fn a_session_remembers_what_a_request_leaves_out() {
        let mut sessions = FetchSessions::new(2);
        let id = sessions.create(vec![(key(0), at(0)), (key(1), at(0))]);
        let all = sessions
            .resume(id, 1, vec![(key(1), at(7))], &[])
            .expect("in order");
        assert_eq!(all, vec![(key(0), at(0)), (key(1), at(7))]);
        let rest = sessions.resume(id, 2, vec![], &[key(0)]).expect("in order");
        assert_eq!(rest, vec![(key(1), at(7))]);
    }

    #[test]
    fn a_wrong_epoch_and_an_unknown_session_are_refused() {
        let mut sessions = FetchSessions::new(1);
        let id = sessions.create(vec![(key(0), at(0))]);
        assert_eq!(
            sessions.resume(id, 2, vec![], &[]),
            Err(ErrorCode::InvalidFetchSessionEpoch)
        );
        assert_eq!(
            sessions.resume(99, 1, vec![], &[]),
            Err(ErrorCode::FetchSessionIdNotFound)
        );
        let newer = sessions.create(vec![(key(1), at(0))]);
        assert_ne!(newer, id);
        assert_eq!(
            sessions.resume(id, 1, vec![], &[]),
            Err(ErrorCode::FetchSessionIdNotFound)
        );
    }

    #[test]
    fn a_partition_without_news_is_left_out() {
        let mut sessions = FetchSessions::new(1);
        let id = sessions.create(vec![(key(0), at(0))]);
        let told = Told {
            high_watermark: 3,
            log_start_offset: 0,
            error: ErrorCode::None,
        };
        assert!(sessions.tell(id, &key(0), told, false));
        assert!(!sessions.tell(id, &key(0), told, false));
        assert!(sessions.tell(id, &key(0), told, true));
        assert!(sessions.tell(
            id,
            &key(0),
            Told {
                high_watermark: 4,
                ..told
            },
            false
        ));
    }
}
