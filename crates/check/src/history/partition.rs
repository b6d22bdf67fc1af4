//! Names of partitions, and of records in them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Name;

/// A partition of one incarnation of a topic. As text, and so in JSON: `orders-0`, as Kafka names
/// its directories; the third incarnation of the name is `orders-0@2`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition {
    /// The topic's name.
    pub topic: Name,
    /// The partition's number.
    pub index: i32,
    /// Which topic of that name: 0 for the first, one more whenever it was deleted and made again.
    pub generation: u32,
}

impl Partition {
    /// A partition of the first topic of this name.
    pub fn new(topic: impl Into<Name>, index: i32) -> Self {
        Self {
            topic: topic.into(),
            index,
            generation: 0,
        }
    }

    /// The same in another incarnation of the topic.
    #[must_use]
    pub fn generation(self, generation: u32) -> Self {
        Self { generation, ..self }
    }

    /// The record at an offset of it.
    pub fn at(&self, offset: i64) -> Coordinate {
        Coordinate {
            partition: self.clone(),
            offset,
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.index)?;
        match self.generation {
            0 => Ok(()),
            generation => write!(f, "@{generation}"),
        }
    }
}

/// A text that names no partition.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a partition: topic-number or topic-number@generation")]
pub struct NotAPartition(String);

impl FromStr for Partition {
    type Err = NotAPartition;

    fn from_str(text: &str) -> Result<Self, NotAPartition> {
        let parse = || {
            let (name, generation) = text.split_once('@').unwrap_or((text, "0"));
            let (topic, index) = name.rsplit_once('-')?;
            Some(Self {
                topic: topic.into(),
                index: index.parse().ok()?,
                generation: generation.parse().ok()?,
            })
        };
        parse().ok_or_else(|| NotAPartition(text.to_owned()))
    }
}

impl Serialize for Partition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Partition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Where a record lies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coordinate {
    /// The partition.
    pub partition: Partition,
    /// The record's offset.
    pub offset: i64,
}

impl fmt::Display for Coordinate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} offset {}", self.partition, self.offset)
    }
}
