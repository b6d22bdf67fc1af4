//! Runs one of Apache's tools, and brings back what it said.

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::Error;

/// A tool that has not ended by then is killed; what it said until then counts.
const PATIENCE: Duration = Duration::from_secs(90);
const EVERY: Duration = Duration::from_millis(20);

/// Where the scripts are.
#[derive(Debug, Clone)]
pub(crate) struct Tools {
    directory: Option<PathBuf>,
    scratch: PathBuf,
}

/// What a tool said and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Such as `exit status: 1`.
    pub(crate) ended: String,
}

/// A tool that runs beside others until it is told to stop.
pub(crate) struct Running {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Tools {
    /// The scripts in `directory`, or on the path; `scratch` takes what they say.
    pub(crate) fn new(directory: Option<&Path>, scratch: &Path) -> Result<Self, Error> {
        let tools = Self {
            directory: directory.map(Path::to_owned),
            scratch: scratch.to_owned(),
        };
        if tools.find("kafka-topics.sh").is_some() {
            return Ok(tools);
        }
        Err(Error::Usage(match directory {
            Some(directory) => format!("there is no kafka-topics.sh in {}", directory.display()),
            None => "kafka-topics.sh is not on the path; --kafka-scripts DIR names the bin \
                     directory of an Apache Kafka"
                .to_owned(),
        }))
    }

    /// The script of this name, if it is there.
    pub(crate) fn find(&self, script: &str) -> Option<PathBuf> {
        let directories = match &self.directory {
            Some(directory) => vec![directory.clone()],
            None => env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect(),
        };
        let mut scripts = directories.iter().map(|directory| directory.join(script));
        scripts.find(|script| script.is_file())
    }

    /// Starts a tool. `name` tells its files from those of others that run.
    pub(crate) fn start(
        &self,
        name: &str,
        script: &Path,
        args: &[String],
        stdin: &str,
    ) -> Result<Running, Error> {
        let file = |what: &str| self.scratch.join(format!("{name}.{what}"));
        let (input, stdout, stderr) = (file("in"), file("out"), file("err"));
        let doing = || format!("run {}", script.display());
        fs::write(&input, stdin).map_err(Error::io(doing()))?;
        let open = |path: &Path, create: bool| -> io::Result<Stdio> {
            let file = if create {
                File::create(path)
            } else {
                File::open(path)
            };
            file.map(Stdio::from)
        };
        let child = Command::new(script)
            .args(args)
            .stdin(open(&input, false).map_err(Error::io(doing()))?)
            .stdout(open(&stdout, true).map_err(Error::io(doing()))?)
            .stderr(open(&stderr, true).map_err(Error::io(doing()))?)
            .spawn()
            .map_err(Error::io(doing()))?;
        Ok(Running {
            child,
            stdout,
            stderr,
        })
    }
}

impl Running {
    /// Waits until it ends.
    pub(crate) fn wait(mut self) -> Result<Said, Error> {
        let deadline = Instant::now() + PATIENCE;
        let status = self.ended_by(deadline)?;
        self.said(status)
    }

    /// Asks it to stop (SIGTERM), and waits until it has.
    pub(crate) fn stop(mut self) -> Result<Said, Error> {
        let pid = Pid::from_child(&self.child);
        let asked = kill_process(pid, Signal::TERM);
        asked.map_err(|errno| Error::io("stop a tool")(errno.into()))?;
        let status = self.ended_by(Instant::now() + PATIENCE)?;
        self.said(status)
    }

    /// Waits until it has said so many lines on its standard output.
    pub(crate) fn await_lines(&mut self, lines: usize) -> Result<(), Error> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let said = fs::read_to_string(&self.stdout).unwrap_or_default();
            if said.lines().count() >= lines {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                let said = fs::read_to_string(&self.stderr).unwrap_or_default();
                return Err(Error::Wrong(format!(
                    "a consumer ended ({status}) before it had {lines} records: {said}"
                )));
            }
            thread::sleep(EVERY);
        }
        Err(Error::Late {
            what: format!("that a consumer has {lines} records"),
            waited: PATIENCE,
        })
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) -> Result<(), Error> {
        let sent = kill_process(Pid::from_child(&self.child), signal);
        sent.map_err(|errno| Error::io("signal a tool")(errno.into()))
    }

    /// `None` if it had to be killed.
    fn ended_by(&mut self, deadline: Instant) -> Result<Option<ExitStatus>, Error> {
        while Instant::now() < deadline {
            let ended = self.child.try_wait();
            if let Some(status) = ended.map_err(Error::io("wait for a tool"))? {
                return Ok(Some(status));
            }
            thread::sleep(EVERY);
        }
        Ok(None)
    }

    fn said(self, status: Option<ExitStatus>) -> Result<Said, Error> {
        let read = |path: &Path| -> Result<String, Error> {
            let bytes = fs::read(path).map_err(Error::io("read what a tool said"))?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        Ok(Said {
            stdout: read(&self.stdout)?,
            stderr: read(&self.stderr)?,
            ended: status.map_or_else(
                || format!("no end within {} s", PATIENCE.as_secs()),
                |status| status.to_string(),
            ),
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(script: &str, stdin: &str) -> Running {
        let scratch = tempfile::tempdir().expect("a directory").keep();
        std::fs::write(scratch.join("kafka-topics.sh"), "").expect("a file");
        let tools = Tools::new(Some(&scratch), &scratch).expect("there is one");
        let args = ["-c".to_owned(), script.to_owned()];
        let started = tools.start("x", Path::new("/bin/sh"), &args, stdin);
        started.expect("there is a shell")
    }

    #[test]
    fn a_tool_is_fed_heard_and_its_end_told() {
        let said = start("cat; echo no >&2; exit 3", "fed").wait();
        let said = said.expect("it ends");
        assert_eq!((&said.stdout[..], &said.stderr[..]), ("fed", "no\n"));
        assert_eq!(said.ended, "exit status: 3");
    }

    #[test]
    fn a_running_tool_is_heard_and_stopped() {
        let mut running = start("echo one; echo two; exec sleep 60", "");
        running.await_lines(2).expect("it says two");
        let said = running.stop().expect("it stops");
        assert_eq!(said.stdout, "one\ntwo\n");
        let mut ended = start("echo one", "");
        ended.await_lines(2).expect_err("it says one");
    }

    #[test]
    fn without_scripts_nothing_starts() {
        let scratch = tempfile::tempdir().expect("a directory");
        let error = Tools::new(Some(scratch.path()), scratch.path()).expect_err("it is empty");
        assert!(error.to_string().contains("kafka-topics.sh"), "{error}");
    }
}
