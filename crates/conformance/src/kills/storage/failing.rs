//! A disk that fails: a flush or a write of a life under load returns an error, others take long.
//! The process has to end and say so; started on a disk that works, it has all it acknowledged.

use std::time::Duration;

use super::{LAST_WORDS, NOT_STARTED, STORAGE_FAILED, Shim};
use crate::error::Error;
use crate::kills::round::Stage;
use crate::kills::tally::Tally;
use crate::rng::Rng;

/// How long the fault may take to come, and the process to end by it.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest that the broker lives under load before.
const LIFE_MS: u64 = 200;
/// The fault comes at one of so many calls. A start flushes each partition, hundreds of times in all:
/// early faults hit recovery, and only late ones a flush under load.
const CALLS: [usize; 2] = [250, 1_500];
/// One call in so many takes longer, and how long at the most.
const DELAYED: &str = "25:120";

/// One round.
pub(in crate::kills) async fn round(
    stage: &mut Stage,
    shim: &Shim,
    tally: &mut Tally,
) -> Result<String, Error> {
    stage.life(LIFE_MS).await;
    stage.kill()?;
    let fault = draw(&mut stage.rng);
    let mark = stage.command.log_length();
    let served = stage.try_start(shim.environment(&fault, DELAYED)?)?;
    let status = match served {
        Some(status) => Some(status),
        None => stage.ends(PATIENCE).await?,
    };
    let (faults, delays) = shim.dealt();
    tally.faults += u64::from(faults > 0);
    tally.delays += delays;
    let said = stage.command.log_since(mark);
    let wrong = |what: &str| {
        Err(Error::Wrong(format!(
            "{fault}, {faults} faults dealt: {what}; it said:\n{said}"
        )))
    };
    if faults == 0 {
        return wrong("the fault never came");
    }
    let when = if served.is_some() {
        "its start"
    } else {
        "load"
    };
    match status.map(|status| status.code()) {
        None => return wrong("the broker goes on"),
        Some(Some(STORAGE_FAILED)) if said.contains(LAST_WORDS) => {}
        // Nothing was promised yet; what the system said is told.
        Some(Some(NOT_STARTED)) if served.is_some() && said.contains("os error 5") => {}
        Some(code) => return wrong(&format!("it ended with {code:?}")),
    }
    stage.start()?;
    Ok(format!(
        "{fault} under {when}, {delays} calls delayed, ended as it must, serves again"
    ))
}

fn draw(rng: &mut Rng) -> String {
    let kind = rng.pick(&["sync", "sync", "write", "short"]);
    let calls = *rng.pick(&CALLS);
    format!("{kind}:{}", 1 + rng.below(calls))
}
