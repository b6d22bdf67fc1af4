//! Frames: four bytes of length, then so many of content.

use std::io;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The largest frame passed on: Kafka's `socket.request.max.bytes`.
const FRAME_MAX: u32 = 100 << 20;

/// The next frame's content; `None` at a clean end. Memory grows with what arrives, not with what
/// is announced.
pub(super) async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Bytes>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        outcome => outcome?,
    };
    let length = u32::from_be_bytes(length);
    if length > FRAME_MAX {
        let message = format!("a frame announces {length} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    let mut content = Vec::new();
    from.take(u64::from(length))
        .read_to_end(&mut content)
        .await?;
    if content.len() < length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(content.into()))
}

/// Writes a frame.
pub(super) async fn write(to: &mut (impl AsyncWrite + Unpin), content: &[u8]) -> io::Result<()> {
    let length = u32::try_from(content.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // One write, so that a small frame is one packet.
    let mut frame = Vec::with_capacity(4 + content.len());
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(content);
    to.write_all(&frame).await
}
