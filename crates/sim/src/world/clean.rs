//! Compaction, in the steps that the shell's threads take: each some time after the other, while
//! everybody else works.

use super::{Event, Phase, World};
use crate::hand::Job;
use crate::invariant::compaction::View;
use crate::node::Done;
use crate::plan::Trigger;
use once_broker::engine::{Input, LogId};

/// A log whose segments are about to be swapped, and what its files say.
pub(super) struct Before {
    log: LogId,
    start: i64,
    /// Or why they cannot be read.
    view: Result<View, String>,
}

impl World {
    /// What the files say that a hand is about to swap.
    pub(super) fn before_swaps(&self, hand: usize) -> Vec<Before> {
        let Some(life) = &self.life else {
            return Vec::new();
        };
        let before = |log: LogId| {
            let partition = life.engine.partitions().find(|p| p.id == log)?;
            let start = partition.log.log_start_offset();
            let view = View::of(&life.reader(log)?, start..i64::MAX);
            Some(Before { log, start, view })
        };
        life.hands[hand]
            .swaps()
            .into_iter()
            .filter_map(before)
            .collect()
    }

    /// Whether they still say so.
    pub(super) fn after_swaps(&mut self, before: Vec<Before>) {
        let Some(life) = &self.life else {
            return;
        };
        let mut found = Vec::new();
        for Before { log, start, view } in before {
            // Its topic may be gone.
            let partition = life
                .engine
                .partitions()
                .find(|partition| partition.id == log);
            let (Some(partition), Some(reader)) = (partition, life.reader(log)) else {
                continue;
            };
            let name = format!("{}-{}", partition.topic, partition.index);
            let view = match view {
                Ok(view) => view,
                // Then a flipped bit is the reader's to find.
                Err(_) if self.phase == Phase::Rot => continue,
                Err(problem) => {
                    found.push(format!("{name}, before it was compacted: {problem}"));
                    continue;
                }
            };
            // What was written since is beyond.
            let wrong = match View::of(&reader, start..view.end) {
                Err(problem) => Some(problem),
                Ok(after) => view
                    .differs(&after)
                    .or_else(|| view.forgotten(&after, partition.log)),
            };
            found.extend(wrong.map(|wrong| format!("{name} was compacted: {wrong}")));
            self.coverage.met(match name.starts_with("__") {
                true => "swap, of the broker's own",
                false => "swap",
            });
            if partition.log.last_stable_offset() < partition.log.high_watermark() {
                self.coverage.met("swap below an open transaction");
            }
            self.moment = Some(Trigger::Swap);
        }
        self.findings.extend(found);
    }

    /// The process ends while a hand writes, and swaps were among it.
    pub(super) fn ends_in_swaps(&mut self, swaps: &[Before], why: &str) {
        if !swaps.is_empty() {
            self.coverage.met("crash in a swap");
        }
        self.process_ends(why);
    }

    /// What a hand has for the cleaner and the remover.
    pub(super) fn begin_jobs(&mut self, hand: usize) {
        let life = self.life.as_mut();
        for job in life.map_or(Vec::new(), |life| life.hands[hand].jobs()) {
            self.employ(hand, job);
        }
    }

    /// What a hand has swapped.
    pub(super) fn tell_swapped(&mut self, hand: usize) {
        let life = self.life.as_mut();
        for swapped in life.map_or(Vec::new(), |life| life.hands[hand].swapped()) {
            let (log, compacted) = swapped.outcome();
            self.say(format_args!("{log:?} is compacted"));
            self.coverage.met("compaction");
            self.step(Input::Compacted(log, Ok(compacted)));
            self.employ(hand, Job::Finish(swapped));
        }
    }

    /// A job is done after a while.
    pub(super) fn employ(&mut self, hand: usize, job: Job) {
        let Some(life) = &mut self.life else {
            return;
        };
        let number = life.take_job(hand, job);
        let wait = self.chances.disk.below(20 * self.disk_plan().flush);
        self.queue.after(wait, Event::Job(self.boot, number));
    }

    /// A job is done.
    pub(super) fn job(&mut self, number: u64) {
        self.strike_flushes();
        let Some(life) = &mut self.life else {
            return;
        };
        match life.do_job(number) {
            Err(problem) => self.process_ends(&problem),
            Ok(done) => done.into_iter().for_each(|done| self.done(done)),
        }
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Next(hand, job) => self.employ(hand, *job),
            Done::Swap(hand) => {
                self.moment = Some(Trigger::Swap);
                self.busy(hand);
            }
            Done::Refused(..) if self.disk.is_stopped() => {
                self.process_ends("during a compaction");
            }
            Done::Refused(log, why) => {
                self.say(format_args!("{log:?} is not compacted: {why:?}"));
                self.coverage.met("compaction given up");
                self.step(Input::Compacted(log, Err(why)));
            }
        }
    }
}
