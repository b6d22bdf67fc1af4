//! The one place that reads the time.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Wall-clock time that never goes back: the system's time at the start of the process, and from
/// there the monotonic clock. A step of the system's clock moves no timeout.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    started_ms: i64,
    started: Instant,
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
            started: Instant::now(),
        }
    }

    /// Milliseconds since the Unix epoch.
    pub(crate) fn now(&self) -> i64 {
        let elapsed = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX / 2);
        self.started_ms + elapsed
    }
}
