//! The bytes of a journal file.
//!
//! ```text
//! sector 0:  magic 8 | version u16 | journal id 16 | generation u64 | oldest u64 | first entry u64 | CRC-32C u32
//! then entries, each from a sector's beginning on:
//!            magic u32 | length u32 | number u64 | oldest u64 | CRC-32C u32 | body, `length` bytes | zeros
//! a body:    for each batch: topic length u16 | topic | topic id 16 | partition i32 | length u32 | batch
//! ```
//!
//! All numbers are big-endian. An entry's checksum covers the journal's id, the file's generation, the entry's own
//! head and its body: what an earlier use of the same file left never passes for an entry. `oldest` is the oldest
//! generation that was still needed then: a file is used again only when an entry or a head that says so is flushed.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use once_wire::Uuid;
use once_wire::batch::BatchHeader;

use crate::mutant::{Broken, Mutant};

/// Entries begin at multiples of this: no write touches a sector that holds another entry.
pub(super) const SECTOR: usize = 512;
/// Bytes of an entry before its body.
pub(super) const ENTRY_HEAD: usize = 28;
const FILE_MAGIC: &[u8; 8] = b"oncejrnl";
const ENTRY_MAGIC: u32 = 0x6f6e_6365;
/// The one version there is.
const VERSION: u16 = 1;
/// The bytes of a file's head that its checksum covers.
const HEAD: usize = 50;

/// What a journal file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileHead {
    pub(super) journal: Uuid,
    /// How many files the journal had begun before this one.
    pub(super) generation: u64,
    /// The oldest generation whose entries were still needed then.
    pub(super) oldest: u64,
    /// The number of its first entry.
    pub(super) first: u64,
}

/// Why a file's first sector is no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadHead {
    /// Torn or damaged, or never written.
    Unreadable,
    /// Written by a later version of this program.
    Version(u16),
}

impl FileHead {
    /// The head of a journal's first file.
    pub(super) fn first_of(journal: Uuid) -> Self {
        FileHead {
            journal,
            generation: 0,
            oldest: 0,
            first: 0,
        }
    }

    pub(super) fn encode(self) -> Bytes {
        let mut sector = BytesMut::with_capacity(SECTOR);
        sector.put_slice(FILE_MAGIC);
        sector.put_u16(VERSION);
        sector.put_slice(&self.journal.0);
        sector.put_u64(self.generation);
        sector.put_u64(self.oldest);
        sector.put_u64(self.first);
        sector.put_u32(crc32c::crc32c(&sector[..HEAD]));
        sector.resize(SECTOR, 0);
        sector.freeze()
    }

    pub(super) fn decode(sector: &[u8]) -> Result<Self, BadHead> {
        let mut rest = sector
            .get(..HEAD + 4)
            .filter(|head| head.starts_with(FILE_MAGIC))
            .ok_or(BadHead::Unreadable)?;
        if crc32c::crc32c(&rest[..HEAD]) != (&rest[HEAD..]).get_u32() {
            return Err(BadHead::Unreadable);
        }
        rest.advance(FILE_MAGIC.len());
        let version = rest.get_u16();
        if version != VERSION {
            return Err(BadHead::Version(version));
        }
        let mut journal = Uuid::ZERO;
        rest.copy_to_slice(&mut journal.0);
        Ok(FileHead {
            journal,
            generation: rest.get_u64(),
            oldest: rest.get_u64(),
            first: rest.get_u64(),
        })
    }

    /// The checksum of an entry in this file.
    fn checksum<'a>(
        &self,
        entry: &EntryHead,
        length: u32,
        body: impl Iterator<Item = &'a [u8]>,
    ) -> u32 {
        let mut place = BytesMut::with_capacity(44);
        place.put_slice(&self.journal.0);
        place.put_u64(self.generation);
        place.put_u64(entry.number);
        place.put_u64(entry.oldest);
        place.put_u32(length);
        body.fold(crc32c::crc32c(&place), crc32c::crc32c_append)
    }
}

/// What an entry says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EntryHead {
    /// Entries are numbered on from file to file.
    pub(super) number: u64,
    /// The oldest generation whose entries were still needed then.
    pub(super) oldest: u64,
}

/// One batch that is to be journalled: whose it is, and its bytes.
#[derive(Clone, Copy, Debug)]
pub struct JournalAppend<'a> {
    /// The topic's name.
    pub topic: &'a str,
    /// The topic's id.
    pub topic_id: Uuid,
    /// The partition.
    pub partition: i32,
    /// A whole batch, its offsets assigned.
    pub batch: &'a Bytes,
}

