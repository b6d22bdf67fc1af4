//! What scenes are played with: Kafka's tools, and the load of librdkafka's clients.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use once_verify::witness::{LoadOptions, Topics};
use rustix::process::Signal;

use crate::error::Error;
use crate::tool::{Running, Tools};

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

pub(super) fn pause(millis: u64) {
    thread::sleep(Duration::from_millis(millis));
}

/// A tool that plays.
pub(super) struct Player(Running);

impl Player {
    /// Waits for its end. How it ends is its own affair: one that is fenced ends with an error.
    pub(super) fn end(self) -> Result<(), Error> {
        self.0.wait().map(drop)
    }

    /// Lets it stand still for so many milliseconds.
    pub(super) fn freeze(&self, millis: u64) -> Result<(), Error> {
        self.0.signal(Signal::STOP)?;
        pause(millis);
        self.0.signal(Signal::CONT)
    }

    /// Asks it to end.
    pub(super) fn stop(self) -> Result<(), Error> {
        self.0.stop().map(drop)
    }
}

impl Stage {
    pub(super) fn start(&self, script: &str, name: &str, args: &[&str]) -> Result<Player, Error> {
        let found = self.tools.find(script);
        let found = found.ok_or_else(|| Error::Usage(format!("there is no {script}")))?;
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        self.tools.start(name, &found, &args, "").map(Player)
    }

    /// Writes 40 records in small batches, as quickly as it can.
    pub(super) fn produce(
        &self,
        to: &str,
        topic: &str,
        client: &str,
        more: &[&str],
    ) -> Result<Player, Error> {
        self.perf(to, topic, client, (40, 100), more)
    }

    /// Writes for long.
    pub(super) fn produce_slowly(
        &self,
        topic: &str,
        client: &str,
        more: &[&str],
    ) -> Result<Player, Error> {
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
    pub(super) fn group(&self, topic: &str, protocol: &str, step: u64) -> Result<(), Error> {
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

    pub(super) fn member(
        &self,
        topic: &str,
        protocol: &str,
        client: &str,
        more: &[&str],
    ) -> Result<Player, Error> {
        let config = self.scratch.join(format!("{client}.properties"));
        let mut properties = format!("client.id={client}\nfetch.max.wait.ms=2000\n");
        if protocol == "classic" {
            properties += "heartbeat.interval.ms=1000\nsession.timeout.ms=6000\n";
        }
        fs::write(&config, properties).map_err(Error::io("write a client's properties"))?;
        let (config, group) = (config.display().to_string(), format!("{topic}-{protocol}"));
        let mut args = vec!["--bootstrap-server", &self.recorded, "--topic", topic];
        args.extend(["--group-id", &group, "--group-protocol", protocol]);
        args.extend(["--command-config", &config]);
        args.extend(more);
        self.start("kafka-verifiable-consumer.sh", client, &args)
    }

    /// A load of librdkafka's clients: so many senders, transactional producers, processors, and readers.
    pub(super) fn librdkafka(
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
