//! The leader epochs of a partition: at which offset each began (Kafka's `LeaderEpochFileCache`).

/// One line of `leader-epoch-checkpoint`: from `start_offset` on, batches carry `epoch`, until the next entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEntry {
    /// The leader epoch.
    pub epoch: i32,
    /// The first offset that was or will be written under it.
    pub start_offset: i64,
}

/// What stands for "no such epoch" and "no such offset" in an answer.
const UNDEFINED: (i32, i64) = (-1, -1);

/// All epochs, both columns strictly ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LeaderEpochs {
    entries: Vec<EpochEntry>,
}

impl LeaderEpochs {
    pub(crate) fn new(entries: Vec<EpochEntry>) -> Self {
        let mut epochs = LeaderEpochs::default();
        for entry in entries {
            epochs.assign(entry.epoch, entry.start_offset);
        }
        epochs
    }

    pub(crate) fn entries(&self) -> &[EpochEntry] {
        &self.entries
    }

    pub(crate) fn latest(&self) -> Option<i32> {
        self.entries.last().map(|e| e.epoch)
    }

    /// From `start_offset` on, `epoch` rules. An epoch under which nothing was written disappears.
    /// Returns true if anything changed; an epoch at or below the latest changes nothing.
    pub(crate) fn assign(&mut self, epoch: i32, start_offset: i64) -> bool {
        if self.latest().is_some_and(|latest| epoch <= latest) {
            return false;
        }
        self.entries.retain(|e| e.start_offset < start_offset);
        self.entries.push(EpochEntry {
            epoch,
            start_offset,
        });
        true
    }

    /// Where the largest epoch at or below `epoch` ended, given the log's end.
    pub(crate) fn end_offset_for(&self, epoch: i32, log_end: i64) -> (i32, i64) {
        if epoch < 0 {
            return UNDEFINED;
        }
        if self.latest() == Some(epoch) {
            return (epoch, log_end);
        }
        let higher = self.entries.partition_point(|e| e.epoch <= epoch);
        match (higher.checked_sub(1), self.entries.get(higher)) {
            (_, None) => UNDEFINED,
            (None, Some(next)) => (epoch, next.start_offset),
            (Some(floor), Some(next)) => (self.entries[floor].epoch, next.start_offset),
        }
    }

    /// Keeps what holds for offsets in `[start, end]`, as after a truncation at either side.
    pub(crate) fn clamp(&mut self, start: i64, end: i64) {
        self.entries.retain(|e| e.start_offset <= end);
        let current = self.entries.partition_point(|e| e.start_offset <= start);
        if let Some(floor) = current.checked_sub(1) {
            self.entries.drain(..floor);
            self.entries[0].start_offset = start;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(pairs: &[(i32, i64)]) -> LeaderEpochs {
        LeaderEpochs::new(
            pairs
                .iter()
                .map(|&(epoch, start_offset)| EpochEntry {
                    epoch,
                    start_offset,
                })
                .collect(),
        )
    }

    #[test]
    fn an_epoch_ends_where_the_next_known_one_begins() {
        let epochs = epochs(&[(2, 10), (5, 30)]);
        assert_eq!(epochs.end_offset_for(5, 44), (5, 44));
        assert_eq!(epochs.end_offset_for(4, 44), (2, 30));
        assert_eq!(epochs.end_offset_for(2, 44), (2, 30));
        assert_eq!(epochs.end_offset_for(1, 44), (1, 10));
        assert_eq!(epochs.end_offset_for(6, 44), UNDEFINED);
        assert_eq!(epochs.end_offset_for(-1, 44), UNDEFINED);
    }

    #[test]
    fn an_epoch_without_a_record_disappears() {
        let mut epochs = epochs(&[(1, 0), (2, 7)]);
        assert!(epochs.assign(3, 7));
        assert!(!epochs.assign(3, 9));
        assert_eq!(
            epochs.entries(),
            [
                EpochEntry {
                    epoch: 1,
                    start_offset: 0
                },
                EpochEntry {
                    epoch: 3,
                    start_offset: 7
                }
            ]
        );
    }

    #[test]
    fn clamping_keeps_what_rules_between_start_and_end() {
        let mut epochs = epochs(&[(1, 0), (2, 7), (3, 20)]);
        epochs.clamp(9, 19);
        assert_eq!(
            epochs.entries(),
            [EpochEntry {
                epoch: 2,
                start_offset: 9
            }]
        );
    }
}
