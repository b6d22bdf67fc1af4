//! The heavier campaigns are binaries of other packages; here they only get a short name.

use crate::Args;
use crate::run::run as run_program;

/// The simulation's binary, optimised and with all checks.
const SIM: [&str; 4] = ["--profile", "sim", "--bin", "sim"];

/// Builds a campaign's binary of `once-conformance`, optimised, and runs it with `args`.
pub(crate) fn run(name: &str, args: Args) -> Result<(), String> {
    start("once-conformance", &["--release", "--bin", name], &[], args)
}

/// Plays seeds of the simulation.
pub(crate) fn sim(args: Args) -> Result<(), String> {
    start("once-sim", &SIM, &[], args)
}

/// Breaks one rule after the other until a seed sees it.
pub(crate) fn mutants(args: Args) -> Result<(), String> {
    let build = [&SIM[..], &["--features", "mutants"]].concat();
    start("once-sim", &build, &["--mutants"], args)
}

fn start(package: &str, build: &[&str], first: &[&str], args: Args) -> Result<(), String> {
    let given: Vec<String> = args.collect();
    let mut words = vec!["cargo", "run", "--quiet", "--locked"];
    words.extend(["--package", package]);
    words.extend(build);
    words.push("--");
    words.extend(first);
    words.extend(given.iter().map(String::as_str));
    run_program(&words)
}
