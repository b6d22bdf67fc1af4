//! Laws over random histories. [`Rig::step`] checks after every step that replay equals live.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const IDS: [&str; 2] = ["a", "b"];

/// One move, with choices that the driver turns into a command that makes sense often enough.
#[derive(Clone, Debug)]
enum Move {
    Init {
        id: usize,
        expected: Option<(usize, i16)>,
    },
    Add {
        id: usize,
        who: usize,
        partition: i32,
    },
    End {
        id: usize,
        who: usize,
        commit: bool,
    },
    Markers {
        which: usize,
    },
    Wait {
        ms: Millis,
    },
    Exhaust {
        id: usize,
    },
    Crash {
        lost: usize,
    },
}

fn moves() -> impl Strategy<Value = Move> {
    let id = 0..IDS.len();
    prop_oneof![
        2 => (id.clone(), proptest::option::of((0..3usize, -1..2i16)))
            .prop_map(|(id, expected)| Move::Init { id, expected }),
        4 => (id.clone(), 0..2usize, 0..3)
            .prop_map(|(id, who, partition)| Move::Add { id, who, partition }),
        4 => (id.clone(), 0..2usize, any::<bool>())
            .prop_map(|(id, who, commit)| Move::End { id, who, commit }),
        4 => (0..3usize).prop_map(|which| Move::Markers { which }),
        2 => prop_oneof![Just(1), Just(5_000), Just(70_000), Just(604_800_000)]
            .prop_map(|ms| Move::Wait { ms }),
        1 => id.prop_map(|id| Move::Exhaust { id }),
        1 => (0..2usize).prop_map(|lost| Move::Crash { lost }),
    ]
}

/// A history: the machine and all that left it.
struct World {
    rig: Rig<Transactions>,
    now: Millis,
    fresh: i64,
    /// Producers that each id was given, oldest first.
    granted: BTreeMap<usize, Vec<ProducerIdentity>>,
    /// Marker effects that left, oldest first.
    markers: Vec<Effect>,
    open: BTreeSet<Waiter>,
    newest: BTreeMap<String, ProducerIdentity>,
}

impl World {
    fn new() -> Self {
        let transactions = Transactions::new(TransactionConfig::default(), 0);
        Self {
            rig: Rig::new(transactions, Transactions::durable),
            now: 0,
            fresh: 0,
            granted: BTreeMap::new(),
            markers: Vec::new(),
            open: BTreeSet::new(),
            newest: BTreeMap::new(),
        }
    }

    /// The `back`th newest producer that the id was given.
    fn holder(&self, id: usize, back: usize) -> ProducerIdentity {
        let granted = self.granted.get(&id).map_or(&[][..], Vec::as_slice);
        let nobody = ProducerIdentity { id: 0, epoch: 0 };
        granted.iter().rev().nth(back).copied().unwrap_or(nobody)
    }

    fn play(&mut self, next: &Move) {
        match next {
            Move::Init { id, expected } => {
                self.fresh += 1;
                let expected = expected.map(|(back, off)| {
                    let holder = self.holder(*id, back);
                    epoch(holder, holder.epoch.saturating_add(off))
                });
                let command = Command::Init {
                    transactional_id: IDS[*id].into(),
                    timeout_ms: TIMEOUT_MS,
                    expected,
                    fresh_producer_id: self.fresh,
                };
                self.ask(&command);
            }
            Move::Add { id, who, partition } => self.ask(&Command::AddPartitions {
                transactional_id: IDS[*id].into(),
                producer: self.holder(*id, *who),
                partitions: vec![TopicPartition::new("t", *partition)],
                client_version: TransactionVersion::V0,
            }),
            Move::End { id, who, commit } => self.ask(&Command::End {
                transactional_id: IDS[*id].into(),
                producer: self.holder(*id, *who),
                commit: *commit,
                client_version: TransactionVersion::V0,
            }),
            Move::Markers { which } => {
                let marker = self.markers.iter().rev().nth(*which);
                let Some(Effect::WriteMarkers {
                    transactional_id,
                    producer,
                    ..
                }) = marker
                else {
                    return;
                };
                let transactional_id = transactional_id.clone();
                let producer = *producer;
                self.tell(&Command::MarkersWritten {
                    transactional_id,
                    producer,
                });
            }
            Move::Wait { ms } => {
                self.now += ms;
                while self.rig.live.deadline().is_some_and(|at| at <= self.now) {
                    self.tell(&Command::Tick);
                }
            }
            Move::Exhaust { id } => self.exhaust(*id),
            Move::Crash { lost } => {
                let durable = self.rig.batches().saturating_sub(*lost);
                // What a crash takes was never answered: see it as not having happened.
                self.rig = self.rig.crashed(durable);
                self.open.clear();
                self.markers = self.rig.live.resume();
                self.newest.clear();
            }
        }
    }

