//! Reading a journal after a stop or a crash: which entries are whole, what is torn, what is damaged.

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use once_wire::Uuid;

use super::format::{BadHead, ENTRY_HEAD, EntryHead, FileHead, SECTOR, read_body, read_entry};
use super::{JournalError, NAME, Spare};
use crate::mutant::{Broken, Mutant};
use crate::store::disk::{Disk, read_file, rewrite};

/// One batch that the journal holds, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalBatch {
    /// The topic's name.
    pub topic: String,
    /// The topic's id.
    pub topic_id: Uuid,
    /// The partition.
    pub partition: i32,
    /// The batch's first offset.
    pub base_offset: i64,
    /// The batch's last offset.
    pub last_offset: i64,
    file: usize,
    at: u64,
    len: usize,
}

/// What the journal files of a directory hold.
pub struct JournalScan<D: Disk> {
    disk: Arc<D>,
    journal: Uuid,
    /// Files that hold nothing that is needed.
    spare: Vec<Spare>,
    /// The others, oldest first.
    files: Vec<Spare>,
    batches: Vec<JournalBatch>,
    /// The last whole entry: its file, where it begins and ends.
    last: Option<(usize, u64, u64)>,
    next_entry: u64,
    next_generation: u64,
    names: u64,
    broken: Broken,
}

impl<D: Disk> JournalScan<D> {
    /// Reads all journal files of `dir`, which belong to the data directory `journal`. No rule is `broken` but in
    /// tests of the simulation.
    ///
    /// # Errors
    /// See [`JournalError`]. A torn entry at the end is none.
    pub fn read(
        disk: Arc<D>,
        dir: &Path,
        journal: Uuid,
        broken: Broken,
    ) -> Result<Self, JournalError> {
        let mut scan = JournalScan {
            disk,
            journal,
            spare: Vec::new(),
            files: Vec::new(),
            batches: Vec::new(),
            last: None,
            next_entry: 0,
            next_generation: 0,
            names: 0,
            broken,
        };
        let (mut headed, mut headless) = (BTreeMap::new(), Vec::new());
        for entry in scan.disk.list(dir).map_err(JournalError::io(dir))? {
            let Some(number) = entry.name.strip_prefix(NAME) else {
                continue;
            };
            let (path, len) = (dir.join(&entry.name), entry.len);
            scan.names = number
                .parse()
                .map_or(scan.names, |n: u64| scan.names.max(n + 1));
            let file = Spare { path, len };
            match scan.head(&file, journal)? {
                Some(head) => {
                    if let Some((_, other)) = headed.insert(head.generation, (head, file.clone())) {
                        return Err(JournalError::damaged(
                            &other,
                            0,
                            "another file has the same generation",
                        ));
                    }
                }
                None => headless.push(file),
            }
        }
        scan.entries(headed, headless)?;
        Ok(scan)
    }

    /// Every batch of every whole entry, in the order in which they were written.
    #[must_use]
    pub fn batches(&self) -> &[JournalBatch] {
        &self.batches
    }

    /// The bytes of a batch.
    ///
    /// # Errors
    /// The disk's.
    pub fn bytes(&self, batch: &JournalBatch) -> io::Result<Bytes> {
        let file = self.disk.open(&self.files[batch.file].path, false)?;
        let mut bytes = vec![0; batch.len];
        if self.disk.read_at(&file, batch.at, &mut bytes)? < batch.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(bytes.into())
    }

