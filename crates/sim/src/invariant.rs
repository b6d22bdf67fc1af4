//! What must hold at every moment, one file each.

pub(crate) mod durable;
mod epochs;
mod offsets;
pub(crate) mod replay;

use once_broker::engine::Engine;

/// All invariants, with what each remembers.
#[derive(Debug, Default)]
pub(crate) struct Invariants {
    offsets: offsets::Offsets,
    epochs: epochs::Epochs,
}

impl Invariants {
    /// Looks at the engine after a step; what is found is wrong.
    pub(crate) fn look(&mut self, engine: &Engine) -> Option<String> {
        self.offsets.look(engine)
    }

    /// Looks at an engine all of whose state is flushed.
    pub(crate) fn look_at_rest(&mut self, engine: &Engine) -> Option<String> {
        self.epochs.look(engine)
    }
}
