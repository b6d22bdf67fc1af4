//! `kills`: the broker is ended in the middle of exactly-once load, and nothing may be lost or
//! doubled.
//!
//! ```text
//! cargo run -p once-conformance --bin kills -- --rounds 300 --seed 1
//! cargo run -p once-conformance --bin kills -- --rounds 50 --storage failing
//! cargo run -p once-conformance --bin kills -- --rounds 50 --storage full
//! ```
//!
//! Idempotent senders, transactional producers that commit, abort and die, processors that consume
//! and produce in one transaction, and readers of both isolations: one set of them with the Rust
//! crate `confluent-kafka`, one with librdkafka. SIGKILL ends the broker at a random moment, and
//! sometimes once more while it recovers. It starts again on the same data and port, and the
//! clients, which are never restarted, go on. With `--storage failing` a flush or a write of the
//! broker fails and others take long, in place of SIGKILL: it must end with exit code 74 and say why.
//! With `--storage full` its file system is filled by the load or by others: it must refuse data and
//! serve readers, or end likewise.
//!
//! After each ten rounds, and once more at the very end after a clean restart, everything is read
//! back and `once-check` judges the history (`docs/history.md`). One line a round, one of counts in
//! the end; the exit code is 1 on any finding, 2 if nothing could be tried. On a finding the data,
//! the broker's log and the histories stay.
//!
//! It needs the binary `once`, which cargo builds if `--once PATH` names none; for librdkafka, which
//! cargo builds from source, a C compiler and make (`--clients confluent` does without); for
//! `--storage full` root, to mount a file system.

use std::process::ExitCode;

use clap::Parser;
use once_conformance::kills::{Options, run};

/// Ends the broker in the middle of exactly-once load; nothing may be lost or doubled.
#[derive(Parser)]
#[command(name = "kills", version)]
struct Arguments {
    #[command(flatten)]
    options: Options,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments.options, |line| println!("{line}")) {
        Ok(tally) => {
            for (error, times) in tally.errors() {
                println!("a client met, and got over: {error} ({times} times)");
            }
            for finding in tally.findings() {
                println!("found: {finding}");
            }
            println!("{}", tally.line());
            ExitCode::from(u8::from(!tally.holds()))
        }
        Err(error) => {
            eprintln!("kills: {error}");
            ExitCode::from(2)
        }
    }
}
