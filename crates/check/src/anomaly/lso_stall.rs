//! A transaction is never decided, and holds its readers back. (KIP-98's hanging transactions,
//! KIP-890; our I4.)
//!
//! Fires when, after `healed`, a partition was `drained` and its last stable offset, or where a
//! read_committed reader came to, is below the high watermark. Before, a transaction may be open;
//! whoever writes `healed` says that all are decided or past their timeout.

use super::{Anomaly, Scene, torn_transaction};
use crate::history::{Isolation, Op};
use crate::report::{Finding, Report};

const RULE: Anomaly = Anomaly::LsoStall;

pub(super) fn find(scene: &Scene<'_, '_>, report: &mut Report) {
    let facts = scene.facts;
    for operation in &facts.operations {
        let Op::Drained(drained) = operation.op else {
            continue;
        };
        if operation.begin < facts.healed {
            continue;
        }
        for (place, bounds) in &drained.partitions {
            let reached = Some(bounds.end);
            let reached = reached.filter(|_| drained.isolation == Isolation::ReadCommitted);
            let stable = bounds.last_stable.or(reached);
            let (Some(stable), Some(end)) = (stable, bounds.high_watermark) else {
                continue;
            };
            if stable >= end {
                continue;
            }
            report.add(RULE, || {
                let id = facts
                    .partition(place)
                    .map(|id| &facts.partitions[id as usize]);
                let entries = id.map_or(&[][..], |partition| partition.order.between(stable, end));
                let mut held = entries
                    .iter()
                    .map(|entry| &facts.sends[entry.send as usize]);
                let holder = held.find_map(|send| Some((send, facts.transaction_of(send)?)));
                let text = format!("{place} is stable up to {stable} only, and ends at {end}");
                let finding = Finding::new(RULE, text).at(place, &[stable, end]);
                let mut finding = finding.lines([operation.end]);
                if let Some((send, transaction)) = holder {
                    let name = torn_transaction::name(transaction);
                    finding.text += &format!(": the first record held back is of {name}");
                    finding = finding.send(send);
                }
                finding
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Kind;
    use crate::testing::Story;

    fn story(healed: bool, last_stable: i64) -> Story {
        let mut story = Story::new();
        story
            .sent(1, 10, 0)
            .in_txn(1, 1, 11, 1)
            .maybe_committed(1, 1);
        if healed {
            story.event(0, Kind::Info, Op::Healed {});
        }
        story.read(2, &[(0, 10)]).drained_to(2, 0, last_stable, 3);
        story
    }

    #[test]
    fn all_that_is_there_is_stable_in_the_end() {
        story(true, 3).valid();
    }

    #[test]
    fn what_stays_undecided_is_found() {
        let report = story(true, 1).finds(RULE);
        assert!(report.to_string().contains("transaction 1"), "{report}");
    }

    #[test]
    fn before_the_end_a_transaction_may_be_open() {
        story(false, 1).valid();
    }
}
