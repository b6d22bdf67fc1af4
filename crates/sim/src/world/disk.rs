//! What the engine wants of the disk, and how the disk treats it.

use super::{Event, Flushed, Phase, World};
use crate::mutant::Mutant;
use crate::node;
use crate::plan::{DiskPlan, Trigger};
use once_broker::engine::{Input, LogId, Look, Output, ReadId};
use once_wire::ids::Uuid;

/// A disk that nobody fills.
const PLENTY: u64 = 1 << 40;

impl World {
    /// An output that concerns files.
    pub(super) fn order(&mut self, output: Output) {
        let unique = Uuid(self.chances.entropy.wide().to_be_bytes());
        let Some(life) = &mut self.life else {
            return;
        };
        match life.order(output, unique) {
            Ok(Some(hand)) => self.busy(hand),
            Ok(None) => {}
            Err(problem) => self.process_ends(&problem),
        }
    }

    /// A hand has work: it takes it soon.
    pub(super) fn busy(&mut self, hand: usize) {
        let Some(life) = &mut self.life else {
            return;
        };
        if !std::mem::replace(&mut life.hands[hand].busy, true) {
            let wait = self.chances.disk.below(30);
            self.queue.after(wait, Event::Write(self.boot, hand));
        }
    }

    pub(super) fn write(&mut self, hand: usize) {
        let plan = self.disk_plan();
        if self.chances.disk.happens(plan.fail_write) {
            self.coverage.fault("failed write");
            self.disk.fail_write_in(1 + self.chances.disk.below(4));
        }
        if self.chances.disk.happens(plan.full) {
            self.coverage.fault("full disk");
            self.squeezed = true;
            let room = self.chances.disk.below(400);
            self.disk.set_capacity(Some(self.disk.used() + room));
            let wait = self.chances.disk.between(1_000, 500_000);
            self.queue.after(wait, Event::Room);
        }
        let Some(life) = &mut self.life else {
            return;
        };
        if let Err(error) = life.hands[hand].write() {
            return self.process_ends(&error.to_string());
        }
        let written = life.hands[hand].written();
        self.say(format_args!("hand {hand} has written {written:?}"));
        if self.plan.mutant == Some(Mutant::ReportBeforeFlush) {
            self.step(Input::Flushed(written));
        }
        let mut wait = 1 + self.chances.disk.below(plan.flush);
        if self.chances.disk.happens(plan.slow) {
            self.coverage.fault("slow flush");
            wait *= 100;
        }
        self.queue.after(wait, Event::Flush(self.boot, hand));
    }

    pub(super) fn flush(&mut self, hand: usize) {
        let plan = self.disk_plan();
        if self.chances.disk.happens(plan.fail_flush) {
            self.coverage.fault("failed flush");
            self.disk.fail_sync_in(1 + self.chances.disk.below(3));
        }
        let Some(life) = &mut self.life else {
            return;
        };
        let mut flushed = life.hands[hand].flush();
        if flushed.is_err() && self.plan.mutant == Some(Mutant::RetryFailedFlush) {
            flushed = life.hands[hand].flush();
        }
        let flushed = flushed.and_then(|ends| {
            let starts = life.hands[hand].save_starts()?;
            Ok(Flushed { ends, starts })
        });
        match flushed {
            Err(error) => self.process_ends(&error.to_string()),
            Ok(flushed) => {
                let mut others = life.hands.iter();
                if !flushed.ends.is_empty() && others.any(|hand| !hand.written().is_empty()) {
                    self.moment = Some(Trigger::BetweenFlushes);
                }
                if life.hands[hand].begins_checkpoint() {
                    self.coverage.fault("checkpoint behind the journal");
                    let wait = self.chances.disk.below(20 * plan.flush);
                    self.queue.after(wait, Event::Settle(self.boot));
                }
                let wait = self.chances.disk.below(50);
                self.queue
                    .after(wait, Event::Report(self.boot, hand, flushed));
            }
        }
    }

    /// The checkpoint thread has done its work.
    pub(super) fn settle(&mut self) {
        let settled = self.life.as_mut().map(|life| life.settle());
        if let Some(Err(problem)) = settled {
            self.process_ends(&problem);
        }
    }

    pub(super) fn report(&mut self, hand: usize, flushed: Flushed) {
        let Flushed { ends, starts } = flushed;
        self.say(format_args!("hand {hand} has flushed {ends:?}"));
        if !ends.is_empty() {
            self.step(Input::Flushed(ends));
        }
        if !starts.is_empty() {
            self.coverage.fault("log start moved");
            self.say(format_args!(
                "hand {hand} has made logs start at {starts:?}"
            ));
            self.step(Input::Started(starts));
        }
        let Some(life) = &mut self.life else {
            return;
        };
        life.hands[hand].busy = false;
        if !life.hands[hand].is_idle() {
            self.busy(hand);
        }
        self.listen_if_settled();
    }

    /// Clients may come once what recovery wrote is flushed.
    pub(super) fn listen_if_settled(&mut self) {
        if let Some(life) = &mut self.life
            && !life.listening
            && life.engine.is_flushed()
        {
            life.listening = true;
            self.say(format_args!("the broker listens"));
        }
    }

    pub(super) fn look(&mut self, read: ReadId, log: LogId, look: &Look) {
        let reader = self.life.as_ref().and_then(|life| life.reader(log));
        if let Some(reader) = reader {
            self.coverage.fault("read from files");
            let seen = node::look(&reader, look);
            self.say(format_args!("look {read:?} into {log:?}"));
            self.step(Input::Read(read, seen));
        }
    }

    /// The disk is looked at: a while after the engine asked.
    pub(super) fn measure(&mut self) {
        let free = self
            .disk
            .capacity()
            .map_or(PLENTY, |capacity| capacity.saturating_sub(self.disk.used()));
        self.step(Input::Space {
            free,
            total: PLENTY,
        });
    }

    /// There is room again, or at the beginning: as much as the plan says.
    pub(super) fn make_room(&mut self) {
        self.squeezed = false;
        self.room_comes = false;
        let more = self.plan.disk.room.filter(|_| self.phase == Phase::Work);
        let capacity = more.map(|more| self.disk.used() + more);
        self.disk.set_capacity(capacity);
    }

    /// The engine takes no data for want of room: the operator is on the way.
    pub(super) fn notice_shortage(&mut self) {
        let short = self
            .life
            .as_ref()
            .is_some_and(|life| life.engine.is_short_of_room());
        if short && !self.room_comes && !self.squeezed {
            self.coverage.fault("data refused for want of room");
            self.room_comes = true;
            let wait = self.chances.room.between(1_000, 2_000_000);
            self.queue.after(wait, Event::Room);
        }
    }

    /// A full disk ends the process only if somebody else has filled it.
    pub(super) fn judge_full(&mut self, why: &str) {
        if why.contains("no storage space") && !self.squeezed {
            self.found(format!("the broker itself filled its disk: {why}"));
        }
    }

    /// The disk as it is in this phase.
    fn disk_plan(&self) -> DiskPlan {
        if self.phase == Phase::Work {
            return self.plan.disk;
        }
        DiskPlan {
            slow: 0,
            fail_flush: 0,
            fail_write: 0,
            full: 0,
            ..self.plan.disk
        }
    }
}
