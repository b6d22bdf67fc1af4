//! Chance from a seed: one stream for each concern, so that a change in one does not move the
//! others.

/// One stream (SplitMix64).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The stream of a concern under a seed.
    #[must_use]
    pub fn stream(seed: u64, concern: &str) -> Self {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in concern.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        let mut random = Self(seed ^ hash);
        // Seeds are small numbers: spread them before the first use.
        Self(random.bits())
    }

    /// The stream of one of several alike.
    #[must_use]
    pub fn numbered(seed: u64, concern: &str, number: u64) -> Self {
        let mut random = Self::stream(seed, concern);
        random.0 ^= number.wrapping_mul(0xd6e8_feb8_6659_fd93);
        Self(random.bits())
    }

    /// Sixty-four bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Sixteen bytes.
    pub fn wide(&mut self) -> u128 {
        (u128::from(self.bits()) << 64) | u128::from(self.bits())
    }

    /// A number below `n`, which is not zero.
    pub fn below(&mut self, n: u64) -> u64 {
        self.bits() % n
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// An index into something that has `len` elements, at least one.
    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).expect("below a length")
    }

    /// True so many times in ten thousand.
    pub fn happens(&mut self, per_10_000: u64) -> bool {
        self.below(10_000) < per_10_000
    }

    /// True half of the time.
    pub fn coin(&mut self) -> bool {
        self.bits() & 1 == 1
    }

    /// One of them.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.index(of.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_one_seed_differ_and_repeat() {
        let draw = |concern| {
            let mut random = Random::stream(7, concern);
            [random.bits(), random.bits(), random.bits()]
        };
        assert_eq!(draw("net"), draw("net"));
        assert_ne!(draw("net"), draw("disk"));
    }
}
