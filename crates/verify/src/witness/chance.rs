//! Chance from a seed: the same seed makes the same choices.

/// SplitMix64 (Steele, Lea, Flood 2014): small, fast and good enough to choose what to do with.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The choices of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A stream of its own for one concern, so that one does not shift the choices of another.
    #[must_use]
    pub fn stream(&self, number: u64) -> Self {
        let mut fork = Self(self.0 ^ number.wrapping_mul(0xA076_1D64_78BD_642F));
        Self(fork.bits())
    }

    /// Sixty-four bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`, which is not zero.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.bits() % limit
    }

    /// Whether it is the one time in so many.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}
