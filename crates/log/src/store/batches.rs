//! The batches of files, one after the other.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use once_wire::batch::{Batch, BatchError, BatchHeader, HEADER_SIZE};

use super::disk::Disk;
use super::error::ReadFailure;
use super::names::Kind;

/// Bytes read at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// The batches of one `.log` file from a position on, each checked whole.
pub(crate) struct FileBatches<D: Disk> {
    disk: Arc<D>,
    file: D::File,
    path: PathBuf,
    position: u64,
    len: u64,
    /// Nothing at or beyond this offset is looked at: it may be half written.
    upper: i64,
    reached: i64,
    buffer: Bytes,
}

impl<D: Disk> FileBatches<D> {
    /// From `position`, where a batch begins, to the end of the file or the offset `upper`.
    pub(crate) fn open(
        disk: &Arc<D>,
        dir: &Path,
        segment: i64,
        position: u64,
        upper: i64,
    ) -> Result<Self, ReadFailure> {
        Self::open_path(disk, Kind::Log.path(dir, segment), position, upper)
    }

    /// As [`FileBatches::open`], of a file under any name.
    pub(crate) fn open_path(
        disk: &Arc<D>,
        path: PathBuf,
        position: u64,
        upper: i64,
    ) -> Result<Self, ReadFailure> {
        let file = disk.open(&path, false);
        let file = file.map_err(|e| ReadFailure::io(path.clone(), e))?;
        Self::of_file(disk, file, path, position, upper)
    }

    /// As [`FileBatches::open`], of an open file; `path` names it in failures.
    pub(crate) fn of_file(
        disk: &Arc<D>,
        file: D::File,
        path: PathBuf,
        position: u64,
        upper: i64,
    ) -> Result<Self, ReadFailure> {
        let len = disk.len(&file);
        let len = len.map_err(|e| ReadFailure::io(path.clone(), e))?;
        let (disk, buffer) = (Arc::clone(disk), Bytes::new());
        Ok(FileBatches {
            disk,
            file,
            path,
            position,
            len,
            upper,
            reached: i64::MIN,
            buffer,
        })
    }

    /// The file that is read.
    pub(crate) fn file(&self) -> &D::File {
        &self.file
    }

    /// Where the next batch begins.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// The next batch, `None` at the end.
    pub(crate) fn next_batch(&mut self) -> Result<Option<Batch>, ReadFailure> {
        if self.position >= self.len || self.reached >= self.upper {
            return Ok(None);
        }
        self.fill(HEADER_SIZE)?;
        let header = BatchHeader::read(&self.buffer).map_err(|e| self.corrupt(&e))?;
        if header.base_offset() >= self.upper {
            return Ok(None);
        }
        let (first, last) = (header.base_offset(), header.last_offset());
        if first < self.reached || last >= self.upper {
            // No checksum covers where a batch begins.
            return Err(ReadFailure::Corrupt {
                path: self.path.clone(),
                position: self.position,
                reason: format!(
                    "offsets {first} to {last} between {} and {}",
                    self.reached, self.upper
                ),
            });
        }
        let left = self.len - self.position;
        if header.size() as u64 > left {
            let available = usize::try_from(left).unwrap_or(usize::MAX);
            return Err(self.corrupt(&BatchError::Truncated {
                needed: header.size(),
                available,
            }));
        }
        self.fill(header.size())?;
        let mut rest = self.buffer.clone();
        let batch = Batch::split_first(&mut rest).map_err(|e| self.corrupt(&e))?;
        self.buffer = rest;
        self.position += batch.size() as u64;
        self.reached = batch.last_offset().saturating_add(1);
        Ok(Some(batch))
    }

    /// Has at least `wanted` bytes from the position on in the buffer, if the file has them.
    fn fill(&mut self, wanted: usize) -> Result<(), ReadFailure> {
        if self.buffer.len() >= wanted {
            return Ok(());
        }
        let left = usize::try_from(self.len - self.position).unwrap_or(usize::MAX);
        let mut bytes = vec![0; wanted.max(CHUNK_BYTES).min(left)];
        let read = self.disk.read_at(&self.file, self.position, &mut bytes);
        bytes.truncate(read.map_err(|e| ReadFailure::io(self.path.clone(), e))?);
        self.buffer = Bytes::from(bytes);
        Ok(())
    }

    fn corrupt(&self, error: &BatchError) -> ReadFailure {
        ReadFailure::Corrupt {
            path: self.path.clone(),
            position: self.position,
            reason: error.to_string(),
        }
    }
}

/// All batches of a partition from an offset on, segment after segment: for folding a topic at start.
///
/// Ends at the first failure.
pub struct Batches<D: Disk> {
    disk: Arc<D>,
    dir: PathBuf,
    from: i64,
    upper: i64,
    /// The segments yet to come, the next one last.
    ahead: Vec<i64>,
    current: Option<FileBatches<D>>,
}

impl<D: Disk> Batches<D> {
    pub(crate) fn new(
        disk: Arc<D>,
        dir: PathBuf,
        segments: Vec<i64>,
        from: i64,
        upper: i64,
    ) -> Self {
        let first = segments
            .partition_point(|base| *base <= from)
            .saturating_sub(1);
        let end = segments.partition_point(|base| *base < upper);
        let ahead = segments
            .get(first..end)
            .unwrap_or_default()
            .iter()
            .rev()
            .copied()
            .collect();
        Batches {
            disk,
            dir,
            from,
            upper,
            ahead,
            current: None,
        }
    }

    fn advance(&mut self) -> Result<Option<Batch>, ReadFailure> {
        loop {
            if let Some(current) = &mut self.current {
                while let Some(batch) = current.next_batch()? {
                    if batch.last_offset() >= self.from {
                        return Ok(Some(batch));
                    }
                }
            }
            let Some(base) = self.ahead.pop() else {
                return Ok(None);
            };
            self.current = Some(FileBatches::open(
                &self.disk, &self.dir, base, 0, self.upper,
            )?);
        }
    }
}

impl<D: Disk> Iterator for Batches<D> {
    type Item = Result<Batch, ReadFailure>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.advance();
        if next.is_err() {
            self.ahead.clear();
            self.current = None;
        }
        next.transpose()
    }
}
