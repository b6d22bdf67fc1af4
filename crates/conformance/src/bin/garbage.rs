//! `garbage`: throws everything but good requests at a broker, while a good client watches.
//!
//! ```text
//! cargo run -p once-conformance --bin garbage -- --seconds 60 --seed 1
//! ```
//!
//! It needs nothing but the binary `once` (which cargo builds if `--once PATH` names none), 6,000
//! open files, and about a minute. With `--bootstrap HOST:PORT --pid PID` it attacks a broker that
//! runs already; leave `--skip announce` away only where 5,000 frames of 100 MiB may be announced.
//!
//! A line a phase goes to stderr, and what was found wrong; one line of JSON ends it on stdout.
//! The exit code is 1 if anything was found: the broker died or panicked, its memory (the peak of
//! its resident set) passed `--max-rss-mib`, the good client had to wait for more than 10 s or got
//! a wrong answer, a valid request got no answer or a malformed one, an answer was addressed to
//! nobody, a negative or oversized frame was not refused. It is 2 if nothing could be tried.

use std::process::ExitCode;

use clap::Parser;
use once_conformance::garbage::{Options, run};

/// Throws everything but good requests at a broker, while a good client watches.
#[derive(Parser)]
#[command(name = "garbage", version)]
struct Arguments {
    #[command(flatten)]
    options: Options,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments.options, |line| eprintln!("{line}")) {
        Ok(report) => {
            report
                .complaints()
                .iter()
                .for_each(|complaint| eprintln!("found: {complaint}"));
            println!("{}", report.json());
            ExitCode::from(u8::from(!report.holds()))
        }
        Err(error) => {
            eprintln!("garbage: {error}");
            ExitCode::from(2)
        }
    }
}
