//! Groups: without members, with a member of either protocol, and their offsets reset.

use super::super::call::Call;
use super::super::stage::Stage;
use super::super::view::View;
use super::records::consume;
use super::transactions::describe;
use crate::error::Error;

const SCRIPT: &str = "kafka-consumer-groups.sh";
/// Records of the topic that is consumed.
const RECORDS: usize = 22;

pub(super) fn run(stage: &mut Stage<'_>) -> Result<(), Error> {
    stage.compare(&describe(&stage.name("absent")))?;
    for protocol in ["classic", "consumer"] {
        let group = stage.name(protocol);
        let topic = stage.name("console");
        let member = format!(
            "--topic {topic} --from-beginning --group {group} \
             --command-property group.protocol={protocol}"
        );
        // Ends by itself and leaves offsets behind.
        stage.compare(&consume(&member, RECORDS))?;
        about(stage, &group)?;
        with_member(stage, &group, &topic, protocol)?;
        about(stage, &group)?;
        resets(stage, &group, &topic)?;
    }
    lists(stage)
}

fn groups(args: &str) -> Call {
    Call::new(SCRIPT, &format!("--bootstrap-server {{}} {args}"))
}

/// Everything that the tool tells of a group.
fn about(stage: &mut Stage<'_>, group: &str) -> Result<(), Error> {
    stage.compare(&describe(group))?;
    for detail in [
        "--state",
        "--members",
        "--members --verbose",
        "--offsets --verbose",
    ] {
        let call = groups(&format!("--describe --group {group} {detail}"));
        stage.compare(&call.view(View::Sorted))?;
    }
    Ok(())
}

/// The same while a member is there.
fn with_member(
    stage: &mut Stage<'_>,
    group: &str,
    topic: &str,
    protocol: &str,
) -> Result<(), Error> {
    let rewind = format!("--group {group} --topic {topic} --reset-offsets --to-earliest --execute");
    stage.compare(&groups(&rewind).view(View::Sorted))?;
    let member = Call::new(
        "kafka-console-consumer.sh",
        &format!(
            "--bootstrap-server {{}} --topic {topic} --group {group} \
             --command-property group.protocol={protocol} \
             --command-property auto.commit.interval.ms=100"
        ),
    );
    let mut running = stage.start(&member)?;
    running.kafka.await_lines(RECORDS)?;
    running.once.await_lines(RECORDS)?;
    // Until its offsets are committed and its assignment acknowledged.
    std::thread::sleep(std::time::Duration::from_secs(6));
    about(stage, group)?;
    stage.compare(&groups("--list --state Stable").view(View::About(stage.tag.clone())))?;
    stage.compare(&groups(&rewind).view(View::Sorted))?;
    running.kafka.stop()?;
    running.once.stop()?;
    Ok(())
}

fn resets(stage: &mut Stage<'_>, group: &str, topic: &str) -> Result<(), Error> {
    for reset in [
        "--to-earliest --dry-run",
        "--shift-by -1 --execute",
        "--to-offset 1 --execute",
        "--to-datetime 2020-01-01T00:00:00.000 --dry-run",
        "--to-latest --execute",
    ] {
        let call = groups(&format!(
            "--group {group} --topic {topic} --reset-offsets {reset}"
        ));
        stage.compare(&call.view(View::Sorted))?;
    }
    stage.compare(&describe(group))
}

fn lists(stage: &mut Stage<'_>) -> Result<(), Error> {
    for list in [
        "--list",
        "--list --state",
        "--list --type",
        "--list --state Empty",
    ] {
        let call = groups(list).view(View::About(stage.tag.clone()));
        stage.compare(&call.view(View::Sorted))?;
    }
    Ok(())
}
