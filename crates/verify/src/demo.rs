//! The demo: exactly-once in five acts, told as it happens and checked.
//!
//! What an act claims is compared with counts that a separate reader takes from the log. An act
//! that cannot be played is a claim that fails, so a green report means that everything was seen.

mod abort;
mod child;
mod claim;
mod commit;
mod idempotence;
mod process;
mod sabotage;
mod stage;
mod zombie;

use std::ffi::OsString;
use std::path::PathBuf;

use crate::error::Error;
use stage::Stage;

pub use child::{ProcessorArgs, run_processor};
pub use claim::{Claim, Report};
pub use sabotage::Sabotage;
pub use stage::Telling;

/// How the demo is played.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// The cluster. Topics and ids are made new for each run, so it may have other users.
    pub bootstrap: String,
    /// The command that runs [`run_processor`] with the arguments appended to it, as act 4 does in
    /// a process of its own.
    pub processor: ProcessorCommand,
    /// Records of act 4.
    pub records: u64,
    /// Breaks one thing on purpose: its claim must fail then.
    pub sabotage: Option<Sabotage>,
}

/// A program and the first of its arguments.
#[derive(Debug, Clone)]
pub struct ProcessorCommand {
    /// The program, usually this one.
    pub program: PathBuf,
    /// What comes before the processor's own arguments.
    pub args: Vec<OsString>,
}

/// Plays the five acts, calling `tell` as they go.
///
/// Errors only if the cluster cannot be reached at all; whatever goes wrong later is in the report.
pub async fn run(
    options: DemoOptions,
    tell: &mut (dyn FnMut(Telling) + Send),
) -> Result<Report, Error> {
    let mut stage = Stage::open(options, tell).await?;
    if let Err(error) = play(&mut stage).await {
        stage.claim("the act can be played", "yes", error);
    }
    Ok(stage.close().await)
}

async fn play(stage: &mut Stage<'_>) -> Result<(), Error> {
    stage.act("A lost acknowledgement");
    idempotence::play(stage).await?;
    stage.act("One transaction over two topics");
    commit::play(stage).await?;
    stage.act("A transaction that is aborted");
    abort::play(stage).await?;
    stage.act("Consume, process, produce, and a kill in between");
    process::play(stage).await?;
    stage.act("A zombie");
    zombie::play(stage).await
}
