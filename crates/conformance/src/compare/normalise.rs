//! What is made equal before two outputs are compared, because it differs between any two brokers
//! or any two moments. Pure: text in, text out.

use std::collections::BTreeMap;

/// What is told of it, in the order in which it is done.
pub(super) const RULES: [(&str, &str); 12] = [
    ("addresses", "the broker's own HOST:PORT becomes <broker>"),
    ("directories", "the data directory becomes <data>"),
    (
        "stack traces",
        "lines of Java stack traces are left out; the error itself stays",
    ),
    (
        "columns",
        "runs of blanks become one blank, blanks at the end go",
    ),
    (
        "uuids",
        "member, client and other ids of 36 characters become <uuid>",
    ),
    (
        "short uuids",
        "topic, member and directory ids of 22 characters become <id>",
    ),
    (
        "times",
        "milliseconds since 1970 from the time of the run become <ms>, times of day <time>; the \
         fixed timestamps of our own load stay",
    ),
    (
        "nodes",
        "node ids after leader, replicas, isr and in brackets become <node>",
    ),
    (
        "producer ids",
        "numbered as they first come: <producer 1>, <producer 2>",
    ),
    ("checksums", "crc: N becomes <crc>; isvalid stays"),
    (
        "min.insync.replicas",
        "where a topic has it from its broker, which in Kafka 4.1 always has it among its dynamic \
         defaults: it and those synonyms of it are left out",
    ),
    ("empty lines", "are left out"),
];

/// What is known of the side whose output this is.
#[derive(Debug, Clone)]
pub(super) struct Known<'a> {
    /// Its bootstrap address.
    pub(super) address: &'a str,
    /// Its data directory, if known.
    pub(super) data: Option<&'a str>,
    /// Milliseconds since 1970 when the run began, less an hour.
    pub(super) since_ms: u64,
}

/// An output with everything normalised that [`RULES`] names.
pub(super) fn normalise(output: &str, known: &Known<'_>) -> Vec<String> {
    let mut producers = BTreeMap::new();
    output
        .lines()
        .filter(|line| !is_stack_trace(line))
        .map(|line| line.replace(known.address, "<broker>"))
        .map(|line| match known.data {
            Some(data) => line.replace(data, "<data>"),
            None => line,
        })
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .map(|line| {
            words(&line, |word| {
                id(word).or_else(|| time(word, known.since_ms))
            })
        })
        .map(|line| times_of_day(&line))
        .map(|line| after(&line, &NODES, nodes))
        .map(|line| after(&line, &PRODUCERS, |digits| producer(digits, &mut producers)))
        .map(|line| after(&line, &["crc: "], |_| Some("<crc>".to_owned())))
        .map(|line| without_min_isr(&line))
        .filter(|line| !line.is_empty())
        .collect()
}

/// Without `min.insync.replicas` where it may be the broker's.
fn without_min_isr(line: &str) -> String {
    let synonyms = ["DYNAMIC_DEFAULT_BROKER_CONFIG", "STATIC_BROKER_CONFIG"]
        .map(|source| format!("{source}:min.insync.replicas=1, "));
    let line = synonyms
        .iter()
        .fold(line.to_owned(), |line, synonym| line.replace(synonym, ""));
    if let Some((topic, configs)) = line.split_once(" Configs: ") {
        let configs = configs.split(',');
        let configs: Vec<&str> = configs
            .filter(|config| *config != "min.insync.replicas=1")
            .collect();
        return format!("{topic} Configs: {}", configs.join(","))
            .trim_end()
            .to_owned();
    }
    line
}

fn is_stack_trace(line: &str) -> bool {
    let bare = line.trim_start();
    bare.starts_with("at ") && bare.ends_with(')') && line != bare
        || bare.starts_with("... ") && bare.ends_with(" more")
}

const NODES: [&str; 9] = [
    "Leader: ",
    "leader: ",
    "Replicas: ",
    "Isr: ",
    "<broker> (",
    "\"leader\":",
    "\"replicas\":[",
    "\"isr\":[",
    "\"preferredLeader\":",
];

const PRODUCERS: [&str; 3] = ["producerId: ", "\"producerId\":", "producerId="];

/// A node id, or a list of them.
fn nodes(digits: &str) -> Option<String> {
    (!digits.is_empty()).then(|| "<node>".to_owned())
}

/// The number of this producer among those met; −1, which is none, stays.
fn producer(digits: &str, met: &mut BTreeMap<String, usize>) -> Option<String> {
    if digits.is_empty() {
        return None;
    }
    let next = met.len() + 1;
    let number = met.entry(digits.to_owned()).or_insert(next);
    Some(format!("<producer {number}>"))
}

/// Replaces the digits that follow each of these texts.
fn after(line: &str, texts: &[&str], mut replace: impl FnMut(&str) -> Option<String>) -> String {
    let mut line = line.to_owned();
    for text in texts {
        let mut from = 0;
        while let Some(found) = line[from..].find(text) {
            let start = from + found + text.len();
            let len = line[start..]
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(line.len() - start);
            from = start;
            if let Some(replacement) = replace(&line[start..start + len]) {
                line.replace_range(start..start + len, &replacement);
                from += replacement.len();
            }
        }
    }
    line
}

