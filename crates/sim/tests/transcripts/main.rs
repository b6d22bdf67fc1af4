//! The simulation's clients, and our broker, against what real clients and an Apache Kafka were recorded to say.

mod conversation;
mod member;
mod producer;
mod reader;
mod replay;
mod transcript;

use conversation::Conversation;
use once_sim::{Passed, Plan, Role, run_watched};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use transcript::Transcript;

/// Seeds that are played.
const SEEDS: u64 = 40;
/// And so many at most, until every move of a real client was made.
const SEEDS_MOST: u64 = 160;

/// Moves, and who made each first.
type Moves = BTreeMap<String, String>;

/// Why moves are made alone, and which.
type Explained<'a> = &'a [(&'a str, &'a [&'a str])];

/// Moves of ours that no recorded client makes.
const OURS_ALONE: Explained<'_> = &[
    (
        "a client that does not wait until its partition is added, by which nothing may hang",
        &[
            "AddPartitionsToTxn: its identity, of partitions that are in",
            "AddPartitionsToTxn: its identity, of partitions that are in, again",
            "Produce: transactional, its identity, a sequence again, acks -1, partition is being added",
            "Produce: transactional, its identity, a sequence again, acks -1, partition is being added, beside Produce",
            "Produce: transactional, its identity, the first sequence, acks -1, partition is being added, beside AddPartitionsToTxn",
            "Produce: transactional, its identity, the next sequence, acks -1, partition is being added, beside AddPartitionsToTxn",
            "Produce: transactional, its identity, the next sequence, acks -1, partition is being added, beside AddPartitionsToTxn and Produce",
            "Produce: transactional, its identity, the next sequence, acks -1, partition is in, beside AddPartitionsToTxn",
            "Produce: transactional, its identity, the next sequence, acks -1, partition is in, beside AddPartitionsToTxn and Produce",
        ],
    ),
    (
        "no recorded member is static and transactional at once; Java's says its instance's id (KIP-447)",
        &[
            "TxnOffsetCommit: its identity, group is in, of a member and its generation, static, after data",
            "TxnOffsetCommit: its identity, group is in, of a member and its generation, static, before data",
        ],
    ),
    (
        "after a refused commit the next heartbeat is as always (Java's CommitRequestManager leaves membership alone); \
         in the recordings a heartbeat was due before the refusal came",
        &[
            "ConsumerGroupHeartbeat: its epoch, says not what it has, dynamic, right after UNKNOWN_MEMBER_ID",
            "ConsumerGroupHeartbeat: its epoch, says not what it has, static, right after UNKNOWN_MEMBER_ID",
        ],
    ),
    (
        "who lost an answer says all again; recorded with partitions of both kinds, and without of a static one",
        &[
            "ConsumerGroupHeartbeat: its epoch, says that it has nothing, its topics, its timeout, dynamic",
        ],
    ),
    (
        "a join is asked for again; recorded of dynamic members, and of static ones right after an error",
        &["JoinGroup: under its name, static"],
    ),
];

/// Moves of real clients that ours do not make within so many seeds.
const REAL_ALONE: Explained<'_> = &[
    (
        "our readers go without a word, as clients that are killed",
        &[
            "Fetch: the session's end, read committed",
            "Fetch: the session's end, read uncommitted",
        ],
    ),
    (
        "ours waits for its data before it adds another partition",
        &["AddPartitionsToTxn: its identity, of new partitions, beside Produce"],
    ),
    (
        "a leader that is told to skip the assignment (KIP-814): ours asks in versions before",
        &["SyncGroup: itself, leads and assigns nothing, static"],
    ),
    (
        "our readers forget no partition of a session: who is assigned others begins anew",
        &["Fetch: in its session, read uncommitted, forgets partitions"],
    ),
    (
        "our readers take all that they get at once",
        &["Fetch: from within what it got"],
    ),
    (
        "ours sends one batch at a time",
        &["Produce: by no producer, acks -1, beside Produce"],
    ),
    (
        "ours always has others under way",
        &["Produce: idempotent, its identity, the next sequence, acks -1"],
    ),
];

/// Moves that take an answer lost at the right moment (the first: of the first data after the offsets; the second: of
/// an abort that has both; the third: of a request that ours makes once in a run): so many seeds of ours may make
/// them, or not.
const SELDOM: &[&str] = &[
    "EndTxn: abort, its identity, of offsets",
    "EndTxn: abort, its identity, of data and offsets, again",
    "InitProducerId: idempotent, anew, again",
    "TxnOffsetCommit: its identity, group is in, of a member and its generation, dynamic, before data, again",
    "TxnOffsetCommit: its identity, group is in, of a member and its generation, static, after data, again",
    "TxnOffsetCommit: its identity, group is in, of a member and its generation, static, before data, again",
];

/// The moves of a transcript, in the order in which its frames passed.
fn recorded(transcript: &Transcript, moves: &mut Moves) {
    let mut clients: BTreeMap<&str, Conversation> = BTreeMap::new();
    let names = transcript.topics.iter();
    let names: BTreeMap<_, _> = names.map(|(name, (id, _))| (*id, name.clone())).collect();
    for (at, exchange, is_request) in transcript.frames() {
        let client = clients.entry(&exchange.client).or_default();
        client.names.clone_from(&names);
        if is_request {
            for made in client.asked(exchange.connection, &exchange.request) {
                let by = format!("{} of {} at {at}", exchange.client, transcript.name);
                moves.entry(made).or_insert(by);
            }
        } else if exchange.lost {
            client.closed(exchange.connection);
        } else {
            client.answered(exchange.connection, &exchange.answer);
        }
    }
}

/// The moves of the clients of a seed.
fn simulated(seed: u64, moves: &Rc<RefCell<Moves>>) {
    let plan = Plan::draw(seed, None);
    let clients: RefCell<BTreeMap<usize, Conversation>> = RefCell::default();
    let (moves, roles) = (Rc::clone(moves), plan.clients.clone());
    let watch = move |client: usize, link: u64, passed: Passed| {
        if roles.get(client) == Some(&Role::IdTaker) {
            // It takes more ids than any client, so that they run out.
            return;
        }
        let mut clients = clients.borrow_mut();
        let conversation = clients.entry(client).or_default();
        match passed {
            Passed::Request(frame) => {
                for made in conversation.asked(link, &frame) {
                    let by = format!("client {client} of seed {seed}");
                    moves.borrow_mut().entry(made).or_insert(by);
                }
            }
            Passed::Answer(frame) => conversation.answered(link, &frame),
            Passed::Closed => conversation.closed(link),
        }
    };
    let outcome = run_watched(plan, Box::new(watch));
    assert_eq!(outcome.findings, Vec::<String>::new(), "seed {seed}");
}

fn reasons<'a>(explained: Explained<'a>) -> BTreeSet<&'a str> {
    let moves = explained.iter().flat_map(|(_, moves)| *moves);
    moves.copied().collect()
}

