//! The thread that takes away the files of deleted partitions: that may be gigabytes, and nobody waits for it.

use super::Ends;
use once_log::store::{RealDisk, SetAside};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;

/// Works until the log thread has ended and all is gone, or the broker stops. What is left then, and what cannot be
/// removed, the next start takes away.
pub(super) fn run(removed: &Receiver<SetAside<RealDisk>>, stop: &AtomicBool) -> Ends {
    for aside in removed {
        if stop.load(Ordering::Relaxed) {
            continue;
        }
        if let Err(error) = aside.clear() {
            tracing::warn!("cannot remove a deleted partition's files: {error}");
        }
    }
    Ends::new()
}
