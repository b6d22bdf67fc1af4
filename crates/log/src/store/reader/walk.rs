//! Walking a file from header to header.

use std::path::Path;

use once_wire::batch::{BatchError, BatchHeader, HEADER_SIZE};

use crate::read::FileRange;
use crate::store::disk::Disk;
use crate::store::error::ReadFailure;
use crate::store::names::Kind;

/// Where a walk begins, and what is known of the batch there.
#[derive(Clone, Copy)]
pub(super) struct Start {
    pub(super) position: u64,
    /// It begins at this offset, or later if it is known where it ends.
    pub(super) next: i64,
    /// Where it ends.
    pub(super) last: Option<i64>,
}

impl Start {
    /// Where the log's state says that a range's walk may begin.
    pub(super) fn planned(range: &FileRange) -> Self {
        Start {
            position: range.position,
            next: range.segment,
            last: range.last,
        }
    }
}

/// Bytes read at once.
const WALK_BYTES: usize = 8 * 1024;

/// Headers of one file, read a block at a time.
pub(super) struct Walk<'a, D: Disk> {
    disk: &'a D,
    file: &'a D::File,
    at: u64,
    block: Vec<u8>,
}

pub(super) enum WalkFailure {
    Io(std::io::Error),
    Batch(BatchError),
}

impl WalkFailure {
    pub(super) fn at(self, dir: &Path, segment: i64, position: u64) -> ReadFailure {
        let path = Kind::Log.path(dir, segment);
        match self {
            WalkFailure::Io(e) => ReadFailure::io(path, e),
            WalkFailure::Batch(e) => ReadFailure::Corrupt {
                path,
                position,
                reason: e.to_string(),
            },
        }
    }
}

impl<'a, D: Disk> Walk<'a, D> {
    pub(super) fn new(disk: &'a D, file: &'a D::File) -> Self {
        Walk {
            disk,
            file,
            at: 0,
            block: Vec::new(),
        }
    }

    pub(super) fn header(&mut self, position: u64) -> Result<BatchHeader, WalkFailure> {
        let inside = position
            .checked_sub(self.at)
            .and_then(|n| usize::try_from(n).ok());
        let held = inside
            .and_then(|n| self.block.get(n..))
            .filter(|rest| rest.len() >= HEADER_SIZE);
        if let Some(rest) = held {
            return BatchHeader::read(rest).map_err(WalkFailure::Batch);
        }
        self.block.resize(WALK_BYTES, 0);
        let read = self
            .disk
            .read_at(self.file, position, &mut self.block)
            .map_err(WalkFailure::Io)?;
        self.block.truncate(read);
        self.at = position;
        BatchHeader::read(&self.block).map_err(WalkFailure::Batch)
    }
}
