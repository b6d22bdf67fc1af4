//! The reading end: a cursor over a frame that never trusts a length.

use bytes::Bytes;

use super::DecodeError;

/// A cursor over one frame. It owns the frame, so that `bytes` and `records` fields are slices of it.
///
/// Two bounds hold whatever the bytes say: no length exceeds the bytes that remain, and all structures
/// decoded (vectors, strings; not byte slices) together take at most the reader's budget of memory.
#[derive(Debug)]
pub struct Reader {
    frame: Bytes,
    at: usize,
    /// Where reading must stop: the end of the frame, or of the tagged field being read.
    end: usize,
    budget: usize,
    spent: usize,
    unstable: bool,
}

const BUDGET_BASE: usize = 64 << 10;
const BUDGET_PER_BYTE: usize = 16;

/// What the structures of a frame may take in memory at most, in bytes.
const BUDGET_MAX: usize = 16 << 20;

/// A budget of memory for a frame of `len` bytes: 64 KiB, and `growth` bytes for each of its bytes; at most
/// 16 MiB.
pub fn budget(len: usize, growth: usize) -> usize {
    len.saturating_mul(growth)
        .saturating_add(BUDGET_BASE)
        .min(BUDGET_MAX)
}

impl Reader {
    /// Reads `frame` with the default budget: 64 KiB and 16 bytes per byte of the frame, at most 16 MiB.
    pub fn new(frame: Bytes) -> Reader {
        let budget = budget(frame.len(), BUDGET_PER_BYTE);
        Reader::with_budget(frame, budget)
    }

    /// Reads `frame`; the decoded structures take at most `budget` bytes of memory.
    pub fn with_budget(frame: Bytes, budget: usize) -> Reader {
        let end = frame.len();
        Reader {
            frame,
            at: 0,
            end,
            budget,
            spent: 0,
            unstable: false,
        }
    }

    /// Lets this reader decode versions that Kafka marks unstable.
    pub fn allow_unstable(mut self) -> Reader {
        self.unstable = true;
        self
    }

    /// True if unstable versions may be decoded.
    pub fn allows_unstable(&self) -> bool {
        self.unstable
    }

    /// Bytes of memory that the structures decoded so far take, beside the frame.
    pub fn spent(&self) -> usize {
        self.spent
    }

    /// Bytes not read yet.
    pub fn remaining(&self) -> usize {
        self.end - self.at
    }

    /// Everything not read yet, as a slice of the frame.
    pub fn rest(&mut self) -> Bytes {
        let rest = self.frame.slice(self.at..self.end);
        self.at = self.end;
        rest
    }

    /// The next `len` bytes, as a slice of the frame.
    pub fn take(&mut self, len: usize) -> Result<Bytes, DecodeError> {
        self.need(len)?;
        let taken = self.frame.slice(self.at..self.at + len);
        self.at += len;
        Ok(taken)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        Ok(self.array::<1>()?[0])
    }

    /// One signed byte.
    pub fn i8(&mut self) -> Result<i8, DecodeError> {
        self.array().map(i8::from_be_bytes)
    }

    /// A big-endian 16-bit integer.
    pub fn i16(&mut self) -> Result<i16, DecodeError> {
        self.array().map(i16::from_be_bytes)
    }

    /// A big-endian 32-bit integer.
    pub fn i32(&mut self) -> Result<i32, DecodeError> {
        self.array().map(i32::from_be_bytes)
    }

    /// A big-endian 64-bit integer.
    pub fn i64(&mut self) -> Result<i64, DecodeError> {
        self.array().map(i64::from_be_bytes)
    }

    /// An unsigned LEB128 integer of at most 32 bits.
    pub fn uvarint(&mut self) -> Result<u32, DecodeError> {
        let mut value = 0u32;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.u8()?;
            // The fifth byte has room for four bits only.
            if shift == 28 && byte > 0x0f {
                return Err(DecodeError::VarintTooLong);
            }
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        Ok(value)
    }

    /// A string with a 16-bit length, or null, whatever the message's version says: what Kafka uses in
    /// places that every version must understand.
    pub fn classic_string(&mut self) -> Result<Option<String>, DecodeError> {
        match self.i16()? {
            -1 => Ok(None),
            len => self.utf8(i64::from(len)).map(Some),
        }
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        match self.frame[self.at..self.end].first_chunk::<N>() {
            Some(bytes) => {
                self.at += N;
                Ok(*bytes)
            }
            None => Err(self.truncated(N)),
        }
    }

    /// A string of `len` bytes, its memory charged to the budget.
    pub(crate) fn utf8(&mut self, len: i64) -> Result<String, DecodeError> {
        let len = self.length(len, 1)?;
        self.charge(len)?;
        let text = std::str::from_utf8(&self.frame[self.at..self.at + len]);
        let text = text.map_err(|_| DecodeError::InvalidUtf8)?.to_owned();
        self.at += len;
        Ok(text)
    }

    /// Checks an announced number of elements of at least `min_size` bytes each against what remains.
    pub(crate) fn length(&self, announced: i64, min_size: usize) -> Result<usize, DecodeError> {
        let len = usize::try_from(announced).map_err(|_| DecodeError::InvalidLength(announced))?;
        let needed = len.saturating_mul(min_size);
        if needed > self.remaining() {
            Err(self.truncated(needed))
        } else {
            Ok(len)
        }
    }

    /// Takes `memory` bytes from the budget.
    pub(crate) fn charge(&mut self, memory: usize) -> Result<(), DecodeError> {
        self.spent = self.spent.saturating_add(memory);
        if self.spent > self.budget {
            Err(DecodeError::OverBudget {
                budget: self.budget,
            })
        } else {
            Ok(())
        }
    }

    /// Runs `read` on the next `size` bytes alone; gives its result and the bytes it left unread.
    pub(crate) fn within<T>(
        &mut self,
        size: usize,
        read: impl FnOnce(&mut Reader) -> Result<T, DecodeError>,
    ) -> Result<(T, usize), DecodeError> {
        self.need(size)?;
        let outer = std::mem::replace(&mut self.end, self.at + size);
        let result = read(self);
        let left = self.remaining();
        self.end = outer;
        Ok((result?, left))
    }

    fn need(&self, len: usize) -> Result<(), DecodeError> {
        if len > self.remaining() {
            Err(self.truncated(len))
        } else {
            Ok(())
        }
    }

    #[cold]
    fn truncated(&self, needed: usize) -> DecodeError {
        DecodeError::Truncated {
            needed,
            remaining: self.remaining(),
        }
    }
}
