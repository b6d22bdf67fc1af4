//! Sets the scene: a topic for the well-behaved client, one to be abused, and one with much in it.

use std::process;
use std::time::Duration;

use once_wire::ApiKey;
use once_wire::batch::BatchBuilder;

use super::ground::Ground;
use super::samples::Scene;
use crate::calls::insist;
use crate::error::Error;
use crate::link::{Link, resolve};

const PATIENCE: Duration = Duration::from_secs(30);
/// The topic with much in it: so many batches of so many bytes.
const FAT_BATCHES: usize = 16;
const FAT_BATCH: usize = 512 << 10;

/// Makes the topics; returns the ground and the name of the well-behaved client's topic.
pub(super) fn set(address: &str, announcers: usize) -> Result<(Ground, String), Error> {
    let mut link = Link::connect(address, PATIENCE)?;
    let versions = link.versions()?;
    // Names of this run: the broker may have seen another.
    let name = |what: &str| format!("garbage-{}-{what}", process::id());
    let (served, abused, fat) = (name("served"), name("abused"), name("fat"));
    link.create_topic(&served, 1, &[])?;
    let topic_id = link.create_topic(&abused, 1, &[])?;
    link.create_topic(&fat, 1, &[])?;
    let value = vec![b'x'; FAT_BATCH];
    let batch = BatchBuilder::new().push(1_700_000_000_000, None, Some(&value), &[]);
    let batch = batch.build();
    for _ in 0..FAT_BATCHES {
        insist(|| link.produce(&fat, 0, None, &batch))?;
    }
    for topic in [&served, &abused] {
        insist(|| link.end(topic, 0))?;
    }
    let apis = versions
        .into_iter()
        .filter_map(|(key, range)| Some((ApiKey::from_key(key)?, range)))
        .collect();
    let scene = Scene {
        topic: abused,
        topic_id,
    };
    let ground = Ground::new(resolve(address)?, scene, fat, apis, announcers);
    Ok((ground, served))
}
