//! Which calls are treated how.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A flush fails.
    Sync,
    /// A write fails; nothing of it is done.
    Write,
    /// A write fails; half of it is done.
    Short,
}

/// What becomes of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Treatment {
    /// It is passed on.
    Pass,
    /// It is passed on after a while.
    Late(Duration),
    /// It fails.
    Fail,
    /// Half of it is done, and it fails.
    Short,
}

/// The plan of one process.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// What fails, and from its how-manieth call on.
    fault: Option<(Fault, u64)>,
    /// One call in so many takes longer, up to so many milliseconds.
    delay: Option<(u64, u64)>,
    syncs: AtomicU64,
    writes: AtomicU64,
    calls: AtomicU64,
}

impl Plan {
    /// Reads the values of `ONCE_SHIM_FAULT` and `ONCE_SHIM_DELAY`. What cannot be read is no plan:
    /// the campaign counts faults and notices.
    pub(crate) fn read(fault: Option<&str>, delay: Option<&str>) -> Self {
        let fault = fault.and_then(|text| {
            let (kind, number) = text.split_once(':')?;
            let kind = match kind {
                "sync" => Fault::Sync,
                "write" => Fault::Write,
                "short" => Fault::Short,
                _ => return None,
            };
            Some((kind, number.parse().ok()?))
        });
        let delay = delay.and_then(|text| {
            let (every, most) = text.split_once(':')?;
            Some((
                every.parse().ok().filter(|every| *every > 0)?,
                most.parse().ok()?,
            ))
        });
        Self {
            fault,
            delay,
            ..Self::default()
        }
    }

    /// A flush of a file.
    pub(crate) fn sync(&self) -> Treatment {
        let number = self.syncs.fetch_add(1, Ordering::Relaxed) + 1;
        match self.fault {
            Some((Fault::Sync, from)) if number >= from => Treatment::Fail,
            _ => self.delayed(),
        }
    }

    /// A write to a file.
    pub(crate) fn write(&self) -> Treatment {
        let number = self.writes.fetch_add(1, Ordering::Relaxed) + 1;
        match self.fault {
            Some((Fault::Short, from)) if number == from => Treatment::Short,
            Some((Fault::Write | Fault::Short, from)) if number >= from => Treatment::Fail,
            _ => self.delayed(),
        }
    }

    fn delayed(&self) -> Treatment {
        let number = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        match self.delay {
            Some((every, most)) if number.is_multiple_of(every) => {
                let spread = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
                Treatment::Late(Duration::from_millis(spread % (most + 1)))
            }
            _ => Treatment::Pass,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_the_fault_on_nothing_of_its_kind_succeeds() {
        let plan = Plan::read(Some("sync:3"), None);
        let syncs: Vec<_> = (0..4).map(|_| plan.sync()).collect();
        let expected = [
            Treatment::Pass,
            Treatment::Pass,
            Treatment::Fail,
            Treatment::Fail,
        ];
        assert_eq!(syncs, expected);
        assert_eq!(plan.write(), Treatment::Pass);
        let plan = Plan::read(Some("short:1"), None);
        assert_eq!(
            [plan.write(), plan.write()],
            [Treatment::Short, Treatment::Fail]
        );
    }

    #[test]
    fn some_calls_take_longer() {
        let plan = Plan::read(None, Some("2:100"));
        assert_eq!(plan.sync(), Treatment::Pass);
        assert!(matches!(plan.write(), Treatment::Late(_)));
        assert_eq!(plan.sync(), Treatment::Pass);
    }
}
