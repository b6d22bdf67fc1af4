//! Each mutant, until a seed sees it.

use crate::args::Args;
use crate::crew;
use once_sim::{Keep, Mutant, Plan, run};

/// Plays seeds against each mutant until one sees it; one line each. False: one was missed.
pub(crate) fn all(args: &Args) -> bool {
    let wanted = |mutant: &Mutant| args.mutant.is_none_or(|only| only == *mutant);
    let (mut caught, mut missed) = (0, 0);
    for mutant in Mutant::all().filter(wanted) {
        if hunt(args, mutant) {
            caught += 1;
        } else {
            missed += 1;
        }
    }
    println!("{caught} mutants caught, {missed} missed");
    missed == 0
}

fn hunt(args: &Args, mutant: Mutant) -> bool {
    let mut first: Option<(u64, String)> = None;
    crew::play(
        args.from..args.from + args.seeds,
        args.threads,
        |seed| {
            let plan = Plan::draw(seed, args.profile).broken(mutant);
            run(plan, Keep::Hash).findings.into_iter().next()
        },
        |seed, finding| {
            if let Some(finding) = finding
                && first.as_ref().is_none_or(|(before, _)| seed < *before)
            {
                first = Some((seed, finding));
            }
            first.is_none()
        },
    );
    match first {
        Some((seed, finding)) => {
            let seeds = seed - args.from + 1;
            println!("caught {mutant} after {seeds} seeds: {finding}");
            true
        }
        None => {
            println!("MISSED {mutant} in {} seeds", args.seeds);
            false
        }
    }
}
