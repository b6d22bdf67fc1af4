//! One round: load, a kill, a restart on the same data and port, and clients that go on.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::age::Age;
use crate::broker::{BrokerCommand, BrokerProcess};
use crate::error::Error;
use crate::rng::Rng;

/// How long the clients may take to commit a transaction after a restart.
const PATIENCE: Duration = Duration::from_secs(60);
/// One in so many restarts is killed while it may still be recovering.
const KILLED_AGAIN: usize = 4;
/// How long such a one lives at the most.
const SHORT_LIFE_MS: usize = 60;

/// The broker and the chances it is given.
pub(super) struct Stage {
    command: BrokerCommand,
    broker: Option<BrokerProcess>,
    address: String,
    rng: Rng,
    life_ms_max: u64,
}

impl Stage {
    pub(super) fn open(command: BrokerCommand, rng: Rng, life_ms_max: u64) -> Result<Self, Error> {
        let broker = command.start("127.0.0.1:0")?;
        let address = broker.address().to_owned();
        Ok(Self {
            command,
            broker: Some(broker),
            address,
            rng,
            life_ms_max,
        })
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Kills the broker in the middle of the load and brings it back; tells how it went.
    pub(super) async fn round(&mut self, age: &Age) -> Result<String, Error> {
        let goes_on = goes_on(age).await?;
        let life = self.rng.below(self.life_ms_max as usize + 1) as u64;
        sleep(Duration::from_millis(life)).await;
        self.kill()?;
        let report = age.report();
        let again = self.kill_again()?;
        let started = Instant::now();
        self.broker = Some(self.command.start(&self.address)?);
        Ok(format!(
            "clients went on after {} ms, killed {life} ms later, {} commits, {} inputs \
             acknowledged; serves again after {} ms{}",
            goes_on.as_millis(),
            report.commits,
            report.acknowledged.len(),
            started.elapsed().as_millis(),
            again.map_or_else(String::new, |life| format!(
                " (and once more killed, {life} ms after its start)"
            ))
        ))
    }

    /// Ends the broker by SIGKILL. If it was dead before, that is what is wrong.
    fn kill(&mut self) -> Result<(), Error> {
        let Some(broker) = self.broker.take() else {
            return Ok(());
        };
        let status = broker.kill()?;
        if status.signal() == Some(9) {
            Ok(())
        } else {
            Err(Error::Broker(format!(
                "the broker ended by itself ({status}); the end of its log:\n{}",
                self.command.log_tail()
            )))
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
        self.broker = Some(self.command.start(&self.address)?);
        Ok(())
    }

    pub(super) fn panics(&self) -> Vec<String> {
        self.command.panics()
    }
}

/// Waits until the clients have committed something more; returns how long that took.
async fn goes_on(age: &Age) -> Result<Duration, Error> {
    let started = Instant::now();
    let before = age.report().commits;
    loop {
        let report = age.report();
        if report.commits > before {
            return Ok(started.elapsed());
        }
        if started.elapsed() >= PATIENCE {
            return Err(Error::Wrong(format!(
                "no transaction was committed in {} s; errors met: {:?}",
                PATIENCE.as_secs(),
                report.errors
            )));
        }
        sleep(Duration::from_millis(10)).await;
    }
}
