//! The three offsets that bound one partition: log start ≤ high watermark ≤ log end.

/// The bounds of a log. Every offset below `high_watermark` is flushed; none at or above `end` exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offsets {
    start: i64,
    high_watermark: i64,
    end: i64,
}

impl Offsets {
    /// A log whose every byte up to `end` is flushed.
    pub(crate) fn flushed(start: i64, end: i64) -> Self {
        assert!(
            0 <= start && start <= end,
            "a log starts at or before its end: {start}, {end}"
        );
        Offsets {
            start,
            high_watermark: end,
            end,
        }
    }

    pub(crate) fn start(&self) -> i64 {
        self.start
    }

    pub(crate) fn high_watermark(&self) -> i64 {
        self.high_watermark
    }

    pub(crate) fn end(&self) -> i64 {
        self.end
    }

    /// The log now ends after `last`.
    pub(crate) fn appended(&mut self, last: i64) {
        assert!(
            last >= self.end,
            "offsets ascend: {last} after end {}",
            self.end
        );
        self.end = last + 1;
    }

    /// The log starts at `start`, if it does not start later already.
    pub(crate) fn starts_at(&mut self, start: i64) {
        assert!(
            start <= self.high_watermark,
            "a log that starts at {start} would start above its high watermark {}",
            self.high_watermark
        );
        self.start = self.start.max(start);
    }

    /// What lies below `end` is flushed. A flush that was overtaken by a later one changes nothing.
    pub(crate) fn flushed_to(&mut self, end: i64) -> bool {
        assert!(
            end <= self.end,
            "flushed to {end}, beyond the log's end {}",
            self.end
        );
        let moved = end > self.high_watermark;
        self.high_watermark = self.high_watermark.max(end);
        moved
    }
}
