//! `transcripts`: records what real clients ask an Apache Kafka, and what it answers.
//!
//! ```text
//! cargo run --release -p once-conformance --bin transcripts -- --kafka 127.0.0.1:9092 --kafka-scripts DIR
//! ```
//!
//! Java's clients are Kafka's own tools; librdkafka's are the load of the kill rounds, which cargo builds. The Kafka
//! must be a fresh one of one broker, at `transaction.version` 1. The transcripts are in the repository, so this is
//! run only when scenes change.

use std::process::ExitCode;

use clap::Parser;
use once_conformance::transcripts::{Options, run};

/// What real clients ask an Apache Kafka, and what it answers.
#[derive(Parser)]
#[command(name = "transcripts", version)]
struct Arguments {
    #[command(flatten)]
    options: Options,
}

fn main() -> ExitCode {
    match run(&Arguments::parse().options, |line| println!("{line}")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("transcripts: {error}");
            ExitCode::from(2)
        }
    }
}
