//! What of a file's bytes may be given out: whole batches with right checksums, whose offsets follow each other.
//!
//! A checksum covers neither a batch's base offset nor its length (Kafka writes the first after the producer made
//! the second). A bit that flips there shows all the same: each batch begins where the one before it ends, or, if it
//! is the first that is looked at, where its segment does or where it ends as its index entry says.

use bytes::Bytes;

use once_wire::batch::{Batch, BatchError, BatchHeader};

/// Where offsets stand while batches are looked at one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sequence {
    /// The next batch begins here; or later, if it is not known where.
    pub(super) next: i64,
    /// Whether it is known.
    pub(super) known: bool,
    /// No batch that begins below this ends at it or beyond.
    pub(super) upper: i64,
}

impl Sequence {
    /// The next batch. Says what is wrong with its offsets.
    pub(super) fn follow(&mut self, header: &BatchHeader) -> Result<(), String> {
        let (first, last) = (header.base_offset(), header.last_offset());
        if first < self.next || self.known && first != self.next {
            return Err(format!("offset {first}, where {} is due", self.next));
        }
        if last >= self.upper {
            let upper = self.upper;
            return Err(format!(
                "offsets {first} to {last}, where a batch ends at {upper}"
            ));
        }
        self.next = last + 1;
        self.known = true;
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
                sound.size += batch.size();
                sound.next = sequence.next;
            }
            Err(_) if sound.size > 0 => break,
            Err(reason) => return Err(reason),
        }
    }
    Ok(sound)
}
