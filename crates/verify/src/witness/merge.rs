//! Two histories of one machine, put together by their times.

use once_check::History;
use once_check::history::{Event, Kind, OpId};

/// One history of both, in the order of their times. Where times are equal an invocation comes
/// first: that two operations overlap is the weaker claim.
///
/// Processes, and the numbers that their records carry, must differ already; the second one's
/// operations are numbered anew.
#[must_use]
pub fn merge(one: &History, other: &History) -> History {
    let next = one.events().iter().filter_map(|event| event.id).max();
    let shift = next.map_or(0, |OpId(id)| id + 1);
    let renumbered = |event: &Event| Event {
        id: event.id.map(|OpId(id)| OpId(id + shift)),
        ..event.clone()
    };
    let mut merged = History::new();
    let (mut ones, mut others) = (
        one.events().iter().peekable(),
        other.events().iter().peekable(),
    );
    loop {
        let event = match (ones.peek(), others.peek()) {
            (None, None) => break,
            (Some(_), None) => ones.next().cloned(),
            (None, Some(_)) => others.next().map(renumbered),
            (Some(a), Some(b)) if place(a) <= place(b) => ones.next().cloned(),
            (Some(_), Some(_)) => others.next().map(renumbered),
        };
        if let Some(event) = event {
            merged.push(event);
        }
    }
    if one.is_cut() || other.is_cut() {
        merged.cut();
    }
    merged
}

fn place(event: &Event) -> (u64, bool) {
    (event.time_us, event.kind != Kind::Invoke)
}

#[cfg(test)]
mod tests {
    use super::*;
    use once_check::history::{Partition, SendRecord};

    fn send(history: &mut History, process: u32, value: u64, times: [u64; 2]) {
        let op = SendRecord::new(Partition::new("t", 0), value);
        let invoked = history.invoke(times[0], process, op);
        history.ok(times[1], invoked);
    }

    #[test]
    fn times_decide_and_at_one_time_operations_overlap() {
        let (mut one, mut other) = (History::new(), History::new());
        send(&mut one, 1, 1, [10, 20]);
        send(&mut one, 1, 2, [30, 40]);
        send(&mut other, 2, 3, [20, 30]);
        let merged = merge(&one, &other);
        let seen = merged.events().iter();
        let seen: Vec<(u64, u32, Kind)> = seen.map(|e| (e.time_us, e.process, e.kind)).collect();
        let expected = [
            (10, 1, Kind::Invoke),
            (20, 2, Kind::Invoke),
            (20, 1, Kind::Ok),
            (30, 1, Kind::Invoke),
            (30, 2, Kind::Ok),
            (40, 1, Kind::Ok),
        ];
        assert_eq!(seen, expected);
        let mut ids: Vec<_> = merged.events().iter().map(|event| event.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 3, "three operations");
    }
}
