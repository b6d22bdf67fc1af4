//! Clients: their seats, and what they do.

use super::{Event, Passed, Phase, Seat, World};
use crate::client::{Act, Delivery, Port, Role, Task};
use crate::random::Random;
use once_check::History;
use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Waker};

impl World {
    /// Seats one more process of a client.
    pub(super) fn seat(&mut self, role: Role) -> usize {
        let port = self.fresh_port();
        let task = role.task(port.clone(), &self.plan);
        self.sit(port, task)
    }

    /// A port for the next seat.
    pub(super) fn fresh_port(&self) -> Port {
        self.port_with(Rc::clone(&self.history))
    }

    /// A port whose client writes another history.
    pub(super) fn port_with(&self, history: Rc<RefCell<History>>) -> Port {
        let seat = self.seats.len();
        let number = u32::try_from(seat).expect("a few clients") + 1;
        let random = Random::numbered(self.plan.seed, "client", number.into());
        Port::new(seat, number, random, history)
    }

    /// A task takes the seat of its port.
    pub(super) fn sit(&mut self, port: Port, task: Task) -> usize {
        let seat = self.seats.len();
        self.seats.push(Seat {
            port,
            task: Some(task),
        });
        self.queue.after(0, Event::Client(seat, None));
        seat
    }

    pub(super) fn poll(&mut self, seat: usize, delivery: Option<Delivery>) {
        let now = self.queue.now();
        if self.seats[seat].task.is_none() {
            return;
        }
        match &delivery {
            Some(Delivery::Frame(link, frame)) => {
                self.net.answered(*link);
                self.passes(seat, *link, || Passed::Answer(frame.clone()));
            }
            Some(Delivery::Closed(link)) => self.passes(seat, *link, || Passed::Closed),
            Some(Delivery::Opened(_)) | None => {}
        }
        let Seat { port, task } = &mut self.seats[seat];
        port.deliver(now, delivery);
        let mut context = Context::from_waker(Waker::noop());
        let ready = task
            .as_mut()
            .is_some_and(|task| task.as_mut().poll(&mut context).is_ready());
        if ready {
            *task = None;
        }
        for act in port.take_acts() {
            self.act(seat, act);
        }
        if ready {
            self.say(format_args!("client {seat} is done"));
            self.a_task_ended();
        }
    }

    fn act(&mut self, seat: usize, act: Act) {
        match act {
            Act::Dial(link) => self.dial(seat, link),
            Act::Send(link, key, frame) => {
                self.passes(seat, link, || Passed::Request(frame.clone()));
                self.send(link, key, frame);
            }
            Act::Close(link) => {
                self.passes(seat, link, || Passed::Closed);
                self.client_closes(link);
            }
            Act::Abandon(link) => self.passes(seat, link, || Passed::Closed),
            Act::Wake(at) => self.queue.at(at, Event::Client(seat, None)),
            Act::Given(producer_id) => self.given(producer_id),
            Act::Told(fact) => self.told(&fact),
            Act::Say(text) => self.say(format_args!("client {seat}: {text}")),
            Act::Found(text) => self.found(format!("client {seat}: {text}")),
        }
    }

    fn a_task_ended(&mut self) {
        let ended = self.seats.iter().all(|seat| seat.task.is_none());
        match self.phase {
            Phase::Work if ended => self.queue.after(0, Event::Heal),
            Phase::Heal if ended => self.queue.after(0, Event::Drain),
            Phase::Drain if ended => self.drained(),
            Phase::Rot if ended => self.rotten_read(),
            Phase::Work | Phase::Heal | Phase::Drain | Phase::Rot => {}
        }
    }
}
