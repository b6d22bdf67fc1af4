//! Ends and starts of the broker's process.

use super::{Event, Phase, World};
use crate::node::Life;
use crate::plan::{CrashPlan, End, Trigger};
use once_broker::{FlushPolicy, StartError};
use once_check::history::{Crash as Died, Kind, Op};
use once_log::store::Crash;

/// Events of no client.
pub(super) const NOBODY: u32 = 1_000_000;

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
        let waits = crash.trigger != Trigger::AtOnce && self.moment != Some(crash.trigger);
        if waits && crash.step + 500 > self.steps {
            return;
        }
        self.compare_if_quiet();
        self.crashes_done += 1;
        self.ending = crash.end;
        match crash.end {
            // The disk ends it, in the middle of a change.
            End::KillAtChange(n) | End::PowerAtChange(n, _) => self.disk.stop_in(n),
            End::Kill | End::Power(_) | End::PowerLosesAll => self.process_ends("planned"),
            End::Stop => self.stop(),
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
        let stopped = life.stop();
        self.say(format_args!("the broker stops: {stopped:?}"));
        self.coverage.fault("clean stop");
        self.gone("stopped");
    }

    /// The process ends now: planned, or because a write or a flush failed.
    pub(super) fn process_ends(&mut self, why: &str) {
        self.life = None;
        self.judge_full(why);
        self.gone(why);
    }

    fn gone(&mut self, why: &str) {
        let ending = std::mem::replace(&mut self.ending, End::Kill);
        self.say(format_args!("the process ends ({ending:?}): {why}"));
        self.boot += 1;
        self.tick_at = None;
        let how = match ending {
            End::Kill | End::KillAtChange(_) | End::Stop => Crash::Process,
            End::Power(seed) | End::PowerAtChange(_, seed) => Crash::Seeded(seed),
            End::PowerLosesAll => Crash::LoseAll,
        };
        self.coverage.end(ending);
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
            self.clock_ms = crash.clock;
        }
        if self.phase == Phase::Work
            && let Some(n) = self.crash_again()
        {
            self.disk.stop_in(n);
        }
        let now = self.now_ms();
        let started = Life::start(&self.disk, &self.config, now, &mut self.chances.entropy);
        match started {
            Ok((life, outputs)) => {
                self.say(format_args!("the broker starts"));
                let hands = life.hands.len();
                self.life = Some(life);
                for hand in 0..hands {
                    self.busy(hand);
                }
                self.carry_out(outputs);
                self.set_tick();
                self.listen_if_settled();
            }
            Err(error) => self.not_started(&error),
        }
    }

    /// Where the start after the last planned crash is to end, once.
    fn crash_again(&mut self) -> Option<u64> {
        let index = self.crashes_done.checked_sub(1)?;
        self.plan.crashes.get_mut(index)?.again.take()
    }

    fn not_started(&mut self, error: &StartError) {
        if self.disk.is_stopped() {
            self.coverage.fault("crash during recovery");
            let seed = self.chances.disk.bits();
            if self.plan.flush == FlushPolicy::Disk && seed & 1 == 1 {
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
        self.found(format!("the broker does not start: {text}"));
    }
}
