//! Hashes, the same on every machine and in every version: they are written to the log.

use super::topics::TopicInfo;
use twox_hash::XxHash3_64;

/// FNV-1a, 64 bits, over parts whose lengths count; zero if nothing was written.
#[derive(Default)]
pub(super) struct StableHash(Option<u64>);

impl StableHash {
    /// Adds one part.
    pub(super) fn write(&mut self, part: &[u8]) {
        let start = self.0.unwrap_or(0xcbf2_9ce4_8422_2325);
        let len = (part.len() as u64).to_be_bytes();
        let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        self.0 = Some(len.iter().chain(part).fold(start, step));
    }

    /// The hash of all parts.
    pub(super) fn value(&self) -> i64 {
        self.0.unwrap_or_default().cast_signed()
    }
}

/// Kafka's hash of the topics that a group is about (`Utils.computeGroupHash`): XXH3 over the hashes
/// of the topics, which come in ascending order of their names; zero without topics.
pub(super) fn hash_of_topics<'a>(topics: impl Iterator<Item = (&'a str, &'a TopicInfo)>) -> i64 {
    let bytes: Vec<u8> = topics
        .flat_map(|(name, info)| hash_of_topic(name, info).to_le_bytes())
        .collect();
    if bytes.is_empty() {
        0
    } else {
        XxHash3_64::oneshot(&bytes).cast_signed()
    }
}

/// Kafka's hash of one topic (`Utils.computeTopicHash`): XXH3 over its format's version, its id, its
/// name as Java keeps it, and its partitions, of which none is in a rack here.
fn hash_of_topic(name: &str, info: &TopicInfo) -> u64 {
    const FORMAT: u8 = 0;
    let mut bytes = vec![FORMAT];
    // Two 64-bit numbers, each written from its least significant byte.
    let (most, least) = info.id.0.split_at(8);
    bytes.extend(most.iter().rev().chain(least.iter().rev()));
    bytes.extend(name.encode_utf16().flat_map(u16::to_le_bytes));
    let units = i32::try_from(name.encode_utf16().count()).expect("a name is short");
    bytes.extend(units.to_le_bytes());
    bytes.extend(info.partitions.to_le_bytes());
    bytes.extend((0..info.partitions).flat_map(i32::to_le_bytes));
    XxHash3_64::oneshot(&bytes)
}

#[cfg(test)]
mod tests;
