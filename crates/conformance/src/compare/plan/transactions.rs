//! Transactions that commit, abort and stay open, and what each kind of reader sees of them.

use std::time::Duration;

use super::super::both::Both;
use super::super::call::Call;
use super::super::load::{self, Loaded, Names, seen};
use super::super::stage::Stage;
use super::super::view::View;
use super::records::{consume, get_offsets, make};
use crate::calls::insist;
use crate::error::Error;
use crate::link::Link;

/// How long a call by hand may take.
const PATIENCE: Duration = Duration::from_secs(30);
const COPIER: &str = "kafka-transactional-message-copier.sh";

/// Makes them, and compares while one is open.
pub(super) fn run(stage: &mut Stage<'_>) -> Result<Both<Loaded>, Error> {
    // Their timestamps are old, so that the first batch with a new one begins a segment: that is
    // left to happen in b. In a it is not, because what one fetch brings, and so what one
    // transaction of the copier holds, ends with a segment in Kafka.
    let forever = ("retention.ms", "-1");
    let (a, b) = (stage.name("a"), stage.name("b"));
    make(stage, &a, 3, &[forever, ("segment.ms", "3153600000000")])?;
    make(stage, &b, 2, &[forever])?;
    let names = names(stage);
    let loaded = stage.by_hand(|link| load::transactions(link, &names))?;
    settle(stage, &names, &[])?;
    reads(stage)?;
    stage.compare(&describe(&names.group))?;
    copier(stage)?;
    Ok(loaded)
}

/// Aborts the open one, and compares what has changed.
pub(super) fn finish(stage: &mut Stage<'_>, loaded: Both<Loaded>) -> Result<(), Error> {
    let Both { kafka, once } = &stage.sides;
    let sides = Both {
        kafka: (&kafka.address, loaded.kafka),
        once: (&once.address, loaded.once),
    };
    sides.each_own(|(address, open)| open.abort(&mut Link::connect(address, PATIENCE)?))?;
    let names = names(stage);
    settle(stage, &names, &[("a", 2, 3)])?;
    reads(stage)
}

fn names(stage: &Stage<'_>) -> Names {
    Names {
        tag: stage.tag.clone(),
        group: stage.name("group"),
    }
}

/// A commit that was answered is not yet visible in every partition of Apache Kafka: waits until
/// the markers are there, which is when the partitions end where they do once all is written.
fn settle(stage: &Stage<'_>, names: &Names, more: &[(&str, i32, i64)]) -> Result<(), Error> {
    let ends = [("a", 0, 12), ("a", 1, 8), ("b", 0, 5), ("b", 1, 4)];
    let ends = ends.iter().chain(more);
    let ends: Vec<(String, i32, i64)> = ends
        .map(|(topic, partition, end)| (names.topic(topic), *partition, *end))
        .collect();
    stage.by_hand(|link| {
        ends.iter().try_for_each(|(topic, partition, end)| {
            insist(|| {
                if link.end(topic, *partition)? >= *end {
                    Ok(())
                } else {
                    Err(Error::Refused {
                        doing: format!("wait for the markers of {topic}-{partition}"),
                        code: once_wire::ErrorCode::ConcurrentTransactions,
                    })
                }
            })
        })
    })?;
    Ok(())
}

fn reads(stage: &mut Stage<'_>) -> Result<(), Error> {
    for name in ["a", "b"] {
        let topic = stage.name(name);
        let (committed, all) = seen(name);
        for (isolation, count) in [("read_committed", committed), ("read_uncommitted", all)] {
            let from = format!("--topic {topic} --from-beginning --isolation-level {isolation}");
            stage.compare(&consume(&from, count))?;
        }
        for time in ["-1", "-2", "-3"] {
            get_offsets(stage, &format!("--topic {topic} --time {time}"))?;
        }
    }
    Ok(())
}

pub(super) fn describe(group: &str) -> Call {
    let args = format!("--bootstrap-server {{}} --describe --group {group}");
    Call::new("kafka-consumer-groups.sh", &args).view(View::Sorted)
}

/// Apache's own consume-process-produce program, where the scripts have it.
fn copier(stage: &mut Stage<'_>) -> Result<(), Error> {
    if !stage.has(COPIER) {
        stage.tell(&format!("left out: the scripts lack {COPIER}"));
        return Ok(());
    }
    let (from, to) = (stage.name("a"), stage.name("copy"));
    let (group, id) = (stage.name("copiers"), stage.name("copier"));
    make(stage, &to, 2, &[])?;
    // Partition 0 of a holds 3 and 2 records that were committed. All go into one transaction:
    // where a smaller one would end depends on what the consumer has fetched by then.
    stage.act(&Call::new(
        COPIER,
        &format!(
            "--broker-list {{}} --input-topic {from} --input-partition 0 --output-topic {to} \
             --consumer-group {group} --transactional-id {id} --transaction-size 100 \
             --max-messages 5 --use-group-metadata"
        ),
    ))?;
    let copied = format!("--topic {to} --from-beginning --isolation-level read_committed");
    stage.compare(&consume(&copied, 5))?;
    stage.compare(&describe(&group))
}
