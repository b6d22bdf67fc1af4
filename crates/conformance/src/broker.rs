//! The broker as a process: started, watched, and ended by its pid.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::Error;

/// What `once broker` prints on stdout when it serves.
const LISTENING: &str = "listening on ";
/// How long it may take to serve, recovery included.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// How long a clean stop may take.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// How a broker is started; the same again after it was killed.
#[derive(Debug, Clone)]
pub struct BrokerCommand {
    /// The binary `once`.
    pub once: PathBuf,
    /// Its data directory.
    pub data: PathBuf,
    /// Where its stderr goes, appended over restarts.
    pub log: PathBuf,
    /// `--flush`; `None` is the broker's default.
    pub flush: Option<String>,
    /// Each `--set key=value`.
    pub settings: Vec<String>,
    /// Variables that it gets beside ours.
    pub environment: Vec<(String, String)>,
}

/// A running broker. Dropping it kills it.
#[derive(Debug)]
pub struct BrokerProcess {
    child: Child,
    address: String,
}

impl BrokerCommand {
    /// Starts the broker at `listen` (port 0 is any free port) and waits until it serves.
    pub fn start(&self, listen: &str) -> Result<BrokerProcess, Error> {
        self.try_start(listen)?.map_err(|status| {
            Error::Broker(format!(
                "once broker did not say within {} s that it listens on {listen} ({status}); \
                 the end of its log {}:\n{}",
                START_PATIENCE.as_secs(),
                self.log.display(),
                self.log_tail()
            ))
        })
    }

    /// As [`BrokerCommand::start`]; a broker that ends instead of serving is no error, but how it
    /// ended.
    pub fn try_start(&self, listen: &str) -> Result<Result<BrokerProcess, ExitStatus>, Error> {
        let mut starting = self.spawn(listen)?;
        let (lines, told) = (BufReader::new(starting.stdout), starting.told);
        thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                // Nobody listens any more once the address is known; reading on keeps the pipe
                // from filling.
                let _ = told.send(line);
            }
        });
        match address(&starting.said) {
            Some(address) => Ok(Ok(BrokerProcess {
                child: starting.child,
                address,
            })),
            None => {
                // If it has not ended by itself, it does now, by a signal.
                let _ = starting.child.kill();
                let status = starting.child.wait();
                Ok(Err(status.map_err(Error::io("wait for the broker"))?))
            }
        }
    }

    /// Starts the broker and kills it after `life`, whether it serves by then or not.
    pub fn start_and_kill(&self, listen: &str, life: Duration) -> Result<(), Error> {
        let mut starting = self.spawn(listen)?;
        thread::sleep(life);
        starting
            .child
            .kill()
            .map_err(Error::io("kill the broker"))?;
        starting
            .child
            .wait()
            .map_err(Error::io("wait for the broker"))?;
        Ok(())
    }

    fn spawn(&self, listen: &str) -> Result<Starting, Error> {
        let log = File::options().create(true).append(true).open(&self.log);
        let log = log.map_err(Error::io(format!("open {}", self.log.display())))?;
        let mut command = Command::new(&self.once);
        command
            .arg("broker")
            .arg("--data")
            .arg(&self.data)
            .args(["--listen", listen]);
        if let Some(flush) = &self.flush {
            command.args(["--flush", flush]);
        }
        for setting in &self.settings {
            command.args(["--set", setting]);
        }
        command
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        let doing = format!("start {}", self.once.display());
        let mut child = command.spawn().map_err(Error::io(doing.clone()))?;
        let stdout = child.stdout.take();
        let stdout = stdout.ok_or_else(|| Error::Broker(format!("{doing}: it has no stdout")))?;
        let (told, said) = mpsc::channel();
        Ok(Starting {
            child,
            stdout,
            told,
            said,
        })
    }

    /// Ends a broker by SIGKILL. If it was dead before, that is what is wrong.
    pub fn kill(&self, broker: BrokerProcess) -> Result<(), Error> {
        let status = broker.kill()?;
        if status.signal() == Some(Signal::KILL.as_raw()) {
            return Ok(());
        }
        Err(Error::Broker(format!(
            "the broker ended by itself ({status}); the end of its log:\n{}",
            self.log_tail()
        )))
    }

    /// How much the broker has said so far.
    pub fn log_length(&self) -> usize {
        fs::read(&self.log).map_or(0, |log| log.len())
    }

    /// What it said after that.
    pub fn log_since(&self, length: usize) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(log.get(length..).unwrap_or_default()).into_owned()
    }

    /// The last lines of the broker's log.
    pub fn log_tail(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// What threads of the broker say when they panic: where, and the message in the next line. A
    /// panicking task does not end the process, so nothing else shows it.
    pub fn panics(&self) -> Vec<String> {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let places = lines.iter().enumerate();
        let places = places.filter(|(_, line)| line.contains("panicked at"));
        places
            .map(|(at, line)| format!("{line} {}", lines.get(at + 1).unwrap_or(&"")))
            .collect()
    }
}

