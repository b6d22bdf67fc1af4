//! A reader's moves: from where it fetches, and how it found that out.

use crate::conversation::{Answer, Ask, Party};
use once_wire::batch::Batch;
use once_wire::message::fetch_request::FetchRequest;
use once_wire::message::list_offsets_request::ListOffsetsRequest;
use once_wire::message::offset_fetch_request::OffsetFetchRequest;
use std::collections::{BTreeMap, BTreeSet};

type Partition = (String, i32);

/// What a reader knows of its partitions.
#[derive(Default)]
pub(crate) struct Reader {
    /// Where it fetched last, and up to where it got something.
    fetched: BTreeMap<Partition, (i64, i64)>,
    /// Offsets that it was told: committed, and of the log's ends.
    committed: BTreeMap<Partition, i64>,
    listed: BTreeMap<Partition, i64>,
}

impl Party for Reader {
    fn asks(&mut self, ask: &Ask<'_>) -> Option<Vec<String>> {
        if let Some(request) = ask.of::<ListOffsetsRequest>() {
            let parts = request.topics.iter().flat_map(|topic| &topic.partitions);
            let isolation = isolation(request.isolation_level);
            let of = |timestamp| match timestamp {
                -1 => format!("the end, {isolation}"),
                -2 => format!("the beginning, {isolation}"),
                0.. => format!("of a time, {isolation}"),
                _ => format!("{timestamp}, {isolation}"),
            };
            let moves: BTreeSet<String> = parts.map(|part| of(part.timestamp)).collect();
            return Some(moves.into_iter().collect());
        }
        let request = ask.of::<FetchRequest>()?;
        let session = match (request.session_id, request.session_epoch) {
            (0, -1) => "without a session",
            (0, 0) => "a new session",
            (_, 0) => "a new session for the old one",
            (_, -1) => "the session's end",
            _ => "in its session",
        };
        let isolation = isolation(request.isolation_level);
        let forgets = match request.forgotten_topics_data.is_empty() {
            true => "",
            false => ", forgets partitions",
        };
        let mut moves = vec![format!("{session}, {isolation}{forgets}")];
        for topic in &request.topics {
            let name = ask.topic(&topic.topic, topic.topic_id);
            for part in &topic.partitions {
                let partition = (name.clone(), part.partition);
                let from = self.from(&partition, part.fetch_offset);
                moves.push(format!("from {from}"));
                let at = part.fetch_offset;
                let known = self.fetched.get(&partition).filter(|(last, _)| *last == at);
                let end = known.map_or(at, |(_, end)| *end);
                self.fetched.insert(partition, (at, end));
            }
        }
        Some(moves)
    }

    fn hears(&mut self, ask: &Ask<'_>, answer: Option<&Answer>) {
        let Some(answer) = answer else {
            return;
        };
        if ask.of::<FetchRequest>().is_some() {
            for topic in answer.to::<FetchRequest>().responses {
                let name = ask.topic(&topic.topic, topic.topic_id);
                for part in topic.partitions {
                    let partition = (name.clone(), part.partition_index);
                    let end = end(part.records.unwrap_or_default());
                    if let (Some((_, known)), Some(end)) = (self.fetched.get_mut(&partition), end) {
                        *known = end.max(*known);
                    }
                }
            }
        }
        if ask.of::<ListOffsetsRequest>().is_some() {
            for topic in answer.to::<ListOffsetsRequest>().topics {
                for part in topic.partitions {
                    self.listed
                        .insert((topic.name.clone(), part.partition_index), part.offset);
                }
            }
        }
        if ask.of::<OffsetFetchRequest>().is_some() {
            let said = answer.to::<OffsetFetchRequest>();
            for topic in said.topics {
                for part in topic.partitions {
                    let partition = (topic.name.clone(), part.partition_index);
                    self.committed.insert(partition, part.committed_offset);
                }
            }
            for topic in said.groups.into_iter().flat_map(|group| group.topics) {
                let name = ask.topic(&topic.name, topic.topic_id);
                for part in topic.partitions {
                    let partition = (name.clone(), part.partition_index);
                    self.committed.insert(partition, part.committed_offset);
                }
            }
        }
    }
}

impl Reader {
    fn from(&self, partition: &Partition, offset: i64) -> &'static str {
        if let Some((last, end)) = self.fetched.get(partition) {
            match offset {
                _ if offset == *end && end > last => return "the end of what it got",
                _ if offset == *last => return "where it was",
                _ if *last < offset && offset < *end => return "within what it got",
                _ => {}
            }
        }
        let told = |known: &BTreeMap<Partition, i64>| known.get(partition) == Some(&offset);
        match offset {
            _ if told(&self.committed) => "what is committed",
            _ if told(&self.listed) => "what ListOffsets said",
            0 => "the first offset of all",
            _ => "somewhere",
        }
    }
}

fn isolation(level: i8) -> &'static str {
    match level {
        0 => "read uncommitted",
        1 => "read committed",
        _ => "no isolation",
    }
}

/// The offset after the last batch.
fn end(mut records: bytes::Bytes) -> Option<i64> {
    let mut end = None;
    while let Ok(batch) = Batch::split_first(&mut records) {
        end = Some(batch.last_offset() + 1);
    }
    end
}
