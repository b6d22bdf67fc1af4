//! Decompression piece by piece: what comes out is never all in memory.

use std::io::{ErrorKind, Read};

use lz4_flex::frame::FrameDecoder;

use super::{Compression, CompressionError, XERIAL_HEADER, XERIAL_MAGIC, unsnappy_block};

/// A compressed stream being read, to at most a number of bytes.
pub(crate) struct Inflate<'a> {
    codec: Compression,
    limit: usize,
    given: usize,
    source: Source<'a>,
}

enum Source<'a> {
    Stream(Box<dyn Read + 'a>),
    Snappy(Snappy<'a>),
}

impl<'a> Inflate<'a> {
    pub(crate) fn new(
        codec: Compression,
        data: &'a [u8],
        limit: usize,
    ) -> Result<Inflate<'a>, CompressionError> {
        let source = match codec {
            Compression::None => Source::Stream(Box::new(data)),
            Compression::Gzip => {
                Source::Stream(Box::new(flate2::bufread::MultiGzDecoder::new(data)))
            }
            Compression::Snappy => Source::Snappy(Snappy::new(data)?),
            Compression::Lz4 => Source::Stream(Box::new(FrameDecoder::new(data))),
            Compression::Zstd => {
                let decoder = zstd::stream::read::Decoder::with_buffer(data);
                Source::Stream(Box::new(
                    decoder.map_err(|_| CompressionError::Corrupt(codec))?,
                ))
            }
        };
        Ok(Inflate {
            codec,
            limit,
            given: 0,
            source,
        })
    }

    /// The next bytes; none at the end of the stream.
    pub(crate) fn read(&mut self, into: &mut [u8]) -> Result<usize, CompressionError> {
        let over = CompressionError::OverLimit { limit: self.limit };
        let read = match &mut self.source {
            Source::Snappy(snappy) => {
                let read = snappy.read(into, self.limit - self.given);
                read.map_err(|error| match error {
                    CompressionError::OverLimit { .. } => over,
                    CompressionError::Corrupt(_) => error,
                })?
            }
            Source::Stream(stream) => loop {
                match stream.read(into) {
                    Ok(read) => break read,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(_) => return Err(CompressionError::Corrupt(self.codec)),
                }
            },
        };
        if read > self.limit - self.given {
            return Err(over);
        }
        self.given += read;
        Ok(read)
    }
}

/// Snappy has no stream of its own: one block after the other is unpacked.
struct Snappy<'a> {
    rest: &'a [u8],
    framed: bool,
    block: Vec<u8>,
    at: usize,
}

impl<'a> Snappy<'a> {
    fn new(data: &'a [u8]) -> Result<Snappy<'a>, CompressionError> {
        let framed = data.starts_with(&XERIAL_HEADER[..XERIAL_MAGIC]);
        let from = if framed { XERIAL_HEADER.len() } else { 0 };
        let rest = data
            .get(from..)
            .ok_or(CompressionError::Corrupt(Compression::Snappy))?;
        Ok(Snappy {
            rest,
            framed,
            block: Vec::new(),
            at: 0,
        })
    }

    fn read(&mut self, into: &mut [u8], limit: usize) -> Result<usize, CompressionError> {
        while self.at == self.block.len() {
            if self.rest.is_empty() {
                return Ok(0);
            }
            let block = self.next_block()?;
            self.block.clear();
            self.at = 0;
            unsnappy_block(block, limit, &mut self.block)?;
        }
        let ready = &self.block[self.at..];
        let read = ready.len().min(into.len());
        into[..read].copy_from_slice(&ready[..read]);
        self.at += read;
        Ok(read)
    }

    fn next_block(&mut self) -> Result<&'a [u8], CompressionError> {
        if !self.framed {
            return Ok(std::mem::take(&mut self.rest));
        }
        let corrupt = CompressionError::Corrupt(Compression::Snappy);
        let (len, after) = self.rest.split_first_chunk().ok_or(corrupt)?;
        let (block, after) = after
            .split_at_checked(u32::from_be_bytes(*len) as usize)
            .ok_or(corrupt)?;
        self.rest = after;
        Ok(block)
    }
}
