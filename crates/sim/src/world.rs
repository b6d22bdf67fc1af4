//! The world of one run: the queue, the broker's lives, the network, the clients, and what goes
//! wrong.

mod clean;
mod clients;
mod crash;
mod disk;
mod event;
mod heal;
mod link;
mod rot;
mod shadow;
mod watch;

pub(crate) use self::event::Event;
pub use self::watch::{Passed, Watch};
use crate::client::{Port, Task};
use crate::coverage::Coverage;
use crate::invariant::Invariants;
use crate::judge;
use crate::mutant::Rule;
use crate::net::Net;
use crate::node::{self, EPOCH_MS, Life};
use crate::plan::{End, Plan, Strategy, Trigger};
use crate::queue::{Micros, Queue};
use crate::random::Random;
use crate::trace::{Keep, Trace};
use once_broker::config::Config;
use once_broker::engine::{Input, LogId, Output};
use once_check::History;
use once_log::store::FakeDisk;
use once_wire::ids::Uuid;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

/// Steps after which a run that should have ended has not.
const STEPS_MAX: u64 = 400_000;
/// The last moment at which clients may still begin something.
const WORK_UNTIL: Micros = 120_000_000;

/// Where a run stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Phase {
    /// Clients work, things break.
    Work,
    /// Nothing breaks any more; what is under way ends.
    Heal,
    /// Everything is read.
    Drain,
    /// A bit has flipped on the disk, and everything is read again.
    Rot,
}

/// One process of a client.
pub(crate) struct Seat {
    port: Port,
    task: Option<Task>,
}

/// Streams of chance, one for each concern.
pub(crate) struct Chances {
    net: Random,
    disk: Random,
    entropy: Random,
    samples: Random,
    room: Random,
}

/// The world.
pub(crate) struct World {
    plan: Plan,
    phase: Phase,
    queue: Queue<Event>,
    trace: Trace,
    disk: Arc<FakeDisk>,
    /// How the broker is run now, and its settings then.
    strategy: Strategy,
    config: Arc<Config>,
    life: Option<Life>,
    /// The next start is the first in another way than before.
    changing: bool,
    /// Whose logs are, by topic id; those of the present life.
    owners: BTreeMap<LogId, Uuid>,
    /// The topics that were made, by name.
    topics: BTreeMap<String, Uuid>,
    /// All that was acknowledged so far survives the loss of power.
    power_safe: bool,
    /// Counts lives: what belongs to an earlier one is void.
    boot: u64,
    /// How the life under way will end, once its disk stops it.
    ending: End,
    /// What the clock of the present life is ahead of the simulation's.
    clock_ms: i64,
    tick_at: Option<Micros>,
    net: Net,
    seats: Vec<Seat>,
    history: Rc<RefCell<History>>,
    chances: Chances,
    crashes_done: usize,
    jumps_done: usize,
    steps: u64,
    /// What a crash may have waited for, if this step was it.
    moment: Option<Trigger>,
    /// Somebody else has filled the disk.
    squeezed: bool,
    /// Room was ordered.
    room_comes: bool,
    /// At the next quiet moment recovery is compared with the life that runs.
    compare: bool,
    /// Soon it is looked at what a crash would leave.
    shadow_due: bool,
    /// What recovery was compared with last, and when: in which life, after how many changes of the disk.
    compared: Option<((u64, u64), Life)>,
    invariants: Invariants,
    coverage: Coverage,
    findings: Vec<String>,
    /// A bit that flipped at the end.
    flipped: Option<rot::Flipped>,
    /// Who sees what passes.
    watch: Option<Watch>,
    over: bool,
}

/// What became of a run.
#[derive(Debug)]
pub struct Outcome {
    /// What was found, none being best.
    pub findings: Vec<String>,
    /// The trace.
    pub trace: Trace,
    /// What was met.
    pub coverage: Coverage,
    /// Events.
    pub steps: u64,
    /// Operations of clients.
    pub operations: u64,
    /// Ends of the broker's process.
    pub crashes: u64,
    /// The history.
    pub history: History,
}

/// Plays a plan.
#[must_use]
pub fn run(plan: Plan, keep: Keep) -> Outcome {
    World::new(plan, keep).run()
}

/// Plays a plan and shows somebody what passes between the clients and the network.
#[must_use]
pub fn run_watched(plan: Plan, watch: Watch) -> Outcome {
    let mut world = World::new(plan, Keep::Hash);
    world.watch = Some(watch);
    world.run()
}

impl World {
    fn run(mut self) -> Outcome {
        self.begin();
        let played = catch_unwind(AssertUnwindSafe(|| self.play()));
        if let Err(panic) = played {
            // What the shell's process ends with: a defect, whatever else it saw.
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            self.found(format!("panic: {}", text.unwrap_or("of no words")));
        }
        self.end()
    }

    fn new(plan: Plan, keep: Keep) -> Self {
        let seed = plan.seed;
        Self {
            phase: Phase::Work,
            queue: Queue::default(),
            trace: Trace::new(keep),
            disk: Arc::new(FakeDisk::new()),
            strategy: plan.strategy,
            config: node::config(&plan, plan.strategy),
            life: None,
            changing: false,
            owners: BTreeMap::new(),
            topics: BTreeMap::new(),
            power_safe: true,
            boot: 0,
            ending: End::Kill,
            clock_ms: 0,
            tick_at: None,
            net: Net::default(),
            seats: Vec::new(),
            history: Rc::default(),
            chances: Chances {
                net: Random::stream(seed, "net"),
                disk: Random::stream(seed, "disk"),
                entropy: Random::stream(seed, "entropy"),
                samples: Random::stream(seed, "samples"),
                room: Random::stream(seed, "looks at room"),
            },
            crashes_done: 0,
            jumps_done: 0,
            steps: 0,
            moment: None,
            squeezed: false,
            room_comes: false,
            compare: false,
            shadow_due: false,
            compared: None,
            invariants: Invariants::default(),
            coverage: Coverage::default(),
            findings: Vec::new(),
            flipped: None,
            watch: None,
            over: false,
            plan,
        }
    }

