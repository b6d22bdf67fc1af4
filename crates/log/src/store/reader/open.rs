//! How many files stay open for readers: a process has a limit, and who writes needs files too.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many files stay open for readers of one partition, at most.
const OPEN_MAX: usize = 2;

/// A bound of files that readers keep open between reads. Cloning is cheap, and clones share it.
///
/// When it is reached a file is opened for each read, until another one is closed.
#[derive(Clone, Debug)]
pub struct OpenFiles {
    left: Arc<AtomicUsize>,
}

/// The logs of one partition that stay open, by the bases of their segments.
pub(super) struct Opened<F>(VecDeque<(i64, Kept<F>)>);

/// A file that stays open, and counts.
struct Kept<F> {
    file: F,
    left: Arc<AtomicUsize>,
}

impl OpenFiles {
    /// So many at most.
    #[must_use]
    pub fn new(most: usize) -> Self {
        OpenFiles {
            left: Arc::new(AtomicUsize::new(most)),
        }
    }

    /// As many as one partition's readers keep open.
    pub(super) fn of_one() -> Self {
        OpenFiles::new(OPEN_MAX)
    }

    /// The file, if it may stay open.
    fn keep<F>(&self, file: F) -> Option<Kept<F>> {
        let less = |left: usize| left.checked_sub(1);
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .ok()?;
        let left = Arc::clone(&self.left);
        Some(Kept { file, left })
    }
}

impl<F> Default for Opened<F> {
    fn default() -> Self {
        Opened(VecDeque::new())
    }
}

impl<F> Opened<F> {
    pub(super) fn get(&self, base: i64) -> Option<&F> {
        let found = self.0.iter().find(|(of, _)| *of == base);
        found.map(|(_, kept)| &kept.file)
    }

    /// Keeps one more open, if it may be. The oldest goes where there are too many.
    pub(super) fn keep(&mut self, base: i64, file: F, files: &OpenFiles) {
        if self.0.len() == OPEN_MAX {
            self.0.pop_front();
        }
        self.0.extend(files.keep(file).map(|kept| (base, kept)));
    }

    /// Closes those that are not wanted.
    pub(super) fn retain(&mut self, mut wanted: impl FnMut(i64) -> bool) {
        self.0.retain(|(base, _)| wanted(*base));
    }
}

impl<F> Drop for Kept<F> {
    fn drop(&mut self) {
        self.left.fetch_add(1, Ordering::Relaxed);
    }
}
