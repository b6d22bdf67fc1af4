//! Runs seeds: `sim --seeds N [--from S] [--profile NAME] [--replay SEED]`.

use once_sim::{Coverage, Keep, Mutant, Plan, Profile, minimise, run};
use std::process::ExitCode;
use std::time::Instant;

struct Args {
    seeds: u64,
    from: u64,
    profile: Option<Profile>,
    replay: Option<u64>,
    mutant: Option<Mutant>,
    mutants: bool,
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Args, String> {
    let mut args = Args {
        seeds: 100,
        from: 0,
        profile: None,
        replay: None,
        mutant: None,
        mutants: false,
    };
    while let Some(word) = words.next() {
        if word == "--mutants" {
            args.mutants = true;
            continue;
        }
        let value = words.next().ok_or(format!("{word} needs a value"))?;
        let number = || {
            value
                .parse::<u64>()
                .map_err(|_| format!("{word} {value}: no number"))
        };
        match word.as_str() {
            "--seeds" => args.seeds = number()?,
            "--from" => args.from = number()?,
            "--replay" => args.replay = Some(number()?),
            "--mutant" => {
                let mutant = Mutant::named(&value).ok_or(format!("no mutant {value}"))?;
                args.mutant = Some(mutant);
            }
            "--profile" => args.profile = Some(value.parse()?),
            _ => return Err(format!("{word} is not known")),
        }
    }
    Ok(args)
}

fn main() -> ExitCode {
    let args = match parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(problem) => {
            eprintln!(
                "{problem}\nusage: sim [--seeds N] [--from S] [--profile NAME] [--replay SEED]"
            );
            return ExitCode::from(2);
        }
    };
    if args.replay.is_none() {
        // A panic is a finding, and is told with its seed.
        std::panic::set_hook(Box::new(|_| {}));
    }
    let clean = match args.replay {
        Some(seed) => replay(&args, seed),
        None if args.mutants => mutants(&args),
        None => campaign(&args),
    };
    if clean {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Plays one seed and prints all that happens.
fn replay(args: &Args, seed: u64) -> bool {
    let outcome = run(args.plan(seed), Keep::Print);
    for (line, event) in outcome.history.events().iter().enumerate() {
        println!("history {} {event:?}", line + 1);
    }
    println!("{} steps, {} operations", outcome.steps, outcome.operations);
    outcome.findings.is_empty()
}

impl Args {
    fn plan(&self, seed: u64) -> Plan {
        Plan {
            mutant: self.mutant,
            ..Plan::draw(seed, self.profile)
        }
    }
}

/// Runs each mutant until it is caught.
fn mutants(args: &Args) -> bool {
    let mut missed = 0;
    for (name, mutant) in Mutant::all() {
        if args.mutant.is_some_and(|only| only != mutant) {
            continue;
        }
        let plan = |seed| Plan {
            mutant: Some(mutant),
            ..Plan::draw(seed, args.profile)
        };
        let caught = (0..args.seeds).find_map(|n| {
            let findings = run(plan(args.from + n), Keep::Hash).findings;
            findings.into_iter().next().map(|finding| (n + 1, finding))
        });
        match caught {
            Some((seeds, finding)) => println!("caught {name} after {seeds} seeds: {finding}"),
            None => {
                missed += 1;
                println!("MISSED {name} in {} seeds", args.seeds);
            }
        }
    }
    missed == 0
}

fn campaign(args: &Args) -> bool {
    let began = Instant::now();
    let (mut coverage, mut operations, mut steps) = (Coverage::default(), 0, 0);
    let mut failed = 0;
    for seed in args.from..args.from + args.seeds {
        let outcome = run(args.plan(seed), Keep::Hash);
        coverage.add(&outcome.coverage);
        operations += outcome.operations;
        steps += outcome.steps;
        if !outcome.findings.is_empty() {
            failed += 1;
            report(&args.plan(seed), &outcome.findings);
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    print!("{coverage}");
    println!(
        "{} seeds, {failed} failed; {operations} operations, {steps} steps; {seconds:.1} s, {:.1} seeds/s",
        args.seeds,
        args.seeds as f64 / seconds
    );
    failed == 0
}

fn report(plan: &Plan, findings: &[String]) {
    println!("seed {}: {} findings", plan.seed, findings.len());
    for finding in findings.iter().take(3) {
        println!("  {finding}");
    }
    let small = minimise(plan);
    println!("  smaller: {:?}", small.limits);
    for finding in small.findings.iter().take(2) {
        println!("    {finding}");
    }
}
