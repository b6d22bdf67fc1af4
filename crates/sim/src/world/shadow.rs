//! Crashes that happen beside the run: the disk is copied as a crash would leave it, a broker is
//! started on the copy, and what it knows is compared with the one that runs on.

use super::World;
use crate::invariant::{durable, replay};
use crate::node::Life;
use crate::random::Random;
use once_broker::FlushPolicy;
use once_coordinator::producer_id::BLOCK_SIZE;
use once_log::store::Crash;
use std::sync::Arc;

/// One event in so many has recovery compared at the next quiet moment: about one operation of a
/// client in 64.
const COMPARED: u64 = 512;
/// One event in so many is one after which a crash must lose nothing that was seen.
const SHADOWED: u64 = 2_048;

impl World {
    /// Looks now and then at what a crash would leave.
    pub(super) fn sample(&mut self) {
        if self.life.is_none() || self.disk.is_stopped() {
            return;
        }
        self.compare |= self.chances.samples.below(COMPARED) == 0;
        if self.compare {
            self.compare_if_quiet();
        }
        if self.chances.samples.below(SHADOWED) == 0 {
            let crash = self.worst();
            if let Some(shadow) = self.shadow(crash)
                && let Some(life) = &self.life
            {
                self.coverage.fault("shadow crash");
                let lost = durable::lost(&life.engine, &shadow.engine);
                self.findings.extend(lost);
            }
        }
    }

    /// Compares recovery with the life that runs, if all of it is flushed.
    pub(super) fn compare_if_quiet(&mut self) {
        if !self.life.as_ref().is_some_and(Life::is_quiet) || self.disk.is_stopped() {
            return;
        }
        self.compare = false;
        let crash = if self.chances.samples.coin() {
            Crash::Process
        } else {
            self.worst()
        };
        let Some(shadow) = self.shadow(crash) else {
            return;
        };
        self.coverage.fault("replay compared with live");
        if let Some(life) = &self.life {
            let differs = replay::differs(&life.engine, &shadow.engine);
            let went_back = self.invariants.look_at_rest(&life.engine);
            self.findings.extend(differs.or(went_back));
        }
    }

    /// A client was given a producer id: after a crash now it would not be given again.
    pub(super) fn given(&mut self, producer_id: i64) {
        if self.life.is_none() || self.disk.is_stopped() {
            return;
        }
        let crash = self.worst();
        let Some(shadow) = self.shadow(crash) else {
            return;
        };
        // Every start takes a block of its own.
        let begins = shadow.engine.catalog().next_producer_id() - BLOCK_SIZE;
        if producer_id >= begins {
            self.found(format!(
                "producer id {producer_id} is given, and a crash now would give {begins} next"
            ));
        }
    }

    /// The worst crash that loses nothing flushed.
    fn worst(&mut self) -> Crash {
        match self.plan.flush {
            FlushPolicy::Os => Crash::Process,
            FlushPolicy::Disk if self.chances.samples.coin() => Crash::LoseAll,
            FlushPolicy::Disk => Crash::Seeded(self.chances.samples.bits()),
        }
    }

    /// A broker started on what a crash would leave.
    fn shadow(&mut self, crash: Crash) -> Option<Life> {
        let disk = Arc::new(self.disk.fork(crash));
        disk.set_capacity(None);
        let mut random = Random::numbered(self.plan.seed, "shadow", self.steps);
        match Life::start(&disk, &self.config, self.now_ms(), &mut random) {
            Ok((life, _)) => Some(life),
            Err(error) => {
                self.found(format!("after a crash now no broker would start: {error}"));
                None
            }
        }
    }
}
