//! The well-behaved client: produces and fetches, one call after the other, and checks that it
//! gets back what it stored. It has a thread of its own, so that what it measures is the broker.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use once_wire::batch::BatchBuilder;

use crate::error::Error;
use crate::link::Link;

/// A call that is not answered by then has failed.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two rounds.
const PAUSE: Duration = Duration::from_millis(5);
/// Every so many rounds a newcomer connects, asks for the versions and leaves.
const NEWCOMER_EVERY: u64 = 20;

/// How the client was served.
#[derive(Debug, Clone, Default)]
pub(crate) struct Service {
    /// Calls answered rightly.
    pub(crate) served: u64,
    /// Calls that were not, each with a connection made anew after it.
    pub(crate) failures: u64,
    /// What the first failure was.
    pub(crate) first_failure: Option<String>,
    /// The longest that an answered call took.
    pub(crate) worst: Duration,
    /// The same since it was last asked for.
    pub(crate) worst_lately: Duration,
}

/// The client at work.
pub(crate) struct Citizen {
    service: Arc<Mutex<Service>>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Citizen {
    /// Starts on a topic that nobody else writes.
    pub(crate) fn start(address: &str, topic: &str) -> Self {
        let (service, stop) = (
            Arc::<Mutex<Service>>::default(),
            Arc::<AtomicBool>::default(),
        );
        let mut life = Life {
            address: address.to_owned(),
            topic: topic.to_owned(),
            service: Arc::clone(&service),
            stop: Arc::clone(&stop),
            next: 0,
        };
        let thread = thread::spawn(move || life.live());
        Self {
            service,
            stop,
            thread,
        }
    }

    /// How it was served so far, and the worst latency since the last time this was asked.
    pub(crate) fn service(&self) -> (Service, Duration) {
        let mut service = lock(&self.service);
        let lately = mem::take(&mut service.worst_lately);
        (service.clone(), lately)
    }

    /// Ends it and gives the whole.
    pub(crate) fn stop(self) -> Service {
        self.stop.store(true, Ordering::Relaxed);
        if self.thread.join().is_err() {
            let mut service = lock(&self.service);
            service.failures += 1;
            service
                .first_failure
                .get_or_insert("the client panicked".to_owned());
        }
        let service = lock(&self.service);
        service.clone()
    }
}

fn lock(service: &Mutex<Service>) -> MutexGuard<'_, Service> {
    service.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Life {
    address: String,
    topic: String,
    service: Arc<Mutex<Service>>,
    stop: Arc<AtomicBool>,
    /// The number of the next record.
    next: u64,
}

impl Life {
    fn live(&mut self) {
        while !self.stopped() {
            if let Err(error) = self.one_connection() {
                let mut service = lock(&self.service);
                service.failures += 1;
                service.first_failure.get_or_insert(error.to_string());
                drop(service);
                thread::sleep(PAUSE);
            }
        }
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn one_connection(&mut self) -> Result<(), Error> {
        let mut link = self.timed(|life| Link::connect(&life.address, PATIENCE))?;
        // After a failure it is open whether the last record was stored.
        let mut end = self.timed(|life| link.end(&life.topic, 0))?;
        let mut rounds = 0;
        while !self.stopped() {
            end = self.round(&mut link, end)?;
            rounds += 1;
            if rounds % NEWCOMER_EVERY == 0 {
                self.timed(|life| Link::connect(&life.address, PATIENCE)?.versions())?;
            }
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Stores records at `end` and reads them back; returns the new end.
    fn round(&mut self, link: &mut Link, end: i64) -> Result<i64, Error> {
        let count = 1 + self.next % 5;
        let values: Vec<String> = (0..count)
            .map(|n| format!("served-{}", self.next + n))
            .collect();
        self.next += count;
        let batch = values.iter().fold(BatchBuilder::new(), |batch, value| {
            batch.push(1_700_000_000_000, None, Some(value.as_bytes()), &[])
        });
        let batch = batch.build();
        let base = self.timed(|life| link.produce(&life.topic, 0, None, &batch))?;
        if base != end {
            return Err(Error::Wrong(format!(
                "a batch was stored at {base}, not at the end {end}"
            )));
        }
        let records = self.timed(|life| link.fetch(&life.topic, 0, end))?;
        let read = records
            .iter()
            .map(|record| record.value.as_deref().unwrap_or_default());
        if read.eq(values.iter().map(String::as_bytes)) {
            Ok(end + records.len() as i64)
        } else {
            Err(Error::Wrong(format!(
                "read {records:?} where {values:?} was stored"
            )))
        }
    }

    fn timed<T>(&mut self, call: impl FnOnce(&Self) -> Result<T, Error>) -> Result<T, Error> {
        let started = Instant::now();
        let outcome = call(self)?;
        let took = started.elapsed();
        let mut service = lock(&self.service);
        service.served += 1;
        service.worst = service.worst.max(took);
        service.worst_lately = service.worst_lately.max(took);
        Ok(outcome)
    }
}
