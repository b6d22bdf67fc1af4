//! Runs seeds: `sim --seeds N [--from S] [--profile NAME] [--replay SEED]`.

mod args;
mod campaign;
mod crew;
mod mutants;

use args::{Args, USAGE};
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(problem) => {
            eprintln!("{problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if args.replay.is_none() {
        // A panic is a finding, and is told with its seed.
        std::panic::set_hook(Box::new(|_| {}));
    }
    let clean = match args.replay {
        Some(seed) => campaign::replay(&args, seed),
        None if args.mutants => mutants::all(&args),
        None => campaign::play(&args),
    };
    if clean {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
