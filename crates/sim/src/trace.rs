//! One line for each event: kept, printed, or only counted into a hash.

use crate::queue::Micros;
use std::fmt::{self, Write};

/// What becomes of the lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keep {
    /// Only the hash, which is quick.
    Hash,
    /// All lines in memory.
    Lines,
    /// Printed as they come.
    Print,
}

/// The trace of a run.
#[derive(Debug)]
pub struct Trace {
    keep: Keep,
    hash: u64,
    lines: String,
}

struct Hasher(u64);

impl Write for Hasher {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}

impl Trace {
    /// An empty trace.
    #[must_use]
    pub fn new(keep: Keep) -> Self {
        Self {
            keep,
            hash: 0xcbf2_9ce4_8422_2325,
            lines: String::new(),
        }
    }

    /// One event.
    pub fn line(&mut self, at: Micros, text: fmt::Arguments<'_>) {
        match self.keep {
            Keep::Hash => {
                let mut hasher = Hasher(self.hash);
                let _ = write!(hasher, "{at} {text}");
                self.hash = hasher.0;
            }
            Keep::Lines => {
                let _ = writeln!(self.lines, "{at:>9} {text}");
            }
            Keep::Print => println!("{at:>9} {text}"),
        }
    }

    /// The hash of all lines, if only that is kept.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The lines, if they are kept.
    #[must_use]
    pub fn lines(&self) -> &str {
        &self.lines
    }
}
