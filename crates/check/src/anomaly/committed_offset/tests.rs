use super::*;
use crate::history::Kind;
use crate::history::Topic;
use crate::testing::Story;

fn findings(story: &Story) -> u64 {
    story.report().count(RULE)
}

#[test]
fn what_was_committed_last_is_what_is_fetched() {
    let mut story = Story::new();
    story
        .fetched(2, None)
        .commit_offset(1, 3)
        .fetched(2, Some(3));
    story.commit_offset(1, 7).fetched(2, Some(7));
    // Going back on purpose is a commit too.
    story.commit_offset(1, 2).fetched(2, Some(2));
    assert_eq!(findings(&story), 0);
}

#[test]
fn an_older_offset_is_found() {
    let mut story = Story::new();
    story
        .commit_offset(1, 3)
        .commit_offset(1, 7)
        .fetched(2, Some(3));
    story.finds(RULE);
}

#[test]
fn a_forgotten_offset_is_found_unless_its_topic_went() {
    let mut story = Story::new();
    story.commit_offset(1, 3);
    let mut deleted = story.clone();
    story.fetched(2, None).finds(RULE);
    let mut topic = Topic::new(&*Story::partition().topic);
    topic.deleted = true;
    deleted.event(0, Kind::Info, topic).fetched(2, None);
    assert_eq!(findings(&deleted), 0);
}

#[test]
fn an_offset_that_nobody_committed_is_found() {
    let mut story = Story::new();
    story.commit_offset(1, 3).fetched(2, Some(4)).finds(RULE);
}

#[test]
fn a_commit_that_nobody_knows_of_may_come_at_any_time_but_not_go() {
    let mut story = Story::new();
    story.commit_offset(1, 3).maybe_commit_offset(1, 5);
    story.fetched(2, Some(3)).fetched(2, Some(5));
    assert_eq!(findings(&story), 0);
    story.fetched(2, Some(3)).finds(RULE);
}

#[test]
fn a_transactions_offset_counts_for_stable_fetches_once_it_is_committed() {
    let mut story = Story::new();
    story
        .commit_offset(1, 3)
        .offsets_in_txn(1, 1, 5)
        .fetched(2, Some(3));
    story.committed(1, 1);
    let mut unstable = story.clone();
    unstable.fetched_unstable(2, Some(3));
    assert_eq!(findings(&unstable), 0, "the marker may not be written yet");
    unstable
        .fetched_unstable(2, Some(5))
        .fetched_unstable(2, Some(3))
        .finds(RULE);
    story.fetched(2, Some(3)).finds(RULE);
}

#[test]
fn records_that_count_without_their_offsets_are_found() {
    let mut story = Story::new();
    story
        .in_txn(1, 1, 10, 0)
        .offsets_in_txn(1, 1, 5)
        .maybe_committed(1, 1);
    let mut unread = story.clone();
    unread.fetched(2, None);
    assert_eq!(findings(&unread), 0);
    story.read(2, &[(0, 10)]).fetched(2, None).finds(RULE);
}

#[test]
fn a_commit_placed_after_a_transactions_offset_outlives_it() {
    let mut story = Story::new();
    story
        .offsets_in_txn(1, 1, 5)
        .commit_offset(3, 8)
        .committed(1, 1);
    story.fetched(2, Some(8));
    assert_eq!(findings(&story), 0);
    story.fetched(2, Some(5)).finds(RULE);
}
