//! How bad the world is.

use std::fmt;
use std::str::FromStr;

/// How bad the world is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Profile {
    /// A good network and disk, and one crash.
    Calm,
    /// Everything happens now and then.
    Rough,
    /// Everything happens all the time.
    Cruel,
    /// The disk is the worst of it: power cuts, failed and slow flushes.
    Disk,
    /// The network is the worst of it: cuts, late requests, lost answers.
    Network,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Calm,
        Self::Rough,
        Self::Cruel,
        Self::Disk,
        Self::Network,
    ];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Rough => "rough",
            Self::Cruel => "cruel",
            Self::Disk => "disk",
            Self::Network => "network",
        }
    }

    /// How often faults of the network happen, and of the disk.
    pub(super) fn weights(self) -> (u64, u64) {
        match self {
            Self::Calm => (0, 0),
            Self::Rough => (1, 1),
            Self::Cruel => (4, 4),
            Self::Disk => (0, 5),
            Self::Network => (6, 1),
        }
    }

    /// How many crashes there are, at least and at most.
    pub(super) fn crashes(self) -> (u64, u64) {
        match self {
            Self::Calm => (1, 1),
            Self::Rough | Self::Network => (1, 3),
            Self::Cruel | Self::Disk => (2, 6),
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|profile| profile.name() == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|profile| profile.name()).collect();
            format!("no profile {name:?}; there are {}", names.join(", "))
        })
    }
}
