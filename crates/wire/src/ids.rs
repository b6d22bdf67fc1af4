//! Kafka's 128-bit identifiers: of topics, of the cluster, of a data directory, of a group member.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// 16 bytes; as text, 22 characters of base64url without padding (Kafka's `Uuid`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Uuid(pub [u8; 16]);

/// The text is not 22 characters of base64url, or its spare bits are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a Kafka id: expected 22 characters of base64url without padding")]
pub struct ParseUuidError;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const TEXT_LEN: usize = 22;

impl Uuid {
    /// "No id": Kafka never gives it to a topic.
    pub const ZERO: Uuid = Uuid([0; 16]);

    /// True for [`Uuid::ZERO`].
    pub const fn is_zero(&self) -> bool {
        u128::from_be_bytes(self.0) == 0
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 22 digits of six bits hold 132 bits: the last four are zero.
        let bits = u128::from_be_bytes(self.0);
        let mut text = [0; TEXT_LEN];
        for (at, digit) in text.iter_mut().enumerate() {
            let six = if at < 21 {
                bits >> (122 - 6 * at)
            } else {
                bits << 4
            };
            *digit = ALPHABET[(six & 63) as usize];
        }
        f.pad(std::str::from_utf8(&text).expect("the alphabet is ASCII"))
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Uuid {
    type Err = ParseUuidError;

    fn from_str(text: &str) -> Result<Self, ParseUuidError> {
        let text: &[u8; TEXT_LEN] = text.as_bytes().try_into().map_err(|_| ParseUuidError)?;
        let mut bits = 0u128;
        for (at, byte) in text.iter().enumerate() {
            let digit = ALPHABET
                .iter()
                .position(|c| c == byte)
                .ok_or(ParseUuidError)? as u128;
            if at < 21 {
                bits = bits << 6 | digit;
            } else if digit & 15 == 0 {
                bits = bits << 2 | digit >> 4;
            } else {
                return Err(ParseUuidError);
            }
        }
        Ok(Uuid(bits.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_what_kafka_prints() {
        assert_eq!(Uuid::ZERO.to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(Uuid([0xff; 16]).to_string(), "_____________________w");
        let id = Uuid(std::array::from_fn(|i| i as u8));
        assert_eq!(id.to_string(), "AAECAwQFBgcICQoLDA0ODw");
        assert_eq!("AAECAwQFBgcICQoLDA0ODw".parse(), Ok(id));
    }

    #[test]
    fn every_id_reads_back_and_nothing_else_does() {
        for seed in 0..64u8 {
            let id = Uuid(std::array::from_fn(|i| {
                seed.wrapping_mul(41).wrapping_add(17 * i as u8)
            }));
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        for text in [
            "",
            "AAAAAAAAAAAAAAAAAAAAAAA=",
            "AAAAAAAAAAAAAAAAAAAAA+",
            "AAAAAAAAAAAAAAAAAAAAAB",
        ] {
            assert_eq!(text.parse::<Uuid>(), Err(ParseUuidError), "{text:?}");
        }
    }
}
