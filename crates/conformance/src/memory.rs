//! How much memory a process holds, as `/proc` tells.

use std::fs;

use crate::error::Error;

/// Resident memory of a process, in KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Now (`VmRSS`).
    pub(crate) now_kib: u64,
    /// The most it ever was (`VmHWM`): the kernel keeps it, so no sampling can miss it.
    pub(crate) peak_kib: u64,
}

impl Memory {
    /// Of the process `pid`.
    pub(crate) fn of(pid: u32) -> Result<Self, Error> {
        let path = format!("/proc/{pid}/status");
        let status = fs::read_to_string(&path).map_err(Error::io(format!("read {path}")))?;
        Self::parse(&status).ok_or_else(|| {
            Error::Broker(format!(
                "{path} tells no memory: process {pid} has ended and is not reaped"
            ))
        })
    }

    fn parse(status: &str) -> Option<Self> {
        let kib = |name: &str| -> Option<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim().strip_suffix(" kB")?.trim().parse().ok()
        };
        Some(Self {
            now_kib: kib("VmRSS:")?,
            peak_kib: kib("VmHWM:")?,
        })
    }

    /// Of this process and of the one it may not be: `None` once it is gone.
    pub(crate) fn alive(pid: u32) -> bool {
        Self::of(pid).is_ok()
    }
}

/// KiB as MiB, rounded up.
pub(crate) fn mib(kib: u64) -> u64 {
    kib.div_ceil(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_is_read_by_name() {
        let status = "Name:\tonce\nVmHWM:\t  20480 kB\nVmRSS:\t   1025 kB\nThreads:\t4\n";
        let memory = Memory::parse(status).expect("both are there");
        assert_eq!((memory.now_kib, memory.peak_kib), (1025, 20480));
        assert_eq!(mib(memory.now_kib), 2);
        assert_eq!(Memory::parse("Name:\tonce\nState:\tZ (zombie)\n"), None);
    }

    #[test]
    fn this_process_lives_and_no_process_0_does() {
        let own = Memory::of(std::process::id()).expect("it runs");
        assert!(own.peak_kib >= own.now_kib && own.now_kib > 0);
        assert!(!Memory::alive(0));
    }
}
