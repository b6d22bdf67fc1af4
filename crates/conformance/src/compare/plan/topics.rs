//! Topics: made, listed, described, altered, deleted, and what is refused.

use super::super::call::Call;
use super::super::stage::Stage;
use super::super::view::View;
use crate::error::Error;

const SCRIPT: &str = "kafka-topics.sh";

pub(super) fn run(stage: &mut Stage<'_>) -> Result<(), Error> {
    let (plain, other) = (stage.name("plain"), stage.name("other"));
    let tag = stage.tag.clone();
    let topics = |args: &str| Call::new(SCRIPT, &format!("--bootstrap-server {{}} {args}"));
    let describe = |topic: &str| topics(&format!("--describe --topic {topic}"));
    let listed = topics("--list --exclude-internal").view(View::About(tag.clone()));

    let create = format!("--create --topic {plain} --partitions 3 --replication-factor 1");
    stage.compare(&topics(&format!("{create} --config retention.ms=-1")))?;
    stage.compare(&topics(&create))?;
    stage.compare(&topics(&format!("{create} --if-not-exists")))?;
    stage.compare(&topics(&format!(
        "--create --topic {other} --partitions 1 --replication-factor 1 \
         --config cleanup.policy=compact --config min.insync.replicas=1 \
         --config max.message.bytes=100000"
    )))?;
    for refused in [
        "--topic bad!name --partitions 1",
        "--topic TAG-bad --partitions 1 --config no.such.config=1",
        "--topic TAG-bad --partitions 1 --config retention.ms=soon",
        "--topic TAG-bad --partitions 1 --config min.insync.replicas=0",
        "--topic TAG-bad --partitions 0",
    ] {
        let refused = refused.replace("TAG", &tag);
        stage.compare(&topics(&format!(
            "--create --replication-factor 1 {refused}"
        )))?;
    }
    stage.compare(&listed)?;
    stage.compare(&describe(&plain))?;
    stage.compare(&describe(&other))?;
    stage.compare(&describe(&format!("{tag}-.*")).view(View::Sorted))?;
    stage.compare(&describe(&format!("{tag}-absent")))?;
    for flag in [
        "--topics-with-overrides",
        "--unavailable-partitions",
        "--under-replicated-partitions",
        "--under-min-isr-partitions",
        "--at-min-isr-partitions",
    ] {
        let call = topics(&format!("--describe {flag}"));
        stage.compare(&call.view(View::About(tag.clone())).view(View::Sorted))?;
    }
    stage.compare(&topics(&format!("--alter --topic {plain} --partitions 5")))?;
    stage.compare(&describe(&plain))?;
    stage.compare(&topics(&format!("--alter --topic {plain} --partitions 2")))?;
    configs(stage, &other)?;
    stage.compare(&topics(&format!("--delete --topic {other}")))?;
    stage.compare(&topics(&format!("--delete --topic {other}")))?;
    stage.compare(&listed)
}

/// Settings of a topic through the tool for settings.
fn configs(stage: &mut Stage<'_>, topic: &str) -> Result<(), Error> {
    let configs = |args: &str| {
        let entity = format!("--entity-type topics --entity-name {topic}");
        Call::new(
            "kafka-configs.sh",
            &format!("--bootstrap-server {{}} {entity} {args}"),
        )
    };
    if !stage.has("kafka-configs.sh") {
        return Ok(());
    }
    stage.compare(&configs("--describe"))?;
    stage.compare(&configs(
        "--alter --add-config retention.ms=1000000,segment.ms=60000",
    ))?;
    stage.compare(&configs("--alter --add-config retention.ms=soon"))?;
    stage.compare(&configs("--describe").view(View::Sorted))?;
    stage.compare(&configs("--alter --delete-config segment.ms"))?;
    stage.compare(&configs("--describe").view(View::Sorted))?;
    stage.compare(&configs("--describe --all").view(View::Sorted))
}
