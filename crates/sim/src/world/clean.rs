//! Compaction, in the steps that the shell's threads take: each some time after the other, while
//! everybody else works.

use super::{Event, World};
use crate::hand::Job;
use crate::node::Done;
use once_broker::engine::Input;

impl World {
    /// What a hand has for the cleaner, and what it swapped.
    pub(super) fn clean(&mut self, hand: usize) {
        let Some(life) = &mut self.life else {
            return;
        };
        let (begun, swapped) = life.hands[hand].cleaner_work();
        for job in begun {
            self.employ(job);
        }
        for swapped in swapped {
            let (log, compacted) = swapped.outcome();
            self.say(format_args!("{log:?} is compacted"));
            self.coverage.met("compaction");
            self.step(Input::Compacted(log, Ok(compacted)));
            self.employ(Job::Finish(swapped));
        }
    }

    /// A job is done after a while.
    fn employ(&mut self, job: Job) {
        let Some(life) = &mut self.life else {
            return;
        };
        let number = life.take_job(job);
        let wait = self.chances.disk.below(20 * self.plan.disk.flush);
        self.queue.after(wait, Event::Job(self.boot, number));
    }

    /// The cleaner's thread does a job.
    pub(super) fn job(&mut self, number: u64) {
        self.strike_flushes();
        let Some(life) = &mut self.life else {
            return;
        };
        match life.do_job(number) {
            Err(problem) => self.process_ends(&problem),
            Ok(None) => {}
            Ok(Some(Done::Next(job))) => self.employ(*job),
            Ok(Some(Done::Swap(hand))) => self.busy(hand),
            Ok(Some(Done::Refused(log, why))) => {
                self.say(format_args!("{log:?} is not compacted: {why:?}"));
                self.coverage.met("compaction given up");
                self.step(Input::Compacted(log, Err(why)));
            }
        }
    }
}
