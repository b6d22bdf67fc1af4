//! A record that nobody sent there. (The Jepsen Kafka workload stops on one.)
//!
//! Fires when a record was read whose value no send of the history carries, or only sends to other
//! partitions, or only sends that began after it was read. Records that were there before the
//! history began must be in it as sends (of type `info`, without invocation time to speak of). A
//! send to a topic that was deleted and made again while it was under way may land in either.

use super::{Anomaly, Scene};
use crate::report::{Finding, Report};

const RULE: Anomaly = Anomaly::Phantom;

pub(super) fn find(scene: &Scene<'_, '_>, report: &mut Report) {
    let facts = scene.facts;
    for phantom in &facts.phantoms {
        report.add(RULE, || {
            let place = facts.partitions[phantom.partition as usize].name;
            let (value, offset) = (&phantom.read.value, phantom.read.offset);
            let text = format!(
                "{value} was read at {place} offset {offset}: {}",
                phantom.why
            );
            let mut finding = Finding::new(RULE, text).at(place, &[offset]);
            finding.values.push(value.clone());
            finding.lines([phantom.line])
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Kind, Partition, Topic};
    use crate::testing::Story;

    #[test]
    fn a_send_may_be_read_before_it_is_acknowledged() {
        let mut story = Story::new();
        let send = story.sending(1, 10);
        story.read(2, &[(0, 10)]).sent_at(send, 0).valid();
    }

    #[test]
    fn a_value_from_nowhere_is_found() {
        let mut story = Story::new();
        story
            .sent(1, 10, 0)
            .read(2, &[(0, 10), (1, 11)])
            .finds(RULE);
    }

    #[test]
    fn a_value_of_another_partition_is_found() {
        let mut story = Story::new();
        story.sent_to(1, &Partition::new("orders", 1), 10, 0);
        story.read(2, &[(0, 10)]).finds(RULE);
    }

    #[test]
    fn a_value_that_is_sent_later_is_found() {
        let mut story = Story::new();
        story.read(2, &[(0, 10)]).sent(1, 10, 0).finds(RULE);
    }

    #[test]
    fn only_a_send_under_way_may_land_in_the_topics_next_incarnation() {
        let mut topic = Topic::new(&*Story::partition().topic);
        topic.generation = 1;
        let reborn = Story::partition().generation(1);
        let mut story = Story::new();
        let send = story.sending(1, 10);
        story.event(0, Kind::Info, topic.clone()).sent_at(send, 0);
        story.read_of(2, &reborn, &[(0, 10)]).valid();
        let mut story = Story::new();
        story.sent(1, 10, 0).event(0, Kind::Info, topic);
        story.read_of(2, &reborn, &[(0, 10)]).finds(RULE);
    }
}
