//! The clients of librdkafka: a program of their own, so that nobody needs a C library to build the
//! rest. It writes a history of its own, by the same clock.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use once_verify::witness::{Counts, LoadOptions};

use super::tally::Tally;
use crate::error::Error;

/// The running program. Dropping it kills it.
pub(super) struct Companion {
    child: Child,
    /// When it is closed the program ends its load.
    stdin: Option<ChildStdin>,
    counts: Arc<Mutex<Counts>>,
    listener: Option<JoinHandle<Vec<String>>>,
}

impl Companion {
    /// Starts it; its history goes to a file, in which its clients are numbered from a number on.
    pub(super) fn start(
        program: &Path,
        load: &LoadOptions,
        (history, first_process): (&Path, u32),
        log: &Path,
    ) -> Result<Self, Error> {
        let doing = || format!("start {}", program.display());
        let log = File::options().create(true).append(true).open(log);
        let mut child = Command::new(program)
            .args(load.arguments())
            .arg("--history")
            .arg(history)
            .args(["--first-process", &first_process.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.map_err(Error::io(doing()))?)
            .spawn()
            .map_err(Error::io(doing()))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take();
        let stdout = stdout.ok_or_else(|| Error::Wrong(format!("{}: no stdout", doing())))?;
        let counts = Arc::new(Mutex::default());
        let told = Arc::clone(&counts);
        let listener = thread::spawn(move || {
            let mut errors = Vec::new();
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                match Counts::parse(&line) {
                    Some(now) => *told.lock().unwrap_or_else(PoisonError::into_inner) = now,
                    None => errors.push(line),
                }
            }
            errors
        });
        Ok(Self {
            child,
            stdin,
            counts,
            listener: Some(listener),
        })
    }

    /// What its clients did so far, as it said last.
    pub(super) fn counts(&self) -> Counts {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets its clients finish what they have under way, and waits for its end.
    pub(super) async fn finish(
        mut self,
        patience: Duration,
        tally: &mut Tally,
    ) -> Result<(), Error> {
        drop(self.stdin.take());
        let deadline = Instant::now() + patience;
        let status = loop {
            let ended = self.child.try_wait();
            match ended.map_err(Error::io("wait for librdkafka's clients"))? {
                Some(status) => break status,
                None if Instant::now() >= deadline => {
                    return Err(Error::Late {
                        what: "their end".to_owned(),
                        waited: patience,
                    });
                }
                None => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        let said = self
            .listener
            .take()
            .and_then(|listener| listener.join().ok());
        for error in said.unwrap_or_default() {
            tally.met_by_companion(error);
        }
        if status.success() {
            Ok(())
        } else {
            Err(Error::Wrong(format!("they ended with {status}")))
        }
    }
}

impl Drop for Companion {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
