//! Crashes that happen beside the run: the disk is copied as a crash would leave it, a broker is
//! started on the copy, and what it knows is compared with the one that runs on.

use super::{Phase, World};
use crate::invariant::compaction::View;
use crate::invariant::{Fact, durable, facts, replay};
use crate::node::Life;
use crate::plan::Trigger;
use crate::random::Random;
use once_broker::engine::{Output, PartitionView};
use once_coordinator::producer_id::BLOCK_SIZE;
use once_log::store::Crash;
use once_wire::ids::Uuid;
use std::collections::BTreeSet;
use std::sync::Arc;

/// One step of the engine in so many has recovery compared at the next quiet moment.
const COMPARED: u64 = 64;
/// Of the comparisons for which nothing has changed on the disk since the last one, one in so many starts a broker
/// anew: another crash may leave something else.
const AFRESH: u64 = 8;
/// One step of the engine in so many is one after which a crash must lose nothing that was seen.
const SHADOWED: u64 = 512;
/// Of what clients are told while something is not flushed, one in so many is looked for after a crash.
const TOLD: u64 = 3;
/// Of the moments between two flushes, one in so many is looked at.
const BETWEEN: u64 = 16;
/// What recovery says when it repairs what no crash can leave.
const REPAIRED: &str = "that no coordinator knows is aborted";

impl World {
    /// A step of the engine: looks now and then at what a crash would leave.
    pub(super) fn sample(&mut self) {
        if self.life.is_none() || self.disk.is_stopped() {
            return;
        }
        self.compare |= self.chances.samples.below(COMPARED) == 0;
        self.shadow_due |= self.chances.samples.below(SHADOWED) == 0;
    }

    /// Looks at what a crash would leave, if that is due.
    pub(super) fn look_at_samples(&mut self) {
        if self.life.is_none() || self.disk.is_stopped() || self.phase == Phase::Rot {
            return;
        }
        if self.compare {
            self.compare_if_quiet();
        }
        let telling = self.moment == Some(Trigger::BetweenFlushes)
            && self.chances.samples.below(BETWEEN) == 0;
        if std::mem::take(&mut self.shadow_due) || telling {
            let crash = self.worst();
            if let Some(shadow) = self.shadow(crash)
                && let Some(life) = &self.life
            {
                self.coverage.met("shadow crash");
                let lost = durable::lost(&life.engine, &shadow.engine);
                self.findings.extend(lost);
            }
        }
    }

    /// A client was told something: it would be told so after a crash now, too.
    pub(super) fn told(&mut self, fact: &Fact) {
        let looks = self.life.is_some() && !self.is_flushed() && !self.disk.is_stopped();
        if !looks || self.chances.samples.below(TOLD) != 0 {
            return;
        }
        let crash = self.worst();
        let Some(shadow) = self.shadow(crash) else {
            return;
        };
        self.coverage.met("told again after a shadow crash");
        self.findings.extend(facts::forgotten(fact, &shadow.engine));
    }

    /// The topics whose logs go.
    pub(super) fn removed(&mut self, outputs: &[Output]) -> BTreeSet<Uuid> {
        let logs = outputs.iter().filter_map(|output| match output {
            Output::Remove { log } => self.owners.remove(log),
            _ => None,
        });
        logs.collect()
    }

    /// The files of deleted topics were removed: a crash now would not bring the topics back.
    pub(super) fn look_at_removal(&mut self, removed: &BTreeSet<Uuid>) {
        let looks = self.life.is_some() && !self.disk.is_stopped() && self.phase != Phase::Rot;
        if removed.is_empty() || !looks {
            return;
        }
        let crash = self.worst();
        let Some(shadow) = self.shadow(crash) else {
            return;
        };
        self.coverage.met("topic removed");
        let catalog = shadow.engine.catalog();
        let back = removed.iter().find_map(|id| catalog.topic_by_id(*id));
        if let Some(topic) = back {
            let name = &topic.name;
            self.findings.push(format!(
                "the files of {name} are removed, and a crash now would bring {name} back"
            ));
        }
    }

    /// After a start: what readers have seen would survive whatever crash was promised to be
    /// survived until now.
    pub(super) fn nothing_seen_is_lost(&mut self) {
        let Some(shadow) = self.shadow(Crash::LoseAll) else {
            return;
        };
        if let Some(life) = &self.life {
            let lost = durable::unseen(&self.invariants, &life.engine, &shadow.engine);
            self.findings.extend(lost);
        }
    }

