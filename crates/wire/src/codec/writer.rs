//! The writing end: small values gathered, large byte fields passed through uncopied.

use bytes::{BufMut, Bytes, BytesMut};

use super::EncodeError;

/// From this size on a byte field becomes a segment of its own instead of being copied.
const OWN_SEGMENT: usize = 1 << 10;

/// Collects the bytes of a message as segments, ready for a vectored write.
#[derive(Debug, Default)]
pub struct Writer {
    done: Vec<Bytes>,
    done_len: usize,
    open: BytesMut,
    unstable: bool,
}

impl Writer {
    /// An empty writer.
    pub fn new() -> Writer {
        Writer::default()
    }

    /// Lets this writer encode versions that Kafka marks unstable.
    pub fn allow_unstable(mut self) -> Writer {
        self.unstable = true;
        self
    }

    /// True if unstable versions may be encoded.
    pub fn allows_unstable(&self) -> bool {
        self.unstable
    }

    /// Bytes written so far.
    pub fn len(&self) -> usize {
        self.done_len + self.open.len()
    }

    /// True if nothing was written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What was written, in order; no segment is empty.
    pub fn finish(mut self) -> Vec<Bytes> {
        self.seal();
        self.done
    }

    /// What was written, in one piece; copies if there is more than one segment.
    pub fn finish_contiguous(self) -> Bytes {
        let len = self.len();
        let mut segments = self.finish();
        if segments.len() <= 1 {
            return segments.pop().unwrap_or_default();
        }
        let mut whole = BytesMut::with_capacity(len);
        segments.iter().for_each(|segment| whole.put_slice(segment));
        whole.freeze()
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) {
        self.open.put_u8(value);
    }

    /// One signed byte.
    pub fn i8(&mut self, value: i8) {
        self.open.put_i8(value);
    }

    /// A big-endian 16-bit integer.
    pub fn i16(&mut self, value: i16) {
        self.open.put_i16(value);
    }

    /// A big-endian 32-bit integer.
    pub fn i32(&mut self, value: i32) {
        self.open.put_i32(value);
    }

    /// A big-endian 64-bit integer.
    pub fn i64(&mut self, value: i64) {
        self.open.put_i64(value);
    }

    /// An unsigned LEB128 integer.
    pub fn uvarint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.open.put_u8(value as u8 | 0x80);
            value >>= 7;
        }
        self.open.put_u8(value as u8);
    }

    /// A string after a 16-bit length, or null, whatever the message's version says.
    pub fn classic_string(&mut self, text: Option<&str>) -> Result<(), EncodeError> {
        let len = text.map_or(Ok(-1), |text| {
            i16::try_from(text.len()).map_err(|_| EncodeError::TooLong(text.len()))
        })?;
        self.i16(len);
        self.slice(text.unwrap_or_default().as_bytes());
        Ok(())
    }

    /// Bytes as they are, copied.
    pub fn slice(&mut self, bytes: &[u8]) {
        self.open.put_slice(bytes);
    }

    /// Bytes as they are; kept without a copy if they are 1 KiB or more.
    pub fn bytes(&mut self, bytes: &Bytes) {
        if bytes.len() < OWN_SEGMENT {
            self.open.put_slice(bytes);
        } else {
            self.seal();
            self.push(bytes.clone());
        }
    }

    /// All that `other` holds, in order.
    pub fn append(&mut self, other: Writer) {
        for segment in other.finish() {
            self.bytes(&segment);
        }
    }

    /// An empty writer with the same permissions.
    pub(crate) fn apart(&self) -> Writer {
        Writer {
            unstable: self.unstable,
            ..Writer::default()
        }
    }

    fn seal(&mut self) {
        if !self.open.is_empty() {
            let sealed = self.open.split().freeze();
            self.push(sealed);
        }
    }

    fn push(&mut self, segment: Bytes) {
        self.done_len += segment.len();
        self.done.push(segment);
    }
}
