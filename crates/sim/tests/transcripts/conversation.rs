//! What clients ask, one move for each request: what it asks in relation to what the client did and heard before.
//!
//! Real clients and the simulation's are told of in the same words, so that it can be asked of every move of ours
//! whether a real client was ever seen to make it.

use crate::member::Member;
use crate::producer::Producer;
use crate::reader::Reader;
use bytes::Bytes;
use once_wire::api::ApiKey;
use once_wire::codec::{self, Message, Request};
use once_wire::error::ErrorCode;
use once_wire::ids::Uuid;
use once_wire::message as m;
use once_wire::request::{read_header, read_response_header};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

/// What is no move: how topics are made, changed and looked at.
const NOT_TOLD: [ApiKey; 12] = [
    ApiKey::Metadata,
    ApiKey::CreateTopics,
    ApiKey::DeleteTopics,
    ApiKey::CreatePartitions,
    ApiKey::DeleteRecords,
    ApiKey::DescribeConfigs,
    ApiKey::IncrementalAlterConfigs,
    ApiKey::DescribeCluster,
    ApiKey::DescribeGroups,
    ApiKey::ConsumerGroupDescribe,
    ApiKey::DescribeTopicPartitions,
    ApiKey::ListGroups,
];

/// A request that has no answer yet.
struct UnderWay {
    connection: u64,
    correlation: i32,
    key: ApiKey,
    version: i16,
    body: Bytes,
}

/// One client: its producer, its membership, its reading.
#[derive(Default)]
pub(crate) struct Conversation {
    under_way: Vec<UnderWay>,
    /// What was asked and not settled: lost, or refused for now.
    unsettled: BTreeMap<i16, String>,
    producer: Producer,
    member: Member,
    reader: Reader,
    /// Names of topics, for versions that say their ids.
    pub(crate) names: BTreeMap<Uuid, String>,
}

/// What one of the three makes of requests and answers.
pub(crate) trait Party {
    /// The moves that a request makes; `None` if it is none of this party's.
    fn asks(&mut self, ask: &Ask<'_>) -> Option<Vec<String>>;
    /// An answer came, or none will.
    fn hears(&mut self, ask: &Ask<'_>, answer: Option<&Answer>);
}

/// A request.
pub(crate) struct Ask<'a> {
    pub(crate) key: ApiKey,
    pub(crate) version: i16,
    body: Bytes,
    /// What else of the client has no answer yet.
    pub(crate) beside: BTreeSet<&'static str>,
    pub(crate) names: &'a BTreeMap<Uuid, String>,
}

/// An answer.
pub(crate) struct Answer {
    key: ApiKey,
    version: i16,
    frame: Bytes,
}

impl Ask<'_> {
    /// The request, if it is an `R`.
    pub(crate) fn of<R: Request>(&self) -> Option<R> {
        (R::KEY == self.key).then(|| {
            let mut reader = codec::Reader::new(self.body.clone());
            R::decode(&mut reader, self.version).expect("a request that its sender wrote")
        })
    }

    /// The topic's name, by either.
    pub(crate) fn topic(&self, name: &str, id: Uuid) -> String {
        match name.is_empty() {
            true => self.names.get(&id).cloned().unwrap_or_default(),
            false => name.to_owned(),
        }
    }
}

impl Answer {
    /// The answer to an `R`, which it must be.
    pub(crate) fn to<R: Request>(&self) -> R::Response {
        assert_eq!(R::KEY, self.key);
        let mut reader = codec::Reader::new(self.frame.clone());
        read_response_header(&mut reader, self.key, self.version).expect("a header");
        R::Response::decode(&mut reader, self.version).expect("an answer that a broker wrote")
    }
}

impl Conversation {
    /// A request goes: the moves it makes.
    pub(crate) fn asked(&mut self, connection: u64, frame: &Bytes) -> Vec<String> {
        let mut reader = codec::Reader::new(frame.clone());
        let header = read_header(&mut reader).expect("a header");
        let key = ApiKey::from_key(header.key).expect("an API");
        let body = frame.slice(frame.len() - reader.remaining()..);
        let ask = Ask {
            key,
            version: header.version,
            body: body.clone(),
            beside: self
                .under_way
                .iter()
                .map(|other| other.key.name())
                .collect(),
            names: &self.names,
        };
        let again = plain(&ask).is_some_and(|text| self.unsettled.get(&header.key) == Some(&text));
        let mut moves = Vec::new();
        for party in [
            &mut self.producer as &mut dyn Party,
            &mut self.member,
            &mut self.reader,
        ] {
            moves.extend(party.asks(&ask).unwrap_or_default());
        }
        let told = !moves.is_empty() || NOT_TOLD.contains(&key);
        assert!(told, "{} is asked, and nobody knows it", key.name());
        for text in &mut moves {
            text.insert_str(0, &format!("{}: ", key.name()));
            if again {
                text.push_str(", again");
            }
        }
        self.under_way.push(UnderWay {
            connection,
            correlation: header.correlation_id,
            key,
            version: header.version,
            body,
        });
        moves
    }

