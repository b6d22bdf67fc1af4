//! The thread that reads all logs again, slowly, one after the other, every `once.scrub.interval.ms`, at most
//! `once.scrub.bytes.per.second`.

use crate::engine::LogId;
use crate::storage::{Places, scrub};
use once_log::store::RealDisk;
use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// From the start to the first pass, at most: a broker that is started anew each day reads everything too, and after an
/// unclean stop nobody else has looked at what lies below the recovery points.
const FIRST: Duration = Duration::from_secs(60);

/// How the thread goes about it.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    /// Bytes a second; 0 for never.
    pub(crate) bytes_per_second: u64,
    /// Between the beginnings of two passes.
    pub(crate) interval: Duration,
}

pub(super) struct Scrubber {
    pub(super) places: Arc<Mutex<Places<RealDisk>>>,
    pub(super) pace: Pace,
    /// Nothing ever comes: it is closed when the broker stops.
    pub(super) stop: Receiver<()>,
    /// Logs of which was told.
    pub(super) damaged: BTreeSet<LogId>,
}

impl Scrubber {
    /// Works until the broker stops.
    pub(super) fn run(mut self) {
        if self.pace.bytes_per_second == 0 {
            return;
        }
        let mut next = Instant::now() + self.pace.interval.min(FIRST);
        while self.wait_until(next) {
            next = Instant::now() + self.pace.interval;
            self.pass();
        }
    }

    fn pass(&mut self) {
        let logs = self.places().logs();
        for log in logs {
            if !self.damaged.contains(&log) && !self.log(log) {
                return;
            }
        }
    }

    /// Reads one log. False if the broker stops.
    fn log(&mut self, log: LogId) -> bool {
        // It may be gone since.
        let Some((reader, end)) = self.places().on_disk(log) else {
            return true;
        };
        let (began, mut read, mut goes_on) = (Instant::now(), 0_u64, true);
        let found = scrub(&reader, end, &mut |bytes| {
            read += bytes as u64;
            let due = Duration::from_secs_f64(read as f64 / self.pace.bytes_per_second as f64);
            goes_on = self.wait_until(began + due);
            goes_on
        });
        if let Some(failure) = found
            && self.places().on_disk(log).is_some()
        {
            self.damaged.insert(log);
            tracing::error!(
                "{failure}. Found by reading all files again. What cannot be read is answered \
                 CORRUPT_MESSAGE; restore the file from a copy while the broker is stopped"
            );
        }
        goes_on
    }

    /// Waits; false if the broker stops.
    fn wait_until(&self, at: Instant) -> bool {
        let left = at.saturating_duration_since(Instant::now());
        matches!(self.stop.recv_timeout(left), Err(RecvTimeoutError::Timeout))
    }

    fn places(&self) -> std::sync::MutexGuard<'_, Places<RealDisk>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
