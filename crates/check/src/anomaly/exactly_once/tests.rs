use super::*;
use crate::history::{Kind, Topic};
use crate::testing::Story;

/// Inputs 10, 11, 12 at offsets 0, 1, 2, which somebody reads.
fn inputs() -> Story {
    let mut story = Story::new();
    story.sent(1, 10, 0).sent(1, 11, 1).sent(1, 12, 2);
    story.read(9, &[(0, 10), (1, 11), (2, 12)]);
    story
}

#[test]
fn each_input_in_one_committed_output() {
    let mut story = inputs();
    story.output(2, 1, 20, 0, 0).output(2, 1, 21, 1, 1);
    story.offsets_in_txn(2, 1, 2).committed(2, 1);
    story.read_outputs(3, &[(0, 20), (1, 21)]).valid();
}

#[test]
fn an_aborted_attempt_does_not_count() {
    let mut story = inputs();
    story
        .output(2, 1, 20, 0, 0)
        .offsets_in_txn(2, 1, 1)
        .aborted(2, 1);
    story
        .output(2, 2, 21, 2, 0)
        .offsets_in_txn(2, 2, 1)
        .committed(2, 2);
    story.read_outputs(3, &[(2, 21)]).valid();
}

#[test]
fn an_attempt_of_which_nobody_knows_does_not_count_until_it_is_read() {
    let mut story = inputs();
    story.output(2, 1, 20, 0, 0).maybe_committed(2, 1);
    story.output(4, 1, 21, 2, 0).committed(4, 1);
    let mut read = story.clone();
    story.read_outputs(3, &[(2, 21)]).valid();
    read.read_outputs(3, &[(0, 20), (2, 21)]).finds(RULE);
}

#[test]
fn an_input_in_two_committed_outputs_is_found() {
    let mut story = inputs();
    story.output(2, 1, 20, 0, 0).committed(2, 1);
    story.output(2, 2, 21, 2, 0).committed(2, 2);
    story.read_outputs(3, &[(0, 20), (2, 21)]).finds(RULE);
}

#[test]
fn an_input_that_was_passed_over_is_found() {
    let mut story = inputs();
    story.output(2, 1, 20, 0, 0).output(2, 1, 22, 1, 2);
    story.offsets_in_txn(2, 1, 3).committed(2, 1);
    story.read_outputs(3, &[(0, 20), (1, 22)]).finds(RULE);
}

#[test]
fn an_input_that_was_deleted_before_it_was_read_is_nobodys_fault() {
    for (below, valid) in [(2, true), (1, false)] {
        let mut story = inputs();
        let mut topic = Topic::new(&*Story::partition().topic);
        topic.deleted_below = [(0, below)].into();
        story.event(0, Kind::Info, topic);
        story.output(2, 1, 20, 0, 0).output(2, 1, 22, 1, 2);
        story.offsets_in_txn(2, 1, 3).committed(2, 1);
        story.read_outputs(3, &[(0, 20), (1, 22)]);
        assert_eq!(story.report().count(RULE) == 0, valid, "below {below}");
    }
}

#[test]
fn inputs_that_are_not_done_are_nobodys_fault() {
    let mut story = inputs();
    story
        .output(2, 1, 20, 0, 0)
        .offsets_in_txn(2, 1, 1)
        .committed(2, 1);
    story.read_outputs(3, &[(0, 20)]).valid();
}

#[test]
fn offsets_that_belong_to_no_processing_accuse_nobody() {
    let mut story = inputs();
    story.output(2, 1, 20, 0, 0).committed(2, 1);
    story.offsets_in_txn(3, 1, 3).committed(3, 1);
    story.read_outputs(3, &[(0, 20)]).valid();
}
