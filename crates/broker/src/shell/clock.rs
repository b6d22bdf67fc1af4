//! The one place that reads the time.

use rustix::time::{ClockId, clock_gettime};
use std::time::{SystemTime, UNIX_EPOCH};

/// Wall-clock time that never goes back: the system's time at the start of the process, and from
/// there the time since the machine was booted. A step of the system's clock moves no timeout; a machine that slept
/// has not stood still meanwhile, and who sends records to it then is not ahead of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    started_ms: i64,
    /// Since the machine was booted.
    started: i64,
}

impl Clock {
    /// Starts the clock at the system's time.
    pub(crate) fn start() -> Self {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let started_ms = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX / 2);
        Self {
            started_ms,
            started: since_boot(),
        }
    }

    /// Milliseconds since the Unix epoch.
    pub(crate) fn now(&self) -> i64 {
        self.started_ms + since_boot() - self.started
    }
}

/// Milliseconds since the machine was booted, with those that it slept.
fn since_boot() -> i64 {
    let now = clock_gettime(ClockId::Boottime);
    now.tv_sec * 1_000 + now.tv_nsec / 1_000_000
}
