//! Where Kafka puts a transactional id or a group id: the hash that picks the internal partition.

/// Java's `String.hashCode`: over UTF-16 code units, `h = 31·h + unit`, wrapping.
pub fn java_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    })
}

/// The partition of an internal topic that owns `key`: `abs(java_hash(key)) % partitions`.
///
/// `abs(i32::MIN)` is 0 here, as in Kafka's `Utils.abs`. `partitions` is at least 1.
pub fn partition_for(key: &str, partitions: i32) -> i32 {
    assert!(partitions > 0, "a topic has at least one partition");
    java_hash(key).checked_abs().unwrap_or(0) % partitions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_is_javas() {
        assert_eq!(java_hash(""), 0);
        assert_eq!(java_hash("hello"), 99_162_322);
        assert_eq!(java_hash("ü€😀"), {
            // UTF-16 units: 00fc, 20ac, d83d, de00.
            [0xfci32, 0x20ac, 0xd83d, 0xde00]
                .iter()
                .fold(0i32, |h, u| h.wrapping_mul(31).wrapping_add(*u))
        });
    }

    #[test]
    fn the_smallest_hash_goes_to_partition_zero() {
        assert_eq!(java_hash("polygenelubricants"), i32::MIN);
        assert_eq!(partition_for("polygenelubricants", 50), 0);
        assert_eq!(partition_for("hello", 50), 22);
    }
}
