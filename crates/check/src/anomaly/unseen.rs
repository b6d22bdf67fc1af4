//! Acknowledged, and no reader came so far. (Jepsen Kafka: `unseen`.)
//!
//! Fires for a record that read_committed readers must see, that nobody read, that may not be gone,
//! and of which nobody can say that it is lost, because no reader came so far. It proves nothing:
//! alone it makes the verdict unknown. A history that ends with `healed`, a full read and `drained`
//! has none: what is not found there is lost.

use super::{Anomaly, Scene};
use crate::facts::{NEVER, Visibility};
use crate::report::{Finding, Report};

const RULE: Anomaly = Anomaly::Unseen;

pub(super) fn find(scene: &Scene<'_, '_>, report: &mut Report) {
    let facts = scene.facts;
    for (id, send) in (0..).zip(&facts.sends) {
        let unseen = send.visibility == Visibility::Must && send.first_any == NEVER;
        if !unseen || scene.coverage.may_be_gone(send) || scene.coverage.missing(id).is_some() {
            continue;
        }
        let partition = &facts.partitions[send.partition as usize];
        if partition.expires || partition.deleted != NEVER {
            continue;
        }
        report.add(RULE, || {
            let (value, place) = (&send.op.value, partition.name);
            let text = format!("{value} in {place} was acknowledged, and nobody read so far");
            Finding::new(RULE, text)
                .at(place, send.offset.as_slice())
                .send(send)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Story;
    use crate::verdict::Verdict;

    #[test]
    fn what_was_read_is_seen() {
        let mut story = Story::new();
        story
            .sent(1, 10, 0)
            .maybe_sent(1, 11)
            .read(2, &[(0, 10)])
            .valid();
    }

    #[test]
    fn an_acknowledged_record_that_nobody_came_to_leaves_the_verdict_open() {
        let mut story = Story::new();
        story.sent(1, 10, 0).sent(1, 11, 1).read(2, &[(0, 10)]);
        let report = story.report();
        assert_eq!(report.count(RULE), 1);
        assert_eq!(report.verdict(), Verdict::Unknown);
    }
}
