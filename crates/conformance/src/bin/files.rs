//! `files`: the files that `once` leaves, under Kafka's eyes.
//!
//! ```text
//! cargo run --release -p once-conformance --bin files -- --kafka-scripts KAFKA/bin \
//!     --kafka HOST:PORT --kafka-data LOG_DIR --kafka-stop COMMAND --kafka-start COMMAND
//! ```
//!
//! A load of transactions, aborts, tombstones, offsets, all codecs, compaction, retention, deleted records and deleted
//! topics, with two kills in the middle of it and a clean stop at the end; then `kafka-dump-log.sh` over every log,
//! index and snapshot. It needs a JVM and the scripts of an Apache Kafka.
//!
//! With the address of an Apache Kafka of one broker, its log directory and the commands that stop it and start it on
//! the same files, that broker gets copies of the load's partitions, and serves the same as `once` under both isolation
//! levels: the batches byte by byte, where the log starts and ends, and which transactions were aborted.
//!
//! The exit code is 1 if anything is wrong, 2 if the files could not be made or looked at.

use std::process::ExitCode;

use clap::Parser;
use once_conformance::files::{Options, run};

/// A mixed load's files, under the eyes of Kafka's dump and of a Kafka that serves copies of them.
#[derive(Parser)]
#[command(name = "files", version)]
struct Arguments {
    #[command(flatten)]
    options: Options,
}

fn main() -> ExitCode {
    match run(&Arguments::parse().options, &mut |line| println!("{line}")) {
        Ok(findings) => {
            println!("findings {findings}");
            ExitCode::from(u8::from(findings > 0))
        }
        Err(error) => {
            eprintln!("files: {error}");
            ExitCode::from(2)
        }
    }
}
