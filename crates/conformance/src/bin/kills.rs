//! `kills`: the broker is killed in the middle of exactly-once load, and nothing may be lost or
//! doubled.
//!
//! ```text
//! cargo run -p once-conformance --bin kills -- --rounds 50 --seed 1
//! ```
//!
//! It needs nothing but the binary `once`, which cargo builds if `--once PATH` names none, and two
//! to five seconds a round. An idempotent producer writes numbered inputs; two processors of one
//! group turn them into outputs in two topics, with the offsets in the same transactions; SIGKILL
//! ends the broker at a random moment, and sometimes once more while it recovers. It starts again
//! on the same data and port, and the clients, which are never restarted, go on.
//!
//! After each ten rounds, and once more at the very end after a clean restart, a separate reader
//! judges from the records' headers: acknowledged inputs are there exactly once, each input is in
//! each output exactly once, no transaction is there in part. One line a round, one of counts in
//! the end; the exit code is 1 on any finding, 2 if nothing could be tried.

use std::process::ExitCode;

use clap::Parser;
use once_conformance::kills::{Options, run};

/// Kills the broker in the middle of exactly-once load; nothing may be lost or doubled.
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