    /// Makes the last entry durable: it may be memory that no disk has seen, if the process ended before its
    /// flush. Only then may anything of it go to the partitions' files: were power lost between two of
    /// those, a part of it would be there and the journal would not have the rest. Entries before it were
    /// flushed before it was written. Written again, because a sync that failed may have marked it as clean.
    ///
    /// # Errors
    /// The disk's.
    pub fn settle(&self) -> Result<(), JournalError> {
        let again = |file: &Spare, from, to| {
            let path = &file.path;
            let again = || {
                let file = self.disk.open(path, false)?;
                rewrite(&*self.disk, &file, from, to)?;
                self.disk.sync(&file)
            };
            again().map_err(JournalError::io(path))
        };
        if let Some((file, from, to)) = self.last {
            again(&self.files[file], from, to)?;
        }
        // The newest head, too: it says what may be written over. A kill may have cut its sector short.
        let newest = self.files.last();
        newest.map_or(Ok(()), |file| again(file, 0, file.len.min(SECTOR as u64)))
    }

    /// Removes the journal: what it holds is flushed in the partitions' files, and they go on without it.
    ///
    /// # Errors
    /// The disk's.
    pub fn retire(self, dir: &Path) -> io::Result<()> {
        if self.spare.is_empty() && self.files.is_empty() {
            return Ok(());
        }
        // A head that needs nothing before it, so that a crash may leave any of the others: a file that is newest
        // once those after it are gone may need some that are gone, too.
        let path = dir.join(format!("{NAME}{}", self.names));
        let head = FileHead {
            journal: self.journal,
            generation: self.next_generation,
            oldest: self.next_generation,
            first: self.next_entry,
        };
        let file = self.disk.open(&path, true)?;
        self.disk
            .write_at(&file, 0, &[IoSlice::new(&head.encode())])?;
        self.disk.sync(&file)?;
        self.disk.sync_dir(dir)?;
        for file in self.spare.iter().chain(&self.files) {
            self.disk.remove(&file.path)?;
        }
        self.disk.sync_dir(dir)?;
        self.disk.remove(&path)?;
        self.disk.sync_dir(dir)
    }

    pub(super) fn spares(&self) -> Vec<Spare> {
        self.spare.clone()
    }

    pub(super) fn needed(&self) -> Vec<Spare> {
        self.files.clone()
    }

    pub(super) fn names(&self) -> u64 {
        self.names
    }

    pub(super) fn next_entry(&self) -> u64 {
        self.next_entry
    }

    pub(super) fn broken(&self) -> Broken {
        self.broken
    }

    pub(super) fn next_generation(&self) -> u64 {
        self.next_generation
    }

    fn head(&self, file: &Spare, journal: Uuid) -> Result<Option<FileHead>, JournalError> {
        let open = self
            .disk
            .open(&file.path, false)
            .map_err(JournalError::io(&file.path))?;
        let mut sector = [0; SECTOR];
        let read = self
            .disk
            .read_at(&open, 0, &mut sector)
            .map_err(JournalError::io(&file.path))?;
        match FileHead::decode(&sector[..read]) {
            Ok(head) if head.journal == journal => Ok(Some(head)),
            Ok(head) => Err(JournalError::Foreign {
                path: file.path.clone(),
                found: head.journal,
                expected: journal,
            }),
            Err(BadHead::Unreadable) => Ok(None),
            Err(BadHead::Version(version)) => Err(JournalError::Newer {
                path: file.path.clone(),
                version,
            }),
        }
    }

    /// Reads the entries of all files that were needed, in their order.
    fn entries(
        &mut self,
        mut headed: BTreeMap<u64, (FileHead, Spare)>,
        headless: Vec<Spare>,
    ) -> Result<(), JournalError> {
        let newest = headed.values().next_back().cloned();
        let oldest = match &newest {
            Some((head, file)) => self.oldest_needed(head, file, &headless)?,
            None => {
                self.refuse_begun(&FileHead::first_of(self.journal), &headless)?;
                0
            }
        };
        let needed = headed.split_off(&oldest);
        self.spare = headless;
        self.spare
            .extend(headed.into_values().map(|(_, file)| file));
        let mut due = oldest;
        for (generation, (head, spare)) in needed {
            let follows = generation == oldest || head.first == self.next_entry;
            if generation != due || !follows {
                let reason = "it does not follow the file before it: entries are missing";
                return Err(JournalError::damaged(&spare, 0, reason));
            }
            due += 1;
            self.next_entry = head.first;
            self.files.push(spare);
            self.entries_of(self.files.len() - 1, &head)?;
        }
        self.next_generation = due;
        Ok(())
    }

