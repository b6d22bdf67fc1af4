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
/// Where only headers are looked at, what lies between those of larger batches is not read.
const SMALL_BATCH: usize = 4096;

/// The batches of one `.log` file from a position on, each checked whole.
pub(crate) struct FileBatches<D: Disk> {
    disk: Arc<D>,
    file: D::File,
    path: PathBuf,
    position: u64,
    len: u64,
    /// Nothing at or beyond this offset is looked at: it may be half written.
    upper: i64,
    /// Where the next batch begins, if that is known: no checksum covers it, and nothing leaves a gap.
    due: Option<i64>,
    /// Where it ends, if that is known.
    ends_at: Option<i64>,
    /// The size of the batch before.
    last_size: usize,
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
        let batches = Self::open_path(disk, Kind::Log.path(dir, segment), position, upper)?;
        Ok(match position {
            0 => batches.due_at(segment),
            _ => batches,
        })
    }

    /// The first batch is to begin at this offset.
    pub(crate) fn due_at(mut self, offset: i64) -> Self {
        self.due = Some(offset);
        self
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
            due: None,
            ends_at: None,
            last_size: 0,
            buffer,
        })
    }

    /// The first batch is to end at this offset.
    pub(crate) fn ending_at(mut self, last: i64) -> Self {
        self.ends_at = Some(last);
        self
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
        let Some(header) = self.peek(CHUNK_BYTES)? else {
            return Ok(None);
        };
        self.take(&header).map(Some)
    }

    /// The header of the next batch, which stays the next one; nothing else is read.
    pub(crate) fn next_header(&mut self) -> Result<Option<BatchHeader>, ReadFailure> {
        self.peek(HEADER_SIZE)
    }

    /// The header of the next batch. Of its records nothing is looked at, unless it is a control batch: then it comes
    /// whole. So does what has a producer and no sequence, as markers have none: the bit that says which it is may have
    /// flipped, and a marker that is passed over would make an aborted transaction another's.
    pub(crate) fn next_lightly(
        &mut self,
    ) -> Result<Option<(BatchHeader, Option<Batch>)>, ReadFailure> {
        let chunk = match self.last_size {
            0..SMALL_BATCH => CHUNK_BYTES,
            _ => HEADER_SIZE,
        };
        let Some(header) = self.peek(chunk)? else {
            return Ok(None);
        };
        let may_be_marker = header.producer_id() >= 0 && header.base_sequence() < 0;
        if header.is_control() || may_be_marker {
            let batch = self.take(&header)?;
            return Ok(Some((header, Some(batch))));
        }
        let held = header.size().min(self.buffer.len());
        self.buffer = self.buffer.slice(held..);
        self.pass(&header);
        Ok(Some((header, None)))
    }

    fn pass(&mut self, header: &BatchHeader) {
        self.last_size = header.size();
        self.position += header.size() as u64;
        self.due = Some(header.last_offset().saturating_add(1));
        self.ends_at = None;
    }

    /// The next batch's header, if it can stand here and the file has all of its batch. One that begins where it is due
    /// may end beyond `upper`: it stands for batches that a compaction has dropped since somebody asked for `upper`.
    fn peek(&mut self, chunk: usize) -> Result<Option<BatchHeader>, ReadFailure> {
        if self.position >= self.len || self.due.is_some_and(|due| due >= self.upper) {
            return Ok(None);
        }
        self.fill(HEADER_SIZE, chunk)?;
        let header = BatchHeader::read(&self.buffer).map_err(|e| self.corrupt(&e))?;
        let known = self.due.is_some() || self.ends_at.is_some();
        if !known && header.base_offset() >= self.upper {
            return Ok(None);
        }
        let (first, last) = (header.base_offset(), header.last_offset());
        let due = self.due.unwrap_or(first);
        let ends_at = self.ends_at.unwrap_or(last);
        if first != due || last != ends_at || (self.due.is_none() && last >= self.upper) {
            return Err(ReadFailure::Corrupt {
                path: self.path.clone(),
                position: self.position,
                reason: format!(
                    "offsets {first} to {last}, where {due} to {ends_at} are due and a batch ends at {}",
                    self.upper
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
        Ok(Some(header))
    }

    /// The batch whose header was looked at.
    fn take(&mut self, header: &BatchHeader) -> Result<Batch, ReadFailure> {
        self.fill(header.size(), CHUNK_BYTES)?;
        let mut rest = self.buffer.clone();
        let batch = Batch::split_first(&mut rest).map_err(|e| self.corrupt(&e))?;
        self.buffer = rest;
        self.pass(header);
        Ok(batch)
    }

    /// Has at least `wanted` bytes from the position on in the buffer, if the file has them.
    fn fill(&mut self, wanted: usize, chunk: usize) -> Result<(), ReadFailure> {
        if self.buffer.len() >= wanted {
            return Ok(());
        }
        let left = usize::try_from(self.len - self.position).unwrap_or(usize::MAX);
        let mut bytes = vec![0; wanted.max(chunk).min(left)];
        let read = self.disk.read_at(&self.file, self.position, &mut bytes);
        bytes.truncate(read.map_err(|e| ReadFailure::io(self.path.clone(), e))?);
        self.buffer = Bytes::from(bytes);
        Ok(())
    }

    fn corrupt(&self, error: &BatchError) -> ReadFailure {
        self.wrong_at(self.position, error.to_string())
    }

    /// What is wrong with the batch that begins at a position.
    pub(crate) fn wrong_at(&self, position: u64, reason: String) -> ReadFailure {
        ReadFailure::Corrupt {
            path: self.path.clone(),
            position,
            reason,
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
            let next = FileBatches::open(&self.disk, &self.dir, base, 0, self.upper)?;
            let due = self.current.as_ref().and_then(|before| before.due);
            if let Some(due) = due.filter(|due| *due != base) {
                return Err(next.wrong_at(0, format!("it begins here, where offset {due} is due")));
            }
            self.current = Some(next);
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

#[cfg(test)]
mod tests {
    use once_wire::batch::BatchBuilder;
    use once_wire::control::snapshot_footer;

    use super::*;
    use crate::store::disk::{FakeDisk, write_file};

    #[test]
    fn headers_alone_are_those_of_the_batches_whatever_their_size() {
        let (mut bytes, mut next) = (Vec::new(), 0);
        for size in [10, 5_000, 20, 300_000, 4_000, 9_000, 0, 70_000, 30] {
            let data = BatchBuilder::new().push(7, None, Some(&vec![1; size]), &[]);
            for batch in [data.build(), snapshot_footer(7)] {
                bytes.extend_from_slice(batch.placed(next, 0).as_bytes());
                next += 1;
            }
        }
        let (disk, path) = (Arc::new(FakeDisk::new()), PathBuf::from("/batches"));
        write_file(&*disk, &path, &bytes).expect("writes");
        let open = || FileBatches::open_path(&disk, path.clone(), 0, i64::MAX).expect("opens");
        let (mut whole, mut light) = (open(), open());
        while let Some(batch) = whole.next_batch().expect("reads") {
            let (header, control) = light.next_lightly().expect("reads").expect("as many");
            assert_eq!(header, *batch);
            assert_eq!(control.is_some(), batch.is_control());
            assert_eq!(light.position(), whole.position());
        }
        assert!(light.next_lightly().expect("reads").is_none());
        assert_eq!(whole.position(), bytes.len() as u64);
    }
}
