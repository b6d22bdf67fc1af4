//! Thousands of connections that each announce 100 MiB and send some KiB of it: together more than
//! a broker may hold.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::super::ground::Ground;
use super::crowd;
use crate::rng::Rng;

/// How many connect at once.
const CONNECTING: usize = 50;
/// The largest frame that Kafka's default allows.
const ANNOUNCED: u32 = 100 << 20;
/// What each sends at first, and what it goes on to send in small pieces while it may.
const FIRST: usize = 4 << 10;
const MOST: usize = 64 << 10;

pub(super) async fn run(ground: Arc<Ground>, rng: Rng, until: Instant) {
    let each = ground.announcers / CONNECTING;
    crowd(CONNECTING, &ground, &rng, |_, ground, mut rng| async move {
        let mut announcers = Vec::new();
        for _ in 0..each {
            if Instant::now() >= until {
                break;
            }
            if let Some(stream) = ground.connect().await {
                announcers.push(Announcer::new(stream, &mut rng));
            }
        }
        while Instant::now() < until {
            let before = announcers.len();
            announcers.retain_mut(|announcer| announcer.send_on());
            ground.refused((before - announcers.len()) as u64);
            sleep(Duration::from_millis(200)).await;
        }
    })
    .await;
}

struct Announcer {
    stream: TcpStream,
    /// What is to come; of a Produce request, so that a broker that looks into it reads on.
    bytes: Vec<u8>,
    sent: usize,
}

impl Announcer {
    fn new(stream: TcpStream, rng: &mut Rng) -> Self {
        let header = [0, 0, 0, 9, 0, 0, 0, 1, 0xff, 0xff, 0];
        let mut bytes = [&ANNOUNCED.to_be_bytes()[..], &header].concat();
        bytes.extend(rng.bytes(FIRST));
        let mut announcer = Self {
            stream,
            bytes,
            sent: 0,
        };
        announcer.send_on();
        announcer
    }

    /// Sends what the socket takes now. False once the broker has closed it.
    fn send_on(&mut self) -> bool {
        let mut byte = [0];
        match self.stream.try_read(&mut byte) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(0) | Err(_) => return false,
            // An answer to a request that is not whole.
            Ok(_) => {}
        }
        if self.sent >= MOST {
            return true;
        }
        let from = self.sent % self.bytes.len();
        match self.stream.try_write(&self.bytes[from..]) {
            Ok(sent) => {
                self.sent += sent;
                true
            }
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        }
    }
}
