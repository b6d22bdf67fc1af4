//! Ends and starts of the broker's process.

use super::shadow::repaired;
use super::{Event, Phase, World};
use crate::coverage::Fault;
use crate::node::{self, Life};
use crate::plan::{CrashPlan, End, Strategy, Trigger};
use once_broker::StartError;
use once_check::history::{Crash as Died, Kind, Op};
use once_log::store::Crash;
use std::cmp::Ordering;

/// Events of no client.
pub(super) const NOBODY: u32 = 1_000_000;

/// Why a process ends when nothing failed.
pub(super) const PLANNED: &str = "planned";

impl World {
    /// Ends the process if it is time for it.
    pub(super) fn crash_if_planned(&mut self) {
        if self.phase != Phase::Work || self.life.is_none() {
            return;
        }
        let Some(crash) = self.plan.crashes.get(self.crashes_done).copied() else {
            return;
        };
        if crash.step > self.steps || self.disk.is_stopped() {
            return;
        }
        // Not for ever: a run may answer only when all is flushed.
        let waits = match crash.trigger {
            Trigger::AtOnce => false,
            Trigger::Asked(key) => !self.net.asked().any(|asked| asked == key.key()),
            moment => self.moment != Some(moment),
        };
        if waits && crash.step + 500 > self.steps {
            return;
        }
        self.compare_before_crash();
        self.crashes_done += 1;
        let end = if self.power_safe {
            crash.end
        } else {
            crash.end.without_power()
        };
        self.ending = end;
        match end {
            // The disk ends it, in the middle of a change.
            End::KillAtChange(n) | End::PowerAtChange(n, _) => self.disk.stop_in(n),
            End::Kill | End::Power(_) | End::PowerLosesAll => self.process_ends(PLANNED),
            End::Stop => self.stop(),
        }
    }

    /// Lets the clock jump if it is time for it.
    pub(super) fn jump_if_planned(&mut self) {
        if self.phase != Phase::Work || self.life.is_none() {
            return;
        }
        let Some(jump) = self.plan.jumps.get(self.jumps_done).copied() else {
            return;
        };
        if jump.step <= self.steps {
            self.jumps_done += 1;
            self.clock_ms += jump.ms;
            self.say(format_args!("the clock jumps by {} ms", jump.ms));
            self.coverage.met("clock jump within a life");
            self.set_tick();
        }
    }

    /// The crash that was planned last: it says how the next start goes.
    fn last_crash(&self) -> Option<&CrashPlan> {
        self.plan.crashes.get(self.crashes_done.checked_sub(1)?)
    }

    fn stop(&mut self) {
        let Some(life) = self.life.take() else {
            return;
        };
        let unflushed = !life.engine.is_flushed();
        let stopped = life.stop();
        self.say(format_args!("the broker stops: {stopped:?}"));
        self.coverage.met("clean stop");
        self.gone("stopped", unflushed);
    }

    /// The process ends now: planned, or because a write or a flush failed.
    pub(super) fn process_ends(&mut self, why: &str) {
        if self.ending == End::Kill && !self.disk.is_stopped() && why != PLANNED {
            self.coverage.met("unplanned end");
        }
        let unflushed = !self.is_flushed();
        if self.life.as_ref().is_some_and(Life::is_cleaning) || why.contains("compact") {
            self.coverage.met("crash during compaction");
        }
        self.life = None;
        self.judge_full(why);
        self.gone(why, unflushed);
    }

