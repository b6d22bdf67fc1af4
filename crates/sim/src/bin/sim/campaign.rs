//! Many seeds, and one again.

use crate::args::Args;
use crate::crew;
use once_sim::{Coverage, Keep, Plan, minimise, run};
use std::time::Instant;

/// Seeds from which on the common kinds of event must have been met.
const FEW: u64 = 100;
/// Seeds from which on every kind of event must have been met.
const SOME: u64 = 1_000;
/// Seeds from which on everything must have been met.
const MANY: u64 = 50_000;
/// Operations that a seed has at least.
const OPERATIONS_LEAST: u64 = 300;
/// How many findings of a seed are told.
const TOLD: usize = 3;

/// What is left of a played seed.
struct Played {
    findings: Vec<String>,
    coverage: Coverage,
    operations: u64,
    steps: u64,
    crashes: u64,
}

/// What all of them came to.
#[derive(Default)]
struct Sum {
    coverage: Coverage,
    seeds: u64,
    operations: u64,
    operations_least: Option<u64>,
    steps: u64,
    crashes: u64,
    failed: u64,
    toys: u64,
}

/// Plays the seeds that were asked for. False: something was found, or something was not met.
pub(crate) fn play(args: &Args) -> bool {
    let began = Instant::now();
    let mut sum = Sum::default();
    crew::play(
        args.from..args.from + args.seeds,
        args.threads,
        |seed| {
            let outcome = run(args.plan(seed), Keep::Hash);
            Played {
                findings: outcome.findings,
                coverage: outcome.coverage,
                operations: outcome.operations,
                steps: outcome.steps,
                crashes: outcome.crashes,
            }
        },
        |seed, played| {
            sum.add(args, seed, &played);
            true
        },
    );
    sum.tell(began.elapsed().as_secs_f64())
}

impl Sum {
    fn add(&mut self, args: &Args, seed: u64, played: &Played) {
        self.seeds += 1;
        self.coverage.add(&played.coverage);
        self.operations += played.operations;
        self.steps += played.steps;
        self.crashes += played.crashes;
        let least = self.operations_least.unwrap_or(u64::MAX);
        self.operations_least = Some(least.min(played.operations));
        if !played.findings.is_empty() {
            self.failed += 1;
            report(&args.plan(seed), &played.findings);
        } else if played.operations < OPERATIONS_LEAST || played.crashes == 0 {
            self.toys += 1;
            println!(
                "seed {seed} is a toy: {} operations, {} crashes",
                played.operations, played.crashes
            );
        }
    }

    fn tell(&self, seconds: f64) -> bool {
        print!("{}", self.coverage);
        let unmet = match self.seeds {
            0..FEW => Vec::new(),
            FEW..SOME => self.coverage.unmet_often(),
            SOME..MANY => self.coverage.unmet_sometimes(),
            MANY.. => self.coverage.unmet(),
        };
        for row in &unmet {
            println!("NOT MET in {} seeds: {row}", self.seeds);
        }
        println!(
            "{} seeds, {} failed; {} operations ({} in the least of them), {} crashes, {} steps; \
             {seconds:.1} s, {:.1} seeds/s",
            self.seeds,
            self.failed,
            self.operations,
            self.operations_least.unwrap_or(0),
            self.crashes,
            self.steps,
            self.seeds as f64 / seconds
        );
        self.failed == 0 && self.toys == 0 && unmet.is_empty()
    }
}

fn report(plan: &Plan, findings: &[String]) {
    println!("seed {}: {} findings", plan.seed, findings.len());
    for finding in findings.iter().take(TOLD) {
        println!("  {finding}");
    }
    let small = minimise(plan);
    println!("  smaller: {:?}", small.limits);
    for finding in small.findings.iter().take(TOLD) {
        println!("    {finding}");
    }
}

/// Plays one seed, or what is left of it when it is made smaller, and prints all that happens.
pub(crate) fn replay(args: &Args, seed: u64) -> bool {
    let mut plan = args.plan(seed);
    if args.minimised {
        plan = plan.clone().within(&minimise(&plan).limits);
    }
    let outcome = run(plan, Keep::Print);
    for (line, event) in outcome.history.events().iter().enumerate() {
        println!("history {} {event:?}", line + 1);
    }
    println!("{} steps, {} operations", outcome.steps, outcome.operations);
    outcome.findings.is_empty()
}
