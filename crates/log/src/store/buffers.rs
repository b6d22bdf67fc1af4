//! Buffers that file reads fill again and again.
//!
//! A fresh megabyte costs more than reading it: the system hands it out page by page, each zeroed,
//! and takes it back when the answer is sent. So large buffers are kept for the next read, up to a
//! bound.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// Smaller buffers are not worth keeping.
const LEAST: usize = 32 << 10;
/// Lengths are rounded up to this, so that reads of about the same size share buffers.
const GRAIN: usize = 256 << 10;

/// Buffers for reads. Cloning is cheap, and clones share them.
#[derive(Clone, Debug)]
pub struct ReadBuffers {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    idle: Mutex<Idle>,
    most: usize,
}

#[derive(Debug, Default)]
struct Idle {
    buffers: Vec<Vec<u8>>,
    bytes: usize,
}

impl ReadBuffers {
    /// None yet, and never more than `most` bytes of idle ones.
    #[must_use]
    pub fn new(most: usize) -> Self {
        let idle = Mutex::default();
        ReadBuffers {
            shared: Arc::new(Shared { idle, most }),
        }
    }

    /// `len` bytes of any content, as `fill` leaves them: it answers how many it filled, and the rest is cut off.
    /// The buffer comes back when the last of the [`Bytes`] goes.
    ///
    /// # Errors
    /// Those of `fill`.
    pub fn fill<E>(
        &self,
        len: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<Bytes, E> {
        if len < LEAST {
            let mut bytes = vec![0; len];
            let filled = fill(&mut bytes)?;
            bytes.truncate(filled);
            return Ok(bytes.into());
        }
        let mut lent = Lent {
            bytes: self.shared.take(len),
            filled: 0,
            home: Arc::clone(&self.shared),
        };
        lent.filled = fill(&mut lent.bytes[..len])?.min(len);
        Ok(Bytes::from_owner(lent))
    }
}

impl Shared {
    /// The smallest idle buffer that is long enough and not far too long, or a new one.
    fn take(&self, len: usize) -> Vec<u8> {
        let len = len.next_multiple_of(GRAIN);
        let mut idle = self.idle();
        let fitting = idle
            .buffers
            .iter()
            .enumerate()
            .filter(|(_, buffer)| (len..=2 * len).contains(&buffer.len()))
            .min_by_key(|(_, buffer)| buffer.len())
            .map(|(index, _)| index);
        match fitting {
            Some(index) => {
                let buffer = idle.buffers.swap_remove(index);
                idle.bytes -= buffer.len();
                buffer
            }
            None => {
                drop(idle);
                vec![0; len]
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A buffer that goes home when it is dropped.
struct Lent {
    bytes: Vec<u8>,
    filled: usize,
    home: Arc<Shared>,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut idle = self.home.idle();
        if idle.bytes + self.bytes.len() <= self.home.most {
            idle.bytes += self.bytes.len();
            idle.buffers.push(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(buffers: &ReadBuffers, len: usize, with: u8) -> Bytes {
        let all = |bytes: &mut [u8]| {
            bytes.fill(with);
            Ok::<_, ()>(bytes.len())
        };
        buffers.fill(len, all).expect("fills")
    }

    #[test]
    fn a_buffer_is_used_again_only_when_nobody_reads_it() {
        let buffers = ReadBuffers::new(4 << 20);
        let first = filled(&buffers, 1 << 20, 1);
        let part = first.slice(5..10);
        drop(first);
        let second = filled(&buffers, 1 << 20, 2);
        assert_eq!(part, [1; 5][..], "still read, so not used again");
        let place = second.as_ptr();
        drop((part, second));
        let third = filled(&buffers, (1 << 20) - 100, 3);
        let fourth = filled(&buffers, 1 << 20, 4);
        assert!([third.as_ptr(), fourth.as_ptr()].contains(&place));
        assert_eq!(third.len(), (1 << 20) - 100);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let buffers = ReadBuffers::new(1 << 20);
        let lent: Vec<Bytes> = (0..8).map(|n| filled(&buffers, 512 << 10, n)).collect();
        drop(lent);
        assert_eq!(buffers.shared.idle().bytes, 1 << 20);
        assert_eq!(buffers.shared.idle().buffers.len(), 2);
    }

    #[test]
    fn what_was_not_filled_is_not_seen() {
        let buffers = ReadBuffers::new(1 << 20);
        drop(filled(&buffers, 256 << 10, 9));
        let short = buffers.fill(256 << 10, |bytes| {
            bytes[..3].copy_from_slice(b"end");
            Ok::<_, ()>(3)
        });
        assert_eq!(short, Ok(Bytes::from_static(b"end")));
    }
}
