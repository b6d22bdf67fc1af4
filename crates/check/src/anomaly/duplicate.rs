//! One value at two offsets. (Jepsen Kafka: `duplicate`; our I1.)
//!
//! Fires when reads or acknowledgements put the value of an idempotent or transactional producer's
//! send at two offsets of its partition. A producer without identity may duplicate when it retries:
//! that is what idempotence is for, and no anomaly.

use super::{Anomaly, Scene};
use crate::report::{Finding, Report};

const RULE: Anomaly = Anomaly::Duplicate;

pub(super) fn find(scene: &Scene<'_, '_>, report: &mut Report) {
    let facts = scene.facts;
    for partition in &facts.partitions {
        let entries = partition.order.entries();
        for entry in entries {
            let send = &facts.sends[entry.send as usize];
            if send.offset == Some(entry.offset) || !send.idempotent() {
                continue;
            }
            report.add(RULE, || {
                let first = send.offset.unwrap_or(entry.offset);
                let (value, place) = (&send.op.value, partition.name);
                let text = format!("{value} is at {place} offsets {first} and {}", entry.offset);
                let finding = Finding::new(RULE, text).at(place, &[first, entry.offset]);
                finding.send(send).lines([send.first_any])
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Story;

    #[test]
    fn many_may_read_a_record_that_is_there_once() {
        let mut story = Story::new();
        story.idempotent(1, 10, 0);
        story.read(2, &[(0, 10)]).read(3, &[(0, 10)]).valid();
    }

    #[test]
    fn a_value_at_two_offsets_is_a_duplicate() {
        let mut story = Story::new();
        story.idempotent(1, 10, 0).read(2, &[(0, 10), (1, 10)]);
        story.finds(RULE);
    }

    #[test]
    fn a_producer_without_identity_may_duplicate() {
        let mut story = Story::new();
        story.sent(1, 10, 0).read(2, &[(0, 10), (1, 10)]);
        story.valid();
    }
}