    /// The head of a file is flushed before its first entry is written: a file that begins with an entry under
    /// the head that is `due`, and has no head itself, is damaged.
    fn refuse_begun(&self, due: &FileHead, headless: &[Spare]) -> Result<(), JournalError> {
        for file in headless {
            let bytes = read_file(&*self.disk, &file.path).map_err(JournalError::io(&file.path))?;
            let begins = bytes.get(SECTOR..).unwrap_or_default();
            if read_entry(due, begins, Broken::default()).is_some() {
                return Err(JournalError::damaged(
                    file,
                    0,
                    "its first sector cannot be read",
                ));
            }
        }
        Ok(())
    }

    /// What the newest file says last about the oldest generation that is needed.
    fn oldest_needed(
        &self,
        head: &FileHead,
        file: &Spare,
        headless: &[Spare],
    ) -> Result<u64, JournalError> {
        let next = FileHead {
            generation: head.generation + 1,
            ..*head
        };
        self.refuse_begun(&next, headless)?;
        let bytes = read_file(&*self.disk, &file.path).map_err(JournalError::io(&file.path))?;
        let last = entries(head, &bytes, self.broken).last();
        Ok(last.map_or(head.oldest, |(_, entry, _)| entry.oldest))
    }

    fn entries_of(&mut self, file: usize, head: &FileHead) -> Result<(), JournalError> {
        let spare = self.files[file].clone();
        let bytes = read_file(&*self.disk, &spare.path).map_err(JournalError::io(&spare.path))?;
        let mut end = SECTOR;
        for (at, entry, size) in entries(head, &bytes, self.broken) {
            let body = &bytes[at + ENTRY_HEAD..][..size];
            let unknown = || JournalError::damaged(&spare, at, "a sound entry has an unknown form");
            for found in read_body(body).ok_or_else(unknown)? {
                self.batches.push(JournalBatch {
                    topic: found.topic,
                    topic_id: found.topic_id,
                    partition: found.partition,
                    base_offset: found.base_offset,
                    last_offset: found.last_offset,
                    file,
                    at: (at + ENTRY_HEAD + found.at) as u64,
                    len: found.len,
                });
            }
            self.next_entry = entry.number + 1;
            self.last = Some((file, at as u64, (at + ENTRY_HEAD + size) as u64));
            end = at + (ENTRY_HEAD + size).next_multiple_of(SECTOR);
        }
        let later = |at: usize| {
            let rest = bytes.get(at..).unwrap_or_default();
            let entry = read_entry(head, rest, Broken::default());
            entry.is_some_and(|(entry, _)| entry.number > self.next_entry)
        };
        if (end..bytes.len()).step_by(SECTOR).skip(1).any(later) {
            return Err(JournalError::damaged(
                &spare,
                end,
                "a sound entry follows one that is not",
            ));
        }
        Ok(())
    }
}

/// The entries of a file, up to the first that is not whole: where each begins, its head, its body's length.
fn entries<'a>(
    file: &'a FileHead,
    bytes: &'a [u8],
    broken: Broken,
) -> impl Iterator<Item = (usize, EntryHead, usize)> + 'a {
    let (mut at, mut due) = (SECTOR, file.first);
    std::iter::from_fn(move || {
        let (entry, size) = read_entry(file, bytes.get(at..)?, broken)?;
        if entry.number != due && !broken.breaks(Mutant::AcceptStaleEntry) {
            return None;
        }
        let found = (at, entry, size);
        at += (ENTRY_HEAD + size).next_multiple_of(SECTOR);
        due = entry.number + 1;
        Some(found)
    })
}