    fn begin(&mut self) {
        self.say(format_args!("{:?}", self.plan.clone()));
        if self.breaks(Rule::DirectorySync) {
            self.disk.ignore_dir_syncs();
        }
        self.make_room();
        self.queue.at(0, Event::Start);
        self.queue.at(WORK_UNTIL, Event::Heal);
        for client in 0..self.plan.clients.len() {
            self.seat(self.plan.clients[client]);
        }
    }

    fn play(&mut self) {
        while !self.over && self.findings.is_empty() {
            let Some(event) = self.queue.pop() else {
                self.found("nothing happens any more, and the run is not over".to_owned());
                break;
            };
            self.steps += 1;
            if self.steps > STEPS_MAX {
                self.found("the run does not end".to_owned());
                break;
            }
            self.moment = None;
            self.jump_if_planned();
            self.happen(event);
            self.look_at_samples();
            self.crash_if_planned();
        }
    }

    fn end(mut self) -> Outcome {
        let history = self.history.borrow().clone();
        if self.findings.is_empty() {
            self.findings = judge::judge(&history);
        }
        for finding in &self.findings {
            let at = self.queue.now();
            self.trace.line(at, format_args!("FOUND {finding}"));
        }
        self.coverage.plan(&self.plan);
        let operations = judge::operations(&history);
        Outcome {
            findings: self.findings,
            trace: self.trace,
            coverage: self.coverage,
            steps: self.steps,
            operations,
            crashes: self.boot,
            history,
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Client(seat, delivery) => self.poll(seat, delivery),
            Event::Dial(link) => self.dialled(link),
            Event::Request(link, frame) => self.request(link, frame),
            Event::Hangup(link) => self.hung_up(link),
            Event::Write(boot, hand) if boot == self.boot => self.write(hand),
            Event::File(boot, hand) if boot == self.boot => self.file(hand),
            Event::Flush(boot, hand) if boot == self.boot => self.flush(hand),
            Event::Job(boot, job) if boot == self.boot => self.job(job),
            Event::Report(boot, hand, flushed) if boot == self.boot => {
                self.report(hand, flushed);
            }
            Event::Look(boot, read, log, look) if boot == self.boot => {
                self.look(read, log, &look);
            }
            Event::Tick(boot) if boot == self.boot => self.tick(),
            Event::Measure(boot) if boot == self.boot => self.measure(),
            Event::Write(..)
            | Event::File(..)
            | Event::Flush(..)
            | Event::Report(..)
            | Event::Look(..)
            | Event::Job(..)
            | Event::Measure(_)
            | Event::Tick(_) => {}
            Event::Start => self.start(),
            Event::Room => self.make_room(),
            Event::Heal => self.heal(),
            Event::Drain => self.drain(),
            Event::Over => self.found(self.what_is_stuck()),
        }
    }

    /// The broker's clock.
    fn now_ms(&self) -> i64 {
        EPOCH_MS + self.clock_ms + i64::try_from(self.queue.now() / 1_000).unwrap_or(0)
    }

    /// One step of the engine, with all that follows at once.
    fn step(&mut self, input: Input) {
        let now = self.now_ms();
        let Some(life) = &mut self.life else {
            return;
        };
        let tick = matches!(input, Input::Tick);
        let outputs = life.engine.step(now, input);
        self.note(tick, &outputs);
        let removed = self.removed(&outputs);
        self.carry_out(outputs);
        self.look_at_removal(&removed);
        if let Some(life) = &self.life {
            let found = self.invariants.look(&life.engine);
            self.findings.extend(found);
        }
        self.sample();
        self.notice_shortage();
        self.set_tick();
    }

    fn carry_out(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Reply { connection, frames } => self.reply(connection.0, frames),
                Output::Close { connection, reason } => self.close(connection.0, &reason),
                Output::Read { read, log, look } => {
                    let wait = self.chances.disk.below(self.plan.disk.flush);
                    self.queue
                        .after(wait, Event::Look(self.boot, read, log, look));
                }
                Output::Measure => {
                    let wait = self.chances.room.below(self.plan.disk.flush);
                    self.queue.after(wait, Event::Measure(self.boot));
                }
                Output::Warn(text) => self.say(format_args!("broker: {text}")),
                Output::Open { .. }
                | Output::Write { .. }
                | Output::Start { .. }
                | Output::Compact { .. }
                | Output::Remove { .. } => {
                    self.order(output);
                }
            }
        }
    }

    fn set_tick(&mut self) {
        let deadline = self.life.as_ref().and_then(|life| life.engine.deadline());
        let Some(deadline) = deadline else {
            return;
        };
        let ms = deadline.saturating_sub(EPOCH_MS + self.clock_ms);
        let at = u64::try_from(ms).unwrap_or(0).saturating_mul(1_000);
        if self.tick_at.is_none_or(|before| at < before) {
            self.tick_at = Some(at);
            self.queue.at(at, Event::Tick(self.boot));
        }
    }

    fn tick(&mut self) {
        self.tick_at = None;
        self.step(Input::Tick);
    }

    /// Whether a rule of the shell is broken on purpose.
    fn breaks(&self, rule: Rule) -> bool {
        self.plan.mutant.is_some_and(|mutant| mutant.rule == rule)
    }

    fn say(&mut self, text: std::fmt::Arguments<'_>) {
        self.trace.line(self.queue.now(), text);
    }

    fn found(&mut self, finding: String) {
        self.findings.push(finding);
    }
}
