//! How an output is looked at beyond what is always normalised: what a comparison of two brokers
//! may not hold against either. Pure.

use std::collections::BTreeMap;

/// One such way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum View {
    /// Lines in ascending order: the tool prints them in no particular one.
    Sorted,
    /// Records partition by partition: which one comes first is chance, the order within is not.
    ByPartition,
    /// Only lines with this text, or about an internal topic.
    About(String),
    /// Without the sizes and positions of batches: the tool that wrote them stamped them with the
    /// time, and how many bytes a time takes is chance.
    NoSizes,
    /// Of a dump of a producers' snapshot: without when they were heard of. Kafka keeps the timestamp of
    /// their last batch; we keep the broker's time if that is later, so that who sends old records is
    /// not forgotten while it sends.
    NotWhenHeardOf,
    /// Of a compacted topic's dump: the last value of each key with this text in it.
    LastOfEachKey(String),
    /// Of a metadata log's dump: the records of topics with this text in their name, with the
    /// name in place of the id.
    TopicsNamed(String),
}

impl View {
    /// What is told of it where it is used.
    pub(super) fn describe(&self) -> String {
        match self {
            View::Sorted => "lines sorted".to_owned(),
            View::ByPartition => "records by partition".to_owned(),
            View::About(tag) => format!("lines about {tag}* and internal topics"),
            View::NoSizes => "without batch sizes and positions".to_owned(),
            View::NotWhenHeardOf => "without when producers were heard of".to_owned(),
            View::LastOfEachKey(tag) => format!("the last value of each key of {tag}*"),
            View::TopicsNamed(tag) => format!("records of the topics {tag}*"),
        }
    }

    /// Whether it must see the output before ids and times are normalised.
    pub(super) fn is_early(&self) -> bool {
        matches!(self, View::TopicsNamed(_) | View::NotWhenHeardOf)
    }

    pub(super) fn apply(&self, mut lines: Vec<String>) -> Vec<String> {
        match self {
            View::Sorted => lines.sort(),
            View::ByPartition => lines.sort_by_key(|line| partition(line)),
            View::About(tag) => lines.retain(|line| line.contains(tag) || line.contains("__")),
            View::NoSizes => {
                for line in &mut lines {
                    *line = without(line, &["position: ", "size: "]);
                }
            }
            View::NotWhenHeardOf => {
                for line in &mut lines {
                    *line = without(line, &["lastTimestamp: ", " timestamp: "]);
                }
            }
            View::LastOfEachKey(tag) => lines = last_of_each_key(&lines, tag),
            View::TopicsNamed(tag) => lines = topics_named(&lines, tag),
        }
        lines
    }
}

/// The partition that a line of the console consumer names; lines without one go last.
fn partition(line: &str) -> u32 {
    let named = line.split_once("Partition:").map(|(_, rest)| rest);
    let digits = named.and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
    digits
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(u32::MAX)
}

/// A line with `<n>` in place of the numbers after these texts.
fn without(line: &str, texts: &[&str]) -> String {
    let mut line = line.to_owned();
    for text in texts {
        if let Some(found) = line.find(text) {
            let start = found + text.len();
            let digits = line[start..].bytes().take_while(u8::is_ascii_digit);
            let len = digits.count();
            line.replace_range(start..start + len, "<n>");
        }
    }
    line
}

/// What a decoder of an internal topic prints for one record: the key, and the value after it.
fn key_and_payload(line: &str) -> Option<(&str, &str)> {
    let (_, record) = line.split_once(" key: ")?;
    record.split_once(" payload: ")
}

fn last_of_each_key(lines: &[String], tag: &str) -> Vec<String> {
    let records = lines.iter().filter_map(|line| key_and_payload(line));
    let last: BTreeMap<&str, &str> = records.filter(|(key, _)| key.contains(tag)).collect();
    last.iter()
        .map(|(key, payload)| format!("{key} = {payload}"))
        .collect()
}

/// The kinds of metadata records that say what a topic is.
const KINDS: [&str; 4] = [
    "\"TOPIC_RECORD\"",
    "\"PARTITION_RECORD\"",
    "\"CONFIG_RECORD\"",
    "\"REMOVE_TOPIC_RECORD\"",
];

