//! `restart`: how long a broker that was killed under load takes to its first answer.
//!
//! ```text
//! cargo run --release -p once-conformance --bin restart -- --gigabytes 10
//! ```
//!
//! Fills a data directory, makes transactional ids, and kills the broker while it is written to; then starts it, asks
//! for ApiVersions and times that from before the process is made. A start with a dropped page cache comes last, if
//! this process may drop it (root). It needs the binary `once`, which cargo builds if `--once PATH` names none, and a
//! disk with room. Figures, nothing asserted.

use std::process::ExitCode;

use clap::Parser;
use once_conformance::restart::{Options, run};

/// How long a start takes after a kill under load, and how much memory.
#[derive(Parser)]
#[command(name = "restart", version)]
struct Arguments {
    #[command(flatten)]
    options: Options,
}

fn main() -> ExitCode {
    match run(&Arguments::parse().options, &mut |line| println!("{line}")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("restart: {error}");
            ExitCode::from(2)
        }
    }
}
