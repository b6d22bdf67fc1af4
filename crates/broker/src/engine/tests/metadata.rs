//! The catalog's log is bounded, and says what it said.

use super::rig::Rig;
use crate::config::Config;
use crate::engine::{ConnectionId, METADATA_TOPIC};
use once_coordinator::catalog::{Catalog, Resource, Topic};
use once_wire::message::create_topics_request::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use once_wire::message::delete_topics_request::DeleteTopicsRequest;
use std::collections::BTreeMap;

fn often(config: &mut Config) {
    config.metadata_snapshot_bytes = 1_000;
}

/// Makes a topic, and deletes it again if its number says so.
fn change(rig: &mut Rig, client: ConnectionId, n: usize) {
    let name = format!("topic-{n}");
    let topic = CreatableTopic {
        name: name.clone(),
        num_partitions: 2,
        replication_factor: 1,
        configs: vec![CreatableTopicConfig {
            name: "retention.ms".into(),
            value: Some(n.to_string()),
            ..Default::default()
        }],
        ..Default::default()
    };
    let request = CreateTopicsRequest {
        topics: vec![topic],
        ..Default::default()
    };
    rig.send(client, 7, &request);
    if n % 3 == 1 {
        let request = DeleteTopicsRequest {
            topic_names: vec![name],
            ..Default::default()
        };
        rig.send(client, 5, &request);
    }
}

type Known = (Vec<Topic>, Vec<Option<BTreeMap<String, String>>>);

fn known(catalog: &Catalog) -> Known {
    let topics: Vec<Topic> = catalog.topics().cloned().collect();
    let settings = topics
        .iter()
        .map(|topic| catalog.overrides(&Resource::topic(topic.name.as_str())));
    let settings = settings.map(Option::<&_>::cloned).collect();
    (topics, settings)
}

/// The offsets in the names of the catalog's files that end so.
fn offsets(rig: &Rig, suffix: &str) -> Vec<i64> {
    let names = rig.files(METADATA_TOPIC);
    let named = names.iter().filter(|name| name.ends_with(suffix));
    named
        .map(|name| name[..20].parse().expect("a number"))
        .collect()
}

#[test]
fn a_snapshot_and_the_log_after_it_are_the_catalog_and_all_before_is_gone() {
    let mut rig = Rig::with_files_and(often);
    let client = rig.connect();
    for n in 0..50 {
        change(&mut rig, client, n);
        let (logs, snapshots) = (offsets(&rig, ".log"), offsets(&rig, ".checkpoint"));
        assert!(logs.len() == 1 && snapshots.len() <= 1, "{logs:?}");
        assert!(snapshots.iter().all(|end| *end == logs[0]), "{snapshots:?}");
    }
    assert!(offsets(&rig, ".log")[0] > 100);
    let before = known(rig.catalog());
    assert_eq!(before.0.len(), 33);
    let rig = rig.crash_with(often);
    assert_eq!(known(rig.catalog()), before);
    // Without a bound nothing is summed up, and what was is still read.
    let mut rig = rig.crash();
    assert_eq!(known(rig.catalog()), before);
    let client = rig.connect();
    change(&mut rig, client, 50);
    let before = known(rig.catalog());
    assert_eq!(known(rig.crash().catalog()), before);
}

#[test]
fn a_snapshot_is_written_when_the_log_is_durable_up_to_there() {
    let mut rig = Rig::with_files_and(often);
    rig.flush_at_once = false;
    let client = rig.connect();
    rig.flush();
    let before = known(rig.catalog());
    for n in 0..20 {
        change(&mut rig, client, n);
    }
    assert_eq!(offsets(&rig, ".checkpoint"), []);
    let rig = rig.crash_with(often);
    assert_eq!(known(rig.catalog()), before);
}

#[test]
fn a_crash_between_the_snapshot_and_the_log_start_loses_nothing() {
    let mut rig = Rig::with_files_and(often);
    rig.flush_at_once = false;
    let client = rig.connect();
    for n in 0..20 {
        change(&mut rig, client, n);
    }
    while rig.flush_one() {}
    let before = known(rig.catalog());
    let (logs, snapshots) = (offsets(&rig, ".log"), offsets(&rig, ".checkpoint"));
    assert_eq!((logs[0], snapshots.len()), (0, 1));
    let rig = rig.crash_with(often);
    assert_eq!(known(rig.catalog()), before);
    // What the snapshot stands for goes after the start, if it had not gone before.
    let starts = offsets(&rig, ".log")[0];
    assert!(starts >= snapshots[0], "{starts}");
    assert_eq!(offsets(&rig, ".checkpoint"), [starts]);
}