fn topics_named(lines: &[String], tag: &str) -> Vec<String> {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut found = Vec::new();
    let payloads = lines
        .iter()
        .filter_map(|line| line.split_once("payload: ").map(|(_, payload)| payload))
        .filter(|payload| KINDS.iter().any(|kind| payload.contains(kind)));
    for payload in payloads {
        if payload.contains("\"TOPIC_RECORD\"")
            && let (Some(name), Some(id)) = (field(payload, "name"), field(payload, "topicId"))
        {
            names.insert(id, name);
        }
        let name = field(payload, "topicId").and_then(|id| Some((names.get(&id)?.clone(), id)));
        let named = match name {
            Some((name, id)) => payload.replace(&id, &name),
            None => payload.to_owned(),
        };
        if named.contains(tag) {
            found.push(named);
        }
    }
    found
}

/// The text of a field in a line of JSON.
fn field(json: &str, name: &str) -> Option<String> {
    let (_, rest) = json.split_once(&format!("\"{name}\":\""))?;
    rest.split_once('"').map(|(value, _)| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn records_keep_their_order_within_a_partition() {
        let met = "Partition:2\tb\nPartition:10\tz\nPartition:2\ta\nend";
        let seen = View::ByPartition.apply(lines(met));
        assert_eq!(
            seen,
            ["Partition:2\tb", "Partition:2\ta", "Partition:10\tz", "end"]
        );
    }

    #[test]
    fn only_what_the_run_made_is_compared() {
        let met = "cmp-1-a\nother\n__consumer_offsets\ncmp-1-b";
        let seen = View::About("cmp-1".to_owned()).apply(lines(met));
        assert_eq!(seen, ["cmp-1-a", "__consumer_offsets", "cmp-1-b"]);
    }

    #[test]
    fn sizes_and_positions_go_and_offsets_stay() {
        let met = "baseOffset: 7 position: 98 CreateTime: <ms> size: 104 magic: 2";
        let seen = View::NoSizes.apply(lines(met));
        assert_eq!(
            seen,
            ["baseOffset: 7 position: <n> CreateTime: <ms> size: <n> magic: 2"]
        );
    }

    #[test]
    fn when_a_producer_was_heard_of_goes_and_its_sequences_stay() {
        let met = "lastTimestamp: 17 firstSequence: 3 timestamp: 18";
        let seen = View::NotWhenHeardOf.apply(lines(met));
        assert_eq!(seen, ["lastTimestamp: <n> firstSequence: 3 timestamp: <n>"]);
    }

    #[test]
    fn of_each_key_the_last_value_counts() {
        let met = "baseOffset: 0\n\
                   | offset: 0 key: {\"group\":\"cmp-b\"} payload: 1\n\
                   | offset: 1 key: {\"group\":\"cmp-a\"} payload: 2\n\
                   | offset: 2 key: {\"group\":\"else\"} payload: 3\n\
                   | offset: 3 key: {\"group\":\"cmp-b\"} payload: 4";
        let seen = View::LastOfEachKey("cmp-".to_owned()).apply(lines(met));
        assert_eq!(
            seen,
            ["{\"group\":\"cmp-a\"} = 2", "{\"group\":\"cmp-b\"} = 4"]
        );
    }

    #[test]
    fn metadata_records_are_found_by_their_topic() {
        let met = "| offset: 1 payload: {\"type\":\"NO_OP_RECORD\"}\n\
             | offset: 2 payload: {\"type\":\"TOPIC_RECORD\",\"data\":{\"name\":\"cmp-a\",\"topicId\":\"AbC\"}}\n\
             | offset: 3 payload: {\"type\":\"PARTITION_RECORD\",\"data\":{\"topicId\":\"AbC\"}}\n\
             | offset: 4 payload: {\"type\":\"PARTITION_RECORD\",\"data\":{\"topicId\":\"XyZ\"}}";
        let seen = View::TopicsNamed("cmp-".to_owned()).apply(lines(met));
        assert_eq!(
            seen,
            [
                "{\"type\":\"TOPIC_RECORD\",\"data\":{\"name\":\"cmp-a\",\"topicId\":\"cmp-a\"}}",
                "{\"type\":\"PARTITION_RECORD\",\"data\":{\"topicId\":\"cmp-a\"}}"
            ]
        );
    }
}
