//! The producer table as bytes: Kafka's `.snapshot`, and beside it our `.window`.
//!
//! Kafka's form has only the last batch of each producer, so a table loaded from it would recognise one
//! retried batch where a client may have five in flight. The window holds all that are remembered.
//! Kafka ignores files with a suffix it does not know, so both live in one directory.

use std::collections::BTreeMap;

use bytes::{BufMut, Bytes, BytesMut};

use crate::producer::{BatchMetadata, ProducerEntry, WINDOW};

#[cfg(test)]
mod tests;

const SNAPSHOT_VERSION: i16 = 1;
const WINDOW_VERSION: i16 = 0;
/// Version and checksum; the checksum covers what follows it.
const HEAD_BYTES: usize = 6;
const SNAPSHOT_ENTRY_BYTES: usize = 46;

/// Why bytes are not a snapshot or a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Fewer or more bytes than the counts in it say.
    #[error("its length is not what its entries need")]
    Length,
    /// A version we do not know.
    #[error("its version is {0}")]
    Version(i16),
    /// The checksum does not match: torn or damaged.
    #[error("its checksum does not match")]
    Checksum,
    /// The window tells of a producer or epoch that the snapshot does not have.
    #[error("it does not belong to the snapshot beside it")]
    Mismatch,
}

/// Kafka's snapshot of the table: the last batch of each producer.
#[must_use]
pub fn encode_snapshot(producers: &BTreeMap<i64, ProducerEntry>) -> Bytes {
    let mut out = BytesMut::with_capacity(HEAD_BYTES + 4 + producers.len() * SNAPSHOT_ENTRY_BYTES);
    out.put_i16(SNAPSHOT_VERSION);
    out.put_u32(0);
    out.put_i32(i32::try_from(producers.len()).expect("fewer than 2^31 producers"));
    for (id, entry) in producers {
        let last = entry.batches().last();
        out.put_i64(*id);
        out.put_i16(entry.epoch);
        out.put_i32(last.map_or(-1, |b| b.last_sequence));
        out.put_i64(last.map_or(-1, |b| b.last_offset));
        out.put_i32(last.map_or(0, |b| b.offset_delta));
        out.put_i64(entry.last_timestamp);
        out.put_i32(entry.coordinator_epoch);
        out.put_i64(entry.current_txn_first_offset.unwrap_or(-1));
    }
    seal(out)
}

/// The remembered batches of each producer; `None` if no producer has any, as then the snapshot is all there
/// is to know.
#[must_use]
pub fn encode_window(producers: &BTreeMap<i64, ProducerEntry>) -> Option<Bytes> {
    if producers.values().all(|entry| entry.batches().is_empty()) {
        return None;
    }
    let mut out = BytesMut::new();
    out.put_i16(WINDOW_VERSION);
    out.put_u32(0);
    for (id, entry) in producers {
        if entry.batches().is_empty() {
            continue;
        }
        out.put_i64(*id);
        out.put_i16(entry.epoch);
        out.put_i16(entry.batches().len() as i16);
        for batch in entry.batches() {
            out.put_i32(batch.last_sequence);
            out.put_i64(batch.last_offset);
            out.put_i32(batch.offset_delta);
            out.put_i64(batch.timestamp);
        }
    }
    Some(seal(out))
}

