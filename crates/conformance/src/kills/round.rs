//! One round: load, an end of the broker, a restart on the same data and port, and clients that go
//! on.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::age::Age;
use super::storage::{Shim, Volume, failing, full};
use super::tally::Tally;
use crate::broker::{BrokerCommand, BrokerProcess};
use crate::error::Error;
use crate::rng::Rng;

/// How long the clients may take to commit a transaction after a restart.
const PATIENCE: Duration = Duration::from_secs(60);
/// One in so many restarts is killed while it may still be recovering.
const KILLED_AGAIN: usize = 4;
/// How long such a one lives at the most.
const SHORT_LIFE_MS: usize = 60;

/// What ends the broker.
pub(super) enum Fate {
    Killed { life_ms_max: u64 },
    Failing(Shim),
    Full(Volume),
}

impl Fate {
    /// Where the broker's data goes.
    pub(super) fn data(&self, directory: &Path) -> PathBuf {
        match self {
            Self::Killed { .. } | Self::Failing(_) => directory.join("data"),
            Self::Full(volume) => volume.directory().join("data"),
        }
    }
}

/// The broker and the chances it is given.
pub(super) struct Stage {
    pub(super) command: BrokerCommand,
    broker: Option<BrokerProcess>,
    address: String,
    pub(super) rng: Rng,
    /// Unmounted last, after the broker is gone.
    fate: Option<Fate>,
}

impl Stage {
    pub(super) fn open(command: BrokerCommand, rng: Rng, fate: Fate) -> Result<Self, Error> {
        let broker = command.start("127.0.0.1:0")?;
        let address = broker.address().to_owned();
        Ok(Self {
            command,
            broker: Some(broker),
            address,
            rng,
            fate: Some(fate),
        })
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Ends the broker in the middle of the load and brings it back; tells how it went.
    pub(super) async fn round(&mut self, age: &Age, tally: &mut Tally) -> Result<String, Error> {
        let goes_on = goes_on(age).await?;
        // Taken for the round, so that it and the stage can be changed.
        let mut fate = self.fate.take();
        let line = match &mut fate {
            Some(Fate::Killed { life_ms_max }) => self.killed(*life_ms_max).await,
            Some(Fate::Failing(shim)) => failing::round(self, shim, tally).await,
            Some(Fate::Full(volume)) => full::round(self, volume, age, tally).await,
            None => Err(Error::Wrong("a round within a round".to_owned())),
        };
        self.fate = fate;
        let done: u64 = age.counts().iter().map(|counts| counts.commits).sum();
        let waited = goes_on.as_millis();
        Ok(format!(
            "went on after {waited} ms, {done} commits; {}",
            line?
        ))
    }

    async fn killed(&mut self, life_ms_max: u64) -> Result<String, Error> {
        let life = self.life(life_ms_max).await;
        self.kill()?;
        let again = self.kill_again()?;
        let started = Instant::now();
        self.start()?;
        Ok(format!(
            "killed after {life} ms, serves again after {} ms{}",
            started.elapsed().as_millis(),
            again.map_or_else(String::new, |life| format!(
                " (and once more killed, {life} ms after its start)"
            ))
        ))
    }

    /// Lets the load go on for a while; how long, in milliseconds.
    pub(super) async fn life(&mut self, most_ms: u64) -> u64 {
        let life = self.rng.below(usize::try_from(most_ms).unwrap_or(0) + 1) as u64;
        sleep(Duration::from_millis(life)).await;
        life
    }

    /// Ends the broker by SIGKILL. If it was dead before, that is what is wrong.
    pub(super) fn kill(&mut self) -> Result<(), Error> {
        let Some(broker) = self.broker.take() else {
            return Ok(());
        };
        self.command.kill(broker)
    }

    /// Starts the broker at its address.
    pub(super) fn start(&mut self) -> Result<(), Error> {
        let broker = self.command.start(&self.address)?;
        self.broker = Some(broker);
        Ok(())
    }

    /// Starts it with an environment that the next start does not have. If it ends instead of
    /// serving, that is how it ended.
    pub(super) fn try_start(
        &mut self,
        environment: Vec<(String, String)>,
    ) -> Result<Option<ExitStatus>, Error> {
        let command = BrokerCommand {
            environment,
            ..self.command.clone()
        };
        match command.try_start(&self.address)? {
            Ok(broker) => {
                self.broker = Some(broker);
                Ok(None)
            }
            Err(status) => Ok(Some(status)),
        }
    }

    /// Whether it runs.
    pub(super) fn is_alive(&mut self) -> bool {
        self.broker.as_mut().is_some_and(BrokerProcess::is_alive)
    }

    /// Waits for the broker to end by itself; `None` if it does not.
    pub(super) async fn ends(&mut self, patience: Duration) -> Result<Option<ExitStatus>, Error> {
        let deadline = Instant::now() + patience;
        let Some(broker) = &mut self.broker else {
            return Ok(None);
        };
        loop {
            if let Some(status) = broker.ended()? {
                self.broker = None;
                return Ok(Some(status));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Sometimes starts it only to kill it at once; returns how long it lived then.
    fn kill_again(&mut self) -> Result<Option<usize>, Error> {
        if !self.rng.one_in(KILLED_AGAIN) {
            return Ok(None);
        }
        let life = self.rng.below(SHORT_LIFE_MS);
        self.command
            .start_and_kill(&self.address, Duration::from_millis(life as u64))?;
        Ok(Some(life))
    }

    pub(super) fn restart_cleanly(&mut self) -> Result<(), Error> {
        if let Some(broker) = self.broker.take() {
            let status = broker.stop()?;
            if !status.success() {
                return Err(Error::Broker(format!(
                    "after SIGTERM the broker ended with {status}"
                )));
            }
        }
        self.start()
    }

    /// Rounds whose fault never came show nothing.
    pub(super) fn nothing_happened(&self, tally: &mut Tally) {
        let faults = match &self.fate {
            Some(Fate::Killed { .. }) | None => return,
            Some(Fate::Failing(_) | Fate::Full(_)) => tally.faults,
        };
        if faults < u64::from(tally.rounds) {
            tally.find(format!("{faults} faults in {} rounds", tally.rounds));
        }
    }

    pub(super) fn panics(&self) -> Vec<String> {
        self.command.panics()
    }
}

/// Waits until the clients of each family have committed something more; returns how long that took.
pub(super) async fn goes_on(age: &Age) -> Result<Duration, Error> {
    let started = Instant::now();
    let before = age.counts();
    loop {
        let now = age.counts();
        let mut both = before.iter().zip(&now);
        if both.all(|(before, now)| now.commits > before.commits) {
            return Ok(started.elapsed());
        }
        if started.elapsed() >= PATIENCE {
            return Err(Error::Wrong(format!(
                "no transaction was committed in {} s: {before:?}, then {now:?}; errors met: {}",
                PATIENCE.as_secs(),
                age.errors()
            )));
        }
        sleep(Duration::from_millis(10)).await;
    }
}
