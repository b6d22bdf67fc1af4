//! The records of one partition in a Produce request, and what is known of them.
//!
//! Checks come in Kafka's order: what the first bytes tell (`ProduceRequest.validateRecords`), the size
//! against `max.message.bytes`, the checksum, the header, the records (`UnifiedLog`, `LogValidator`).
//! Nothing is unpacked before all that is cheap was checked.

use crate::api::BatchRules;
use bytes::Bytes;
use once_wire::batch::{Batch, BatchError, BatchHeader, ClientBatch};
use once_wire::compression::{Compression, CompressionError};
use once_wire::error::ErrorCode;

/// Bytes of a request's compressed batches, and bytes that they give, that are checked where they arrive.
const LIGHT_PACKED: usize = 64 << 10;
/// Bytes of a request's other batches that are: they are only summed and passed over.
const LIGHT_PLAIN: usize = 2 << 20;

/// What is known of the records of one partition.
pub(super) enum Records {
    /// The header is one of a client's batch that may be sent; all else is to be checked.
    Unchecked(BatchHeader, Bytes),
    /// One whole, sound batch.
    Sound(ClientBatch),
    /// Something that may not be appended.
    Refused(Refusal),
}

/// Why records may not be appended.
#[derive(Clone, Copy)]
pub(super) struct Refusal {
    pub(super) code: ErrorCode,
    /// Bytes of the batch, if Kafka would have looked at its size before it found this.
    pub(super) size: Option<usize>,
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self { code, size: None }
    }
}

impl Records {
    /// Looks at the first bytes: exactly one batch of version 2, in a codec that `version` has.
    pub(super) fn read(records: Option<Bytes>, version: i16) -> Self {
        match begin(records, version) {
            Ok((header, bytes)) => Self::Unchecked(header, bytes),
            Err(code) => Self::Refused(code.into()),
        }
    }

    pub(super) fn is_unchecked(&self) -> bool {
        matches!(self, Self::Unchecked(..))
    }

    /// Refuses what is too large for its topic, or has none. `max` is the topic's `max.message.bytes`.
    pub(super) fn measure(&mut self, max: Option<u32>) {
        let Self::Unchecked(header, _) = self else {
            return;
        };
        let code = match max {
            None => ErrorCode::UnknownTopicOrPartition,
            Some(max) if header.size() as u64 > u64::from(max) => ErrorCode::MessageTooLarge,
            Some(_) => return,
        };
        *self = Self::Refused(code.into());
    }

    /// Checks the rest, unpacking `room` bytes at most, which what was unpacked is taken from.
    pub(super) fn check(&mut self, room: &mut usize) {
        let Self::Unchecked(header, bytes) = self else {
            return;
        };
        *self = match checked(bytes, *room) {
            Ok(batch) => {
                *room -= batch.survey().inflated;
                Self::Sound(batch)
            }
            Err(error) => Self::Refused(Refusal {
                code: error.code(),
                size: Some(header.size()),
            }),
        };
    }

    /// Brings a sound batch into its topic's codec. One that is larger than its topic takes stays as it is:
    /// the log refuses it.
    pub(super) fn convert(&mut self, rules: &BatchRules) {
        if let Self::Sound(batch) = self
            && let Some(codec) = rules.compression
            && codec != batch.compression()
            && batch.size() as u64 <= u64::from(rules.max_bytes)
        {
            *batch = batch.recompressed(codec);
        }
    }

    /// As [`Records::check`]; what does not fit into `room` stays unchecked.
    fn check_light(&mut self, room: &mut usize) {
        let Self::Unchecked(_, bytes) = self else {
            return;
        };
        match checked(bytes, *room) {
            Err(BatchError::Compression(CompressionError::OverLimit { .. })) => {}
            Ok(batch) => {
                *room -= batch.survey().inflated;
                *self = Self::Sound(batch);
            }
            Err(_) => self.check(room),
        }
    }
}

/// Checks the batches of a request as far as that takes no time worth speaking of.
pub(super) fn check_light<'a>(all: impl Iterator<Item = &'a mut Records>) {
    let (mut packed, mut plain) = (LIGHT_PACKED, LIGHT_PLAIN);
    let mut room = LIGHT_PACKED;
    for records in all {
        let Records::Unchecked(header, _) = records else {
            continue;
        };
        let share = match header.compression() {
            Compression::None => &mut plain,
            _ => &mut packed,
        };
        match share.checked_sub(header.size()) {
            Some(left) => *share = left,
            None => continue,
        }
        records.check_light(&mut room);
    }
}

fn begin(records: Option<Bytes>, version: i16) -> Result<(BatchHeader, Bytes), ErrorCode> {
    let records = records
        .filter(|records| !records.is_empty())
        .ok_or(ErrorCode::InvalidRecord)?;
    let header = BatchHeader::read(&records).map_err(|error| match error {
        // No whole batch, as Kafka sees it.
        BatchError::Truncated { .. } => ErrorCode::InvalidRecord,
        // Formats 0 and 1 were Kafka's once.
        BatchError::UnsupportedMagic(magic) if !(0..=1).contains(&magic) => {
            ErrorCode::CorruptMessage
        }
        other => other.code(),
    })?;
    if header.compression() == Compression::Zstd && version < 7 {
        return Err(ErrorCode::UnsupportedCompressionType);
    }
    if header.size() != records.len() || header.base_offset() != 0 {
        return Err(ErrorCode::InvalidRecord);
    }
    Ok((header, records))
}

fn checked(bytes: &Bytes, room: usize) -> Result<ClientBatch, BatchError> {
    Batch::parse(bytes.clone())?.check_client(room)
}

#[cfg(test)]
mod tests {
    use super::*;
    use once_wire::batch::BatchBuilder;

    fn of(codec: Compression, value: &[u8]) -> (Bytes, Records) {
        let batch = BatchBuilder::new().compression(codec);
        let bytes = batch.push(1, None, Some(value), &[]).build();
        let bytes = bytes.as_bytes().clone();
        let mut records = Records::read(Some(bytes.clone()), 9);
        check_light(std::iter::once(&mut records));
        (bytes, records)
    }

    #[test]
    fn a_small_batch_is_checked_at_once_and_not_copied() {
        for codec in [Compression::None, Compression::Gzip, Compression::Lz4] {
            let (bytes, records) = of(codec, &[0; 60_000]);
            let Records::Sound(batch) = records else {
                panic!("{codec:?} was left for later");
            };
            assert_eq!(batch.as_bytes().as_ptr(), bytes.as_ptr());
        }
    }

    #[test]
    fn what_takes_long_is_left_for_later_whatever_it_weighs() {
        for codec in [Compression::Gzip, Compression::Snappy, Compression::Zstd] {
            let (bytes, records) = of(codec, &[0; LIGHT_PACKED]);
            assert!(
                bytes.len() < LIGHT_PACKED && records.is_unchecked(),
                "{codec:?}"
            );
        }
        assert!(of(Compression::None, &[0; LIGHT_PLAIN]).1.is_unchecked());
    }
}
