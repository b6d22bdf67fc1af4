//! The binary `once`: exactly-once on Kafka from the command line.
//!
//! It only translates: arguments into calls of the library, results into text and an exit code
//! (0 done, 1 failed, 2 wrong usage).

mod allocator;
mod command;
mod failure;
mod output;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    allocator::give_back();
    let arguments = command::Arguments::parse();
    // To stderr, since stdout is for what was asked for. RUST_LOG says how much.
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn")),
        )
        .with_writer(std::io::stderr)
        .init();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failure::Failure::Failed(format!("start: {error}")).report(),
    };
    match runtime.block_on(command::run(arguments)) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}