    fn gone(&mut self, why: &str, unflushed: bool) {
        let ending = std::mem::replace(&mut self.ending, End::Kill);
        self.say(format_args!("the process ends ({ending:?}): {why}"));
        self.boot += 1;
        self.tick_at = None;
        let how = match ending {
            End::Kill | End::KillAtChange(_) | End::Stop => Crash::Process,
            End::Power(seed) | End::PowerAtChange(_, seed) => Crash::Seeded(seed),
            End::PowerLosesAll => Crash::LoseAll,
        };
        self.strike(Fault::of_end(ending), unflushed);
        self.disk.crash(how);
        let now = self.queue.now();
        let died = Op::Crash(Died::Broker);
        let mut history = self.history.borrow_mut();
        history.event(now, NOBODY, Kind::Info, died);
        drop(history);
        self.everyone_is_cut();
        let down = self.last_crash().map_or(1_000, |crash| crash.down);
        self.queue.after(down, Event::Start);
    }

    /// Starts the broker; the start itself may end in a crash.
    pub(super) fn start(&mut self) {
        if self.life.is_some() {
            return;
        }
        if let Some(crash) = self.last_crash().copied() {
            self.set_clock(crash.clock);
            self.run_as(crash.strategy);
        }
        if self.phase == Phase::Work
            && let Some(n) = self.crash_again()
        {
            self.disk.stop_in(n);
        }
        let now = self.now_ms();
        let settings = (&self.config, self.plan.journal.1);
        match Life::start(&self.disk, settings, now, &mut self.chances.entropy) {
            Ok((life, outputs)) => {
                let strategy = self.strategy;
                self.say(format_args!("the broker starts ({strategy:?})"));
                let hands = life.hands.len();
                let partitions = life.engine.partitions();
                self.owners = partitions.map(|p| (p.id, p.topic_id)).collect();
                self.life = Some(life);
                self.changing = false;
                self.findings.extend(repaired(&outputs));
                if self.phase != Phase::Rot {
                    self.look_at_start();
                }
                for hand in 0..hands {
                    self.busy(hand);
                }
                self.carry_out(outputs);
                self.set_tick();
                self.listen_if_settled();
                if self.phase == Phase::Rot {
                    self.read_what_rotted();
                }
            }
            Err(error) => self.not_started(&error),
        }
    }

    /// The machine's clock, as the next start finds it.
    fn set_clock(&mut self, ms: i64) {
        match ms.cmp(&self.clock_ms) {
            Ordering::Less => self.coverage.met("clock set back at a start"),
            Ordering::Greater => self.coverage.met("clock set forward at a start"),
            Ordering::Equal => {}
        }
        self.clock_ms = ms;
    }

    /// The broker is run so from its next start on.
    fn run_as(&mut self, strategy: Strategy) {
        if strategy != self.strategy {
            self.coverage.changed(self.strategy, strategy);
            self.strategy = strategy;
            self.changing = true;
            self.config = node::config(&self.plan, strategy);
        }
    }

    /// What was promised so far holds whatever happens next, under the old policy and the new one.
    fn look_at_start(&mut self) {
        if self.power_safe || self.strategy.survives_power() {
            self.nothing_seen_is_lost();
        }
        self.power_safe = self.strategy.survives_power();
    }

    /// Where the start after the last planned crash is to end, once.
    fn crash_again(&mut self) -> Option<u64> {
        let index = self.crashes_done.checked_sub(1)?;
        self.plan.crashes.get_mut(index)?.again.take()
    }

    fn not_started(&mut self, error: &StartError) {
        if self.disk.is_stopped() {
            self.coverage.met("crash during recovery");
            if self.changing {
                self.coverage
                    .met("flush policy changed, then a crash during recovery");
            }
            let seed = self.chances.disk.bits();
            if self.power_safe && seed & 1 == 1 {
                self.ending = End::Power(seed);
            }
            return self.process_ends("during recovery");
        }
        let text = error.to_string();
        // Told, and to be mended by the operator.
        if text.contains("no storage space") {
            self.judge_full(&text);
            self.say(format_args!("no start: {text}"));
            self.disk.crash(Crash::Process);
            self.queue.after(50_000, Event::Start);
            return;
        }
        if self.phase == Phase::Rot {
            return self.refused_what_rotted(error);
        }
        self.found(format!("the broker does not start: {text}"));
    }
}
