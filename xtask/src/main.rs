//! The project's own chores: `cargo xtask COMMAND`.

mod schema;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND
  schema --jars DIR    write crates/wire/schema from the JSON in Kafka's jars";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let result = match args.next().as_deref() {
        Some("schema") => schema::run(args),
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}