/// The table a snapshot holds, each producer with its last batch.
///
/// # Errors
/// If the bytes are not a whole snapshot.
pub fn decode_snapshot(bytes: &[u8]) -> Result<BTreeMap<i64, ProducerEntry>, SnapshotError> {
    let mut body = open(bytes, SNAPSHOT_VERSION)?;
    let count = body.i32()?;
    if usize::try_from(count)
        .ok()
        .and_then(|n| n.checked_mul(SNAPSHOT_ENTRY_BYTES))
        != Some(body.0.len())
    {
        return Err(SnapshotError::Length);
    }
    let mut producers = BTreeMap::new();
    while !body.0.is_empty() {
        let (id, epoch) = (body.i64()?, body.i16()?);
        let (last_sequence, last_offset, offset_delta) = (body.i32()?, body.i64()?, body.i32()?);
        let mut entry = ProducerEntry::unknown();
        entry.epoch = epoch;
        entry.last_timestamp = body.i64()?;
        entry.coordinator_epoch = body.i32()?;
        entry.current_txn_first_offset = Some(body.i64()?).filter(|first| *first >= 0);
        if last_offset >= 0 {
            entry.push(BatchMetadata {
                last_sequence,
                last_offset,
                offset_delta,
                timestamp: entry.last_timestamp,
            });
        }
        producers.insert(id, entry);
    }
    Ok(producers)
}

/// Gives the producers of a decoded snapshot all their remembered batches.
///
/// # Errors
/// If the bytes are not a whole window, or not that of this snapshot; the table is then as it was.
pub fn widen(
    producers: &mut BTreeMap<i64, ProducerEntry>,
    bytes: &[u8],
) -> Result<(), SnapshotError> {
    let mut body = open(bytes, WINDOW_VERSION)?;
    let mut wider = Vec::new();
    while !body.0.is_empty() {
        let (id, epoch, count) = (body.i64()?, body.i16()?, body.i16()?);
        let count = usize::try_from(count)
            .ok()
            .filter(|n| (1..=WINDOW).contains(n))
            .ok_or(SnapshotError::Length)?;
        let mut batches = Vec::with_capacity(count);
        for _ in 0..count {
            batches.push(BatchMetadata {
                last_sequence: body.i32()?,
                last_offset: body.i64()?,
                offset_delta: body.i32()?,
                timestamp: body.i64()?,
            });
        }
        let entry = producers
            .get(&id)
            .filter(|e| e.epoch == epoch)
            .ok_or(SnapshotError::Mismatch)?;
        let key = |b: Option<&BatchMetadata>| b.map(|b| (b.last_sequence, b.last_offset));
        if key(entry.batches().last()) != key(batches.last()) {
            return Err(SnapshotError::Mismatch);
        }
        wider.push((id, batches));
    }
    let with_batches = producers
        .values()
        .filter(|e| !e.batches().is_empty())
        .count();
    if wider.len() != with_batches {
        return Err(SnapshotError::Mismatch);
    }
    for (id, batches) in wider {
        producers
            .get_mut(&id)
            .expect("looked up just above")
            .set_batches(&batches);
    }
    Ok(())
}

/// Writes the checksum of everything after the head into the head.
fn seal(mut out: BytesMut) -> Bytes {
    let crc = crc32c::crc32c(&out[HEAD_BYTES..]);
    out[2..HEAD_BYTES].copy_from_slice(&crc.to_be_bytes());
    out.freeze()
}

/// What follows a head that is as it should be.
fn open(bytes: &[u8], version: i16) -> Result<Body<'_>, SnapshotError> {
    let mut body = Body(bytes);
    let found = body.i16()?;
    if found != version {
        return Err(SnapshotError::Version(found));
    }
    let crc = u32::from_be_bytes(body.take()?);
    if crc != crc32c::crc32c(body.0) {
        return Err(SnapshotError::Checksum);
    }
    Ok(body)
}

/// Big-endian integers off the front of what remains.
struct Body<'a>(&'a [u8]);

impl Body<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let (head, rest) = self
            .0
            .split_first_chunk::<N>()
            .ok_or(SnapshotError::Length)?;
        self.0 = rest;
        Ok(*head)
    }

    fn i16(&mut self) -> Result<i16, SnapshotError> {
        self.take().map(i16::from_be_bytes)
    }

    fn i32(&mut self) -> Result<i32, SnapshotError> {
        self.take().map(i32::from_be_bytes)
    }

    fn i64(&mut self) -> Result<i64, SnapshotError> {
        self.take().map(i64::from_be_bytes)
    }
}
