//! What turns a request into garbage. Pure: a seed decides.

use crate::rng::Rng;

/// A way to spoil a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mutation {
    /// One to eight bits anywhere, the header included.
    Flip,
    /// Its end is missing, and the frame says so.
    Truncate,
    /// Random bytes follow it within the frame.
    Extend,
    /// An absurd number stands where a length may be.
    Length,
    /// A part is replaced by random bytes.
    Scramble,
    /// A part comes twice.
    Repeat,
    /// The frame announces less than comes: the rest reads as the next frame.
    Short,
    /// The frame announces more than comes.
    Long,
}

impl Mutation {
    pub(crate) const ALL: [Mutation; 8] = [
        Mutation::Flip,
        Mutation::Truncate,
        Mutation::Extend,
        Mutation::Length,
        Mutation::Scramble,
        Mutation::Repeat,
        Mutation::Short,
        Mutation::Long,
    ];

    /// Spoils a frame's content and returns the whole frame.
    pub(crate) fn apply(self, content: &[u8], rng: &mut Rng) -> Vec<u8> {
        let mut content = content.to_vec();
        match self {
            Mutation::Flip => flip(&mut content, rng),
            Mutation::Truncate => content.truncate(rng.below(content.len())),
            Mutation::Extend => {
                let len = 1 + rng.below(64);
                content.extend(rng.bytes(len));
            }
            Mutation::Length => absurd(&mut content, rng),
            Mutation::Scramble => scramble(&mut content, rng),
            Mutation::Repeat => repeat(&mut content, rng),
            Mutation::Short => return frame(rng.below(content.len()), &content),
            Mutation::Long => return frame(content.len() + 1 + rng.below(1 << 20), &content),
        }
        frame(content.len(), &content)
    }
}

/// A frame that announces `len`, whatever it holds.
pub(crate) fn frame(len: usize, content: &[u8]) -> Vec<u8> {
    let len = u32::try_from(len).unwrap_or(u32::MAX);
    [&len.to_be_bytes(), content].concat()
}

fn flip(content: &mut [u8], rng: &mut Rng) {
    for _ in 0..=rng.below(8) {
        if let Some(byte) = content.get_mut(rng.below(content.len())) {
            *byte ^= 1 << rng.below(8);
        }
    }
}

/// Numbers that a length should not be, as each encoding of a length writes them: two and four
/// bytes, and variable-length ones up to beyond what fits.
const ABSURD: [&[u8]; 14] = [
    &[0xff, 0xff],
    &[0x80, 0x00],
    &[0x7f, 0xff],
    &[0xff, 0xff, 0xff, 0xff],
    &[0xff, 0xff, 0xff, 0xfe],
    &[0x80, 0x00, 0x00, 0x00],
    &[0x7f, 0xff, 0xff, 0xff],
    &[0x06, 0x40, 0x00, 0x00],
    &[0x00, 0x01, 0x00, 0x00],
    &[0x00],
    &[0xff, 0xff, 0xff, 0xff, 0x0f],
    &[0xff, 0xff, 0xff, 0xff, 0x07],
    &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
    &[0x80, 0x80, 0x40],
];

fn absurd(content: &mut Vec<u8>, rng: &mut Rng) {
    let number = rng.pick(&ABSURD);
    // The first eight bytes are key, version and correlation id: no lengths there.
    let from = content.len().min(8);
    let at = from + rng.below(content.len() - from);
    let replaced = number.len().min(content.len() - at);
    content.splice(at..at + replaced, number.iter().copied());
}

fn scramble(content: &mut [u8], rng: &mut Rng) {
    let part = part(content.len(), rng);
    let noise = rng.bytes(part.len());
    content[part].copy_from_slice(&noise);
}

fn repeat(content: &mut Vec<u8>, rng: &mut Rng) {
    let part = part(content.len(), rng);
    let twice = content[part.clone()].to_vec();
    content.splice(part.start..part.start, twice);
}

/// A part of at most 32 bytes.
fn part(len: usize, rng: &mut Rng) -> std::ops::Range<usize> {
    let start = rng.below(len);
    start..(start + 1 + rng.below(32)).min(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTENT: &[u8] = b"a request of some forty bytes, as they come";

    fn announced(frame: &[u8]) -> usize {
        let prefix = frame.first_chunk().expect("a frame begins with its length");
        u32::from_be_bytes(*prefix) as usize
    }

    #[test]
    fn a_seed_decides_what_becomes_of_a_request() {
        for mutation in Mutation::ALL {
            let run = |seed| mutation.apply(CONTENT, &mut Rng::new(seed));
            assert_eq!(run(1), run(1), "{mutation:?}");
            assert!((2..20).any(|seed| run(seed) != run(1)), "{mutation:?}");
        }
    }

    #[test]
    fn only_short_and_long_lie_about_the_frame() {
        for mutation in Mutation::ALL {
            for seed in 0..500 {
                let frame = mutation.apply(CONTENT, &mut Rng::new(seed));
                let held = frame.len() - 4;
                let lies = announced(&frame) != held;
                let lie = matches!(mutation, Mutation::Short | Mutation::Long);
                assert_eq!(lies, lie, "{mutation:?}, seed {seed}");
            }
        }
    }

    #[test]
    fn each_mutation_does_what_its_name_says() {
        let mutated = |mutation: Mutation| mutation.apply(CONTENT, &mut Rng::new(5));
        assert!(mutated(Mutation::Truncate).len() < CONTENT.len() + 4);
        assert!(
            mutated(Mutation::Extend)
                .starts_with(&frame(announced(&mutated(Mutation::Extend)), CONTENT))
        );
        assert!(mutated(Mutation::Repeat).len() > CONTENT.len() + 4);
        assert_eq!(mutated(Mutation::Flip).len(), CONTENT.len() + 4);
        assert_eq!(mutated(Mutation::Length)[4..12], CONTENT[..8]);
        assert!(announced(&mutated(Mutation::Short)) < CONTENT.len());
        assert!(announced(&mutated(Mutation::Long)) > CONTENT.len());
    }

    #[test]
    fn nothing_is_too_small_to_be_spoilt() {
        for mutation in Mutation::ALL {
            for len in 0..12 {
                for seed in 0..200 {
                    mutation.apply(&CONTENT[..len], &mut Rng::new(seed));
                }
            }
        }
    }
}
