//! `compare-tools`: Apache's tools against an Apache Kafka and against `once`, their outputs
//! compared.
//!
//! ```text
//! cargo run -p once-conformance --bin compare-tools -- \
//!     --kafka HOST:PORT --once HOST:PORT --kafka-scripts KAFKA/bin \
//!     --kafka-data LOG_DIR --once-data DATA_DIR
//! ```
//!
//! It needs a JVM, the scripts of an Apache Kafka (4.1 or newer: `--formatter-property`), one
//! broker of Apache Kafka that runs, and `once broker`, both with
//! `group.initial.rebalance.delay.ms=0` if time matters. With the data directories of both, on this
//! machine, what lies on disk is compared too. While `once` advertises `transaction.version` 1, set
//! Kafka's to 1 as well (`kafka-features.sh downgrade --feature transaction.version=1`): version 2
//! bumps the producer's epoch with every transaction, which shows on disk. Everything it makes has a name of this run; nothing
//! else on the brokers is touched. It takes some minutes: each tool is a JVM.
//!
//! It tells what is normalised, then each comparison, with the lines only Kafka has (`-`) and only
//! `once` has (`+`), and in the end `N equal, K different`. The exit code is 1 if anything differs,
//! 2 if the state to be compared could not be made.

use std::process::ExitCode;

use clap::Parser;
use once_conformance::compare::{Options, run};

/// Apache's tools against an Apache Kafka and against once, their outputs compared.
#[derive(Parser)]
#[command(name = "compare-tools", version)]
struct Arguments {
    #[command(flatten)]
    options: Options,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments.options, &mut |line| println!("{line}")) {
        Ok(report) => {
            println!("{}", report.line());
            ExitCode::from(u8::from(report.different() > 0))
        }
        Err(error) => {
            eprintln!("compare-tools: {error}");
            ExitCode::from(2)
        }
    }
}
