//! The judge: every input exactly once in every output, and no transaction in part.
//!
//! It is told records, not stories: what it knows comes from the headers of what it read back.

use std::collections::{BTreeMap, BTreeSet};

use once_client::{Isolation, Record};

use super::processor::processed;
use super::tag::{InputTag, OutputTag};
use crate::error::Error;
use crate::reader::Reader;

/// Where an input lies.
type Place = (i32, i64);

/// Collects inputs, then outputs, then gives its [`Judgement`].
#[derive(Debug, Default)]
pub struct Judge {
    inputs: BTreeMap<Place, Vec<u8>>,
    sequences: BTreeMap<u64, u64>,
    /// Per output topic, how often each input was met there.
    met: BTreeMap<String, BTreeMap<Place, u64>>,
    /// Per transaction: its size as it says, and the records seen of it.
    transactions: BTreeMap<String, (u64, u64)>,
    alien: u64,
    altered: u64,
}

/// What became of the inputs. All counts but the first three are of violations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Judgement {
    /// Inputs read back.
    pub inputs: u64,
    /// Outputs read back, over all output topics.
    pub outputs: u64,
    /// Inputs that are in every output topic exactly once.
    pub exactly_once: u64,
    /// Inputs that some output topic lacks.
    pub lost: u64,
    /// Inputs that some output topic has more than once.
    pub duplicated: u64,
    /// Transactions that a reader sees in part.
    pub torn: u64,
    /// Outputs that name no input that exists, or carry no tag.
    pub alien: u64,
    /// Outputs whose value is not what their input becomes.
    pub altered: u64,
    /// Inputs the loader was told are stored, and are not.
    pub inputs_lost: u64,
    /// Inputs of the loader that are stored more than once.
    pub inputs_duplicated: u64,
}

impl Judge {
    /// A judge for these output topics. One in which nothing is ever met lacks every input.
    pub fn new(outputs: &[String]) -> Self {
        let met = outputs
            .iter()
            .map(|topic| (topic.clone(), BTreeMap::new()))
            .collect();
        Self {
            met,
            ..Self::default()
        }
    }

    /// Takes note of an input. All inputs come before the first output.
    pub fn input(&mut self, record: &Record) {
        let value = record.value.as_deref().unwrap_or_default().to_vec();
        self.inputs.insert((record.partition, record.offset), value);
        if let Some(tag) = InputTag::read(record) {
            *self.sequences.entry(tag.sequence).or_default() += 1;
        }
    }

    /// Takes note of an output.
    pub fn output(&mut self, record: &Record) {
        let Some(tag) = OutputTag::read(record) else {
            self.alien += 1;
            return;
        };
        let place = (tag.partition, tag.offset);
        match self.inputs.get(&place) {
            None => self.alien += 1,
            Some(value) if record.value.as_ref() != Some(&processed(value)) => self.altered += 1,
            Some(_) => {}
        }
        *self
            .met
            .entry(record.topic.clone())
            .or_default()
            .entry(place)
            .or_default() += 1;
        let seen = self
            .transactions
            .entry(tag.transaction)
            .or_insert((tag.transaction_size, 0));
        seen.1 += 1;
    }

    /// The judgement, given the numbers of the inputs whose append was acknowledged.
    pub fn verdict(&self, acknowledged: &BTreeSet<u64>) -> Judgement {
        let times = |place: &Place| -> Vec<u64> {
            self.met
                .values()
                .map(|met| met.get(place).copied().unwrap_or(0))
                .collect()
        };
        let mut judgement = Judgement {
            inputs: self.inputs.len() as u64,
            outputs: self.met.values().flat_map(BTreeMap::values).sum(),
            alien: self.alien,
            altered: self.altered,
            torn: self
                .transactions
                .values()
                .filter(|(size, seen)| size != seen)
                .count() as u64,
            inputs_duplicated: self.sequences.values().filter(|times| **times > 1).count() as u64,
            ..Judgement::default()
        };
        for place in self.inputs.keys() {
            let times = times(place);
            judgement.exactly_once += u64::from(times.iter().all(|n| *n == 1));
            judgement.lost += u64::from(times.contains(&0));
            judgement.duplicated += u64::from(times.iter().any(|n| *n > 1));
        }
        let missing = |sequence: &&u64| !self.sequences.contains_key(sequence);
        judgement.inputs_lost = acknowledged.iter().filter(missing).count() as u64;
        judgement
    }
}

impl Judgement {
    /// Whether every input is in every output exactly once, whole and unaltered.
    pub fn holds(&self) -> bool {
        self.exactly_once == self.inputs && self.violations() == 0
    }

    /// All violations together.
    pub fn violations(&self) -> u64 {
        self.lost
            + self.duplicated
            + self.torn
            + self.alien
            + self.altered
            + self.inputs_lost
            + self.inputs_duplicated
    }
}

/// Reads everything back, once no transaction is open any more, and judges it.
pub async fn judge(
    bootstrap: &str,
    input: &str,
    outputs: &[String],
    acknowledged: &BTreeSet<u64>,
) -> Result<Judgement, Error> {
    let reader = Reader::new(bootstrap)?;
    let mut judge = Judge::new(outputs);
    reader.settle(input).await?;
    reader
        .for_each(input, Isolation::ReadCommitted, |record| {
            judge.input(&record)
        })
        .await?;
    for output in outputs {
        reader.settle(output).await?;
        reader
            .for_each(output, Isolation::ReadCommitted, |record| {
                judge.output(&record)
            })
            .await?;
    }
    Ok(judge.verdict(acknowledged))
}

#[cfg(test)]
mod tests;
