//! An age: the rounds over one load, on topics of its own, and its judgement.

use std::collections::BTreeSet;
use std::time::Duration;

use once_verify::cpp::{Load, LoadOptions, LoadReport, judge};

use super::Options;
use super::tally::Tally;
use crate::error::Error;

const PARTITIONS: i32 = 4;
/// The clients' transactions time out by themselves long after a broker is back.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(60);
/// How long the processors may take for what is left when the loader stops.
const DRAIN_PATIENCE: Duration = Duration::from_secs(120);

/// One load and what was acknowledged to it.
pub(super) struct Age {
    options: LoadOptions,
    name: String,
    load: Option<Load>,
    acknowledged: BTreeSet<u64>,
    /// Rounds so far.
    pub(super) rounds: u32,
}

impl Age {
    pub(super) async fn begin(
        number: usize,
        bootstrap: &str,
        options: &Options,
    ) -> Result<Self, Error> {
        let topic = |what: &str| format!("kills-{number}-{what}");
        let options = LoadOptions {
            bootstrap: bootstrap.to_owned(),
            input: topic("input"),
            // Two, so that a transaction that is there in part shows.
            outputs: vec![topic("output-a"), topic("output-b")],
            partitions: PARTITIONS,
            group: topic("group"),
            processors: options.processors,
            batch: options.batch,
            rate: Some(options.rate),
            transaction_timeout: TRANSACTION_TIMEOUT,
        };
        Ok(Self {
            load: Some(Load::start(options.clone()).await?),
            options,
            name: format!("age {}", number + 1),
            acknowledged: BTreeSet::new(),
            rounds: 0,
        })
    }

    /// What the clients did so far.
    pub(super) fn report(&self) -> LoadReport {
        self.load.as_ref().map(Load::report).unwrap_or_default()
    }

    /// Lets the processors finish what was loaded, and judges it.
    pub(super) async fn end(&mut self, tally: &mut Tally, tell: &mut impl FnMut(&str)) {
        let Some(load) = self.load.take() else {
            return;
        };
        // Should the load not come to its end, what it did so far counts.
        let mut report = load.report();
        match load.finish(DRAIN_PATIENCE).await {
            Ok(whole) => report = whole,
            Err(error) => tally.find(format!(
                "{}: {error}; errors met: {:?}",
                self.name, report.errors
            )),
        }
        tally.acknowledged += report.acknowledged.len() as u64;
        tally.commits += report.commits;
        tally.met(&report.errors);
        self.acknowledged = report.acknowledged;
        match self.judge().await {
            Ok(judgement) => {
                tell(&format!(
                    "{}: {} inputs, {} exactly once, {} violations",
                    self.name,
                    judgement.inputs,
                    judgement.exactly_once,
                    judgement.violations()
                ));
                tally.add(&judgement);
                tally.judged(&self.name, &judgement);
            }
            Err(error) => tally.find(format!("{} cannot be judged: {error}", self.name)),
        }
    }

    /// Judges it once more, after whatever came later.
    pub(super) async fn judge_again(&self, tally: &mut Tally) {
        let name = format!("{} at the very end", self.name);
        match self.judge().await {
            Ok(judgement) => tally.judged(&name, &judgement),
            Err(error) => tally.find(format!("{name} cannot be judged: {error}")),
        }
    }

    async fn judge(&self) -> Result<once_verify::cpp::Judgement, Error> {
        let LoadOptions {
            bootstrap,
            input,
            outputs,
            ..
        } = &self.options;
        Ok(judge(bootstrap, input, outputs, &self.acknowledged).await?)
    }
}
