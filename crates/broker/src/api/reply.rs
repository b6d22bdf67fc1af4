//! A response as the bytes of one frame, in pieces: record data is not copied.

use bytes::{BufMut, Bytes, BytesMut};
use once_wire::codec::{EncodeError, Message, Writer};

/// The pieces of one frame, its length prefix included.
pub(crate) type Frames = Vec<Bytes>;

/// Encodes a response with its header (version 0: correlation id; version 1: and tagged fields)
/// and its length prefix.
///
/// # Errors
/// The response holds a value that `version` cannot carry.
pub(crate) fn encode_reply<R: Message>(
    correlation_id: i32,
    header_version: i16,
    response: &R,
    version: i16,
) -> Result<Frames, EncodeError> {
    let mut body = Writer::new();
    response.encode(&mut body, version)?;
    let body = body.finish();
    let header_len = 4 + usize::from(header_version > 0);
    let body_len: usize = body.iter().map(Bytes::len).sum();
    let frame_len = i32::try_from(header_len + body_len)
        .map_err(|_| EncodeError::TooLong(header_len + body_len))?;

    let small = body.first().map_or(0, Bytes::len);
    let mut head = BytesMut::with_capacity(4 + header_len + small);
    head.put_i32(frame_len);
    head.put_i32(correlation_id);
    if header_version > 0 {
        head.put_u8(0);
    }
    let mut frames = Vec::with_capacity(body.len());
    let mut rest = body.into_iter();
    if let Some(first) = rest.next() {
        head.put_slice(&first);
    }
    frames.push(head.freeze());
    frames.extend(rest);
    Ok(frames)
}
