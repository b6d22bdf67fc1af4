//! A few seeds in every test run; the campaigns are `cargo xtask sim`.

use once_sim::{Coverage, Keep, Mutant, Plan, run};

#[test]
fn one_seed_run_twice_gives_the_same_trace() {
    for seed in [1, 2, 3] {
        let [first, second] = [(); 2].map(|()| run(Plan::draw(seed, None), Keep::Lines));
        assert!(first.trace.lines().len() > 1_000, "seed {seed}");
        assert_eq!(first.trace.lines(), second.trace.lines(), "seed {seed}");
        assert_eq!(first.history, second.history, "seed {seed}");
    }
}

#[test]
fn seeds_are_clean_and_no_toys() {
    let mut coverage = Coverage::default();
    for seed in 100..112 {
        let outcome = run(Plan::draw(seed, None), Keep::Hash);
        assert_eq!(outcome.findings, Vec::<String>::new(), "seed {seed}");
        assert!(
            outcome.operations >= 300,
            "seed {seed}: {}",
            outcome.operations
        );
        assert!(outcome.crashes >= 1, "seed {seed}");
        coverage.add(&outcome.coverage);
    }
    assert_eq!(coverage.unmet_often(), Vec::<String>::new());
}

#[test]
fn a_broken_rule_is_seen() {
    for name in ["report-before-flush", "skip-directory-sync"] {
        let mutant = Mutant::named(name);
        assert!(mutant.is_some(), "{name}");
        let seen = (0..20).any(|seed| {
            let plan = mutant.map(|mutant| Plan::draw(seed, None).broken(mutant));
            plan.is_some_and(|plan| !run(plan, Keep::Hash).findings.is_empty())
        });
        assert!(seen, "{name}");
    }
}
