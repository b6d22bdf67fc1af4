//! A small hash, the same on every machine and in every version: it is written to the log.

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
