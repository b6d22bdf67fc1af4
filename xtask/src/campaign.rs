//! The heavier campaigns are binaries of other packages; here they only get a short name.

use crate::Args;
use crate::run::run as run_program;

/// Builds a campaign's binary of `once-conformance`, optimised, and runs it with `args`.
pub(crate) fn run(name: &str, args: Args) -> Result<(), String> {
    start("once-conformance", name, &[], &[], args)
}

/// Plays seeds of the simulation.
pub(crate) fn sim(args: Args) -> Result<(), String> {
    start("once-sim", "sim", &[], &[], args)
}

/// Breaks one rule after the other until a seed sees it.
pub(crate) fn mutants(args: Args) -> Result<(), String> {
    let features = ["--features", "mutants"];
    start("once-sim", "sim", &features, &["--mutants"], args)
}

fn start(
    package: &str,
    name: &str,
    features: &[&str],
    first: &[&str],
    args: Args,
) -> Result<(), String> {
    let given: Vec<String> = args.collect();
    let mut words = vec!["cargo", "run", "--quiet", "--release", "--locked"];
    words.extend(["--package", package, "--bin", name]);
    words.extend(features);
    words.push("--");
    words.extend(first);
    words.extend(given.iter().map(String::as_str));
    run_program(&words)
}
