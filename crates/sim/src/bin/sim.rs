//! Runs seeds: `sim --seeds N [--from S] [--profile NAME] [--replay SEED]`.

use once_sim::{Coverage, Keep, Plan, Profile, minimise, run};
use std::process::ExitCode;
use std::time::Instant;

struct Args {
    seeds: u64,
    from: u64,
    profile: Option<Profile>,
    replay: Option<u64>,
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Args, String> {
    let mut args = Args {
        seeds: 100,
        from: 0,
        profile: None,
        replay: None,
    };
    while let Some(word) = words.next() {
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
    let clean = match args.replay {
        Some(seed) => replay(seed, args.profile),
        None => campaign(&args),
    };
    if clean {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Plays one seed and prints all that happens.
fn replay(seed: u64, profile: Option<Profile>) -> bool {
    let outcome = run(Plan::draw(seed, profile), Keep::Print);
    println!("{} steps, {} operations", outcome.steps, outcome.operations);
    outcome.findings.is_empty()
}

fn campaign(args: &Args) -> bool {
    let began = Instant::now();
    let (mut coverage, mut operations, mut steps) = (Coverage::default(), 0, 0);
    let mut failed = 0;
    for seed in args.from..args.from + args.seeds {
        let outcome = run(Plan::draw(seed, args.profile), Keep::Hash);
        coverage.add(&outcome.coverage);
        operations += outcome.operations;
        steps += outcome.steps;
        if !outcome.findings.is_empty() {
            failed += 1;
            report(seed, args.profile, &outcome.findings);
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

fn report(seed: u64, profile: Option<Profile>, findings: &[String]) {
    println!("seed {seed}: {} findings", findings.len());
    for finding in findings.iter().take(3) {
        println!("  {finding}");
    }
    let small = minimise(seed, profile);
    println!("  smaller: {:?}", small.limits);
    for finding in small.findings.iter().take(2) {
        println!("    {finding}");
    }
}
