//! The verdict on a history: `once-check`'s.

use once_check::history::{Kind, Op};
use once_check::{History, Verdict, check};
use std::collections::BTreeMap;

/// How many operations clients began.
pub(crate) fn operations(history: &History) -> u64 {
    let invoked = history.events().iter().filter(|e| e.kind == Kind::Invoke);
    invoked.count() as u64
}

/// What is wrong with a history. That it shows too little is wrong too: the run was to the end.
pub(crate) fn judge(history: &History) -> Vec<String> {
    if let Some(finding) = given_twice(history) {
        return vec![finding];
    }
    let report = check(history);
    match report.verdict() {
        Verdict::Valid => Vec::new(),
        Verdict::Unknown => report.unknown,
        Verdict::Invalid => {
            let findings = report.findings.iter();
            findings
                .map(|finding| format!("{:?}: {}", finding.anomaly, finding.text))
                .collect()
        }
    }
}

/// No two InitProducerId are answered with one identity, and no id serves two transactional ids.
fn given_twice(history: &History) -> Option<String> {
    let mut given = BTreeMap::new();
    let mut owners = BTreeMap::new();
    for event in history.events() {
        let (Op::Init(init), Kind::Ok) = (&event.op, event.kind) else {
            continue;
        };
        let producer = &init.producer;
        let identity = (producer.producer_id, producer.epoch);
        if let Some(before) = given.insert(identity, event.process) {
            let now = event.process;
            return Some(format!("{producer:?} was given to {before} and to {now}"));
        }
        let owner = &producer.transactional_id;
        let before = owners.insert(producer.producer_id, owner.clone());
        if before.is_some_and(|before| before != *owner || owner.is_none()) {
            return Some(format!("the id of {producer:?} was somebody else's before"));
        }
    }
    None
}
