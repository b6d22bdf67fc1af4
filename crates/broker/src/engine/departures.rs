//! What leaves a connection, and its end.

use super::core::Engine;
use super::ids::ConnectionId;
use super::output::Output;
use super::session::Departure;
use super::timers::Alarm;

impl Engine {
    pub(super) fn depart(&mut self, connection: ConnectionId, leaving: Vec<Departure>) {
        for departure in leaving {
            let frames = match departure {
                Departure::Reply(frames) => frames,
                Departure::Silent => Vec::new(),
                Departure::Close(reason) => return self.hang_up(connection, reason),
            };
            self.outputs.push(Output::Reply { connection, frames });
        }
    }

    fn hang_up(&mut self, connection: ConnectionId, reason: String) {
        self.forget(connection);
        self.outputs.push(Output::Close { connection, reason });
    }

    pub(super) fn forget(&mut self, connection: ConnectionId) {
        if !self.sessions.close(connection) {
            return;
        }
        self.order.forget(connection);
        for waiter in self.waiting.of_connection(connection) {
            if let Some(call) = self.waiting.take(waiter) {
                self.waiting.forget_reads(&call.reads);
            }
            self.timers.set(Alarm::Call(waiter), None);
        }
    }
}
