use once_client::{Header, Partition};

use super::*;

fn printed(print: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
    let mut out = Vec::new();
    print(&mut out).expect("a vector takes everything");
    String::from_utf8(out).expect("text")
}

fn a_record() -> Record {
    Record {
        topic: "t".into(),
        partition: 2,
        offset: 7,
        timestamp_ms: 0,
        key: None,
        value: Some("v".into()),
        headers: vec![
            Header::new("a", "1"),
            Header {
                key: "b".into(),
                value: None,
            },
        ],
    }
}

#[test]
fn a_record_is_printed_as_kafkas_console_consumer_does() {
    let all = Columns {
        partition: true,
        offset: true,
        headers: true,
        key: true,
    };
    let line = printed(|out| record(out, &a_record(), all));
    assert_eq!(line, "Partition:2\tOffset:7\ta:1,b:null\tnull\tv\n");
    assert_eq!(
        printed(|out| record(out, &a_record(), Columns::default())),
        "v\n"
    );
    let bare = Record {
        headers: Vec::new(),
        ..a_record()
    };
    let line = printed(|out| {
        record(
            out,
            &bare,
            Columns {
                headers: true,
                ..Columns::default()
            },
        )
    });
    assert_eq!(line, "NO_HEADERS\tv\n");
}

#[test]
fn a_topic_is_described_as_kafkas_topics_tool_does() {
    let described = Topic {
        name: "t".into(),
        id: "AAAAAAAAAAAAAAAAAAAAAQ".into(),
        internal: false,
        partitions: vec![
            Partition {
                partition: 0,
                leader: Some(1),
                replicas: vec![1, 2],
                isr: vec![1],
            },
            Partition {
                partition: 1,
                leader: None,
                replicas: vec![2, 1],
                isr: vec![],
            },
        ],
    };
    let config = |name: &str, set_on_topic| ConfigValue {
        name: name.into(),
        value: Some("1".into()),
        set_on_topic,
    };
    let configs = [
        config("min.insync.replicas", true),
        config("retention.ms", false),
    ];
    assert_eq!(
        printed(|out| topic(out, &described, &configs)),
        "Topic: t\tTopicId: AAAAAAAAAAAAAAAAAAAAAQ\tPartitionCount: 2\tReplicationFactor: 2\t\
         Configs: min.insync.replicas=1\n\
         \tTopic: t\tPartition: 0\tLeader: 1\tReplicas: 1,2\tIsr: 1\n\
         \tTopic: t\tPartition: 1\tLeader: none\tReplicas: 2,1\tIsr: \n"
    );
}

#[test]
fn a_report_shows_every_claim_and_counts_the_false_ones() {
    let claim = |act, what: &str, expected: &str, found: &str| Claim {
        act,
        what: what.into(),
        expected: expected.into(),
        found: found.into(),
    };
    let claims = vec![
        claim(1, "copies stored", "1", "1"),
        claim(2, "seen", "0", "3"),
    ];
    let text = printed(|out| report(out, &Report { claims }));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "",
            "  act  claim          expected  found in the log",
            "    1  copies stored  1         1                 holds",
            "    2  seen           0         3                 FAILS",
            "",
            "1 of 2 claims fail.",
        ]
    );
}
