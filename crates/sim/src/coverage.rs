//! What runs have met: a run that meets nothing shows nothing.

use crate::plan::{End, Plan, Strategy};
use once_wire::api::ApiKey;
use std::collections::BTreeMap;
use std::fmt;

/// What strikes requests that are under way.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Fault {
    /// A connection breaks before a request arrives.
    Cut,
    /// A connection breaks; its request arrives when its sender has tried again.
    LateRequest,
    /// A connection breaks before an answer arrives.
    LostAnswer,
    /// A flush takes long.
    SlowFlush,
    /// A flush fails, and ends the process.
    FailedFlush,
    /// A write fails, and ends the process.
    FailedWrite,
    /// The disk is full, which ends the process.
    FullDisk,
    /// The process is killed.
    Kill,
    /// The process is killed in the middle of a change of the disk.
    KillAtChange,
    /// The power goes.
    Power,
    /// The power goes in the middle of a change of the disk.
    PowerAtChange,
    /// An operator stops the process.
    Stop,
}

impl Fault {
    const ALL: [Self; 12] = [
        Self::Cut,
        Self::LateRequest,
        Self::LostAnswer,
        Self::SlowFlush,
        Self::FailedFlush,
        Self::FailedWrite,
        Self::FullDisk,
        Self::Kill,
        Self::KillAtChange,
        Self::Power,
        Self::PowerAtChange,
        Self::Stop,
    ];

    /// The end of a process.
    pub(crate) fn of_end(end: End) -> Self {
        match end {
            End::Kill => Self::Kill,
            End::KillAtChange(_) => Self::KillAtChange,
            End::Power(_) | End::PowerLosesAll => Self::Power,
            End::PowerAtChange(..) => Self::PowerAtChange,
            End::Stop => Self::Stop,
        }
    }

    /// In the table's head: at most eight letters.
    fn short(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::LateRequest => "late",
            Self::LostAnswer => "lost",
            Self::SlowFlush => "slow",
            Self::FailedFlush => "flush!",
            Self::FailedWrite => "write!",
            Self::FullDisk => "full",
            Self::Kill => "kill",
            Self::KillAtChange => "kill@",
            Self::Power => "power",
            Self::PowerAtChange => "power@",
            Self::Stop => "stop",
        }
    }

    /// It strikes requests of this kind.
    fn strikes(self, key: ApiKey) -> bool {
        self != Self::LateRequest || may_be_late(key)
    }

    /// It strikes while nothing is unflushed, too.
    fn strikes_at_rest(self) -> bool {
        !matches!(
            self,
            Self::SlowFlush | Self::FailedFlush | Self::FailedWrite | Self::FullDisk
        )
    }
}

/// Requests that may not arrive after their sender has given them up. Those of an administrator,
/// because it could not tell what it asked for from what it sees. Those of transactions before
/// version 2, because they would act on the next transaction, which nothing on the wire tells from this one
/// (KIP-890). Kafka has the same hole; version 2 closes it. A commit of offsets outside of transactions would take
/// a later one of the same member back.
pub(crate) fn may_be_late(key: ApiKey) -> bool {
    !matches!(
        key,
        ApiKey::CreateTopics
            | ApiKey::DeleteTopics
            | ApiKey::CreatePartitions
            | ApiKey::IncrementalAlterConfigs
            | ApiKey::EndTxn
            | ApiKey::AddPartitionsToTxn
            | ApiKey::AddOffsetsToTxn
            | ApiKey::TxnOffsetCommit
            | ApiKey::OffsetCommit
    )
}

/// What a dozen seeds meet.
const OFTEN: [&str; 12] = [
    "checkpoint",
    "clean stop",
    "crash during recovery",
    "read from files",
    "records deleted by request",
    "records too old",
    "segments removed",
    "replay compared with live",
    "request while something is unflushed",
    "segment rolled",
    "shadow crash",
    "slow message",
];

/// What a thousand seeds meet besides.
const SOMETIMES: [&str; 33] = [
    "snapshot of the catalog",
    "topic removed",
    "compaction",
    "crash during compaction",
    "crash in a swap",
    "swap",
    "swap, of the broker's own",
    "swap below an open transaction",
    "segment rolled, of the broker's own",
    "data refused for want of room",
    "log start moved",
    "bit rot of a log",
    "bit rot of another file",
    "bit rot of a checkpoint",
    "bit rot: a fetch says so",
    "bit rot: a start is refused",
    "clock jump within a life",
    "clock set back at a start",
    "clock set forward at a start",
    "connection beside an older one of the same client",
    "flush policy changed: Files to Journal",
    "flush policy changed: Files to Os",
    "flush policy changed: Journal to Files",
    "flush policy changed: Journal to Os",
    "flush policy changed: Os to Files",
    "flush policy changed: Os to Journal",
    "flush policy changed, then a crash during recovery",
    "journal file made",
    "journal file recycled",
    "topic recreated",
    "told again after a shadow crash",
    "unplanned end",
    "writes wait for a full journal",
];

