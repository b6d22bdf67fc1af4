//! Records lie in another order than they were sent in. (Jepsen Kafka: `nonmonotonic-send` and
//! `int-nonmonotonic-send`; our I1.)
//!
//! Fires for two records of one partition, the later at the lower offset, when
//! - the earlier was acknowledged before the later was sent, by whomever; or
//! - one idempotent or transactional producer sent both, without a new `init` between them: it keeps
//!   the order in which it was asked to send, also of records under way together.
//!
//! Only records that are known to be there count, at their lowest offset. One finding per record.

use super::{Anomaly, Scene};
use crate::facts::{Facts, NEVER, Outcome, Send};
use crate::hash::Map;
use crate::history::Op;
use crate::report::{Finding, Report};

const RULE: Anomaly = Anomaly::NonmonotonicSend;

/// The highest offset so far, and the send that has it.
type Highest = Option<(i64, u32)>;

pub(super) fn find(scene: &Scene<'_, '_>, report: &mut Report) {
    let facts = scene.facts;
    let acknowledged = acknowledgements(&facts.sends);
    let mut acknowledged = acknowledged.iter().peekable();
    let mut before: Vec<Highest> = vec![None; facts.partitions.len()];
    let mut sessions = Sessions::new(facts);
    for (id, send) in (0..).zip(&facts.sends) {
        while let Some((_, other)) = acknowledged.next_if(|(end, _)| *end < send.begin) {
            let other_send = &facts.sends[*other as usize];
            let highest = &mut before[other_send.partition as usize];
            *highest = (*highest).max(other_send.offset.map(|offset| (offset, *other)));
        }
        let Some(offset) = send.offset else {
            continue;
        };
        let of_session = sessions.step(send, offset, id);
        let highest = before[send.partition as usize].max(of_session);
        if let Some((_, other)) = highest.filter(|(highest, _)| *highest > offset) {
            report.add(RULE, || finding(facts, &facts.sends[other as usize], send));
        }
    }
}

fn finding(facts: &Facts<'_>, earlier: &Send<'_>, later: &Send<'_>) -> Finding {
    let place = facts.partitions[later.partition as usize].name;
    let offsets = [earlier, later].map(|send| send.offset.unwrap_or(-1));
    let text = format!(
        "{} was sent to {place} before {}, and lies at {} behind it at {}",
        earlier.op.value, later.op.value, offsets[0], offsets[1],
    );
    let finding = Finding::new(RULE, text).at(place, &offsets);
    finding.send(earlier).send(later)
}

/// Acknowledged sends by the line of their acknowledgement.
fn acknowledgements(sends: &[Send<'_>]) -> Vec<(u32, u32)> {
    let ok = |send: &Send<'_>| send.outcome == Outcome::Ok && send.end != NEVER;
    let all = (0..).zip(sends).filter(|(_, send)| ok(send));
    let mut ends: Vec<(u32, u32)> = all.map(|(id, send)| (send.end, id)).collect();
    ends.sort_unstable();
    ends
}

/// What each producer sent, from one `init` to the next.
struct Sessions {
    /// Lines of the inits of each process, ascending.
    inits: Map<u32, Vec<u32>>,
    highest: Map<(u32, u32), (usize, Highest)>,
}

impl Sessions {
    fn new(facts: &Facts<'_>) -> Self {
        let mut inits: Map<u32, Vec<u32>> = Map::default();
        for operation in &facts.operations {
            if let Op::Init(_) = operation.op {
                inits
                    .entry(operation.process)
                    .or_default()
                    .push(operation.begin);
            }
        }
        let highest = Map::default();
        Self { inits, highest }
    }

    /// The highest offset that the same producer got before in this partition.
    fn step(&mut self, send: &Send<'_>, offset: i64, id: u32) -> Highest {
        if !send.idempotent() {
            return None;
        }
        let inits = self.inits.get(&send.process).map_or(&[][..], Vec::as_slice);
        let session = inits.partition_point(|line| *line < send.begin);
        let key = (send.process, send.partition);
        let known = self.highest.entry(key).or_insert((session, None));
        let before = if known.0 == session { known.1 } else { None };
        *known = (session, before.max(Some((offset, id))));
        before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Story;

    #[test]
    fn records_under_way_together_may_lie_in_any_order_without_idempotence() {
        let mut story = Story::new();
        let [a, b] = [story.sending(1, 10), story.sending(1, 11)];
        story.sent_at(a, 1).sent_at(b, 0);
        story.read(2, &[(0, 11), (1, 10)]).valid();
    }

    #[test]
    fn an_idempotent_producer_keeps_the_order_of_what_is_under_way() {
        let mut story = Story::new();
        let [a, b] = [
            story.sending_idempotent(1, 10),
            story.sending_idempotent(1, 11),
        ];
        story.sent_at(a, 1).sent_at(b, 0);
        story.read(2, &[(0, 11), (1, 10)]).finds(RULE);
    }

    #[test]
    fn what_was_acknowledged_lies_before_what_is_sent_after() {
        let mut good = Story::new();
        good.sent(1, 10, 0)
            .sent(3, 11, 1)
            .read(2, &[(0, 10), (1, 11)])
            .valid();
        let mut bad = Story::new();
        bad.sent(1, 10, 1)
            .sent(3, 11, 0)
            .read(2, &[(0, 11), (1, 10)])
            .finds(RULE);
    }
}
