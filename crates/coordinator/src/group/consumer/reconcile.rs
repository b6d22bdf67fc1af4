//! One step of a member towards its target (Kafka: `CurrentAssignmentBuilder`).
//!
//! ```text
//!                    nothing to give back           all is free
//!   Stable ──────────────────────────────► (next) ─────────────► Stable
//!     │ something to give back               ▲  │ something is with another member
//!     ▼                                      │  ▼
//!   UnrevokedPartitions ── gave it back ─────┘ UnreleasedPartitions ── a heartbeat ──► (next)
//! ```
//!
//! The member's epoch moves only when it has given everything back.

use super::draft::Refusal;
use super::state::{CurrentAssignment, MemberState, Owned, Partitions};
use once_wire::{ErrorCode, Uuid};

/// The next state of a member that reports to own `owned` (`None`: as before). `is_free` tells
/// whether no other member holds a partition.
pub(super) fn reconcile(
    current: &CurrentAssignment,
    (target_epoch, target): (i32, &Partitions),
    owned: Option<&Partitions>,
    is_free: impl Fn(Uuid, i32) -> bool,
) -> Result<CurrentAssignment, Refusal> {
    let step = || next(current, (target_epoch, target), owned, &is_free);
    match current.state {
        MemberState::Stable if current.epoch == target_epoch => Ok(current.clone()),
        MemberState::UnrevokedPartitions if owns_any(owned, &current.revoking) => {
            Ok(current.clone())
        }
        MemberState::Stable
        | MemberState::UnrevokedPartitions
        | MemberState::UnreleasedPartitions => Ok(step()),
        MemberState::Unknown if owned.is_some_and(|owned| owned.is_empty()) => Ok(step()),
        MemberState::Unknown => {
            let text =
                "the member is in a state of a newer broker: give up all partitions and join again";
            Err((ErrorCode::FencedMemberEpoch, text.to_owned()))
        }
    }
}

fn next(
    current: &CurrentAssignment,
    (target_epoch, target): (i32, &Partitions),
    owned: Option<&Partitions>,
    is_free: &impl Fn(Uuid, i32) -> bool,
) -> CurrentAssignment {
    let (kept, excess) = split(&current.assigned, target);
    if owns_any(owned, &excess) {
        return CurrentAssignment {
            epoch: current.epoch,
            previous_epoch: current.epoch,
            state: MemberState::UnrevokedPartitions,
            assigned: kept,
            revoking: excess,
        };
    }
    let mut assigned = kept;
    let mut state = MemberState::Stable;
    for (topic_id, partitions) in target {
        for partition in partitions {
            let has = assigned
                .get(topic_id)
                .is_some_and(|has| has.contains_key(partition));
            if has {
                continue;
            }
            if is_free(*topic_id, *partition) {
                assigned
                    .entry(*topic_id)
                    .or_default()
                    .insert(*partition, target_epoch);
            } else {
                state = MemberState::UnreleasedPartitions;
            }
        }
    }
    if state == current.state && target_epoch == current.epoch && assigned == current.assigned {
        // It waits on: nothing to write down.
        return current.clone();
    }
    let previous_epoch = current.epoch;
    CurrentAssignment {
        epoch: target_epoch,
        previous_epoch,
        state,
        assigned,
        revoking: Owned::new(),
    }
}

/// What of `assigned` is in the target, and what is not.
fn split(assigned: &Owned, target: &Partitions) -> (Owned, Owned) {
    let (mut kept, mut excess) = (Owned::new(), Owned::new());
    for (topic_id, partitions) in assigned {
        for (partition, epoch) in partitions {
            let wanted = target
                .get(topic_id)
                .is_some_and(|wanted| wanted.contains(partition));
            let side = if wanted { &mut kept } else { &mut excess };
            side.entry(*topic_id)
                .or_default()
                .insert(*partition, *epoch);
        }
    }
    (kept, excess)
}

/// A member that does not say what it owns may own all that it had.
fn owns_any(owned: Option<&Partitions>, partitions: &Owned) -> bool {
    let Some(owned) = owned else {
        return !partitions.is_empty();
    };
    partitions.iter().any(|(topic_id, partitions)| {
        let owned = owned.get(topic_id);
        owned.is_some_and(|owned| partitions.keys().any(|partition| owned.contains(partition)))
    })
}
