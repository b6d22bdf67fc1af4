//! Records through the console tools, and records written by hand read back by them.

use super::super::call::Call;
use super::super::load;
use super::super::stage::Stage;
use super::super::view::View;
use crate::error::Error;

/// What a console consumer is told to show of each record.
const SHOWN: &str = "--formatter-property print.key=true \
                     --formatter-property print.partition=true \
                     --formatter-property print.offset=true \
                     --formatter-property print.headers=true \
                     --formatter-property print.timestamp=true";

/// A console consumer that shows everything and ends after so many records.
pub(super) fn consume(args: &str, count: usize) -> Call {
    Call::new(
        "kafka-console-consumer.sh",
        &format!(
            "--bootstrap-server {{}} {args} --max-messages {count} --timeout-ms 20000 {SHOWN}"
        ),
    )
    .view(View::ByPartition)
}

pub(super) fn run(stage: &mut Stage<'_>) -> Result<(), Error> {
    console(stage)?;
    shapes(stage)?;
    offsets(stage)
}

fn console(stage: &mut Stage<'_>) -> Result<(), Error> {
    let topic = stage.name("console");
    make(stage, &topic, 3, &[])?;
    let keyed: String = (0..20)
        .map(|n| format!("key-{}:value-{n}\n", n % 7))
        .collect();
    let produce = |args: &str| {
        let to = format!("--bootstrap-server {{}} --topic {topic} {args}");
        Call::new("kafka-console-producer.sh", &to)
    };
    let keys = "--reader-property parse.key=true --reader-property key.separator=:";
    stage.compare(&produce(keys).stdin(keyed))?;
    let headed = "a:1,a:2|key-8|with headers\nb:3|NULL|without key\n";
    stage.compare(
        &produce(&format!(
            "{keys} --reader-property parse.headers=true --reader-property headers.delimiter=| \
             --reader-property null.marker=NULL --compression-codec lz4"
        ))
        .arg("--reader-property")
        .arg("key.separator=|")
        // Two keys alike: a record without a key would go to a partition by chance.
        .stdin(headed.replace("NULL", "key-9")),
    )?;
    stage.compare(&produce(keys).stdin("no separator here\n"))?;
    for isolation in ["read_committed", "read_uncommitted"] {
        let from = format!("--topic {topic} --from-beginning --isolation-level {isolation}");
        stage.compare(&consume(&from, 22))?;
    }
    stage.compare(&consume(
        &format!("--topic {topic} --partition 0 --offset 2"),
        1,
    ))?;
    stage.compare(
        &Call::new(
            "kafka-console-consumer.sh",
            &format!("--bootstrap-server {{}} --topic {topic} --from-beginning --timeout-ms 5000"),
        )
        .view(View::Sorted),
    )
}

/// Every codec, headers that repeat, null keys and values.
fn shapes(stage: &mut Stage<'_>) -> Result<(), Error> {
    let topic = stage.name("shapes");
    make(stage, &topic, 3, &[("retention.ms", "-1")])?;
    stage.by_hand(|link| load::shapes(link, &topic))?;
    stage.compare(&consume(&format!("--topic {topic} --from-beginning"), 15))
}

fn offsets(stage: &mut Stage<'_>) -> Result<(), Error> {
    // The largest timestamp (-3) only where timestamps are fixed.
    let topic = stage.name("console");
    for time in ["-1", "-2", "1700000000015"] {
        get_offsets(stage, &format!("--topic {topic} --time {time}"))?;
    }
    let topic = stage.name("shapes");
    for time in ["-1", "-2", "-3", "-4", "-5", "earliest", "latest"] {
        get_offsets(stage, &format!("--topic {topic} --time {time}"))?;
    }
    get_offsets(stage, &format!("--topic {topic} --time 1700000000015"))?;
    get_offsets(stage, &format!("--topic-partitions {topic}:1-2"))?;
    let absent = stage.name("absent");
    get_offsets(stage, &format!("--topic {absent}"))
}

pub(super) fn get_offsets(stage: &mut Stage<'_>, args: &str) -> Result<(), Error> {
    let args = format!("--bootstrap-server {{}} {args}");
    stage.compare(&Call::new("kafka-get-offsets.sh", &args))
}

/// A topic made by hand on both sides.
pub(super) fn make(
    stage: &Stage<'_>,
    topic: &str,
    partitions: i32,
    configs: &[(&str, &str)],
) -> Result<(), Error> {
    stage.by_hand(|link| link.create_topic(topic, partitions, configs))?;
    Ok(())
}
