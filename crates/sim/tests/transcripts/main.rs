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
use std::collections::BTreeMap;
use std::rc::Rc;
use transcript::Transcript;

/// Seeds that are played.
const SEEDS: u64 = 40;

/// Moves, and who made each first.
type Moves = BTreeMap<String, String>;

/// Moves of ours, by what they begin with and contain, that no recorded client makes, and why ours does.
const OURS_ALONE: [(&str, &str, &str); 6] = [
    ("Produce", "being added", EAGER),
    ("Produce", "beside AddPartitionsToTxn", EAGER),
    ("AddPartitionsToTxn", "that are in", EAGER),
    (
        "TxnOffsetCommit",
        "static",
        "no recorded member is static and transactional at once; Java's says its instance's id (KIP-447)",
    ),
    (
        "EndTxn: abort",
        "of offsets",
        "an application may give up right after it sent its offsets",
    ),
    (
        "ConsumerGroupHeartbeat: its epoch",
        "its topics, its timeout",
        "who lost an answer says all again; recorded with partitions and without, but not of both kinds of members",
    ),
];
const EAGER: &str =
    "a client that does not wait until its partition is added, by which nothing may hang";

/// Moves of real clients that ours do not make within so many seeds, and why.
const REAL_ALONE: [(&str, &str, &str); 4] = [
    (
        "Fetch",
        "session's end",
        "our readers go without a word, as clients that are killed",
    ),
    (
        "Produce: by no producer",
        "beside Produce",
        "ours sends one batch at a time",
    ),
    (
        "Produce: idempotent",
        "the next sequence, acks -1",
        "ours always has others under way",
    ),
    (
        "InitProducerId: idempotent",
        "again",
        "ours asks once in a run, and no answer of so few is lost",
    ),
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

/// The moves that the others do not make, and that nothing explains.
fn unexplained(moves: &Moves, others: &Moves, explained: &[(&str, &str, &str)]) -> Vec<String> {
    let fits = |made: &str| {
        let mut reasons = explained.iter();
        reasons.any(|(begins, contains, _)| made.starts_with(begins) && made.contains(contains))
    };
    let alone = moves.iter().filter(|(made, _)| !others.contains_key(*made));
    alone
        .filter(|(made, _)| !fits(made))
        .map(|(made, by)| format!("{made} ({by})"))
        .collect()
}

#[test]
fn our_clients_move_as_real_ones_do() {
    let mut real = Moves::new();
    for transcript in transcript::all() {
        recorded(&transcript, &mut real);
    }
    let ours = Rc::default();
    (0..SEEDS).for_each(|seed| simulated(seed, &ours));
    let ours = ours.borrow();
    let none = Vec::<String>::new();
    assert_eq!(
        unexplained(&ours, &real, &OURS_ALONE),
        none,
        "no real client was seen to"
    );
    assert_eq!(
        unexplained(&real, &ours, &REAL_ALONE),
        none,
        "real clients do, and ours do not"
    );
}

#[test]
fn our_broker_answers_as_kafka_did() {
    let mut found = Vec::new();
    for transcript in transcript::all() {
        let differences = replay::differences(&transcript);
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
