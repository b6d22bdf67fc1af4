//! The heavier campaigns are binaries of `once-conformance`; here they only get a short name.

use crate::Args;
use crate::run::run as run_program;

/// Builds the campaign's binary, optimised, and runs it with `args`.
pub(crate) fn run(name: &str, args: Args) -> Result<(), String> {
    let given: Vec<String> = args.collect();
    let mut words = vec!["cargo", "run", "--quiet", "--release", "--locked"];
    words.extend(["--package", "once-conformance", "--bin", name, "--"]);
    words.extend(given.iter().map(String::as_str));
    run_program(&words)
}
