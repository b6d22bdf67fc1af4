//! Watches a process's memory, so that the peak is known even of one that has died.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::memory::Memory;

/// The kernel keeps the peak; what this may miss is only a rise right before a death.
const EVERY: Duration = Duration::from_millis(50);

/// Watches until it is dropped.
pub(super) struct Watch {
    seen: Arc<Mutex<Option<Memory>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    pid: u32,
}

impl Watch {
    pub(super) fn start(pid: u32) -> Self {
        let (seen, stop) = (
            Arc::<Mutex<Option<Memory>>>::default(),
            Arc::<AtomicBool>::default(),
        );
        let (looking, until) = (Arc::clone(&seen), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            while !until.load(Ordering::Relaxed) {
                look(&looking, pid);
                thread::sleep(EVERY);
            }
        });
        Self {
            seen,
            stop,
            thread: Some(thread),
            pid,
        }
    }

    /// What the process holds, or held when it last lived; `None` if it never was seen.
    pub(super) fn seen(&self) -> Option<Memory> {
        look(&self.seen, self.pid);
        *lock(&self.seen)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn look(seen: &Mutex<Option<Memory>>, pid: u32) {
    if let Ok(memory) = Memory::of(pid) {
        *lock(seen) = Some(memory);
    }
}

fn lock(seen: &Mutex<Option<Memory>>) -> MutexGuard<'_, Option<Memory>> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn the_peak_of_a_process_outlives_it() {
        let mut child = Command::new("sleep").arg("60").spawn().expect("it starts");
        let watch = Watch::start(child.id());
        let before = watch.seen().expect("it lives");
        child.kill().expect("it is ours");
        child.wait().expect("it is ours");
        let after = watch.seen().expect("it was seen");
        assert!(after.peak_kib >= before.peak_kib);
        assert!(Watch::start(child.id()).seen().is_none());
    }
}
