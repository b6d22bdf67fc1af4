//! What is played before the recorder.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use once_verify::witness::{LoadOptions, Topics};
use once_wire::ApiKey;

use super::recorder::Cuts;
use crate::error::Error;
use crate::tool::{Running, Tools};

/// One scene, in topics of its own.
pub(super) struct Scene {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    /// Their names and how many partitions they have.
    pub(super) topics: &'static [(&'static str, i32)],
    /// Answers that clients do not get.
    pub(super) cuts: Cuts,
    /// What nobody records.
    pub(super) before: fn(&Stage) -> Result<(), Error>,
    pub(super) play: fn(&Stage) -> Result<(), Error>,
}

/// What scenes are played with.
pub(super) struct Stage {
    pub(super) tools: Tools,
    pub(super) scratch: PathBuf,
    /// The program with librdkafka's clients.
    pub(super) companion: PathBuf,
    /// The address that is recorded.
    pub(super) recorded: String,
    /// The address that is not.
    pub(super) kafka: String,
}

/// All scenes.
pub(super) const SCENES: [Scene; 8] = [
    Scene {
        name: "java-idempotent",
        what: "an idempotent producer, which does not hear that a batch was written",
        topics: &[("java-idempotent", 2)],
        cuts: &[(ApiKey::InitProducerId, 1), (ApiKey::Produce, 6)],
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
        topics: &[("java-consumer", 6)],
        cuts: &[
            (ApiKey::OffsetCommit, 2),
            (ApiKey::ConsumerGroupHeartbeat, 3),
            (ApiKey::ConsumerGroupHeartbeat, 6),
            (ApiKey::ConsumerGroupHeartbeat, 16),
            (ApiKey::ConsumerGroupHeartbeat, 18),
        ],
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
            let args = [&of[..], &["--describe", "--group", "java-others-group"]].concat();
            stage
                .start("kafka-consumer-groups.sh", "groups", &args)?
                .end()
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
        before: nothing,
        play: |stage| stage.librdkafka("rdk-processors", [1, 0, 2, 2]),
    },
];

fn nothing(_: &Stage) -> Result<(), Error> {
    Ok(())
}

fn pause(millis: u64) {
    thread::sleep(Duration::from_millis(millis));
}

/// A tool that plays.
struct Player(Running);

impl Player {
    /// Waits for its end. How it ends is its own affair: one that is fenced ends with an error.
    fn end(self) -> Result<(), Error> {
        self.0.wait().map(drop)
    }

    /// Asks it to end.
    fn stop(self) -> Result<(), Error> {
        self.0.stop().map(drop)
    }
}

impl Stage {
    fn start(&self, script: &str, name: &str, args: &[&str]) -> Result<Player, Error> {
        let found = self.tools.find(script);
        let found = found.ok_or_else(|| Error::Usage(format!("there is no {script}")))?;
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        self.tools.start(name, &found, &args, "").map(Player)
    }

    /// Writes 40 records in small batches, as quickly as it can.
    fn produce(&self, to: &str, topic: &str, client: &str, more: &[&str]) -> Result<Player, Error> {
        self.perf(to, topic, client, (40, 100), more)
    }

    /// Writes for long.
    fn produce_slowly(&self, topic: &str, client: &str, more: &[&str]) -> Result<Player, Error> {
        self.perf(&self.recorded, topic, client, (100, 5), more)
    }

    fn perf(
        &self,
        to: &str,
        topic: &str,
        client: &str,
        (records, throughput): (u32, u32),
        more: &[&str],
    ) -> Result<Player, Error> {
        let (records, throughput) = (records.to_string(), throughput.to_string());
        let client_id = format!("client.id={client}");
        let mut args = vec!["--bootstrap-server", to, "--topic", topic];
        args.extend(["--num-records", &records, "--throughput", &throughput]);
        args.extend(["--record-size", "10"]);
        args.extend([
            "--command-property",
            &client_id,
            "batch.size=40",
            "linger.ms=0",
        ]);
        // Properties, or other arguments.
        args.extend(more);
        self.start("kafka-producer-perf-test.sh", client, &args)
    }

    /// Three members of a group, of which one is static and comes twice. Nobody but the last leads alone, and
    /// partitions go round: where brokers are free to choose, nothing is to be compared.
    fn group(&self, topic: &str, protocol: &str, step: u64) -> Result<(), Error> {
        let feeder = self.perf(&self.kafka, topic, "feeder", (10_000, 1), &[])?;
        let first = self.member(topic, protocol, "first", &[])?;
        pause(step);
        let own = ["--group-instance-id", "static"];
        let second = self.member(topic, protocol, "second", &own)?;
        pause(step);
        let third = self.member(topic, protocol, "third", &[])?;
        pause(step);
        second.stop()?;
        let again = self.member(topic, protocol, "again", &own)?;
        pause(step);
        third.stop()?;
        pause(step);
        first.stop()?;
        pause(step);
        again.stop()?;
        feeder.stop()
    }

    fn member(
        &self,
        topic: &str,
        protocol: &str,
        client: &str,
        more: &[&str],
    ) -> Result<Player, Error> {
        let config = self.scratch.join(format!("{client}.properties"));
        let mut properties = format!("client.id={client}\nfetch.max.wait.ms=2000\n");
        if protocol == "classic" {
            properties += "heartbeat.interval.ms=1000\n";
        }
        fs::write(&config, properties).map_err(Error::io("write a client's properties"))?;
        let (config, group) = (config.display().to_string(), format!("{topic}-group"));
        let mut args = vec!["--bootstrap-server", &self.recorded, "--topic", topic];
        args.extend(["--group-id", &group, "--group-protocol", protocol]);
        args.extend(["--command-config", &config]);
        args.extend(more);
        self.start("kafka-verifiable-consumer.sh", client, &args)
    }

    /// A load of librdkafka's clients: so many senders, transactional producers, processors, and readers.
    fn librdkafka(
        &self,
        name: &str,
        [senders, transactors, processors, readers]: [u64; 4],
    ) -> Result<(), Error> {
        let topics = Topics::named(name, &["librdkafka"], 2);
        let load = LoadOptions {
            bootstrap: self.recorded.clone(),
            name: name.to_owned(),
            outputs: topics.outputs.clone(),
            topics,
            senders,
            transactors,
            processors,
            readers,
            rate: 20,
            batch: 5,
            transaction_timeout: Duration::from_secs(60),
            seed: 1,
        };
        let doing = || format!("run {}", self.companion.display());
        let mut child = Command::new(&self.companion)
            .args(load.arguments())
            .arg("--history")
            .arg(self.scratch.join(format!("{name}.history")))
            .args(["--first-process", "1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .map_err(Error::io(doing()))?;
        pause(3_000);
        drop(child.stdin.take());
        let ended = child.wait().map_err(Error::io(doing()))?;
        match ended.success() {
            true => Ok(()),
            false => Err(Error::Wrong(format!("{}: {ended}", doing()))),
        }
    }
}
