//! What a defect does to the process.

/// Held while the engine steps, and for as long as a thread of the disk lives. After a panic there memory and log may
/// disagree, or nobody carries out any more what others wait for: going on could lose what was acknowledged, and
/// recovery cannot. So the process ends at once.
pub(super) struct EndOnPanic;

impl Drop for EndOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("once: a defect stopped the broker; start again on the same data directory");
            std::process::exit(70);
        }
    }
}
