//! Writing a history as it happens, line by line.

use std::collections::BTreeMap;
use std::io::Write;

use super::{Event, HistoryError, Kind, Op, OpId};

/// Writes events as they happen. Callers in several threads share it behind a mutex: the order in
/// which they get it is the order of the history.
#[derive(Debug)]
pub struct HistoryWriter<W> {
    out: W,
    next: u64,
    under_way: BTreeMap<OpId, (u32, Op)>,
}

impl<W: Write> HistoryWriter<W> {
    /// Begins a history. `out` had better be buffered.
    pub fn new(out: W) -> Self {
        Self {
            out,
            next: 0,
            under_way: BTreeMap::new(),
        }
    }

    /// An operation begins: to be called before its request leaves.
    ///
    /// # Errors
    /// The line cannot be written.
    pub fn invoke(
        &mut self,
        time_us: u64,
        process: u32,
        op: impl Into<Op>,
    ) -> Result<OpId, HistoryError> {
        let id = OpId(self.next);
        self.next += 1;
        let event = Event {
            time_us,
            process,
            id: Some(id),
            kind: Kind::Invoke,
            op: op.into(),
        };
        line(&mut self.out, &event)?;
        self.under_way.insert(id, (process, event.op));
        Ok(id)
    }

    /// An operation ends; without `op` it is as it was invoked.
    ///
    /// # Errors
    /// It is not under way, or the line cannot be written.
    pub fn complete(
        &mut self,
        time_us: u64,
        id: OpId,
        kind: Kind,
        op: Option<Op>,
    ) -> Result<(), HistoryError> {
        let (process, invoked) = self
            .under_way
            .remove(&id)
            .ok_or(HistoryError::NotUnderWay(id.0))?;
        let event = Event {
            time_us,
            process,
            id: Some(id),
            kind,
            op: op.unwrap_or(invoked),
        };
        line(&mut self.out, &event)
    }

    /// A single event: see [`super::History::event`].
    ///
    /// # Errors
    /// The line cannot be written.
    pub fn event(
        &mut self,
        time_us: u64,
        process: u32,
        kind: Kind,
        op: impl Into<Op>,
    ) -> Result<(), HistoryError> {
        let event = Event {
            time_us,
            process,
            id: None,
            kind,
            op: op.into(),
        };
        line(&mut self.out, &event)
    }

    /// Flushes, and gives back what the lines went to. What is still under way stays without a
    /// completion, which means the same as `info`.
    ///
    /// # Errors
    /// The flush fails.
    pub fn finish(mut self) -> Result<W, HistoryError> {
        self.out.flush()?;
        Ok(self.out)
    }
}

/// One event, one line.
pub(super) fn line(out: &mut impl Write, event: &Event) -> Result<(), HistoryError> {
    serde_json::to_writer(&mut *out, event).map_err(std::io::Error::from)?;
    out.write_all(b"\n")?;
    Ok(())
}
