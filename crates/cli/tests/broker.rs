//! `once broker` and `once demo` as a user runs them: real processes, files and sockets.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const ONCE: &str = env!("CARGO_BIN_EXE_once");

/// A broker process; killed, if it still runs, when the test ends.
struct Broker {
    process: Child,
    address: String,
}

impl Broker {
    fn start(data: &Path, arguments: &[&str]) -> Self {
        let mut process = command(data, arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let stdout = process.stdout.take().expect("a pipe");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let address = line
            .trim()
            .strip_prefix("listening on ")
            .expect("it serves")
            .to_owned();
        Self { process, address }
    }

    fn signal(mut self, signal: Signal) -> Option<i32> {
        kill_process(Pid::from_child(&self.process), signal).expect("it runs");
        self.process.wait().expect("it ends").code()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn command(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(ONCE);
    command.arg("broker").arg("--data").arg(data);
    if !arguments.contains(&"--listen") {
        command.args(["--listen", "127.0.0.1:0"]);
    }
    command.args(arguments);
    command
}

fn once(arguments: &[&str]) -> Output {
    Command::new(ONCE)
        .args(arguments)
        .output()
        .expect("the binary runs")
}

fn refused(data: &Path, arguments: &[&str]) -> String {
    let output = command(data, arguments).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).expect("text")
}

fn produce(address: &str, lines: &str) {
    let mut process = Command::new(ONCE)
        .args(["produce", "letters", "--bootstrap", address])
        .stdin(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    process
        .stdin
        .take()
        .expect("a pipe")
        .write_all(lines.as_bytes())
        .expect("it reads");
    assert!(process.wait().expect("it ends").success());
}

fn consume(address: &str, max: &str) -> String {
    let from_start = ["consume", "letters", "--from-beginning", "--max", max];
    let output = once(&[&from_start[..], &["--bootstrap", address]].concat());
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// Changes the last byte of a file; done twice, it is as it was.
fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).expect("is there");
    *bytes.last_mut().expect("a byte") ^= 1;
    std::fs::write(path, bytes).expect("writes");
}

#[test]
fn what_was_acknowledged_survives_a_kill_and_a_clean_stop() {
    let data = tempfile::tempdir().expect("a directory");
    let broker = Broker::start(data.path(), &[]);
    produce(&broker.address, "a\nb\n");
    broker.signal(Signal::KILL);
    let broker = Broker::start(data.path(), &[]);
    produce(&broker.address, "c\n");
    assert_eq!(consume(&broker.address, "3"), "a\nb\nc\n");
    assert_eq!(broker.signal(Signal::TERM), Some(0));
    let broker = Broker::start(data.path(), &["--flush", "os"]);
    assert_eq!(consume(&broker.address, "3"), "a\nb\nc\n");
    assert_eq!(broker.signal(Signal::INT), Some(0));
}

#[test]
fn a_flipped_bit_is_told_of_before_anybody_asks_for_the_record() {
    let data = tempfile::tempdir().expect("a directory");
    let broker = Broker::start(data.path(), &[]);
    produce(&broker.address, "a\nb\n");
    assert_eq!(broker.signal(Signal::TERM), Some(0));
    let path = data.path().join("letters-0/00000000000000000000.log");
    flip(&path);

    let often = ["--set", "once.scrub.interval.ms=20"];
    let mut process = command(data.path(), &often)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let stderr = process.stderr.take().expect("a pipe");
    let damaged = BufReader::new(stderr)
        .lines()
        .map_while(Result::ok)
        .find(|line| line.contains("letters-0") && line.contains("is damaged at byte 0"));
    process.kill().expect("it runs");
    process.wait().expect("it ends");
    assert!(damaged.is_some());
}

#[test]
fn a_topic_that_is_deleted_and_made_again_starts_empty_also_after_a_kill() {
    let data = tempfile::tempdir().expect("a directory");
    let broker = Broker::start(data.path(), &[]);
    produce(&broker.address, "a\nb\nc\n");
    // A clean stop, so that a recovery point is on disk for the first topic.
    assert_eq!(broker.signal(Signal::TERM), Some(0));
    let broker = Broker::start(data.path(), &[]);
    let deleted = once(&[
        "topics",
        "delete",
        "letters",
        "--bootstrap",
        &broker.address,
    ]);
    assert!(deleted.status.success(), "{deleted:?}");
    produce(&broker.address, "d\n");
    broker.signal(Signal::KILL);
    let broker = Broker::start(data.path(), &[]);
    assert_eq!(consume(&broker.address, "1"), "d\n");
}

#[test]
fn a_reader_that_waits_gets_a_transaction_larger_than_what_is_kept_in_memory() {
    let data = tempfile::tempdir().expect("a directory");
    let broker = Broker::start(data.path(), &[]);
    let made = once(&[
        "topics",
        "create",
        "letters",
        "--bootstrap",
        &broker.address,
    ]);
    assert!(made.status.success(), "{made:?}");
    let consumer = Command::new(ONCE)
        .args(["consume", "letters", "--from-beginning", "--max", "3000"])
        .args([
            "--isolation-level",
            "read_committed",
            "--bootstrap",
            &broker.address,
        ])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    std::thread::sleep(std::time::Duration::from_millis(500));
    let line = "x".repeat(1_200);
    let lines: String = (0..3_000)
        .map(|number| format!("{number}{line}\n"))
        .collect();
    let mut producer = Command::new(ONCE)
        .args([
            "produce",
            "letters",
            "--transactional-id",
            "p",
            "--bootstrap",
            &broker.address,
        ])
        .stdin(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    producer
        .stdin
        .take()
        .expect("a pipe")
        .write_all(lines.as_bytes())
        .expect("it reads");
    assert!(producer.wait().expect("it ends").success());
    let read = consumer.wait_with_output().expect("it ends");
    assert_eq!(
        read.stdout.iter().filter(|byte| **byte == b'\n').count(),
        3_000
    );
    assert_eq!(broker.signal(Signal::TERM), Some(0));
}

#[test]
fn a_stop_in_the_middle_of_transactions_ends_and_loses_nothing() {
    let data = tempfile::tempdir().expect("a directory");
    for round in 0..3 {
        let broker = Broker::start(data.path(), &["--flush", "disk"]);
        let mut producers: Vec<Child> = (0..3)
            .map(|number| {
                let id = format!("p{number}");
                let mut producer = Command::new(ONCE)
                    .args(["produce", "letters", "--transactional-id", &id])
                    .args(["--bootstrap", &broker.address])
                    .stdin(Stdio::piped())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .expect("the binary starts");
                let lines = "line\n".repeat(20_000);
                let _ = producer
                    .stdin
                    .take()
                    .expect("a pipe")
                    .write_all(lines.as_bytes());
                producer
            })
            .collect();
        std::thread::sleep(std::time::Duration::from_millis(150 * round));
        assert_eq!(broker.signal(Signal::TERM), Some(0), "round {round}");
        for producer in &mut producers {
            let _ = producer.kill();
            let _ = producer.wait();
        }
        assert!(
            data.path().join(".kafka_cleanshutdown").exists(),
            "round {round}"
        );
    }
}

#[test]
fn a_broker_that_cannot_start_says_why_and_exits_with_2() {
    let data = tempfile::tempdir().expect("a directory");
    let other = tempfile::tempdir().expect("a directory");
    let broker = Broker::start(data.path(), &[]);
    let in_use = refused(data.path(), &[]);
    assert!(
        in_use.contains(&data.path().display().to_string()),
        "{in_use}"
    );
    let occupied = refused(other.path(), &["--listen", &broker.address]);
    assert!(occupied.contains(&broker.address), "{occupied}");
    let unknown = refused(other.path(), &["--set", "num.partition=3"]);
    assert!(unknown.contains("num.partition"), "{unknown}");
    let unusable = refused(other.path(), &["--set", "num.partitions=many"]);
    assert!(
        unusable.contains("num.partitions") && unusable.contains("many"),
        "{unusable}"
    );
    let between = refused(other.path(), &["--set", "log.flush.interval.messages=7"]);
    assert!(between.contains("--flush os"), "{between}");
    let foreign = data.path().join("no-such.properties");
    let missing = refused(other.path(), &["--config", &foreign.display().to_string()]);
    assert!(missing.contains("no-such.properties"), "{missing}");
}

#[test]
fn a_directory_of_another_or_of_a_newer_version_is_refused_and_its_records_stay() {
    for flush in ["disk", "os"] {
        let (data, other) = (tempfile::tempdir(), tempfile::tempdir());
        let (data, other) = (data.expect("a directory"), other.expect("a directory"));
        for directory in [&data, &other] {
            let broker = Broker::start(directory.path(), &["--flush", flush]);
            produce(&broker.address, "a\n");
            broker.signal(Signal::KILL);
        }
        let path = |of: &tempfile::TempDir| of.path().join("meta.properties");
        let own = std::fs::read_to_string(path(&data)).expect("is there");
        std::fs::copy(path(&other), path(&data)).expect("copies");
        let foreign = refused(data.path(), &["--flush", flush]);
        assert!(foreign.contains("directory.id"), "{foreign}");
        let newer = own.replace("version=1", "version=2");
        std::fs::write(path(&data), newer).expect("writes");
        let newer = refused(data.path(), &["--flush", flush]);
        assert!(newer.contains("start the version"), "{newer}");
        std::fs::write(path(&data), own).expect("writes");
        let broker = Broker::start(data.path(), &["--flush", flush]);
        assert_eq!(consume(&broker.address, "1"), "a\n");
    }
}

#[test]
fn a_damaged_snapshot_of_topics_and_settings_refuses_the_start_with_its_name() {
    let data = tempfile::tempdir().expect("a directory");
    let often = "metadata.log.max.record.bytes.between.snapshots=500";
    let broker = Broker::start(data.path(), &["--set", often]);
    for n in 0..10 {
        let made = once(&[
            "topics",
            "create",
            &n.to_string(),
            "--bootstrap",
            &broker.address,
        ]);
        assert!(made.status.success(), "{made:?}");
    }
    let directory = data.path().join("__cluster_metadata-0");
    let ending = |ending: &str| -> Vec<PathBuf> {
        let listed = std::fs::read_dir(&directory).expect("is there");
        let paths = listed.map(|entry| entry.expect("is there").path());
        let mut found: Vec<_> = paths
            .filter(|path| path.extension().is_some_and(|of| of == ending))
            .collect();
        found.sort();
        found
    };
    let begins = || {
        ending("log")[0]
            .file_stem()
            .and_then(|name| name.to_str()?.parse().ok())
    };
    let deadline = Instant::now() + Duration::from_secs(30);
    while begins() == Some(0_i64) {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(10));
    }
    broker.signal(Signal::TERM);
    let snapshots = ending("checkpoint");
    snapshots.iter().for_each(|path| flip(path));
    let said = refused(data.path(), &[]);
    let named = format!("{:020}-*.checkpoint", begins().expect("an offset"));
    assert!(said.contains(&named), "{said}");
    snapshots.iter().for_each(|path| flip(path));
    drop(Broker::start(data.path(), &[]));
}

#[test]
fn the_tutorials_topics_and_settings_are_accepted() {
    let data = tempfile::tempdir().expect("a directory");
    let file = data.path().join("server.properties");
    let text = "transaction.max.timeout.ms=900000\ntransactional.id.expiration.ms=86400000\n";
    std::fs::write(&file, text).expect("a file");
    let broker = Broker::start(data.path(), &["--config", &file.display().to_string()]);
    let create = [
        "topics",
        "create",
        "transactions-input",
        "--partitions",
        "3",
    ];
    let replicas = [
        "--replication-factor",
        "3",
        "--config",
        "min.insync.replicas=2",
    ];
    let made = once(&[&create[..], &replicas, &["--bootstrap", &broker.address]].concat());
    assert!(made.status.success(), "{made:?}");
    let told = once(&[
        "topics",
        "describe",
        "transactions-input",
        "--bootstrap",
        &broker.address,
    ]);
    let told = String::from_utf8(told.stdout).expect("text");
    assert!(told.contains("min.insync.replicas=2"), "{told}");
}

#[test]
fn the_demo_holds() {
    let output = once(&["demo", "--records", "2000"]);
    let story = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{story}");
    assert!(story.contains("All 20 claims hold."), "{story}");
}

#[test]
fn the_demo_fails_when_a_promise_is_broken() {
    for sabotage in ["idempotence", "commit", "abort", "offsets", "fencing"] {
        let output = once(&["demo", "--records", "500", "--sabotage", sabotage]);
        let story = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{sabotage}: {story}");
    }
}
