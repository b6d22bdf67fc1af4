//! A recovered log's batches, as recovery folds them.

use crate::engine::{Batches, ReplayError};
use once_log::store::{Disk, ReadFailure, SegmentReader, StateSnapshot, Store};
use once_wire::batch::Batch;

/// The batches of a log, read from its files; a snapshot stands for those before it.
pub(crate) struct FileBatches<D: Disk> {
    name: String,
    snapshot: Vec<Batch>,
    from: i64,
    end: i64,
    reader: SegmentReader<D>,
}

impl<D: Disk> FileBatches<D> {
    /// All batches of a recovered log, or those that `snapshot` stands for and what follows it.
    pub(crate) fn of(store: &Store<D>, snapshot: Option<StateSnapshot>) -> Self {
        let (from, snapshot) = snapshot.map_or_else(Default::default, |s| (s.end, s.batches));
        Self {
            name: store.dir().display().to_string(),
            snapshot,
            from,
            end: store.end_offset(),
            reader: store.reader(),
        }
    }

    /// The snapshot and nothing of the log, as a mutant has it.
    pub(super) fn without_log(mut self) -> Self {
        if !self.snapshot.is_empty() {
            self.from = self.end;
        }
        self
    }
}

impl<D: Disk> Batches for FileBatches<D> {
    fn each(
        &self,
        visit: &mut dyn FnMut(&Batch) -> Result<(), ReplayError>,
    ) -> Result<(), ReplayError> {
        for batch in &self.snapshot {
            visit(batch)?;
        }
        let unreadable = |error: ReadFailure| ReplayError {
            place: self.name.clone(),
            offset: -1,
            problem: error.to_string(),
        };
        let batches = self.reader.batches(self.from, self.end);
        for batch in batches.map_err(unreadable)? {
            visit(&batch.map_err(unreadable)?)?;
        }
        Ok(())
    }
}
