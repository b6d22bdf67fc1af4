//! The thread that takes away the files of deleted partitions: that may be gigabytes, and nobody waits for it.

use super::Ends;
use once_log::store::{RealDisk, SetAside};
use std::sync::mpsc::Receiver;

/// Works until the log thread has ended and all is gone. What cannot be removed is left to the next start.
pub(super) fn run(removed: &Receiver<SetAside<RealDisk>>) -> Ends {
    for aside in removed {
        if let Err(error) = aside.clear() {
            tracing::warn!("cannot remove a deleted partition's files: {error}");
        }
    }
    Ends::new()
}
