//! A load as the arguments of a program: for clients that live in another process.

use std::collections::BTreeMap;
use std::time::Duration;

use super::load::{LoadOptions, Topics};
use super::recorder::Counts;
use crate::error::Error;

impl LoadOptions {
    /// Words that [`LoadOptions::parse`] understands.
    #[must_use]
    pub fn arguments(&self) -> Vec<String> {
        let topics = &self.topics;
        let pairs = [
            ("bootstrap", self.bootstrap.clone()),
            ("name", self.name.clone()),
            ("input", topics.input.clone()),
            ("transactions", topics.transactions.clone()),
            ("all-outputs", topics.outputs.join(",")),
            ("partitions", topics.partitions.to_string()),
            ("outputs", self.outputs.join(",")),
            ("senders", self.senders.to_string()),
            ("transactors", self.transactors.to_string()),
            ("processors", self.processors.to_string()),
            ("readers", self.readers.to_string()),
            ("rate", self.rate.to_string()),
            ("batch", self.batch.to_string()),
            (
                "transaction-timeout-ms",
                self.transaction_timeout.as_millis().to_string(),
            ),
            ("seed", self.seed.to_string()),
        ];
        let words = pairs
            .into_iter()
            .flat_map(|(key, value)| [format!("--{key}"), value]);
        words.collect()
    }

    /// A load from such words; what it does not know stays in the map.
    ///
    /// # Errors
    /// A word is missing, or no number where one is due.
    pub fn parse(
        words: impl Iterator<Item = String>,
    ) -> Result<(Self, BTreeMap<String, String>), Error> {
        let mut given = BTreeMap::new();
        let mut words = words;
        while let (Some(key), Some(value)) = (words.next(), words.next()) {
            given.insert(key.trim_start_matches("--").to_owned(), value);
        }
        let options = Self {
            bootstrap: take(&mut given, "bootstrap")?,
            name: take(&mut given, "name")?,
            topics: Topics {
                input: take(&mut given, "input")?,
                transactions: take(&mut given, "transactions")?,
                outputs: list(&take::<String>(&mut given, "all-outputs")?),
                partitions: take(&mut given, "partitions")?,
            },
            outputs: list(&take::<String>(&mut given, "outputs")?),
            senders: take(&mut given, "senders")?,
            transactors: take(&mut given, "transactors")?,
            processors: take(&mut given, "processors")?,
            readers: take(&mut given, "readers")?,
            rate: take(&mut given, "rate")?,
            batch: take(&mut given, "batch")?,
            transaction_timeout: Duration::from_millis(take(&mut given, "transaction-timeout-ms")?),
            seed: take(&mut given, "seed")?,
        };
        Ok((options, given))
    }
}

/// Takes one value out.
fn take<T: std::str::FromStr>(given: &mut BTreeMap<String, String>, key: &str) -> Result<T, Error> {
    let value = given.remove(key);
    let value = value.and_then(|value| value.parse().ok());
    value.ok_or_else(|| Error::Usage(format!("--{key} is missing, or is not what it should be")))
}

fn list(names: &str) -> Vec<String> {
    let names = names.split(',').filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

impl Counts {
    /// The counts in one line, which [`Counts::parse`] understands.
    #[must_use]
    pub fn line(&self) -> String {
        format!(
            "acknowledged {} commits {} aborts {} read {}",
            self.acknowledged, self.commits, self.aborts, self.read
        )
    }

    /// Counts from such a line; `None` if it is another one.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        let [
            "acknowledged",
            acknowledged,
            "commits",
            commits,
            "aborts",
            aborts,
            "read",
            read,
        ] = words[..]
        else {
            return None;
        };
        Some(Self {
            acknowledged: acknowledged.parse().ok()?,
            commits: commits.parse().ok()?,
            aborts: aborts.parse().ok()?,
            read: read.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_and_its_counts_come_back_from_words() {
        let options = LoadOptions {
            bootstrap: "127.0.0.1:1".to_owned(),
            name: "age-1-b".to_owned(),
            topics: Topics::named("age-1", &["a", "b"], 4),
            outputs: vec!["age-1-b-a".to_owned(), "age-1-b-b".to_owned()],
            senders: 1,
            transactors: 2,
            processors: 3,
            readers: 4,
            rate: 5,
            batch: 6,
            transaction_timeout: Duration::from_millis(7),
            seed: 8,
        };
        let words = options.arguments().into_iter();
        let words = words.chain(["--more".to_owned(), "x".to_owned()]);
        let (back, rest) = LoadOptions::parse(words).expect("all is said");
        assert_eq!(back, options);
        assert_eq!(rest["more"], "x");
        let counts = Counts {
            acknowledged: 1,
            commits: 2,
            aborts: 3,
            read: 4,
        };
        assert_eq!(Counts::parse(&counts.line()), Some(counts));
        assert_eq!(Counts::parse("an error"), None);
    }
}