/// Replaces words: what stands between characters that no id has in it.
fn words(line: &str, replace: impl Fn(&str) -> Option<String>) -> String {
    let mut replaced = String::with_capacity(line.len());
    let mut rest = line;
    while !rest.is_empty() {
        let len = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(len);
        replaced.push_str(replace(word).as_deref().unwrap_or(word));
        let mut others = after.chars();
        replaced.extend(others.next());
        rest = others.as_str();
    }
    replaced
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

/// An id in either of Java's spellings, alone or at the end of a name such as
/// `console-consumer-<uuid>`.
fn id(word: &str) -> Option<String> {
    if let Some(split) = word
        .len()
        .checked_sub(36)
        .filter(|at| is_uuid(&word[*at..]))
    {
        return Some(format!("{}<uuid>", &word[..split]));
    }
    let mixed = word.chars().any(|c| c.is_ascii_uppercase())
        && word.chars().any(|c| c.is_ascii_lowercase());
    (word.len() == 22 && mixed).then(|| "<id>".to_owned())
}

fn is_uuid(text: &str) -> bool {
    text.char_indices().all(|(at, c)| match at {
        8 | 13 | 18 | 23 => c == '-',
        _ => c.is_ascii_hexdigit(),
    })
}

fn time(word: &str, since_ms: u64) -> Option<String> {
    let ms: u64 = word.parse().ok()?;
    // A day is more than any run takes.
    (since_ms..since_ms + 86_400_000)
        .contains(&ms)
        .then(|| "<ms>".to_owned())
}

/// `12:34:56.789` and `12:34:56,789`, with a date before it or without.
fn times_of_day(line: &str) -> String {
    let is_time = |word: &str| {
        let word = word.trim_matches(['[', ']']);
        word.len() == 12
            && word.char_indices().all(|(at, c)| match at {
                2 | 5 => c == ':',
                8 => c == '.' || c == ',',
                _ => c.is_ascii_digit(),
            })
    };
    let is_date = |word: &str| {
        let word = word.trim_start_matches('[');
        word.len() == 10
            && word.char_indices().all(|(at, c)| match at {
                4 | 7 => c == '-',
                _ => c.is_ascii_digit(),
            })
    };
    let words = line.split(' ').map(|word| {
        if is_time(word) || is_date(word) {
            "<time>"
        } else {
            word
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> String {
        let known = Known {
            address: "127.0.0.1:9092",
            data: Some("/data/x"),
            since_ms: 1_795_468_000_000,
        };
        normalise(line, &known).join("\n")
    }

    #[test]
    fn what_differs_between_brokers_becomes_equal() {
        for (line, normal) in [
            (
                "g1   127.0.0.1:9092  (1)      -        Empty  0",
                "g1 <broker> (<node>) - Empty 0",
            ),
            (
                "Topic: t\tTopicId: QbH2c1BTS4GRH4fKg-MmWg\tPartitionCount: 3",
                "Topic: t TopicId: <id> PartitionCount: 3",
            ),
            (
                "\tTopic: t\tPartition: 0\tLeader: 1\tReplicas: 1\tIsr: 1\tElr: \t",
                "Topic: t Partition: 0 Leader: <node> Replicas: <node> Isr: <node> Elr:",
            ),
            (
                "console-consumer-9fa9aead-bf57-4967-b6cd-e825b2f3d8a8 /127.0.0.1",
                "console-consumer-<uuid> /127.0.0.1",
            ),
            ("Dumping /data/x/t-0/0.log", "Dumping <data>/t-0/0.log"),
            (
                "CreateTime:1795468981232\tPartition:0\ta",
                "CreateTime:<ms> Partition:0 a",
            ),
            (
                "\"commitTimestamp\":1795468981589,\"topicId\":\"QbH2c1BTS4GRH4fKg-MmWg\"}",
                "\"commitTimestamp\":<ms>,\"topicId\":\"<id>\"}",
            ),
            ("21:22:53.596 ERROR x", "<time> ERROR x"),
            ("[2026-11-23 21:22:53,596] WARN x", "<time> <time> WARN x"),
            ("crc: 228126102 isvalid: true", "crc: <crc> isvalid: true"),
            (
                "Topic: t ReplicationFactor: 1 Configs: min.insync.replicas=1,retention.ms=-1",
                "Topic: t ReplicationFactor: 1 Configs: retention.ms=-1",
            ),
            (
                "Topic: t ReplicationFactor: 1 Configs: min.insync.replicas=1",
                "Topic: t ReplicationFactor: 1 Configs:",
            ),
            (
                "synonyms={STATIC_BROKER_CONFIG:min.insync.replicas=1, DEFAULT_CONFIG:min.insync.replicas=1}",
                "synonyms={DEFAULT_CONFIG:min.insync.replicas=1}",
            ),
        ] {
            assert_eq!(one(line), normal);
        }
    }

    #[test]
    fn producers_are_numbered_as_they_come_and_none_stays_none() {
        let lines = "producerId: 1000 x\nproducerId: -1 y\nproducerId: 7 z\nproducerId: 1000 x";
        assert_eq!(
            one(lines),
            "producerId: <producer 1> x\nproducerId: -1 y\nproducerId: <producer 2> z\n\
             producerId: <producer 1> x"
        );
    }

    #[test]
    fn what_a_broker_must_get_right_stays() {
        for line in [
            "baseOffset: 3 lastOffset: 4 count: 2 baseSequence: 0 producerEpoch: 0 size: 98",
            "CreateTime: 1700000000123 keySize: 2 payload: v",
            "PartitionCount: 3 ReplicationFactor: 1 Configs: retention.ms=-1",
            "isvalid: false",
            "t:1:12",
            "Exception in thread \"main\" java.lang.IllegalStateException at rest",
        ] {
            assert_eq!(one(line), line);
        }
    }

    #[test]
    fn stack_traces_and_empty_lines_go() {
        let lines = "Error: x\n\n\tat org.apache.Kafka.main(Kafka.java:1)\n\t... 3 more\nend";
        assert_eq!(one(lines), "Error: x\nend");
    }
}
