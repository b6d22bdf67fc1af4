//! `flushes`: what fsync costs, as ratios within one run.
//!
//! ```text
//! cargo run --release -p once-conformance --bin flushes -- --kafka 127.0.0.1:9092
//! ```
//!
//! Transactions of one record by 1, 8 and 64 producers, and produce to 1, 32 and 256 partitions, against `once` with
//! fsync and without and an Apache Kafka if one is named, in alternation; around every measurement with fsync a probe
//! flushes 16 KiB appends on the same disk. It needs the binary `once`, which cargo builds if `--once PATH` names none.

use std::process::ExitCode;

use clap::Parser;
use once_conformance::flushes::{Options, run};

/// What fsync costs: transactions and produce with it and without, beside a probe of the disk.
#[derive(Parser)]
#[command(name = "flushes", version)]
struct Arguments {
    #[command(flatten)]
    options: Options,
}

fn main() -> ExitCode {
    match run(&Arguments::parse().options, |line| eprintln!("{line}")) {
        Ok(table) => {
            print!("{table}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("flushes: {error}");
            ExitCode::from(2)
        }
    }
}
