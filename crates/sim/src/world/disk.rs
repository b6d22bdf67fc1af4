//! What the engine wants of the disk, and how the disk treats it.

use super::{Event, Phase, World};
use crate::coverage::Fault;
use crate::hand::{Flushed, Turned};
use crate::mutant::Rule;
use crate::node;
use crate::plan::{DiskPlan, Trigger};
use crate::queue::Micros;
use once_broker::engine::{Input, LogId, Look, Output, ReadId};
use once_log::Write;
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

    /// What coverage is to know of the outputs of a step.
    pub(super) fn note(&mut self, tick: bool, outputs: &[Output]) {
        for output in outputs {
            match output {
                Output::Write { log, writes, .. } => {
                    for write in writes {
                        self.note_write(*log, write);
                    }
                }
                Output::Start { .. } if tick => self.coverage.met("records too old"),
                Output::Start { .. } => self.coverage.met("records deleted by request"),
                Output::Open {
                    log,
                    topic,
                    topic_id,
                    ..
                } => {
                    self.owners.insert(*log, *topic_id);
                    let before = self.topics.insert(topic.clone(), *topic_id);
                    if before.is_some_and(|before| before != *topic_id) {
                        self.coverage.met("topic recreated");
                    }
                }
                _ => {}
            }
        }
    }

    /// The broker's own topics are told from those of the clients: what is met in one says little of the other.
    fn note_write(&mut self, log: LogId, write: &Write) {
        let what = match write {
            Write::Roll { base } if *base > 0 => "segment rolled",
            Write::DropSegments { .. } => "segments removed",
            Write::State(_) => return self.coverage.met("snapshot of the catalog"),
            _ => return,
        };
        let id = self.owners.get(&log);
        let mut internal = self
            .topics
            .iter()
            .filter(|(name, _)| name.starts_with("__"));
        match internal.any(|(_, of)| Some(of) == id) {
            true => self.coverage.met(&format!("{what}, of the broker's own")),
            false => self.coverage.met(what),
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

    /// A hand takes its group.
    pub(super) fn write(&mut self, hand: usize) {
        let full = self
            .life
            .as_ref()
            .is_some_and(|life| life.hands[hand].is_full());
        if full {
            self.coverage.met("writes wait for a full journal");
            return self.queue.after(300, Event::Write(self.boot, hand));
        }
        self.strike_writes();
        let Some(life) = &mut self.life else {
            return;
        };
        if life.hands[hand].has_journal() {
            return self.commit(hand);
        }
        let swaps = self.before_swaps(hand);
        let Some(life) = &mut self.life else {
            return;
        };
        if let Err(error) = life.hands[hand].write() {
            return self.ends_in_swaps(&swaps, &error.to_string());
        }
        self.after_swaps(swaps);
        let Some(life) = &mut self.life else {
            return;
        };
        let written = life.hands[hand].written();
        self.say(format_args!("hand {hand} has written {written:?}"));
        if self.breaks(Rule::FlushBeforeReport) {
            self.step(Input::Flushed(written));
        }
        let wait = self.flush_time();
        self.queue.after(wait, Event::Flush(self.boot, hand));
    }

    /// One entry of the journal, flushed; it goes to the files when that took its time.
    fn commit(&mut self, hand: usize) {
        self.strike_flushes();
        let Some(life) = &mut self.life else {
            return;
        };
        let turned = match life.hands[hand].commit() {
            Ok(turned) => turned,
            Err(error) => return self.process_ends(&error.to_string()),
        };
        life.hands[hand].busy = false;
        let goes_on = !life.hands[hand].is_idle();
        let files = !std::mem::replace(&mut life.hands[hand].filing, true);
        self.say(format_args!("an entry is in the journal ({turned:?})"));
        match turned {
            Turned::Same => {}
            Turned::Fresh => self.next_file("journal file made"),
            Turned::Recycled => self.next_file("journal file recycled"),
        }
        if files {
            let wait = self.flush_time();
            self.queue.after(wait, Event::File(self.boot, hand));
        }
        if goes_on {
            self.busy(hand);
        }
    }

    fn next_file(&mut self, how: &'static str) {
        self.coverage.met(how);
        self.moment = Some(Trigger::NextFile);
    }

    /// What the journal has goes to the files.
    pub(super) fn file(&mut self, hand: usize) {
        self.strike_writes();
        let swaps = self.before_swaps(hand);
        let Some(life) = &mut self.life else {
            return;
        };
        if let Err(error) = life.hands[hand].file() {
            return self.ends_in_swaps(&swaps, &error.to_string());
        }
        let flushed = life.hands[hand].flush(false);
        self.after_swaps(swaps);
        match flushed {
            Err(error) => self.process_ends(&error.to_string()),
            Ok(flushed) => self.flushed(hand, flushed),
        }
    }

    /// A group is flushed: soon the engine hears of it.
    fn flushed(&mut self, hand: usize, flushed: Flushed) {
        self.begin_jobs(hand);
        let life = self.life.as_mut();
        if let Some(job) = life.and_then(|life| life.hands[hand].begins_checkpoint()) {
            self.coverage.met("checkpoint");
            self.moment = Some(Trigger::Checkpoint);
            self.employ(hand, job);
        }
        let wait = self.chances.disk.below(50);
        self.queue
            .after(wait, Event::Report(self.boot, hand, flushed));
    }

    /// A hand flushes what it wrote.
    pub(super) fn flush(&mut self, hand: usize) {
        self.strike_flushes();
        let retries = self.breaks(Rule::FailedFlushEnds);
        let Some(life) = &mut self.life else {
            return;
        };
        match life.hands[hand].flush(retries) {
            Err(error) => self.process_ends(&error.to_string()),
            Ok(flushed) => {
                let mut others = life.hands.iter();
                if !flushed.ends.is_empty() && others.any(|hand| !hand.written().is_empty()) {
                    self.moment = Some(Trigger::BetweenFlushes);
                }
                self.flushed(hand, flushed);
            }
        }
    }

    /// Writes may fail from now on.
    fn strike_writes(&mut self) {
        let plan = self.disk_plan();
        if self.chances.disk.happens(plan.fail_write) {
            self.strike(Fault::FailedWrite, true);
            self.disk.fail_write_in(1 + self.chances.disk.below(4));
        }
        if self.chances.disk.happens(plan.full) {
            self.strike(Fault::FullDisk, true);
            self.squeezed = true;
            let room = self.chances.disk.below(400);
            self.disk.set_capacity(Some(self.disk.used() + room));
            let wait = self.chances.disk.between(1_000, 500_000);
            self.queue.after(wait, Event::Room);
        }
    }

    /// Flushes may fail from now on.
    pub(super) fn strike_flushes(&mut self) {
        if self.chances.disk.happens(self.disk_plan().fail_flush) {
            self.strike(Fault::FailedFlush, true);
            self.disk.fail_sync_in(1 + self.chances.disk.below(3));
        }
    }

    fn flush_time(&mut self) -> Micros {
        let plan = self.disk_plan();
        let wait = 1 + self.chances.disk.below(plan.flush);
        if self.chances.disk.happens(plan.slow) {
            self.strike(Fault::SlowFlush, true);
            return wait * 100;
        }
        wait
    }

    /// The engine hears what is flushed.
    pub(super) fn report(&mut self, hand: usize, flushed: Flushed) {
        let Flushed { ends, starts } = flushed;
        self.say(format_args!("hand {hand} has flushed {ends:?}"));
        if !ends.is_empty() {
            self.step(Input::Flushed(ends));
        }
        if !starts.is_empty() {
            self.coverage.met("log start moved");
            self.say(format_args!(
                "hand {hand} has made logs start at {starts:?}"
            ));
            self.step(Input::Started(starts));
        }
        let Some(life) = &mut self.life else {
            return;
        };
        let hands = &mut life.hands[hand];
        if hands.has_journal() {
            hands.filing = false;
            if !hands.is_filed() {
                hands.filing = true;
                let wait = self.flush_time();
                self.queue.after(wait, Event::File(self.boot, hand));
            }
        } else {
            hands.busy = false;
            if !hands.is_idle() {
                self.busy(hand);
            }
        }
        self.tell_swapped(hand);
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
            self.coverage.met("read from files");
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
            self.coverage.met("data refused for want of room");
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
    pub(super) fn disk_plan(&self) -> DiskPlan {
        if self.phase == Phase::Work {
            return self.plan.disk;
        }
        self.plan.disk.calm()
    }
}
