//! Kafka's four codecs, each with a bound on what comes out.

mod inflate;

pub(crate) use inflate::Inflate;

use std::io::{self, Write};

use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
use thiserror::Error;

/// How the records of a batch are compressed: bits 0 to 2 of its attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// RFC 1952; several members may follow each other.
    Gzip,
    /// Snappy in the block framing of Java's `SnappyOutputStream`; raw snappy is read too.
    Snappy,
    /// The LZ4 frame format.
    Lz4,
    /// Zstandard frames.
    Zstd,
}

/// The compressed bytes do not decompress, or not within the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CompressionError {
    /// They are not what their codec writes.
    #[error("the {} data is corrupt", .0.name())]
    Corrupt(Compression),
    /// They decompress to more than the reader allows.
    #[error("the data decompresses to more than {limit} bytes")]
    OverLimit {
        /// What was allowed, in bytes.
        limit: usize,
    },
}

impl Compression {
    /// The number in a batch's attributes.
    pub const fn id(self) -> i16 {
        self as i16
    }

    /// The codec of this number, from 0 to 4.
    pub const fn from_id(id: i16) -> Option<Compression> {
        Some(match id {
            0 => Compression::None,
            1 => Compression::Gzip,
            2 => Compression::Snappy,
            3 => Compression::Lz4,
            4 => Compression::Zstd,
            _ => return None,
        })
    }

    /// The name in Kafka's settings, such as `zstd`.
    pub const fn name(self) -> &'static str {
        match self {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Snappy => "snappy",
            Compression::Lz4 => "lz4",
            Compression::Zstd => "zstd",
        }
    }

    /// Compresses as Kafka's Java client does by default.
    pub fn compress(self, data: &[u8]) -> Vec<u8> {
        let whole = |into: &mut dyn Write| into.write_all(data);
        self.encode(whole).expect(MEMORY)
    }

    /// From this codec into another. What lies between is never in memory as a whole.
    ///
    /// # Errors
    /// `data` does not decompress, or to more than `limit` bytes.
    pub fn convert(
        self,
        data: &[u8],
        to: Compression,
        limit: usize,
    ) -> Result<Vec<u8>, CompressionError> {
        let mut inflate = Inflate::new(self, data, limit)?;
        let mut chunk = vec![0; CHUNK_MAX];
        to.encode(|into| {
            loop {
                let read = inflate.read(&mut chunk)?;
                if read == 0 {
                    return Ok(());
                }
                into.write_all(&chunk[..read]).expect(MEMORY);
            }
        })
    }

    /// Compresses what `source` writes.
    fn encode<E>(self, source: impl FnOnce(&mut dyn Write) -> Result<(), E>) -> Result<Vec<u8>, E> {
        let encoded = match self {
            Compression::None => {
                let mut out = Vec::new();
                source(&mut out)?;
                Ok(out)
            }
            Compression::Gzip => {
                let level = flate2::Compression::default();
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
                source(&mut encoder)?;
                encoder.finish()
            }
            Compression::Snappy => {
                let mut encoder = Xerial::new();
                source(&mut encoder)?;
                Ok(encoder.finish())
            }
            Compression::Lz4 => {
                let mut encoder = lz4();
                source(&mut encoder)?;
                encoder.finish().map_err(io::Error::other)
            }
            Compression::Zstd => {
                let mut encoder =
                    zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL).expect(MEMORY);
                source(&mut encoder)?;
                encoder.finish()
            }
        };
        Ok(encoded.expect(MEMORY))
    }

    /// Decompresses to at most `limit` bytes. Memory grows with what comes out, never with what a header
    /// announces, but for a codec's own window.
    pub fn decompress(self, data: &[u8], limit: usize) -> Result<Vec<u8>, CompressionError> {
        let mut inflate = Inflate::new(self, data, limit)?;
        let mut out = Vec::new();
        loop {
            let filled = out.len();
            out.resize(filled + filled.clamp(CHUNK_MIN, CHUNK_MAX), 0);
            let read = inflate.read(&mut out[filled..])?;
            out.truncate(filled + read);
            if read == 0 {
                return Ok(out);
            }
        }
    }
}

/// The least and the most that is asked of a decoder at once: it may give little and is asked again.
const CHUNK_MIN: usize = 4 << 10;
const CHUNK_MAX: usize = 64 << 10;

/// The default of Kafka's `compression.zstd.level`.
const ZSTD_LEVEL: i32 = 3;

const MEMORY: &str = "writing to memory does not fail";

/// Independent blocks of 64 KiB without checksums, as Kafka's `Lz4BlockOutputStream` writes them.
fn lz4() -> FrameEncoder<Vec<u8>> {
    let info = FrameInfo::new()
        .block_size(BlockSize::Max64KB)
        .block_mode(BlockMode::Independent);
    FrameEncoder::with_frame_info(info, Vec::new())
}

/// What `SnappyOutputStream` begins with: magic, its version, and the oldest version that can read it.
const XERIAL_HEADER: [u8; 16] = *b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01";
const XERIAL_MAGIC: usize = 8;
const XERIAL_BLOCK: usize = 32 << 10;
/// No element of snappy's format gives more than 64 bytes for 2: what claims more lies.
const SNAPPY_RATIO_MAX: usize = 32;

/// Writes the block framing of Java's `SnappyOutputStream`.
struct Xerial {
    out: Vec<u8>,
    /// What does not fill a block yet.
    block: Vec<u8>,
    encoder: snap::raw::Encoder,
}

impl Xerial {
    fn new() -> Self {
        Xerial {
            out: XERIAL_HEADER.to_vec(),
            block: Vec::with_capacity(XERIAL_BLOCK),
            encoder: snap::raw::Encoder::new(),
        }
    }

    fn end_block(&mut self) {
        let compressed = self
            .encoder
            .compress_vec(&self.block)
            .expect("a block of 32 KiB is not too large");
        let len = u32::try_from(compressed.len()).expect("a block of 32 KiB stays small");
        self.out.extend_from_slice(&len.to_be_bytes());
        self.out.extend_from_slice(&compressed);
        self.block.clear();
    }

    fn finish(mut self) -> Vec<u8> {
        if !self.block.is_empty() {
            self.end_block();
        }
        self.out
    }
}

impl Write for Xerial {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let taken = data.len().min(XERIAL_BLOCK - self.block.len());
        self.block.extend_from_slice(&data[..taken]);
        if self.block.len() == XERIAL_BLOCK {
            self.end_block();
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn unsnappy_block(block: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), CompressionError> {
    let corrupt = CompressionError::Corrupt(Compression::Snappy);
    let len = snap::raw::decompress_len(block).map_err(|_| corrupt)?;
    if len > limit - out.len() {
        return Err(CompressionError::OverLimit { limit });
    }
    if len > block.len().saturating_mul(SNAPPY_RATIO_MAX) {
        return Err(corrupt);
    }
    let start = out.len();
    out.resize(start + len, 0);
    let written = snap::raw::Decoder::new().decompress(block, &mut out[start..]);
    if written == Ok(len) {
        Ok(())
    } else {
        Err(corrupt)
    }
}

#[cfg(test)]
mod tests;
