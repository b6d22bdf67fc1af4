//! Frames: each request and response goes after its length, in 32 bits.

use bytes::buf::Limit;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use thiserror::Error;

/// A frame that is refused before its content is read. The stream cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// The announced length exceeds the limit (Kafka's `socket.request.max.bytes`).
    #[error("a frame of {announced} bytes where {max} are allowed")]
    TooLarge {
        /// What the sender announced.
        announced: usize,
        /// The limit.
        max: usize,
    },
    /// The announced length is negative.
    #[error("a frame of {0} bytes")]
    Negative(i32),
}

/// Gathers received bytes and gives them out frame by frame.
///
/// It grows with the bytes received, never with the length announced: a sender that announces 100 MiB and
/// sends nothing costs nothing.
#[derive(Debug)]
pub struct FrameBuffer {
    max: usize,
    received: Limit<BytesMut>,
}

const PREFIX: usize = 4;
/// The least and the most that is offered to one read.
const READ_MIN: usize = 4 << 10;
const READ_MAX: usize = 256 << 10;

impl FrameBuffer {
    /// An empty buffer that refuses frames above `max` bytes.
    pub fn new(max: usize) -> FrameBuffer {
        FrameBuffer {
            max,
            received: BytesMut::new().limit(0),
        }
    }

    /// Adds received bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.received.get_mut().extend_from_slice(bytes);
    }

    /// How much the next read should be offered: at least 4 KiB, at most as much as is held already, so
    /// that memory at most doubles; nothing beyond the current frame if that is large.
    pub fn wanted(&self) -> usize {
        let held = self.len();
        let most = held.clamp(READ_MIN, READ_MAX);
        match self.announced() {
            Some(Ok(frame)) if PREFIX + frame > held => {
                (PREFIX + frame - held).clamp(READ_MIN, most)
            }
            _ => READ_MIN,
        }
    }

    /// Room for [`wanted`](Self::wanted) more bytes, to read into.
    pub fn space(&mut self) -> &mut Limit<BytesMut> {
        let wanted = self.wanted();
        self.received.get_mut().reserve(wanted);
        self.received.set_limit(wanted);
        &mut self.received
    }

    /// The next whole frame, without its length; `None` until more is received.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, FrameError> {
        let Some(announced) = self.announced() else {
            return Ok(None);
        };
        let frame = announced?;
        let received = self.received.get_mut();
        if received.len() < PREFIX + frame {
            return Ok(None);
        }
        received.advance(PREFIX);
        Ok(Some(received.split_to(frame).freeze()))
    }

    /// Bytes received and not given out.
    pub fn len(&self) -> usize {
        self.received.get_ref().len()
    }

    /// True if nothing is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory held, room for further ones included.
    pub fn capacity(&self) -> usize {
        self.received.get_ref().capacity()
    }

    fn announced(&self) -> Option<Result<usize, FrameError>> {
        let prefix = self.received.get_ref().first_chunk::<PREFIX>()?;
        let announced = i32::from_be_bytes(*prefix);
        Some(match usize::try_from(announced) {
            Err(_) => Err(FrameError::Negative(announced)),
            Ok(announced) if announced > self.max => Err(FrameError::TooLarge {
                announced,
                max: self.max,
            }),
            Ok(announced) => Ok(announced),
        })
    }
}

/// The length that goes before a frame.
///
/// # Panics
/// If the frame is 2 GiB or more; nothing of that size is ever gathered.
pub fn prefix(frame_len: usize) -> [u8; 4] {
    i32::try_from(frame_len)
        .expect("a frame is smaller than 2 GiB")
        .to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_however_the_bytes_come_in() {
        let frames: [&[u8]; 4] = [b"one", b"", b"three", &[7; 70_000]];
        let stream: Vec<u8> = frames
            .iter()
            .flat_map(|f| [&prefix(f.len()), *f].concat())
            .collect();
        for step in [1, 3, 1000, stream.len()] {
            let mut buffer = FrameBuffer::new(70_000);
            let mut out = Vec::new();
            for part in stream.chunks(step) {
                buffer.feed(part);
                while let Some(frame) = buffer.next_frame().expect("no frame is too large") {
                    out.push(frame);
                }
            }
            assert_eq!(out, frames);
            assert!(buffer.is_empty());
        }
    }

    #[test]
    fn memory_follows_what_was_received_not_what_was_announced() {
        let mut buffer = FrameBuffer::new(100 << 20);
        buffer.feed(&prefix(100 << 20));
        for _ in 0..200 {
            let space = buffer.space();
            assert!(space.remaining_mut() >= READ_MIN);
            // A slow sender: 1000 bytes at a time.
            space.put_slice(&[0; 1000]);
            assert_eq!(buffer.next_frame(), Ok(None));
            assert!(
                buffer.capacity() <= 4 * buffer.len().max(READ_MIN),
                "{}",
                buffer.capacity()
            );
        }
    }

    #[test]
    fn an_absurd_length_is_refused_at_once() {
        let refused = |prefix: i32| {
            let mut buffer = FrameBuffer::new(1000);
            buffer.feed(&prefix.to_be_bytes());
            buffer.next_frame()
        };
        assert_eq!(
            refused(1001),
            Err(FrameError::TooLarge {
                announced: 1001,
                max: 1000
            })
        );
        assert_eq!(refused(-1), Err(FrameError::Negative(-1)));
        assert_eq!(refused(1000), Ok(None));
    }

    #[test]
    fn a_read_is_offered_no_more_than_is_wanted() {
        let mut buffer = FrameBuffer::new(1 << 20);
        assert_eq!(buffer.space().remaining_mut(), buffer.wanted());
        buffer.feed(&prefix(1 << 20));
        buffer.feed(&[0; 100_000]);
        assert_eq!(buffer.wanted(), 100_004);
        assert_eq!(buffer.space().remaining_mut(), 100_004);
    }
}
