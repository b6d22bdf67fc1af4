//! What is recorded of a connection: each request as it came, and the answer to it.

use serde_json::{Value, json};

/// A request and its answer, whole frames without their lengths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Exchange {
    /// The connection's number.
    pub(super) connection: u64,
    /// The client's name for itself.
    pub(super) client: String,
    pub(super) key: i16,
    pub(super) version: i16,
    /// When the request went on, counted in frames of all connections.
    pub(super) sent: usize,
    /// When the answer came, counted likewise.
    pub(super) answered: Option<usize>,
    /// The answer was kept from the client, and the connection cut.
    pub(super) lost: bool,
    pub(super) request: Vec<u8>,
    pub(super) answer: Vec<u8>,
}

impl Exchange {
    /// One line of a transcript.
    pub(super) fn line(&self) -> Value {
        json!({
            "connection": self.connection,
            "client": self.client,
            "key": self.key,
            "version": self.version,
            "sent": self.sent,
            "answered": self.answered,
            "lost": self.lost,
            "request": hex(&self.request),
            "answer": hex(&self.answer),
        })
    }
}

/// Two digits a byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
