//! The topics that consumers name in their subscriptions.

use bytes::{Buf, Bytes};
use std::collections::BTreeSet;

/// Reads what every version of the consumer protocol begins with: version, topics. `None` if one
/// member's text is missing or damaged: then nobody can tell what the group reads.
pub(super) fn subscribed_topics<'a>(
    metadata: impl Iterator<Item = Option<&'a Bytes>>,
) -> Option<BTreeSet<String>> {
    let mut topics = BTreeSet::new();
    for metadata in metadata {
        read_topics(metadata?.clone(), &mut topics)?;
    }
    Some(topics)
}

fn read_topics(mut metadata: Bytes, topics: &mut BTreeSet<String>) -> Option<()> {
    let version = metadata.try_get_i16().ok()?;
    if version < 0 {
        return None;
    }
    for _ in 0..metadata.try_get_i32().ok()? {
        let len = usize::try_from(metadata.try_get_i16().ok()?).ok()?;
        if len > metadata.remaining() {
            return None;
        }
        let name = metadata.split_to(len);
        topics.insert(std::str::from_utf8(&name).ok()?.to_owned());
    }
    Some(())
}
