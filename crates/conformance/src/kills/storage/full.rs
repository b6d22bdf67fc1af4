//! A disk that runs full: the load fills it up to the broker's reserve, which then refuses data and
//! serves readers, also after a kill; or others fill it to the last byte, which may end the process,
//! but loses nothing. When there is room again the load goes on.

use std::time::{Duration, Instant};

use once_wire::ErrorCode;
use once_wire::batch::BatchBuilder;
use tokio::time::sleep;

use super::{LAST_WORDS, NOT_STARTED, STORAGE_FAILED, Volume};
use crate::error::Error;
use crate::kills::age::Age;
use crate::kills::round::Stage;
use crate::kills::tally::Tally;
use crate::link::Link;

/// How long the load may take to meet the end of the room.
const PATIENCE: Duration = Duration::from_secs(20);
/// What the broker leaves free at the most: its reserve, on a volume of this size a tenth, and the
/// journal's next file.
const RESERVE_PART: u64 = 10;
const JOURNAL: u64 = 16 << 20;
/// What the load fills by itself at the most.
const LEFT: usize = 512 << 10;
/// How long the disk stays full at the most.
const FULL_MS: u64 = 500;
/// How long the broker may take to meet a disk that is full to the last byte.
const LAST_BYTE: Duration = Duration::from_secs(4);
/// How long a call by hand may take.
const CALL: Duration = Duration::from_secs(10);
/// Written by hand, so that the history's topics hold what the history says.
const TOPIC: &str = "probe";

/// One round.
pub(in crate::kills) async fn round(
    stage: &mut Stage,
    volume: &Volume,
    age: &Age,
    tally: &mut Tally,
) -> Result<String, Error> {
    let probe = Probe::new(stage, age);
    probe.prepare().await?;
    stage.life(FULL_MS).await;
    let line = match stage.rng.below(3) {
        0 => refused(stage, volume, &probe, false).await,
        1 => refused(stage, volume, &probe, true).await,
        _ => last_byte(stage, volume, &probe).await,
    };
    tally.faults += u64::from(line.is_ok());
    tally.refusals += u64::from(line.as_ref().is_ok_and(|line| line.contains("refused")));
    line
}

/// The load fills the disk up to the reserve.
async fn refused(
    stage: &mut Stage,
    volume: &Volume,
    probe: &Probe,
    killed: bool,
) -> Result<String, Error> {
    let (_, total) = volume.room()?;
    let own = stage.rng.below(LEFT) as u64;
    volume.take_all_but(total / RESERVE_PART + JOURNAL + own)?;
    let waited = probe.until_refused().await?;
    probe.read().await?;
    let time = stage.life(FULL_MS).await;
    if killed {
        stage.kill()?;
        stage.start()?;
        probe.until_refused().await?;
        probe.read().await?;
    }
    volume.give_back()?;
    let also = if killed {
        ", killed and started on it"
    } else {
        ""
    };
    Ok(format!(
        "data refused {} ms after the disk was filled up to {own} bytes above the reserve{also}, \
         readers served; room again after {time} ms",
        waited.as_millis()
    ))
}

/// Others fill the disk to the last byte.
async fn last_byte(stage: &mut Stage, volume: &Volume, probe: &Probe) -> Result<String, Error> {
    let mark = stage.command.log_length();
    volume.take_all_but(0)?;
    let line = match stage.ends(LAST_BYTE).await? {
        None => {
            probe.until_refused().await?;
            probe.read().await?;
            "data refused, readers served".to_owned()
        }
        Some(status) => {
            let said = stage.command.log_since(mark);
            let full = said.contains(LAST_WORDS) && said.contains("The disk is full");
            if status.code() != Some(STORAGE_FAILED) || !full {
                return Err(Error::Wrong(format!(
                    "on a disk full to the last byte it ended with {status}, and said:\n{said}"
                )));
            }
            format!("ended as it must, {}", start_on_full(stage, probe).await?)
        }
    };
    volume.give_back()?;
    if !stage.is_alive() {
        stage.start()?;
    }
    Ok(format!("full to the last byte: {line}; room again"))
}

/// A start on a full disk either serves readers or says what to do.
async fn start_on_full(stage: &mut Stage, probe: &Probe) -> Result<&'static str, Error> {
    let mark = stage.command.log_length();
    let ended = match stage.try_start(Vec::new())? {
        Some(status) => Some(status),
        // It serves; its first writes may still end it.
        None => stage.ends(Duration::from_millis(500)).await?,
    };
    let said = stage.command.log_since(mark);
    match ended.map(|status| status.code()) {
        None => {
            probe.read().await?;
            Ok("started on the full disk and served readers")
        }
        Some(Some(NOT_STARTED | STORAGE_FAILED)) if said.contains("make room on it") => {
            Ok("would not start and said why")
        }
        Some(code) => Err(Error::Wrong(format!(
            "started on a full disk it ended with {code:?}, and said:\n{said}"
        ))),
    }
}

/// Calls by hand.
#[derive(Clone)]
struct Probe {
    address: String,
    topic: String,
    partition: i32,
}

impl Probe {
    fn new(stage: &Stage, age: &Age) -> Self {
        let (topic, partition) = age.input();
        Self {
            address: stage.address().to_owned(),
            topic: topic.to_owned(),
            partition,
        }
    }

    /// Makes the topic to write to, if it is not there.
    async fn prepare(&self) -> Result<(), Error> {
        let made = self.call(|link, _| link.create_topic(TOPIC, 1, &[]).map(drop));
        match made.await {
            Err(Error::Refused {
                code: ErrorCode::TopicAlreadyExists,
                ..
            }) => Ok(()),
            other => other,
        }
    }

    /// Writes until that is refused for want of room; says how long that took.
    async fn until_refused(&self) -> Result<Duration, Error> {
        let started = Instant::now();
        loop {
            let batch = BatchBuilder::new()
                .push(0, None, Some(b"probe"), &[])
                .build();
            let written = self.call(move |link, _| link.produce(TOPIC, 0, None, &batch));
            match written.await {
                Err(Error::Refused {
                    code: ErrorCode::KafkaStorageError,
                    ..
                }) => return Ok(started.elapsed()),
                Err(error) => return Err(error),
                Ok(_) if started.elapsed() >= PATIENCE => {
                    return Err(Error::Late {
                        what: "a refusal for want of room".to_owned(),
                        waited: PATIENCE,
                    });
                }
                Ok(_) => sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// Reads from the beginning of a partition of the load.
    async fn read(&self) -> Result<(), Error> {
        let records = self.call(|link, own| {
            let end = link.end(&own.topic, own.partition)?;
            Ok((end, link.fetch(&own.topic, own.partition, 0)?.len()))
        });
        match records.await? {
            (end, 0) if end > 0 => Err(Error::Wrong(format!(
                "{end} records are there, and a reader gets none"
            ))),
            _ => Ok(()),
        }
    }

    async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut Link, &Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let own = self.clone();
        let called = tokio::task::spawn_blocking(move || {
            let mut link = Link::connect(&own.address, CALL)?;
            call(&mut link, &own)
        });
        called
            .await
            .map_err(|error| Error::Wrong(format!("a call by hand: {error}")))?
    }
}
