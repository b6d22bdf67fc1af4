//! Apache's tools against two brokers: the same state on both, the same commands, and what they say
//! compared line by line.

mod both;
mod call;
mod diff;
mod load;
mod normalise;
mod plan;
mod stage;
mod view;

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::tool::Tools;
use both::Both;
use stage::{Side, Stage};

pub use stage::Case;

/// Which brokers, and with which tools.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// An Apache Kafka of one broker.
    #[arg(long, value_name = "HOST:PORT")]
    pub kafka: String,
    /// The broker compared with it.
    #[arg(long, value_name = "HOST:PORT")]
    pub once: String,
    /// Where kafka-topics.sh and the others are; by default on the path.
    #[arg(long, value_name = "DIR")]
    pub kafka_scripts: Option<PathBuf>,
    /// Kafka's log directory (`log.dirs`). With both, what lies on disk is compared too.
    #[arg(long, value_name = "DIR", requires = "once_data")]
    pub kafka_data: Option<PathBuf>,
    /// The data directory of `once`.
    #[arg(long, value_name = "DIR", requires = "kafka_data")]
    pub once_data: Option<PathBuf>,
    /// Only comparisons with this text in their name; the state is made all the same.
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
}

/// Every comparison made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// In the order in which they were made.
    pub cases: Vec<Case>,
}

impl Report {
    /// How many were equal.
    pub fn equal(&self) -> usize {
        self.cases.len() - self.different()
    }

    /// How many were not.
    pub fn different(&self) -> usize {
        let different = self.cases.iter().filter(|case| !case.difference.is_empty());
        different.count()
    }

    /// `N equal, K different`.
    pub fn line(&self) -> String {
        format!("{} equal, {} different", self.equal(), self.different())
    }
}

/// Makes the comparisons, telling `tell` what is normalised and then each outcome.
pub fn run(options: &Options, tell: &mut dyn FnMut(&str)) -> Result<Report, Error> {
    let scratch = tempfile::tempdir().map_err(Error::io("make a directory"))?;
    let tools = Tools::new(options.kafka_scripts.as_deref(), scratch.path())?;
    let side = |name, address: &str, data: Option<&Path>| -> Result<Side, Error> {
        Ok(Side {
            name,
            address: address.to_owned(),
            data: data.map(absolute).transpose()?,
        })
    };
    let sides = Both {
        kafka: side("kafka", &options.kafka, options.kafka_data.as_deref())?,
        once: side("once", &options.once, options.once_data.as_deref())?,
    };
    tell("Normalised in every output:");
    for (what, how) in normalise::RULES {
        tell(&format!("  {what}: {how}"));
    }
    tell("B is the broker's address, T begins every name this run made; - Kafka, + once.");
    let mut stage = Stage::new(sides, tools, options.only.clone(), tell);
    plan::run(&mut stage)?;
    let cases = stage.cases();
    Ok(Report { cases })
}

/// Tools print the paths they are given, so these are made the ones that can be found in what
/// they say.
fn absolute(path: &Path) -> Result<PathBuf, Error> {
    path.canonicalize()
        .map_err(Error::io(format!("find {}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts_both_kinds() {
        let case = |difference: &[&str]| Case {
            name: "x".to_owned(),
            difference: difference.iter().map(|line| (*line).to_owned()).collect(),
        };
        let report = Report {
            cases: vec![case(&[]), case(&["- a"]), case(&[])],
        };
        assert_eq!(report.line(), "2 equal, 1 different");
    }
}