/// The moves that the others do not make and nothing explains.
fn unexplained(moves: &Moves, others: &Moves, explained: Explained<'_>) -> Vec<String> {
    let reasons = reasons(explained);
    let alone = moves.iter().filter(|(made, _)| !others.contains_key(*made));
    alone
        .filter(|(made, _)| !reasons.contains(&***made) && !SELDOM.contains(&&***made))
        .map(|(made, by)| format!("{made} ({by})"))
        .collect()
}

/// What explains a move that nobody makes alone.
fn idle<'a>(moves: &Moves, others: &Moves, explained: Explained<'a>) -> Vec<&'a str> {
    let reasons = reasons(explained).into_iter();
    let is_idle = |made: &&str| !moves.contains_key(*made) || others.contains_key(*made);
    reasons.filter(is_idle).collect()
}

#[test]
fn our_clients_move_as_real_ones_do() {
    let mut real = Moves::new();
    for transcript in transcript::all() {
        recorded(&transcript, &mut real);
    }
    let ours = Rc::default();
    (0..SEEDS).for_each(|seed| simulated(seed, &ours));
    let found = unexplained(&ours.borrow(), &real, OURS_ALONE);
    assert!(found.is_empty(), "no real client was seen to: {found:?}");
    let needless = idle(&ours.borrow(), &real, OURS_ALONE);
    assert!(needless.is_empty(), "explained, and not done: {needless:?}");
    let needless = idle(&real, &ours.borrow(), REAL_ALONE);
    assert!(needless.is_empty(), "explained, and done: {needless:?}");
    // What takes some luck is waited for.
    let unmet = || unexplained(&real, &ours.borrow(), REAL_ALONE);
    let mut luck = SEEDS..SEEDS_MOST;
    while !unmet().is_empty()
        && let Some(seed) = luck.next()
    {
        simulated(seed, &ours);
    }
    let unmet = unmet();
    assert!(
        unmet.is_empty(),
        "real clients do, and ours do not: {unmet:?}"
    );
}

#[test]
fn our_broker_answers_as_kafka_did() {
    let mut found = Vec::new();
    for transcript in transcript::all().iter().filter(|played| !played.timed) {
        let differences = replay::differences(transcript);
        found.extend(
            differences
                .into_iter()
                .map(|text| format!("{}: {text}", transcript.name)),
        );
    }
    assert!(
        found.is_empty(),
        "{} differences\n{}",
        found.len(),
        found.join("\n")
    );
}
