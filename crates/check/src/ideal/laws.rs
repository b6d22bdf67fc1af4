//! What the judge owes the ideal, and every bug.

use super::{Bug, World};
use crate::anomaly::Anomaly;
use crate::check::check;
use crate::verdict::Verdict;

#[test]
fn an_ideal_cluster_is_valid() {
    for seed in 0..500 {
        let steps = 100 + (seed as usize % 7) * 200;
        let (history, _) = World::run(seed, steps, None);
        let report = check(&history);
        assert_eq!(report.verdict(), Verdict::Valid, "seed {seed}: {report}");
    }
}

#[test]
fn every_prefix_of_an_ideal_history_shows_nothing_bad() {
    for seed in 0..10 {
        let (history, _) = World::run(seed, 400, None);
        let mut prefix = crate::History::new();
        for event in history.events() {
            prefix.push(event.clone());
            if prefix.events().len().is_multiple_of(7) {
                let report = check(&prefix);
                assert_ne!(report.verdict(), Verdict::Invalid, "seed {seed}: {report}");
            }
        }
    }
}

/// Each bug, and what it must be called.
const BUGS: [(Bug, Anomaly); 18] = [
    (Bug::LoseTailInTheEnd, Anomaly::LostWrite),
    (Bug::DropAcknowledged, Anomaly::LostWrite),
    (Bug::AppendTwice, Anomaly::Duplicate),
    (Bug::AppendOutOfOrder, Anomaly::NonmonotonicSend),
    (Bug::AcknowledgeWrongOffset, Anomaly::InconsistentOffsets),
    (Bug::ShowAborted, Anomaly::AbortedRead),
    (Bug::ShowUndecided, Anomaly::PrecommittedRead),
    (Bug::TearTransaction, Anomaly::TornTransaction),
    (Bug::LetZombiesCommit, Anomaly::ZombieWrite),
    (Bug::SkipInPoll, Anomaly::PollSkip),
    (Bug::RewindPoll, Anomaly::NonmonotonicPoll),
    (Bug::ForgeRecord, Anomaly::Phantom),
    (Bug::ForgetCommittedOffset, Anomaly::CommittedOffset),
    (Bug::ForgetTransactionalOffset, Anomaly::CommittedOffset),
    (Bug::ProcessTwice, Anomaly::ExactlyOnce),
    (Bug::PassOverInput, Anomaly::ExactlyOnce),
    (Bug::StallLso, Anomaly::LsoStall),
    (Bug::LowerHighWatermark, Anomaly::Watermark),
];

#[test]
fn every_bug_is_found_and_called_by_its_name() {
    for (bug, anomaly) in BUGS {
        let (mut happened, mut found) = (0, 0);
        for seed in 0..60 {
            let (history, here) = World::run(seed, 1500, Some(bug));
            happened += usize::from(here);
            let report = check(&history);
            found += usize::from(report.count(anomaly) > 0);
            let innocent = !here && report.verdict() != Verdict::Valid;
            assert!(!innocent, "{bug:?}, seed {seed}: {report}");
        }
        assert!(happened >= 8, "{bug:?} happened only {happened} times");
        assert!(found * 2 >= happened, "{bug:?}: {found} of {happened}");
    }
}
