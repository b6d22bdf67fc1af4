//! The project's own chores: `cargo xtask COMMAND`.

mod campaign;
mod gate;
mod run;
mod schema;
mod tidy;

use std::process::ExitCode;

/// What a command gets: the words after its name.
type Args = std::iter::Skip<std::env::Args>;

/// One command: its name, its help, and what it does.
struct Command {
    name: &'static str,
    help: &'static str,
    run: fn(Args) -> Result<(), String>,
}

/// Every command; the usage text derives from it.
const COMMANDS: [Command; 14] = [
    Command {
        name: "check",
        help: "                  formatting, tidy, clippy; changes nothing",
        run: |_| gate::check(),
    },
    Command {
        name: "ci",
        help: "                  what CI runs, in the working tree: check, ./x test, ./x demo",
        run: |_| gate::ci(),
    },
    Command {
        name: "fix",
        help: "                  clippy's own repairs, formatting, tidy --bless",
        run: |_| gate::fix(),
    },
    Command {
        name: "tidy",
        help: "[--bless]         crate arrows, sizes, licences, texts; --bless shrinks the size list",
        run: tidy::run,
    },
    Command {
        name: "schema",
        help: "--jars DIR        write crates/wire/schema from the JSON in Kafka's jars",
        run: schema::run,
    },
    Command {
        name: "garbage",
        help: "[ARGS]            a broker under hostile bytes: memory, served, refused",
        run: |args| campaign::run("garbage", args),
    },
    Command {
        name: "kills",
        help: "[ARGS]            kill -9, or storage that fails, and restart under load; once-check judges",
        run: |args| campaign::run("kills", args),
    },
    Command {
        name: "flushes",
        help: "[ARGS]            what fsync costs, in ratios to a probe of the disk and to Apache Kafka",
        run: |args| campaign::run("flushes", args),
    },
    Command {
        name: "restart",
        help: "[ARGS]            how long a start takes after a kill under load, with much on the disk",
        run: |args| campaign::run("restart", args),
    },
    Command {
        name: "transcripts",
        help: "[ARGS]            records what real clients ask an Apache Kafka, for the simulation",
        run: |args| campaign::run("transcripts", args),
    },
    Command {
        name: "sim",
        help: "[ARGS]            the broker in a simulated world: --seeds N, --from S, --replay SEED",
        run: campaign::sim,
    },
    Command {
        name: "mutants",
        help: "[ARGS]            rules broken one at a time, until the simulation sees it",
        run: campaign::mutants,
    },
    Command {
        name: "files",
        help: "[ARGS]            a mixed load's files under Kafka's dump, and copies that a Kafka serves",
        run: |args| campaign::run("files", args),
    },
    Command {
        name: "compare-tools",
        help: "[ARGS]            Kafka's own tools against Apache Kafka and against us",
        run: |args| campaign::run("compare-tools", args),
    },
];

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_default();
    let result = match COMMANDS.iter().find(|command| command.name == name) {
        Some(command) => (command.run)(args),
        None => Err(usage()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn usage() -> String {
    let lines = COMMANDS
        .iter()
        .map(|command| format!("\n  {:<14} {}", command.name, command.help));
    format!("usage: cargo xtask COMMAND{}", lines.collect::<String>())
}
