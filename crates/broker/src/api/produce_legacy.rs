//! Produce of versions 0–2, which Kafka 4 advertises and does not serve.
//!
//! The version range is advertised for librdkafka's sake; a client that really sends one of
//! these gets UNSUPPORTED_VERSION for every partition, in that version's own shape. Only the names
//! and indexes are read; the messages of those formats are skipped.

use super::{Call, Outcome, Wake};
use crate::engine::Context;
use bytes::{BufMut, BytesMut};
use once_wire::codec::{DecodeError, Reader};
use once_wire::error::ErrorCode;

struct ProduceLegacy {
    version: i16,
    acks: i16,
    topics: Vec<(String, Vec<i32>)>,
}

/// Reads a request of version 0, 1 or 2; they have one shape.
pub(crate) fn parse(reader: &mut Reader, version: i16) -> Result<Box<dyn Call>, DecodeError> {
    let acks = reader.i16()?;
    let _timeout_ms = reader.i32()?;
    let mut topics = Vec::new();
    for _ in 0..count(reader)? {
        let name = reader.classic_string()?.unwrap_or_default();
        let mut partitions = Vec::new();
        for _ in 0..count(reader)? {
            partitions.push(reader.i32()?);
            let messages = usize::try_from(reader.i32()?).unwrap_or(0);
            reader.take(messages)?;
        }
        topics.push((name, partitions));
    }
    Ok(Box::new(ProduceLegacy {
        version,
        acks,
        topics,
    }))
}

/// An array's length; each element takes at least six bytes, so the loop above ends early on a
/// length that lies.
fn count(reader: &mut Reader) -> Result<i32, DecodeError> {
    Ok(reader.i32()?.max(0))
}

impl Call for ProduceLegacy {
    fn start(&mut self, cx: &mut Context<'_>) -> Outcome {
        if self.acks == 0 {
            return Outcome::Close(format!("produce v{} is not served", self.version));
        }
        let mut body = BytesMut::new();
        body.put_i32(cx.correlation_id);
        body.put_i32(length(self.topics.len()));
        for (name, partitions) in &self.topics {
            body.put_i16(i16::try_from(name.len()).unwrap_or(i16::MAX));
            body.put_slice(name.as_bytes());
            body.put_i32(length(partitions.len()));
            for partition in partitions {
                body.put_i32(*partition);
                body.put_i16(ErrorCode::UnsupportedVersion.code());
                body.put_i64(-1);
                if self.version >= 2 {
                    body.put_i64(-1);
                }
            }
        }
        if self.version >= 1 {
            body.put_i32(0);
        }
        let mut head = BytesMut::new();
        head.put_i32(length(body.len()));
        Outcome::Reply(vec![head.freeze(), body.freeze()])
    }

    fn wake(&mut self, _: &mut Context<'_>, _: Wake) -> Outcome {
        Outcome::Parked
    }
}

fn length(len: usize) -> i32 {
    i32::try_from(len).unwrap_or(i32::MAX)
}
