//! Two values at one offset of a partition. (Jepsen Kafka: `inconsistent-offsets`.)
//!
//! Fires when reads or acknowledgements put two values at one offset, or when a value was
//! acknowledged at one offset and read only at others (of an idempotent producer: without identity, a
//! retry leaves copies, and only one is acknowledged). A topic that was deleted and made again has
//! other partitions. Sends with acks below all must not be recorded as `ok`.

use super::{Anomaly, Scene};
use crate::facts::{NEVER, NONE, Outcome};
use crate::report::{Finding, Report};

const RULE: Anomaly = Anomaly::InconsistentOffsets;

pub(super) fn find(scene: &Scene<'_, '_>, report: &mut Report) {
    let facts = scene.facts;
    for partition in &facts.partitions {
        for pair in partition.order.entries().windows(2) {
            let (one, other) = (pair[0], pair[1]);
            if one.offset != other.offset {
                continue;
            }
            let [a, b] = [one, other].map(|entry| &facts.sends[entry.send as usize]);
            report.add(RULE, || {
                let (x, y, place) = (&a.op.value, &b.op.value, partition.name);
                let text = format!("{x} and {y} are both at {place} offset {}", one.offset);
                Finding::new(RULE, text)
                    .at(place, &[one.offset])
                    .send(a)
                    .send(b)
                    .lines([a.first_any, b.first_any])
            });
        }
    }
    misplaced(scene, report);
}

/// Acknowledged here, read elsewhere and never here.
fn misplaced(scene: &Scene<'_, '_>, report: &mut Report) {
    let facts = scene.facts;
    let mut read_there = vec![false; facts.sends.len()];
    let mut first_read = vec![(NEVER, 0); facts.sends.len()];
    for reads in &facts.reads {
        for (record, &id) in reads.read.records.iter().zip(facts.sends_of(reads)) {
            if id == NONE {
                continue;
            }
            let id = id as usize;
            if facts.sends[id].op.offset == Some(record.offset) {
                read_there[id] = true;
            } else if first_read[id].0 == NEVER {
                first_read[id] = (facts.line_of(reads), record.offset);
            }
        }
    }
    for (id, send) in facts.sends.iter().enumerate() {
        let (line, offset) = first_read[id];
        let sure = send.outcome == Outcome::Ok && send.idempotent();
        let Some(acknowledged) = send.op.offset.filter(|_| sure) else {
            continue;
        };
        if line != NEVER && !read_there[id] {
            let place = facts.partitions[send.partition as usize].name;
            report.add(RULE, || {
                let value = &send.op.value;
                let text = format!(
                    "{value} was acknowledged at {place} offset {acknowledged} and read at {offset}"
                );
                Finding::new(RULE, text)
                    .at(place, &[acknowledged, offset])
                    .send(send)
                    .lines([line])
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Story;

    #[test]
    fn two_readers_that_agree_are_fine_and_gaps_are_normal() {
        let mut story = Story::new();
        story.sent(1, 10, 0).sent(1, 11, 4);
        story
            .read(2, &[(0, 10), (4, 11)])
            .read(3, &[(0, 10), (4, 11)]);
        story.valid();
    }

    #[test]
    fn readers_that_disagree_about_an_offset_are_found() {
        let mut story = Story::new();
        story.sent_somewhere(1, 10).sent_somewhere(1, 11);
        story.read(2, &[(0, 10), (1, 11)]).read(3, &[(0, 11)]);
        story.finds(RULE);
    }

    #[test]
    fn an_acknowledgement_that_reads_contradict_is_found() {
        let mut story = Story::new();
        story.idempotent(1, 10, 7).read(2, &[(3, 10)]);
        story.finds(RULE);
        let mut copies = Story::new();
        copies.sent(1, 10, 7).read(2, &[(3, 10)]).valid();
    }
}
