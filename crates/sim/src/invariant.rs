//! What must hold at every moment, one file each.

mod offsets;

use once_broker::engine::Engine;

/// All invariants, with what each remembers.
#[derive(Debug, Default)]
pub(crate) struct Invariants {
    offsets: offsets::Offsets,
}

impl Invariants {
    /// Looks at the engine after a step; what is found is wrong.
    pub(crate) fn look(&mut self, engine: &Engine) -> Option<String> {
        self.offsets.look(engine)
    }
}
