//! Incremental fetch sessions (KIP-227): a client names its partitions once, then only changes.
//!
//! A session is a cache for one consumer's fetches, not a promise: one that is not found is
//! answered FETCH_SESSION_ID_NOT_FOUND and the client starts anew (Kafka: `FetchSession`,
//! `FetchManager`).

use once_wire::error::ErrorCode;
use once_wire::ids::Uuid;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A partition as a fetch names it: by topic id since version 13, by name before.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct FetchKey {
    pub(crate) topic: Arc<str>,
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

/// Partitions that all sessions together may remember. A fetch beyond it is served without one.
const MOST_PARTITIONS: usize = 200_000;

struct Entry {
    /// When it is served: what was served last goes to the end.
    turn: u64,
    remembered: Remembered,
}

#[derive(Default)]
struct FetchSession {
    epoch: i32,
    used: u64,
    partitions: BTreeMap<FetchKey, Entry>,
}

impl FetchSession {
    fn in_turn(&self) -> Vec<(FetchKey, Remembered)> {
        let mut partitions: Vec<_> = self.partitions.iter().collect();
        partitions.sort_by_key(|(_, entry)| entry.turn);
        partitions
            .into_iter()
            .map(|(key, entry)| (key.clone(), entry.remembered.clone()))
            .collect()
    }
}

/// All sessions; the least recently used ones make room for a new one.
pub(crate) struct FetchSessions {
    slots: usize,
    clock: u64,
    partitions: usize,
    by_id: BTreeMap<i32, FetchSession>,
}

impl FetchSessions {
    /// Room for `slots` sessions.
    pub(crate) fn new(slots: usize) -> Self {
        Self {
            slots,
            clock: 0,
            partitions: 0,
            by_id: BTreeMap::new(),
        }
    }

    /// A new session over `partitions`; 0, no session, if there is no room at all.
    ///
    /// Its id comes from `chance`: a client that has not noticed a restart still names one of the life before, and
    /// must not be taken for whoever was given a session since (Kafka: `FetchSessionCacheShard.newSessionId`).
    pub(crate) fn create(&mut self, chance: u32, partitions: Vec<(FetchKey, Remembered)>) -> i32 {
        if self.slots == 0 || partitions.is_empty() || partitions.len() > MOST_PARTITIONS {
            return 0;
        }
        while self.by_id.len() >= self.slots || self.partitions + partitions.len() > MOST_PARTITIONS
        {
            let oldest = self.by_id.iter().min_by_key(|(_, session)| session.used);
            let Some(id) = oldest.map(|(id, _)| *id) else {
                break;
            };
            self.close(id);
        }
        let mut id = i32::try_from(chance >> 1).unwrap_or(0).max(1);
        while self.by_id.contains_key(&id) {
            id = id.checked_add(1).unwrap_or(1);
        }
        let mut session = FetchSession {
            epoch: 1,
            used: self.tick(),
            ..Default::default()
        };
        for (key, remembered) in partitions {
            let turn = self.tick();
            session.partitions.insert(key, Entry { turn, remembered });
        }
        self.partitions += session.partitions.len();
        self.by_id.insert(id, session);
        id
    }

    /// Continues a session at `epoch`: changed partitions replace or join, forgotten ones go.
    /// Returns all of its partitions.
    ///
    /// # Errors
    /// FETCH_SESSION_ID_NOT_FOUND, also for a session that would grow beyond all bounds and is
    /// given up; INVALID_FETCH_SESSION_EPOCH.
    pub(crate) fn resume(
        &mut self,
        id: i32,
        epoch: i32,
        changed: Vec<(FetchKey, Remembered)>,
        forgotten: &[FetchKey],
    ) -> Result<Vec<(FetchKey, Remembered)>, SessionError> {
        let used = self.tick();
        let session = self
            .by_id
            .get_mut(&id)
            .ok_or(ErrorCode::FetchSessionIdNotFound)?;
        if session.epoch != epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        session.epoch = if epoch == i32::MAX { 1 } else { epoch + 1 };
        session.used = used;
        let before = session.partitions.len();
        for key in forgotten {
            session.partitions.remove(key);
        }
        for (key, mut remembered) in changed {
            self.clock += 1;
            let known = session.partitions.get(&key);
            remembered.told = known.and_then(|entry| entry.remembered.told);
            let turn = known.map_or(self.clock, |entry| entry.turn);
            session.partitions.insert(key, Entry { turn, remembered });
        }
        self.partitions = self.partitions + session.partitions.len() - before;
        let partitions = session.in_turn();
        if self.partitions > MOST_PARTITIONS {
            self.close(id);
            return Err(ErrorCode::FetchSessionIdNotFound);
        }
        Ok(partitions)
    }

    /// Ends a session.
    pub(crate) fn close(&mut self, id: i32) {
        if let Some(session) = self.by_id.remove(&id) {
            self.partitions -= session.partitions.len();
        }
    }

    /// Notes what the response tells of a partition. True if it must be in the response: it has
    /// records, or something changed. A partition with records goes to the end of the order, so
    /// that the others are not starved.
    pub(crate) fn tell(&mut self, id: i32, key: &FetchKey, told: Told, has_records: bool) -> bool {
        let turn = self.tick();
        let session = self.by_id.get_mut(&id);
        let Some(entry) = session.and_then(|session| session.partitions.get_mut(key)) else {
            return true;
        };
        let news =
            has_records || told.error != ErrorCode::None || entry.remembered.told != Some(told);
        entry.remembered.told = Some(told);
        if has_records {
            entry.turn = turn;
        }
        news
    }

    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
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
        let id = sessions.create(7, vec![(key(0), at(0)), (key(1), at(0))]);
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
        let id = sessions.create(7, vec![(key(0), at(0))]);
        assert_eq!(
            sessions.resume(id, 2, vec![], &[]),
            Err(ErrorCode::InvalidFetchSessionEpoch)
        );
        assert_eq!(
            sessions.resume(99, 1, vec![], &[]),
            Err(ErrorCode::FetchSessionIdNotFound)
        );
        let newer = sessions.create(9, vec![(key(1), at(0))]);
        assert_ne!(newer, id);
        assert_eq!(
            sessions.resume(id, 1, vec![], &[]),
            Err(ErrorCode::FetchSessionIdNotFound)
        );
    }

    #[test]
    fn what_was_served_goes_to_the_end() {
        let mut sessions = FetchSessions::new(1);
        let id = sessions.create(7, vec![(key(0), at(0)), (key(1), at(0))]);
        let told = Told {
            high_watermark: 3,
            log_start_offset: 0,
            error: ErrorCode::None,
        };
        sessions.tell(id, &key(0), told, true);
        let all = sessions.resume(id, 1, vec![], &[]).expect("in order");
        assert_eq!(
            all.into_iter()
                .map(|(key, _)| key.partition)
                .collect::<Vec<_>>(),
            [1, 0]
        );
    }

    #[test]
    fn sessions_together_remember_no_more_than_their_bound() {
        let mut sessions = FetchSessions::new(1_000);
        let many = |count: i32| {
            (0..count)
                .map(|index| (key(index), at(0)))
                .collect::<Vec<_>>()
        };
        let first = sessions.create(7, many(120_000));
        let second = sessions.create(9, many(120_000));
        assert_ne!(second, 0);
        let gone = sessions.resume(first, 1, vec![], &[]);
        assert_eq!(gone, Err(ErrorCode::FetchSessionIdNotFound));
        assert_eq!(sessions.create(7, many(200_001)), 0);
        assert_eq!(sessions.partitions, 120_000);
    }

    #[test]
    fn a_partition_without_news_is_left_out() {
        let mut sessions = FetchSessions::new(1);
        let id = sessions.create(7, vec![(key(0), at(0))]);
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

    #[test]
    fn an_id_is_drawn_and_nobody_else_has_it() {
        let mut sessions = FetchSessions::new(9);
        let mut create = |chance| sessions.create(chance, vec![(key(0), at(0))]);
        assert_eq!(create(2_000_000_000), 1_000_000_000);
        assert_eq!(create(2_000_000_000), 1_000_000_001);
        assert_eq!([create(0), create(1)], [1, 2]);
        assert_eq!([create(u32::MAX), create(u32::MAX)], [i32::MAX, 3]);
    }
}
