//! The library that makes file calls fail, and how a broker gets it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// See `once-shim`.
pub(in crate::kills) struct Shim {
    library: PathBuf,
    log: PathBuf,
}

impl Shim {
    pub(in crate::kills) fn new(library: PathBuf, directory: &Path) -> Self {
        Self {
            library,
            log: directory.join("shim.log"),
        }
    }

    /// What a broker is started with so that this fault comes, and these delays.
    ///
    /// # Errors
    /// The log of the last one cannot be removed.
    pub(super) fn environment(
        &self,
        fault: &str,
        delay: &str,
    ) -> Result<Vec<(String, String)>, Error> {
        if self.log.exists() {
            fs::remove_file(&self.log).map_err(Error::io("remove the shim's log"))?;
        }
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Ok(vec![
            variable("LD_PRELOAD", &self.library.to_string_lossy()),
            variable("ONCE_SHIM_LOG", &self.log.to_string_lossy()),
            variable("ONCE_SHIM_FAULT", fault),
            variable("ONCE_SHIM_DELAY", delay),
        ])
    }

    /// How many faults it dealt, and how many delays.
    pub(super) fn dealt(&self) -> (u64, u64) {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let count = |what: &str| log.lines().filter(|line| line.starts_with(what)).count() as u64;
        (count("fault"), count("delay"))
    }
}
