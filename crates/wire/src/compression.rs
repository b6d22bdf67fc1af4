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
        let result = match self {
            Compression::None => Ok(data.to_vec()),
            Compression::Gzip => gzip(data),
            Compression::Snappy => Ok(snappy(data)),
            Compression::Lz4 => lz4(data),
            Compression::Zstd => zstd::stream::encode_all(data, ZSTD_LEVEL),
        };
        result.expect("writing to memory does not fail")
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

fn gzip(data: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(data)?;
    encoder.finish()
}

/// Independent blocks of 64 KiB without checksums, as Kafka's `Lz4BlockOutputStream` writes them.
fn lz4(data: &[u8]) -> io::Result<Vec<u8>> {
    let info = FrameInfo::new()
        .block_size(BlockSize::Max64KB)
        .block_mode(BlockMode::Independent);
    let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(data)?;
    encoder.finish().map_err(io::Error::other)
}

/// What `SnappyOutputStream` begins with: magic, its version, and the oldest version that can read it.
const XERIAL_HEADER: [u8; 16] = *b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01";
const XERIAL_MAGIC: usize = 8;
const XERIAL_BLOCK: usize = 32 << 10;
/// No element of snappy's format gives more than 64 bytes for 2: what claims more lies.
const SNAPPY_RATIO_MAX: usize = 32;

fn snappy(data: &[u8]) -> Vec<u8> {
    let mut encoder = snap::raw::Encoder::new();
    let mut out = XERIAL_HEADER.to_vec();
    for block in data.chunks(XERIAL_BLOCK) {
        let compressed = encoder
            .compress_vec(block)
            .expect("a block of 32 KiB is not too large");
        out.extend_from_slice(&(compressed.len() as u32).to_be_bytes());
        out.extend_from_slice(&compressed);
    }
    out
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
