use super::*;
use crate::testing::Story;

/// Process 1 started, began transaction 1 and sent; then process 2 started as the same.
fn fenced() -> Story {
    let mut story = Story::new();
    story.init(1, 0).in_txn(1, 1, 10, 0).init(2, 1);
    story
}

#[test]
fn who_was_fenced_fails_and_its_successor_goes_on() {
    let mut story = fenced();
    let commit = story.committing(1, 1);
    story.fail(commit);
    story.in_txn(2, 1, 11, 2).committed(2, 1);
    story.read(3, &[(2, 11)]).valid();
}

#[test]
fn a_commit_by_who_was_fenced_is_found() {
    fenced().committed(1, 1).read(3, &[(0, 10)]).finds(RULE);
}

#[test]
fn a_commit_that_nobody_knows_of_is_found_when_it_is_seen() {
    fenced()
        .maybe_committed(1, 1)
        .read(3, &[(0, 10)])
        .finds(RULE);
}

#[test]
fn a_commit_that_was_under_way_is_no_zombies() {
    let mut story = Story::new();
    story.init(1, 0).in_txn(1, 1, 10, 0);
    let commit = story.committing(1, 1);
    story.init(2, 1).ok(commit).read(3, &[(0, 10)]).valid();
}

#[test]
fn a_transaction_that_a_zombie_begins_is_one_too() {
    let mut story = Story::new();
    story
        .init(1, 0)
        .init(2, 1)
        .in_txn(1, 1, 10, 0)
        .aborted(1, 1);
    story.sent(3, 12, 2).read(4, &[(2, 12)]).finds(RULE);
}

#[test]
fn who_starts_again_is_its_own_successor() {
    let mut story = Story::new();
    story.init(1, 0).in_txn(1, 1, 10, 0).init(1, 1);
    story
        .in_txn(1, 2, 11, 2)
        .committed(1, 2)
        .read(2, &[(2, 11)])
        .valid();
}

#[test]
fn a_record_behind_one_of_a_higher_epoch_is_found() {
    let mut story = Story::new();
    story.in_txn_epoch(1, 1, 10, 3, 0).committed(1, 1);
    story.in_txn_epoch(2, 1, 11, 2, 2).aborted(2, 1);
    story.read(3, &[(0, 10)]).finds(RULE);
}
