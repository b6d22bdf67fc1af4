//! The judgement as a whole.
use crate::history::{Drained, DrainedPartition, Event, History, Kind, Op, OpId, Partition};
use crate::testing::Story;
use crate::{Verdict, check};

#[test]
fn a_history_without_reads_is_unknown() {
    let mut story = Story::new();
    assert_eq!(story.report().verdict(), Verdict::Unknown);
    story.sent(1, 10, 0);
    assert_eq!(story.report().verdict(), Verdict::Unknown);
}

#[test]
fn a_history_whose_end_is_missing_is_unknown_but_what_it_shows_counts() {
    let mut story = Story::new();
    story.sent(1, 10, 0).read(2, &[(0, 10)]);
    story.history.cut();
    assert_eq!(story.report().verdict(), Verdict::Unknown);
    story.read(3, &[(0, 11)]);
    assert_eq!(story.report().verdict(), Verdict::Invalid);
}

#[test]
fn malformed_histories_are_unknown_and_say_where() {
    let mut good = Story::new();
    good.sent(1, 10, 0).read(2, &[(0, 10)]).valid();
    let events = good.history.events();
    let mutations: [fn(&mut Vec<crate::history::Event>); 5] = [
        |events| events[0].id = Some(OpId(99)),
        |events| events.push(events[1].clone()),
        |events| events[1].process = 8,
        |events| events[0].id = None,
        |events| {
            let mut again = events[0].clone();
            (again.id, again.kind) = (None, Kind::Info);
            events.insert(2, again);
        },
    ];
    for mutate in mutations {
        let mut events = events.to_vec();
        mutate(&mut events);
        let mut history = History::new();
        events.into_iter().for_each(|event| history.push(event));
        let report = check(&history);
        assert!(
            report.unknown.iter().any(|why| why.starts_with("line ")),
            "{report}"
        );
        assert_ne!(report.verdict(), Verdict::Valid, "{report}");
    }
}

#[test]
fn no_number_is_too_large() {
    for edge in [i64::MIN, -1, i64::MAX] {
        let mut story = Story::new();
        let reborn = Story::partition().generation(u32::MAX);
        story
            .sent(1, u64::MAX, edge)
            .read(2, &[(edge, u64::MAX), (edge, 3)]);
        story
            .sent_to(1, &reborn, 4, edge)
            .read_of(2, &reborn, &[(0, 4), (edge, 4)]);
        story
            .read_span(3, edge, i64::MAX, &[(edge, 3)])
            .bounds(2, &[(edge, 5)], edge, edge);
        story.commit_offset(1, edge).fetched(1, Some(edge));
        story
            .output(4, u64::MAX, 6, edge, edge)
            .offsets_in_txn(4, u64::MAX, edge);
        story.committed(4, u64::MAX).observed(u32::MAX, edge);
        story.event(0, Kind::Info, Op::Healed {});
        let mut drained = Drained::default();
        let bounds = DrainedPartition::new(edge, i64::MAX);
        drained
            .partitions
            .insert(Partition::new("orders", i32::MIN), bounds);
        drained.partitions.insert(Story::partition(), bounds);
        story.event(7, Kind::Ok, drained);
        story.history.push(Event {
            time_us: u64::MAX,
            process: u32::MAX,
            id: Some(OpId(u64::MAX)),
            kind: Kind::Invoke,
            op: Op::note("last"),
        });
        assert_eq!(story.report().verdict(), Verdict::Invalid);
    }
}

#[test]
fn a_report_can_be_read_by_people_and_programs() {
    let mut story = Story::new();
    story.sent(1, 10, 0).sent(1, 11, 1).sent(1, 12, 2);
    let report = story.read(2, &[(0, 10), (2, 12)]).report();
    let text = report.to_string();
    assert!(text.starts_with("invalid: 8 events, 3 sends (3 acknowledged), 2 records read"));
    assert!(text.contains(
        "lost write: 1. Acknowledged or committed, and not there.\n  11 was acknowledged in \
         orders-0 offset 1; readers passed there, no read_committed reader saw it (lines 3, 4, 8)"
    ));
    let json = serde_json::to_string(&report).expect("a report is plain");
    assert_eq!(
        serde_json::from_str::<crate::Report>(&json).expect("its own JSON"),
        report
    );
}

#[test]
fn only_the_first_findings_are_kept_and_all_are_counted() {
    let mut story = Story::new();
    let records: Vec<(i64, u64)> = (0..100).map(|at| (at, at as u64)).collect();
    let report = story.read(2, &records).report();
    assert_eq!(report.findings.len(), 20);
    assert_eq!(report.count(crate::Anomaly::Phantom), 100);
    assert!(report.to_string().contains("… and 80 more"));
}