    /// Moves an idle id close to its last epoch, as a long life would.
    fn exhaust(&mut self, id: usize) {
        let Ok(stored) = self.rig.live.describe(IDS[id]) else {
            return;
        };
        if !stored.state.is_idle() {
            return;
        }
        let mut metadata = stored.clone();
        metadata.producer.epoch = metadata.producer.epoch.max(i16::MAX - 3);
        self.granted.entry(id).or_default().push(metadata.producer);
        let transactional_id = IDS[id].to_owned();
        self.rig.apply(&[Event::Stored {
            transactional_id,
            metadata,
        }]);
    }

    fn ask(&mut self, command: &Command) {
        let (waiter, decision) = self.rig.step(self.now, command);
        self.open.insert(waiter);
        self.take(&decision);
        let answered = !self.open.contains(&waiter);
        let parked = decision
            .events
            .iter()
            .any(|e| matches!(e, Event::Parked { .. }));
        assert_ne!(
            answered, parked,
            "a request is answered or kept: {command:?}"
        );
    }

    fn tell(&mut self, command: &Command) {
        let (waiter, decision) = self.rig.step(self.now, command);
        assert!(decision.replies.iter().all(|(to, _)| *to != waiter));
        self.take(&decision);
    }

    fn take(&mut self, decision: &Decision<Transactions>) {
        for event in &decision.events {
            if let Event::Stored {
                transactional_id,
                metadata,
            } = event
            {
                self.no_epoch_goes_back(transactional_id, metadata);
            }
        }
        for (waiter, reply) in &decision.replies {
            assert!(
                self.open.remove(waiter),
                "answered once, to someone who asked"
            );
            if let Reply::Init(Ok(producer)) = reply {
                assert!(
                    producer.epoch < i16::MAX,
                    "the last epoch is for fencing only"
                );
                self.remember(*producer);
            }
        }
        self.markers.extend(decision.effects.iter().cloned());
        let prepared = decision.events.iter().filter(
            |event| matches!(event, Event::Stored { metadata, .. } if metadata.state.is_prepared()),
        );
        assert_eq!(
            prepared.count(),
            decision.effects.len(),
            "each Prepare writes its markers"
        );
    }

    fn remember(&mut self, producer: ProducerIdentity) {
        for (n, id) in IDS.iter().enumerate() {
            if self
                .rig
                .live
                .describe(id)
                .is_ok_and(|m| m.producer.id == producer.id)
            {
                self.granted.entry(n).or_default().push(producer);
            }
        }
    }

    fn no_epoch_goes_back(&mut self, id: &str, metadata: &TransactionMetadata) {
        let new = metadata.producer;
        if let Some(old) = self.newest.get(id).filter(|old| old.id == new.id) {
            assert!(new.epoch >= old.epoch, "{id}: {old:?} then {new:?}");
        }
        self.newest.insert(id.to_owned(), new);
        let holders = self.newest.values().filter(|old| old.id == new.id).count();
        assert_eq!(holders, 1, "one producer id serves one transactional id");
    }
}

proptest! {
    #[test]
    fn any_history_keeps_the_laws(history in proptest::collection::vec(moves(), 1..80)) {
        let mut world = World::new();
        for next in &history {
            world.play(next);
        }
        // At the end everything decided completes, and everyone who waits is answered.
        for effect in world.rig.live.resume() {
            let Effect::WriteMarkers { transactional_id, producer, .. } = effect;
            world.tell(&Command::MarkersWritten { transactional_id, producer });
        }
        prop_assert!(world.rig.live.resume().is_empty());
        prop_assert!(world.open.is_empty(), "never answered: {:?}", world.open);
    }
}