impl JournalAppend<'_> {
    /// Whose the batch is.
    pub(super) fn owner(&self) -> (Uuid, i32) {
        (self.topic_id, self.partition)
    }
}

/// An entry's pieces, padded to whole sectors.
pub(super) fn entry(
    file: &FileHead,
    head: &EntryHead,
    appends: &[JournalAppend<'_>],
) -> Vec<Bytes> {
    let mut pieces = vec![Bytes::new()];
    for append in appends {
        let name = append.topic.as_bytes();
        let mut owner = BytesMut::with_capacity(26 + name.len());
        owner.put_u16(u16::try_from(name.len()).expect("a topic's name has 249 bytes at most"));
        owner.put_slice(name);
        owner.put_slice(&append.topic_id.0);
        owner.put_i32(append.partition);
        owner.put_u32(
            u32::try_from(append.batch.len()).expect("a batch says its length in 32 bits"),
        );
        pieces.extend([owner.freeze(), append.batch.clone()]);
    }
    let length: usize = pieces.iter().map(Bytes::len).sum();
    let length32 = u32::try_from(length).expect("an entry is far below 4 GiB");
    let crc = file.checksum(head, length32, pieces.iter().map(|piece| &piece[..]));
    let mut first = BytesMut::with_capacity(ENTRY_HEAD);
    first.put_u32(ENTRY_MAGIC);
    first.put_u32(length32);
    first.put_u64(head.number);
    first.put_u64(head.oldest);
    first.put_u32(crc);
    pieces[0] = first.freeze();
    let whole = ENTRY_HEAD + length;
    let padding = whole.next_multiple_of(SECTOR) - whole;
    pieces.push(Bytes::from_static(&[0; SECTOR]).slice(..padding));
    pieces
}

/// The head and the body's length of the entry that begins here, if one does.
pub(super) fn read_entry(
    file: &FileHead,
    bytes: &[u8],
    broken: Broken,
) -> Option<(EntryHead, usize)> {
    let mut rest = bytes.get(..ENTRY_HEAD)?;
    if rest.get_u32() != ENTRY_MAGIC {
        return None;
    }
    let length = rest.get_u32();
    let (number, oldest) = (rest.get_u64(), rest.get_u64());
    let crc = rest.get_u32();
    let head = EntryHead { number, oldest };
    let size = usize::try_from(length).ok()?;
    let body = bytes.get(ENTRY_HEAD..)?.get(..size)?;
    let of = |file: &FileHead| file.checksum(&head, length, std::iter::once(body)) == crc;
    let sound = of(file)
        || broken.breaks(Mutant::NoJournalChecksum)
        || broken.breaks(Mutant::AcceptStaleEntry) && of_earlier_use(file, of);
    sound.then_some((head, size))
}

/// Whether an entry is of an earlier use of the file.
fn of_earlier_use(file: &FileHead, of: impl Fn(&FileHead) -> bool) -> bool {
    (0..file.generation).any(|generation| {
        of(&FileHead {
            generation,
            ..*file
        })
    })
}

/// One batch of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Journalled {
    pub(super) topic: String,
    pub(super) topic_id: Uuid,
    pub(super) partition: i32,
    pub(super) base_offset: i64,
    pub(super) last_offset: i64,
    /// Where in the body the batch is.
    pub(super) at: usize,
    pub(super) len: usize,
}

/// The batches of a body. `None` if it does not read as one, although its checksum is right: this program did
/// not write it.
pub(super) fn read_body(body: &[u8]) -> Option<Vec<Journalled>> {
    let mut rest = body;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let name = usize::from(rest.try_get_u16().ok()?);
        let topic = String::from_utf8(rest.get(..name)?.to_vec()).ok()?;
        rest.advance(name);
        let mut topic_id = Uuid::ZERO;
        rest.try_copy_to_slice(&mut topic_id.0).ok()?;
        let partition = rest.try_get_i32().ok()?;
        let len = usize::try_from(rest.try_get_u32().ok()?).ok()?;
        let batch = rest.get(..len)?;
        let header = BatchHeader::read(batch).ok()?;
        found.push(Journalled {
            topic,
            topic_id,
            partition,
            base_offset: header.base_offset(),
            last_offset: header.last_offset(),
            at: body.len() - rest.len(),
            len,
        });
        rest.advance(len);
    }
    Some(found)
}
