//! The verdict on a history.

use once_check::History;
use once_check::history::{Kind, Op};
use std::collections::BTreeMap;

/// How many operations clients began.
pub(crate) fn operations(history: &History) -> u64 {
    let invoked = history.events().iter().filter(|e| e.kind == Kind::Invoke);
    invoked.count() as u64
}

/// What is wrong with a history.
pub(crate) fn judge(history: &History) -> Vec<String> {
    let healed = history
        .events()
        .iter()
        .position(|event| matches!(event.op, Op::Healed {}));
    let mut seen: BTreeMap<(u32, String), i64> = BTreeMap::new();
    let mut findings = Vec::new();
    for event in &history.events()[healed.unwrap_or(0)..] {
        if let (Op::Poll(poll), Kind::Ok) = (&event.op, event.kind) {
            for read in &poll.reads {
                for record in &read.records {
                    let key = (event.process, record.value.to_string());
                    if seen.insert(key, record.offset).is_some() {
                        findings.push(format!("{} was read twice", record.value));
                    }
                }
            }
        }
    }
    let readers: std::collections::BTreeSet<u32> = seen.keys().map(|(p, _)| *p).collect();
    for event in history.events() {
        if let (Op::Send(send), Kind::Ok) = (&event.op, event.kind)
            && send.txn.is_none()
        {
            for reader in &readers {
                let at = seen.get(&(*reader, send.value.to_string()));
                if at != send.offset.as_ref() {
                    findings.push(format!("{send:?} was read at {at:?}"));
                }
            }
        }
    }
    findings
}
