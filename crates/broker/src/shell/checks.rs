//! Checks of requests that would keep a network thread busy: done elsewhere, few at a time.

use super::driver::Driver;
use crate::api::Call;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Where heavy calls are checked.
pub(crate) struct Checks {
    permits: Arc<Semaphore>,
}

impl Checks {
    /// One check fewer at a time than there are processors, so that everybody else is served
    /// meanwhile.
    pub(crate) fn new() -> Self {
        /// The runtime's threads for work that blocks.
        const THREADS: usize = super::start::BLOCKING_THREADS;
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let permits = (processors - 1).clamp(1, THREADS);
        Self {
            permits: Arc::new(Semaphore::new(permits)),
        }
    }

    /// Checks `call` in its turn. A client that hangs up meanwhile gives up its turn, not its
    /// place if its check has begun.
    ///
    /// # Errors
    /// The check could not be finished: the broker stops, or it panicked.
    pub(crate) async fn finish(
        &self,
        driver: &Arc<Driver>,
        mut call: Box<dyn Call>,
    ) -> Result<Box<dyn Call>, String> {
        let turn = Arc::clone(&self.permits).acquire_owned().await;
        let permit = turn.map_err(|error| error.to_string())?;
        let driver = Arc::clone(driver);
        let check = move || {
            let _held_to_the_end = permit;
            call.check(&|topic| driver.batch_rules(topic));
            call
        };
        tokio::task::spawn_blocking(check)
            .await
            .map_err(|error| format!("a request was not checked: {error}"))
    }
}
