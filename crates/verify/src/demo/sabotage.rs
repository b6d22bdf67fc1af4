//! Breaking what the demo shows, to show that it would notice.

use std::str::FromStr;

use crate::error::Error;

/// One thing to break, an act each. The act's claims must fail then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    /// Act 1: the producer that should be idempotent is not.
    Idempotence,
    /// Act 2: the transaction is aborted instead of committed.
    Commit,
    /// Act 3: the transaction is committed instead of aborted.
    Abort,
    /// Act 4: the processor leaves its offsets out of the transaction.
    Offsets,
    /// Act 5: the second producer has another transactional id, so it fences nobody.
    Fencing,
}

impl Sabotage {
    /// All of them, by act.
    pub const ALL: [Sabotage; 5] = [
        Sabotage::Idempotence,
        Sabotage::Commit,
        Sabotage::Abort,
        Sabotage::Offsets,
        Sabotage::Fencing,
    ];

    /// The name it is asked for by.
    pub fn name(self) -> &'static str {
        match self {
            Sabotage::Idempotence => "idempotence",
            Sabotage::Commit => "commit",
            Sabotage::Abort => "abort",
            Sabotage::Offsets => "offsets",
            Sabotage::Fencing => "fencing",
        }
    }
}

impl FromStr for Sabotage {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|sabotage| sabotage.name() == name)
            .ok_or_else(|| {
                let names = Self::ALL.map(Self::name).join(", ");
                Error::Usage(format!(
                    "nothing to sabotage is called {name:?}; choose from {names}"
                ))
            })
    }
}