    /// Compares recovery with the life that runs, if all of it is flushed.
    fn compare_if_quiet(&mut self) {
        if self.is_at_rest() {
            self.compare = false;
            if !self.is_as_compared() {
                self.compare_afresh();
            }
        }
    }

    /// Before a crash: as at any quiet moment.
    pub(super) fn compare_before_crash(&mut self) {
        if self.is_at_rest() {
            self.compare = false;
            self.compare_afresh();
        }
    }

    fn is_at_rest(&self) -> bool {
        self.life.as_ref().is_some_and(Life::is_quiet) && !self.disk.is_stopped()
    }

    /// Nothing has changed on the disk since recovery was compared last, and what it came to then is still what the
    /// life that runs knows. If it is not, time may have done that: only a new start can tell.
    fn is_as_compared(&mut self) -> bool {
        let now = (self.boot, self.disk.changes());
        if self.chances.samples.below(AFRESH) == 0 {
            return false;
        }
        let (Some((when, shadow)), Some(life)) = (&self.compared, &self.life) else {
            return false;
        };
        let same = *when == now && differs(life, shadow).is_none();
        if same {
            self.coverage.met("replay compared with live");
            let went_back = self.invariants.look_at_rest(&life.engine);
            self.findings.extend(went_back);
        }
        same
    }

    fn compare_afresh(&mut self) {
        let crash = if self.chances.samples.coin() {
            Crash::Process
        } else {
            self.worst()
        };
        let Some(shadow) = self.shadow(crash) else {
            return;
        };
        self.coverage.met("replay compared with live");
        if let Some(life) = &self.life {
            let differs = differs(life, &shadow);
            let went_back = self.invariants.look_at_rest(&life.engine);
            self.findings.extend(differs.or(went_back));
        }
        self.compared = Some(((self.boot, self.disk.changes()), shadow));
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
        if !self.power_safe {
            Crash::Process
        } else if self.chances.samples.coin() {
            Crash::LoseAll
        } else {
            Crash::Seeded(self.chances.samples.bits())
        }
    }

    /// A broker started on what a crash would leave.
    fn shadow(&mut self, crash: Crash) -> Option<Life> {
        let disk = Arc::new(self.disk.fork(crash));
        disk.set_capacity(None);
        let mut random = Random::numbered(self.plan.seed, "shadow", self.steps);
        let settings = (&self.config, self.plan.journal.1);
        match Life::start(&disk, settings, self.now_ms(), &mut random) {
            Ok((life, outputs)) => {
                self.findings.extend(repaired(&outputs));
                Some(life)
            }
            Err(error) => {
                self.found(format!("after a crash now no broker would start: {error}"));
                None
            }
        }
    }
}

/// What a broker that was started knows otherwise than the one that runs.
fn differs(life: &Life, shadow: &Life) -> Option<String> {
    replay::differs(&life.engine, &shadow.engine).or_else(|| other_values(life, shadow))
}

/// A compacted log that says something else of a key after a crash: the crash may bring old segments back, and no
/// old value.
fn other_values(life: &Life, shadow: &Life) -> Option<String> {
    let of = |life: &Life, log, start| Some(View::of(&life.reader(log)?, start..i64::MAX));
    let compacted = life.engine.partitions().filter(|p| p.log.cleaned_to() > 0);
    compacted.into_iter().find_map(|was| {
        let same = |p: &PartitionView<'_>| (p.topic_id, p.index) == (was.topic_id, was.index);
        let is = shadow.engine.partitions().find(same)?;
        let start = was.log.log_start_offset();
        let differs = match (of(life, was.id, start)?, of(shadow, is.id, start)?) {
            (Ok(was), Ok(is)) => was.differs(&is)?,
            (Err(problem), _) => format!("before it, {problem}"),
            (_, Err(problem)) => problem,
        };
        Some(format!(
            "{}-{} after a crash: {differs}",
            was.topic, was.index
        ))
    })
}

/// What a start repaired, of what no crash can leave.
pub(super) fn repaired(outputs: &[Output]) -> Option<String> {
    outputs.iter().find_map(|output| match output {
        Output::Warn(text) if text.contains(REPAIRED) => Some(format!("a start says: {text}")),
        _ => None,
    })
}