/// A process that was started and has not said anything yet.
struct Starting {
    child: Child,
    stdout: ChildStdout,
    told: mpsc::Sender<String>,
    said: Receiver<String>,
}

/// The address in the first line that tells one.
fn address(said: &Receiver<String>) -> Option<String> {
    let deadline = Instant::now() + START_PATIENCE;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        // An ended process closes its stdout, the reading thread ends, and so does the channel.
        let line = said.recv_timeout(left).ok()?;
        if let Some(address) = line.strip_prefix(LISTENING) {
            return Some(address.trim().to_owned());
        }
    }
}

impl BrokerProcess {
    /// Where it listens, `HOST:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>, Error> {
        let ended = self.child.try_wait();
        ended.map_err(Error::io("wait for the broker"))
    }

    /// Ends it by SIGKILL, and returns how it ended: by that signal, unless it was dead before.
    pub fn kill(mut self) -> Result<ExitStatus, Error> {
        self.child.kill().map_err(Error::io("kill the broker"))?;
        self.child.wait().map_err(Error::io("wait for the broker"))
    }

    /// Asks it to stop (SIGTERM) and waits until it has.
    pub fn stop(mut self) -> Result<ExitStatus, Error> {
        let stopping = kill_process(Pid::from_child(&self.child), Signal::TERM);
        stopping.map_err(|errno| Error::io("stop the broker")(errno.into()))?;
        let deadline = Instant::now() + STOP_PATIENCE;
        while Instant::now() < deadline {
            let ended = self.child.try_wait();
            if let Some(status) = ended.map_err(Error::io("wait for the broker"))? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(10));
        }
        Err(Error::Late {
            what: "the end of the broker after SIGTERM".to_owned(),
            waited: STOP_PATIENCE,
        })
    }
}

impl Drop for BrokerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    /// A stand-in for `once`: a shell script.
    fn command(directory: &tempfile::TempDir, script: &str) -> BrokerCommand {
        let once = directory.path().join("once");
        fs::write(&once, format!("#!/bin/sh\n{script}\n")).expect("a file");
        fs::set_permissions(&once, fs::Permissions::from_mode(0o755)).expect("its mode");
        BrokerCommand {
            once,
            data: directory.path().join("data"),
            log: directory.path().join("log"),
            flush: Some("os".to_owned()),
            settings: vec!["a=b".to_owned()],
            environment: Vec::new(),
        }
    }

    #[test]
    fn a_broker_serves_once_it_says_where() {
        let directory = tempfile::tempdir().expect("a directory");
        let command = command(
            &directory,
            "echo \"$@\" >&2; echo hello; echo listening on $5; exec sleep 60",
        );
        let mut broker = command.start("127.0.0.1:7").expect("it says so");
        assert_eq!(broker.address(), "127.0.0.1:7");
        assert!(broker.is_alive());
        let status = broker.kill().expect("it is ours");
        assert_eq!(status.signal(), Some(9));
        let said = command.log_tail();
        assert!(said.contains("--flush os --set a=b"), "{said}");
    }

    #[test]
    fn a_broker_that_ends_instead_is_an_error_with_its_log() {
        let directory = tempfile::tempdir().expect("a directory");
        let command = command(
            &directory,
            "(echo panicked at x; echo no such disk) >&2; exit 2",
        );
        let error = command.start("127.0.0.1:7").expect_err("it ended");
        assert!(error.to_string().contains("no such disk"), "{error}");
        assert_eq!(command.panics(), ["panicked at x no such disk"]);
    }

    #[test]
    fn a_clean_stop_is_by_sigterm() {
        let directory = tempfile::tempdir().expect("a directory");
        let script = "trap 'exit 3' TERM; echo listening on $5; while :; do sleep 0.05; done";
        let broker = command(&directory, script)
            .start("h:1")
            .expect("it says so");
        assert_eq!(broker.stop().expect("it stops").code(), Some(3));
    }
}
