//! What is played before the recorder.

use once_wire::ApiKey;

use super::recorder::Cuts;
use super::stage::{Stage, pause};
use crate::error::Error;

/// One scene, in topics of its own.
pub(super) struct Scene {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    /// Their names and how many partitions they have.
    pub(super) topics: &'static [(&'static str, i32)],
    /// Answers that clients do not get.
    pub(super) cuts: Cuts,
    /// Its errors come with time, so that nobody can play it again.
    pub(super) timed: bool,
    /// What nobody records.
    pub(super) before: fn(&Stage) -> Result<(), Error>,
    pub(super) play: fn(&Stage) -> Result<(), Error>,
}

/// All scenes.
pub(super) const SCENES: [Scene; 11] = [
    Scene {
        name: "java-idempotent",
        what: "an idempotent producer, which does not hear that a batch was written",
        topics: &[("java-idempotent", 2)],
        cuts: &[(ApiKey::InitProducerId, 1), (ApiKey::Produce, 6)],
        timed: false,
        before: nothing,
        play: |stage| {
            stage
                .produce(&stage.recorded, "java-idempotent", "idempotent", &[])?
                .end()
        },
    },
    Scene {
        name: "java-transactional",
        what: "a transactional producer that loses answers, the next of its id, and two that fence each other",
        topics: &[("java-transactional", 2)],
        cuts: &[
            (ApiKey::InitProducerId, 1),
            (ApiKey::AddPartitionsToTxn, 2),
            (ApiKey::EndTxn, 2),
            (ApiKey::Produce, 9),
        ],
        timed: false,
        before: nothing,
        play: |stage| {
            let (topic, id) = ("java-transactional", "java-transactional");
            let own = ["--transactional-id", id, "--transaction-duration-ms", "150"];
            stage
                .produce(&stage.recorded, topic, "first", &own)?
                .end()?;
            stage
                .produce(&stage.recorded, topic, "second", &own)?
                .end()?;
            let long = [
                "--transactional-id",
                id,
                "--transaction-duration-ms",
                "4000",
            ];
            let fenced = stage.produce_slowly(topic, "fenced", &long)?;
            pause(4_000);
            stage
                .produce(&stage.recorded, topic, "fencing", &own)?
                .end()?;
            fenced.end()
        },
    },
    Scene {
        name: "java-copier",
        what: "consume, process, produce in a classic group, with aborts and lost answers",
        topics: &[("java-copier-in", 1), ("java-copier-out", 1)],
        cuts: &[
            (ApiKey::AddOffsetsToTxn, 2),
            (ApiKey::TxnOffsetCommit, 3),
            (ApiKey::EndTxn, 4),
            (ApiKey::EndTxn, 6),
            (ApiKey::Fetch, 2),
        ],
        timed: false,
        before: |stage| {
            stage
                .produce(&stage.kafka, "java-copier-in", "before", &[])?
                .end()
        },
        play: |stage| {
            let args = [
                "--broker-list",
                &stage.recorded,
                "--input-topic",
                "java-copier-in",
                "--input-partition",
                "0",
                "--output-topic",
                "java-copier-out",
                "--transaction-size",
                "3",
                "--transactional-id",
                "java-copier",
                "--consumer-group",
                "java-copiers",
                "--enable-random-aborts",
                "--group-mode",
                "--use-group-metadata",
            ];
            stage
                .start("kafka-transactional-message-copier.sh", "copier", &args)?
                .end()
        },
    },
    Scene {
        name: "java-classic",
        what: "members of a classic group, one of them static, that come, read, commit and go",
        topics: &[("java-classic", 6)],
        cuts: &[
            (ApiKey::OffsetCommit, 2),
            (ApiKey::JoinGroup, 3),
            (ApiKey::Fetch, 5),
        ],
        timed: false,
        before: |stage| {
            stage
                .produce(&stage.kafka, "java-classic", "before", &[])?
                .end()
        },
        play: |stage| stage.group("java-classic", "classic", 4_000),
    },
    Scene {
        name: "java-consumer",
        what: "members of a group of KIP-848, one of them static, that come, read, commit and go",
        topics: &[("java-consumer", 2)],
        cuts: &[
            (ApiKey::OffsetCommit, 2),
            (ApiKey::ConsumerGroupHeartbeat, 3),
            (ApiKey::ConsumerGroupHeartbeat, 6),
            (ApiKey::ConsumerGroupHeartbeat, 16),
            (ApiKey::ConsumerGroupHeartbeat, 18),
        ],
        timed: false,
        before: |stage| {
            stage
                .produce(&stage.kafka, "java-consumer", "before", &[])?
                .end()
        },
        play: |stage| stage.group("java-consumer", "consumer", 11_000),
    },
    Scene {
        name: "java-others",
        what: "a producer that is not idempotent, a group, and tools that ask for offsets",
        topics: &[("java-others", 2)],
        cuts: &[],
        timed: false,
        before: nothing,
        play: |stage| {
            let own = ["enable.idempotence=false", "acks=all"];
            let topic = "java-others";
            stage
                .produce(&stage.recorded, topic, "plain", &own)?
                .end()?;
            let reader = stage.member(topic, "classic", "reader", &[])?;
            pause(4_000);
            reader.stop()?;
            let of = ["--bootstrap-server", &stage.recorded];
            for time in ["earliest", "latest"] {
                let args = [&of[..], &["--topic", topic, "--time", time]].concat();
                stage
                    .start("kafka-get-offsets.sh", "offsets", &args)?
                    .end()?;
            }
            let args = [&of[..], &["--describe", "--group", "java-others-classic"]].concat();
            stage
                .start("kafka-consumer-groups.sh", "groups", &args)?
                .end()
        },
    },
    Scene {
        name: "java-late",
        what: "a transaction that takes longer than it may",
        topics: &[("java-late", 2)],
        cuts: &[],
        timed: true,
        before: nothing,
        play: |stage| {
            let own = [
                "transaction.timeout.ms=3000",
                "--transactional-id",
                "java-late",
                "--transaction-duration-ms",
                "60000",
            ];
            stage.produce_slowly("java-late", "late", &own)?.end()
        },
    },
    Scene {
        name: "java-frozen",
        what: "members of both kinds that stand still for longer than their sessions last",
        topics: &[("java-frozen", 4)],
        cuts: &[],
        timed: true,
        before: |stage| {
            stage
                .produce(&stage.kafka, "java-frozen", "before", &[])?
                .end()
        },
        play: |stage| {
            for (client, protocol, own) in [
                ("frozen-classic", "classic", &[][..]),
                ("frozen-consumer", "consumer", &[]),
                (
                    "frozen-static-classic",
                    "classic",
                    &["--group-instance-id", "static"],
                ),
                (
                    "frozen-static-consumer",
                    "consumer",
                    &["--group-instance-id", "static"],
                ),
            ] {
                let frozen = stage.member("java-frozen", protocol, client, own)?;
                pause(5_000);
                // Sessions last for what the client says, and in the other kind for what Kafka does.
                frozen.freeze(if protocol == "classic" {
                    10_000
                } else {
                    50_000
                })?;
                pause(7_000);
                frozen.stop()?;
            }
            Ok(())
        },
    },
    Scene {
        name: "java-instance",
        what: "two members of one instance id, of which the first is fenced",
        topics: &[("java-instance", 4)],
        cuts: &[],
        timed: true,
        before: |stage| {
            stage
                .produce(&stage.kafka, "java-instance", "before", &[])?
                .end()
        },
        play: |stage| {
            let own = ["--group-instance-id", "static"];
            let fenced = stage.member("java-instance", "classic", "fenced", &own)?;
            pause(5_000);
            let fencing = stage.member("java-instance", "classic", "fencing", &own)?;
            pause(5_000);
            fencing.stop()?;
            fenced.stop()
        },
    },
    Scene {
        name: "librdkafka-producers",
        what: "an idempotent and a transactional producer that lose answers",
        topics: &[
            ("rdk-producers-input", 2),
            ("rdk-producers-transactions", 2),
        ],
        cuts: &[
            (ApiKey::AddPartitionsToTxn, 2),
            (ApiKey::EndTxn, 2),
            (ApiKey::Produce, 9),
        ],
        timed: false,
        before: nothing,
        play: |stage| stage.librdkafka("rdk-producers", [1, 1, 0, 0]),
    },
    Scene {
        name: "librdkafka-processors",
        what: "consume, process, produce by two members of a classic group, with lost answers",
        topics: &[
            ("rdk-processors-input", 2),
            ("rdk-processors-transactions", 2),
            ("rdk-processors-librdkafka-a", 2),
            ("rdk-processors-librdkafka-b", 2),
        ],
        cuts: &[
            (ApiKey::AddOffsetsToTxn, 2),
            (ApiKey::TxnOffsetCommit, 3),
            (ApiKey::JoinGroup, 3),
        ],
        timed: false,
        before: nothing,
        play: |stage| stage.librdkafka("rdk-processors", [1, 0, 2, 2]),
    },
];

fn nothing(_: &Stage) -> Result<(), Error> {
    Ok(())
}
