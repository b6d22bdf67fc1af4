//! The load of the kill rounds with librdkafka's clients: `once_verify::witness` over an engine that
//! is not the Rust crate. The kill rounds start it, and end it by closing its standard input.
//!
//! Every now and then it prints its counts; in the end, each error that its clients met and got
//! over. The exit code is 0 if all of them came to their end.

mod consumer;
mod engine;
mod error;
mod producer;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use once_verify::Error;
use once_verify::witness::{Load, LoadOptions, Recorder};
use tokio::sync::oneshot;
use tokio::time::{interval, timeout};

use crate::engine::Librdkafka;

/// How often counts are printed.
const EVERY: Duration = Duration::from_millis(30);
/// How long clients may take for what they have under way.
const PATIENCE: Duration = Duration::from_secs(80);

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    let ended = runtime.block_on(run());
    // A client that is still being freed must not hold the end up.
    runtime.shutdown_timeout(Duration::from_secs(1));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("librdkafka-load: {error}");
    ExitCode::FAILURE
}

async fn run() -> Result<(), Error> {
    let (options, mut rest) = LoadOptions::parse(std::env::args().skip(1))?;
    let history = PathBuf::from(taken(&mut rest, "history")?);
    let first = taken(&mut rest, "first-process")?;
    let first = first
        .parse()
        .map_err(|_| Error::Usage(format!("--first-process {first} is no number")))?;
    let recorder = Recorder::create(&history, first)?;
    let load = Load::start(&Librdkafka::default(), &options, &recorder);
    let stop = end_of_input();
    tokio::pin!(stop);
    let mut ticks = interval(EVERY);
    while timeout(Duration::ZERO, &mut stop).await.is_err() {
        ticks.tick().await;
        println!("{}", recorder.counts().line());
    }
    let finished = load.finish(PATIENCE).await;
    println!("{}", recorder.counts().line());
    for (error, times) in recorder.errors() {
        println!("{error} ({times} times)");
    }
    recorder.finish()?;
    finished
}

fn taken(rest: &mut BTreeMap<String, String>, key: &str) -> Result<String, Error> {
    let value = rest.remove(key);
    value.ok_or_else(|| Error::Usage(format!("--{key} is missing")))
}

/// Resolves when standard input is closed. A thread of its own waits: a read cannot be given up.
fn end_of_input() -> oneshot::Receiver<()> {
    let (ended, end) = oneshot::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 64];
        while matches!(std::io::stdin().read(&mut buffer), Ok(read) if read > 0) {}
        let _ = ended.send(());
    });
    end
}
