//! A transcript: what a real client asked an Apache Kafka and what it answered, frame by frame.
//! `cargo xtask transcripts` records them.

use bytes::Bytes;
use once_wire::ids::Uuid;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// One scene that was recorded.
pub(crate) struct Transcript {
    pub(crate) name: String,
    /// The topics it was played in, and how many partitions they have.
    pub(crate) topics: BTreeMap<String, (Uuid, i32)>,
    /// Its errors came with time: whoever plays it again sees others.
    pub(crate) timed: bool,
    pub(crate) exchanges: Vec<Exchange>,
}

/// A request and its answer, without their lengths.
pub(crate) struct Exchange {
    pub(crate) connection: u64,
    pub(crate) client: String,
    /// Its place among all frames of the scene.
    pub(crate) sent: u64,
    /// The answer's place; none came if there is none.
    pub(crate) answered: Option<u64>,
    /// The answer was kept from the client, and the connection cut.
    pub(crate) lost: bool,
    pub(crate) request: Bytes,
    pub(crate) answer: Bytes,
}

impl Transcript {
    /// All frames in the order in which they passed: the place, the exchange, and whether it is the request.
    pub(crate) fn frames(&self) -> Vec<(u64, &Exchange, bool)> {
        let mut frames = Vec::new();
        for exchange in &self.exchanges {
            frames.push((exchange.sent, exchange, true));
            frames.extend(exchange.answered.map(|at| (at, exchange, false)));
        }
        frames.sort_by_key(|(at, ..)| *at);
        frames
    }
}

/// All transcripts, by name.
pub(crate) fn all() -> Vec<Transcript> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts");
    let entries = fs::read_dir(&directory).expect("the transcripts are in the repository");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let read = |path| read(&fs::read_to_string(path).expect("a transcript is text"));
    paths.iter().map(read).collect()
}

fn read(text: &str) -> Transcript {
    let mut lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
    let heading = lines.next().expect("a heading");
    let topics = heading["topics"].as_object().expect("topics");
    let topic = |(name, about): (&String, &Value)| {
        let id = bytes(&about["id"]);
        let id = Uuid(id[..].try_into().expect("16 bytes"));
        let partitions = about["partitions"].as_i64().expect("a number");
        (
            name.clone(),
            (id, i32::try_from(partitions).expect("a few")),
        )
    };
    Transcript {
        name: text_of(&heading["scene"]),
        topics: topics.iter().map(topic).collect(),
        timed: heading["timed"].as_bool().expect("a truth"),
        exchanges: lines.map(|line| exchange(&line)).collect(),
    }
}

fn exchange(line: &Value) -> Exchange {
    Exchange {
        connection: line["connection"].as_u64().expect("a number"),
        client: text_of(&line["client"]),
        sent: line["sent"].as_u64().expect("a number"),
        answered: line["answered"].as_u64(),
        lost: line["lost"].as_bool().expect("a truth"),
        request: bytes(&line["request"]),
        answer: bytes(&line["answer"]),
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn bytes(value: &Value) -> Bytes {
    let digits = value.as_str().expect("hexadecimal digits");
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("two digits");
    (0..digits.len()).step_by(2).map(byte).collect()
}
