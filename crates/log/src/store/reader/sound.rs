//! What of a file's bytes may be given out: whole batches with right checksums, whose offsets follow each other.
//!
//! A checksum covers neither a batch's base offset nor its length (Kafka writes the first after the producer made
//! the second). A bit that flips there shows all the same: a batch that seems to begin too early follows one that
//! ends later, one that seems to begin too late ends where the next begins or beyond what may be read, and no batch
//! crosses that bound. Compaction leaves gaps, so a gap says nothing.

use bytes::Bytes;

use once_wire::batch::{Batch, BatchError, BatchHeader};

/// Where offsets stand while batches are looked at one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sequence {
    /// The next batch begins here or later.
    pub(super) next: i64,
    /// No batch that begins below this ends at it or beyond.
    pub(super) upper: i64,
}

impl Sequence {
    /// The next batch. Says what is wrong with its offsets.
    pub(super) fn follow(&mut self, header: &BatchHeader) -> Result<(), String> {
        let (first, last) = (header.base_offset(), header.last_offset());
        if first < self.next {
            return Err(format!(
                "offset {first}, where {} or a later one is due",
                self.next
            ));
        }
        if last >= self.upper {
            let upper = self.upper;
            return Err(format!(
                "offsets {first} to {last}, where a batch ends at {upper}"
            ));
        }
        self.next = last + 1;
        Ok(())
    }
}

/// The sound batches at the beginning of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sound {
    /// How many bytes they take.
    pub(super) size: usize,
    /// The offset after them.
    pub(super) next: i64,
    /// What begins here or beyond may be half written.
    pub(super) upper: i64,
    /// The same without the last of them.
    pub(super) before: (usize, i64),
}

impl Sound {
    /// Where the batch after them begins, from its header. What begins where reading must end may be half written:
    /// it counts if its header is whole.
    pub(super) fn followed_by(&self, header: &[u8]) -> Option<i64> {
        if self.next >= self.upper && BatchHeader::read(header).is_err() {
            return None;
        }
        header.first_chunk().copied().map(i64::from_be_bytes)
    }
}

/// The batches of `bytes`, which begin where `sequence` stands. One that is cut off at the end does not count, nor
/// does what begins at `upper` or beyond: it may be half written.
///
/// # Errors
/// What is wrong with the first batch. If it is a later one, what comes before it is sound: the next read begins at
/// the damage and says so.
pub(super) fn sound_batches(mut bytes: Bytes, mut sequence: Sequence) -> Result<Sound, String> {
    let mut sound = Sound {
        size: 0,
        next: sequence.next,
        upper: sequence.upper,
        before: (0, sequence.next),
    };
    while !bytes.is_empty() && sound.next < sequence.upper {
        match BatchHeader::read(&bytes) {
            Ok(header) if header.base_offset() >= sequence.upper => break,
            Err(BatchError::Truncated { .. }) => break,
            Ok(_) | Err(_) => {}
        }
        let batch = match Batch::split_first(&mut bytes) {
            Err(BatchError::Truncated { .. }) => break,
            Err(error) => Err(error.to_string()),
            Ok(batch) => sequence.follow(&batch).map(|()| batch),
        };
        match batch {
            Ok(batch) => {
                sound.before = (sound.size, sound.next);
                sound.size += batch.size();
                sound.next = sequence.next;
            }
            Err(_) if sound.size > 0 => break,
            Err(reason) => return Err(reason),
        }
    }
    Ok(sound)
}