/// Requests that the clients of many seeds make.
pub(crate) const REQUESTS: [ApiKey; 25] = [
    ApiKey::FindCoordinator,
    ApiKey::DescribeGroups,
    ApiKey::ConsumerGroupDescribe,
    ApiKey::DeleteRecords,
    ApiKey::ListOffsets,
    ApiKey::ConsumerGroupHeartbeat,
    ApiKey::OffsetCommit,
    ApiKey::Produce,
    ApiKey::Fetch,
    ApiKey::Metadata,
    ApiKey::OffsetFetch,
    ApiKey::JoinGroup,
    ApiKey::Heartbeat,
    ApiKey::LeaveGroup,
    ApiKey::SyncGroup,
    ApiKey::CreateTopics,
    ApiKey::DeleteTopics,
    ApiKey::InitProducerId,
    ApiKey::AddPartitionsToTxn,
    ApiKey::AddOffsetsToTxn,
    ApiKey::EndTxn,
    ApiKey::TxnOffsetCommit,
    ApiKey::DescribeConfigs,
    ApiKey::CreatePartitions,
    ApiKey::IncrementalAlterConfigs,
];

/// Requests by what they met: at rest, and while something was unflushed.
type Cell = [u64; 2];

/// Counts by what was met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    plans: BTreeMap<String, u64>,
    events: BTreeMap<String, u64>,
    arrived: BTreeMap<i16, Cell>,
    struck: BTreeMap<(i16, Fault), Cell>,
}

impl Coverage {
    /// What must be met within a few seeds and was not.
    #[must_use]
    pub fn unmet_often(&self) -> Vec<String> {
        let met = |what: &&str| !self.events.contains_key(*what);
        OFTEN.into_iter().filter(met).map(str::to_owned).collect()
    }

    /// What must be met within a thousand seeds and was not: every kind of event.
    #[must_use]
    pub fn unmet_sometimes(&self) -> Vec<String> {
        let sometimes = SOMETIMES
            .iter()
            .filter(|what| !self.events.contains_key(**what));
        let mut unmet = self.unmet_often();
        unmet.extend(sometimes.map(|what| (*what).to_owned()));
        unmet
    }

    /// What must be met within fifty thousand seeds and was not: every fault while every kind of request was
    /// under way besides, at rest and not.
    #[must_use]
    pub fn unmet(&self) -> Vec<String> {
        let mut unmet = self.unmet_sometimes();
        for key in REQUESTS {
            for fault in Fault::ALL.into_iter().filter(|fault| fault.strikes(key)) {
                let [at_rest, unflushed] = self.cell(key.key(), fault);
                if at_rest == 0 && fault.strikes_at_rest() {
                    unmet.push(format!("{} struck by {fault:?}, at rest", key.name()));
                }
                if unflushed == 0 {
                    unmet.push(format!("{} struck by {fault:?}, unflushed", key.name()));
                }
            }
        }
        unmet
    }

    fn cell(&self, key: i16, fault: Fault) -> Cell {
        self.struck.get(&(key, fault)).copied().unwrap_or_default()
    }

    /// Something was met.
    pub(crate) fn met(&mut self, what: &str) {
        match self.events.get_mut(what) {
            Some(count) => *count += 1,
            None => {
                self.events.insert(what.to_owned(), 1);
            }
        }
    }

    /// The broker is started in another way than before.
    pub(crate) fn changed(&mut self, from: Strategy, to: Strategy) {
        self.met(&format!("flush policy changed: {from:?} to {to:?}"));
    }

    /// A request reached the broker.
    pub(crate) fn request(&mut self, key: i16, unflushed: bool) {
        self.arrived.entry(key).or_default()[usize::from(unflushed)] += 1;
        if unflushed {
            self.met("request while something is unflushed");
        }
    }

    /// A fault struck while a request was under way.
    pub(crate) fn struck(&mut self, key: i16, fault: Fault, unflushed: bool) {
        self.struck.entry((key, fault)).or_default()[usize::from(unflushed)] += 1;
    }

    /// A plan was played.
    pub(crate) fn plan(&mut self, plan: &Plan) {
        for what in [
            format!("profile {}", plan.profile),
            format!("begins as {:?}", plan.strategy),
            format!("segments of {} bytes", plan.segment_bytes),
        ] {
            *self.plans.entry(what).or_default() += 1;
        }
    }

    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        for (what, count) in &other.plans {
            *self.plans.entry(what.clone()).or_default() += count;
        }
        for (what, count) in &other.events {
            *self.events.entry(what.clone()).or_default() += count;
        }
        for (key, cell) in &other.arrived {
            add(self.arrived.entry(*key).or_default(), cell);
        }
        for (key, cell) in &other.struck {
            add(self.struck.entry(*key).or_default(), cell);
        }
    }
}

fn add(to: &mut Cell, cell: &Cell) {
    to.iter_mut().zip(cell).for_each(|(to, count)| *to += count);
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, count) in self.plans.iter().chain(&self.events) {
            writeln!(f, "{count:>12}  {what}")?;
        }
        writeln!(
            f,
            "\nRequests, and what struck while they were under way: at rest above, while something \
             was unflushed below."
        )?;
        write!(f, "{:<24}{:>9}", "", "arrived")?;
        for fault in Fault::ALL {
            write!(f, "{:>8}", fault.short())?;
        }
        for (key, arrived) in &self.arrived {
            let name = ApiKey::from_key(*key).map_or("unknown", ApiKey::name);
            for (state, (title, arrived)) in [name, ""].into_iter().zip(arrived).enumerate() {
                write!(f, "\n{title:<24}{arrived:>9}")?;
                for fault in Fault::ALL {
                    write!(f, "{:>8}", self.cell(*key, fault)[state])?;
                }
            }
        }
        writeln!(f)
    }
}
