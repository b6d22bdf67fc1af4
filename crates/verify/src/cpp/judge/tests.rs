use bytes::Bytes;
use once_client::{Header, NewRecord};

use super::*;

fn stored(record: NewRecord, offset: i64) -> Record {
    Record {
        topic: record.topic,
        partition: record.partition.unwrap_or(0),
        offset,
        timestamp_ms: 0,
        key: record.key,
        value: record.value,
        headers: record.headers,
    }
}

fn input(offset: i64) -> Record {
    let record = NewRecord::new("in", format!("v{offset}"));
    stored(
        InputTag {
            sequence: offset as u64,
        }
        .write(record),
        offset,
    )
}

fn output(topic: &str, of: &Record, transaction: &str, size: u64) -> Record {
    let value = processed(of.value.as_deref().unwrap_or_default());
    stored(
        OutputTag::of(of, transaction, size).write(NewRecord::new(topic, value)),
        0,
    )
}

/// A judge of two inputs, each in both outputs, in one transaction of four records: without fault.
fn faultless() -> (Judge, [Record; 2]) {
    let inputs = [input(0), input(1)];
    let mut judge = Judge::new(&["a".to_owned(), "b".to_owned()]);
    inputs.iter().for_each(|record| judge.input(record));
    for topic in ["a", "b"] {
        inputs
            .iter()
            .for_each(|record| judge.output(&output(topic, record, "t", 4)));
    }
    (judge, inputs)
}

fn verdict(judge: &Judge) -> Judgement {
    judge.verdict(&BTreeSet::from([0, 1]))
}

#[test]
fn each_input_once_in_each_output_holds() {
    let (judge, _) = faultless();
    let expected = Judgement {
        inputs: 2,
        outputs: 4,
        exactly_once: 2,
        ..Judgement::default()
    };
    assert_eq!(verdict(&judge), expected);
    assert!(verdict(&judge).holds());
}

#[test]
fn an_input_that_one_output_lacks_is_lost() {
    let (mut judge, _) = faultless();
    judge.input(&input(2));
    judge.output(&output("a", &input(2), "u", 1));
    let found = verdict(&judge);
    assert_eq!((found.lost, found.exactly_once, found.torn), (1, 2, 0));
    assert!(!found.holds());
}

#[test]
fn an_output_topic_without_any_record_lacks_every_input() {
    let mut judge = Judge::new(&["a".to_owned()]);
    judge.input(&input(0));
    assert_eq!(verdict(&judge).lost, 1);
}

#[test]
fn an_input_met_twice_in_one_output_is_duplicated() {
    let (mut judge, inputs) = faultless();
    judge.output(&output("b", &inputs[1], "u", 1));
    let found = verdict(&judge);
    assert_eq!((found.duplicated, found.exactly_once), (1, 1));
}

#[test]
fn a_transaction_seen_in_part_is_torn() {
    let mut judge = Judge::new(&["a".to_owned()]);
    judge.input(&input(0));
    judge.output(&output("a", &input(0), "t", 2));
    assert_eq!(verdict(&judge).torn, 1);
    assert!(!verdict(&judge).holds());
}

#[test]
fn an_output_of_nothing_and_one_without_a_tag_are_alien() {
    let (mut judge, _) = faultless();
    judge.output(&output("a", &input(7), "u", 1));
    judge.output(&stored(NewRecord::new("a", "x"), 9));
    assert_eq!(verdict(&judge).alien, 2);
}

#[test]
fn a_value_that_its_input_does_not_become_is_altered() {
    let mut judge = Judge::new(&["a".to_owned()]);
    judge.input(&input(0));
    let mut wrong = output("a", &input(0), "t", 1);
    wrong.value = Some(Bytes::from_static(b"processed:other"));
    judge.output(&wrong);
    assert_eq!(verdict(&judge).altered, 1);
}

#[test]
fn an_acknowledged_input_that_is_not_there_is_lost_and_one_there_twice_is_duplicated() {
    let (mut judge, _) = faultless();
    let mut again = input(1);
    again.offset = 5;
    judge.input(&again);
    let found = judge.verdict(&BTreeSet::from([0, 1, 2]));
    assert_eq!((found.inputs_lost, found.inputs_duplicated), (1, 1));
}

#[test]
fn the_last_header_of_a_name_counts() {
    let mut record = output("a", &input(3), "t", 1);
    record.headers.insert(0, Header::new("input.offset", "9"));
    assert_eq!(OutputTag::read(&record).map(|tag| tag.offset), Some(3));
}
