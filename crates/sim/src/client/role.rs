//! Who takes part in a run, and which task each role is.

use super::member::Protocol;
use super::{
    Port, admin, committer, observer, processor, producer, reader, setup, transactor, trimmer,
};
use crate::plan::Plan;
use crate::random::Random;
use once_check::history::Isolation;
use std::future::Future;
use std::pin::Pin;

/// A client's task.
pub(crate) type Task = Pin<Box<dyn Future<Output = ()>>>;

/// What a client does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Role {
    /// Nothing: left out of a minimised run.
    Absent,
    /// Writes to `input`, idempotent, five batches in flight.
    Idempotent,
    /// Writes transactions to all topics, under the transactional id of this number. Two of one
    /// number fence each other.
    Transactional(u8),
    /// Makes one record of the output of each record of the input, as a member of the group that
    /// speaks this protocol.
    Processor(Protocol),
    /// Reads the input as a member of the group that speaks this protocol, and commits what it read.
    Committer(Protocol),
    /// Makes, changes and deletes a topic of its own.
    Admin,
    /// Asks what the group that speaks this protocol has committed.
    Observer(Protocol),
    /// Takes many producer ids.
    IdTaker,
    /// Deletes records of the topics that all use.
    Trimmer,
    /// Reads everything, again and again, from where it is.
    Reader(Isolated),
}

/// A reader's isolation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Isolated {
    /// read_committed.
    Committed,
    /// read_uncommitted.
    Uncommitted,
}

impl Isolated {
    pub(crate) fn level(self) -> Isolation {
        match self {
            Self::Committed => Isolation::ReadCommitted,
            Self::Uncommitted => Isolation::ReadUncommitted,
        }
    }
}

impl Role {
    /// Draws who takes part: at least three, one who writes and two who read among them.
    pub(crate) fn draw(random: &mut Random) -> Vec<Self> {
        let mut roles = vec![
            Self::Idempotent,
            Self::Reader(Isolated::Committed),
            Self::Reader(Isolated::Uncommitted),
        ];
        for _ in 0..random.between(1, 3) {
            let number = u8::try_from(random.below(2)).expect("small");
            roles.push(match random.below(4) {
                0 => Self::Idempotent,
                _ => Self::Transactional(number),
            });
        }
        let protocol = *random.pick(&[Protocol::Classic, Protocol::Consumer]);
        // Who commits offsets without making outputs of them is in no group of processors.
        let member = if random.below(4) == 0 {
            Self::Committer(protocol)
        } else {
            Self::Processor(protocol)
        };
        for _ in 0..random.below(4) {
            roles.push(member);
        }
        let observer = Self::Observer(protocol);
        for (role, one_in) in [
            (Self::Admin, 2),
            (observer, 2),
            (Self::IdTaker, 8),
            (Self::Trimmer, 3),
        ] {
            if random.below(one_in) == 0 {
                roles.push(role);
            }
        }
        roles
    }

    /// The role's task for one process of the client.
    pub(crate) fn task(self, port: Port, plan: &Plan) -> Task {
        let (operations, partitions) = (plan.operations, plan.partitions);
        let plan = plan.clone();
        Box::pin(async move {
            if self == Self::Absent {
                return;
            }
            setup::topics(&port, &plan).await;
            match self {
                Self::Absent => {}
                Self::Idempotent => producer::idempotent(port, operations, partitions).await,
                Self::Transactional(number) => {
                    let id = format!("transactor-{number}");
                    transactor::transactional(port, id.as_str().into(), plan).await;
                }
                Self::Processor(protocol) => processor::processor(port, protocol, plan).await,
                Self::Committer(protocol) => committer::committer(port, protocol, plan).await,
                Self::Admin => admin::admin(port, operations, plan.segment_bytes).await,
                Self::Observer(protocol) => {
                    observer::observe(port, protocol, &plan).await;
                }
                Self::IdTaker => observer::take_ids(port).await,
                Self::Trimmer => trimmer::trim(port, operations, partitions).await,
                Self::Reader(isolated) => {
                    reader::read(port, isolated.level(), operations, partitions).await;
                }
            }
        })
    }
}
