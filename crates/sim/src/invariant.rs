//! What must hold at every moment, one file each.

pub(crate) mod compaction;
pub(crate) mod durable;
mod epochs;
pub(crate) mod facts;
mod offsets;
pub(crate) mod replay;

pub(crate) use facts::{Fact, Made, SETTING};

use once_broker::engine::Engine;
use once_wire::ids::Uuid;
use std::collections::BTreeMap;

/// All invariants, with what each remembers.
#[derive(Debug, Default)]
pub(crate) struct Invariants {
    offsets: offsets::Offsets,
    epochs: epochs::Epochs,
}

impl Invariants {
    /// Up to where readers have seen each partition.
    pub(crate) fn seen(&self) -> &BTreeMap<(Uuid, i32), (i64, i64, i64)> {
        self.offsets.seen()
    }

    /// Looks at the engine after a step; what is found is wrong.
    pub(crate) fn look(&mut self, engine: &Engine) -> Option<String> {
        self.offsets.look(engine)
    }

    /// Looks at an engine all of whose state is flushed.
    pub(crate) fn look_at_rest(&mut self, engine: &Engine) -> Option<String> {
        self.epochs.look(engine)
    }
}