    /// An answer comes.
    pub(crate) fn answered(&mut self, connection: u64, frame: &Bytes) {
        let correlation = frame.first_chunk().map_or(-1, |id| i32::from_be_bytes(*id));
        let place = self
            .under_way
            .iter()
            .position(|other| other.connection == connection && other.correlation == correlation);
        if let Some(place) = place {
            let asked = self.under_way.remove(place);
            self.settle(asked, Some(frame));
        }
    }

    /// A connection is gone, with all that was under way on it.
    pub(crate) fn closed(&mut self, connection: u64) {
        let (gone, left) = std::mem::take(&mut self.under_way)
            .into_iter()
            .partition(|other| other.connection == connection);
        self.under_way = left;
        for asked in Vec::from_iter::<Vec<UnderWay>>(gone) {
            self.settle(asked, None);
        }
    }

    fn settle(&mut self, asked: UnderWay, frame: Option<&Bytes>) {
        let ask = Ask {
            key: asked.key,
            version: asked.version,
            body: asked.body,
            beside: BTreeSet::new(),
            names: &self.names,
        };
        let answer = frame.map(|frame| Answer {
            key: asked.key,
            version: asked.version,
            frame: frame.clone(),
        });
        for party in [
            &mut self.producer as &mut dyn Party,
            &mut self.member,
            &mut self.reader,
        ] {
            party.hears(&ask, answer.as_ref());
        }
        let passing = answer
            .as_ref()
            .is_none_or(|answer| error_of(answer).is_some_and(ErrorCode::is_retriable));
        match plain(&ask).filter(|_| passing) {
            Some(text) => self.unsettled.insert(asked.key.key(), text),
            None => self.unsettled.remove(&asked.key.key()),
        };
    }
}

/// A request in words that do not depend on its version, if it is one that is asked again.
fn plain(ask: &Ask<'_>) -> Option<String> {
    fn of<R: Request + Debug>(ask: &Ask<'_>) -> Option<String> {
        ask.of::<R>().map(|request| format!("{request:?}"))
    }
    None.or_else(|| of::<m::init_producer_id_request::InitProducerIdRequest>(ask))
        .or_else(|| of::<m::add_partitions_to_txn_request::AddPartitionsToTxnRequest>(ask))
        .or_else(|| of::<m::add_offsets_to_txn_request::AddOffsetsToTxnRequest>(ask))
        .or_else(|| of::<m::txn_offset_commit_request::TxnOffsetCommitRequest>(ask))
        .or_else(|| of::<m::end_txn_request::EndTxnRequest>(ask))
}

/// The error of an answer to one of those.
fn error_of(answer: &Answer) -> Option<ErrorCode> {
    let code = match answer.key {
        ApiKey::InitProducerId => {
            answer
                .to::<m::init_producer_id_request::InitProducerIdRequest>()
                .error_code
        }
        ApiKey::AddPartitionsToTxn => {
            let said = answer.to::<m::add_partitions_to_txn_request::AddPartitionsToTxnRequest>();
            let topics = said.results_by_topic_v3_and_below.iter();
            let mut parts = topics.flat_map(|topic| &topic.results_by_partition);
            parts.find_map(|part| Some(part.partition_error_code).filter(|code| *code != 0))?
        }
        ApiKey::AddOffsetsToTxn => {
            answer
                .to::<m::add_offsets_to_txn_request::AddOffsetsToTxnRequest>()
                .error_code
        }
        ApiKey::TxnOffsetCommit => {
            let said = answer.to::<m::txn_offset_commit_request::TxnOffsetCommitRequest>();
            let mut parts = said.topics.iter().flat_map(|topic| &topic.partitions);
            parts.find_map(|part| Some(part.error_code).filter(|code| *code != 0))?
        }
        ApiKey::EndTxn => answer.to::<m::end_txn_request::EndTxnRequest>().error_code,
        _ => return None,
    };
    ErrorCode::from_code(code).filter(|code| *code != ErrorCode::None)
}
