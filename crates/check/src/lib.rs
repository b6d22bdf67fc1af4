//! The judge: reads what clients of Kafka did and saw, and finds where that cannot have been
//! exactly-once.
//!
//! It depends on nothing of ours, so that it cannot share our mistakes. `docs/history.md` describes
//! the format, and every anomaly with its definition and source.
//!
//! ```
//! use once_check::history::{History, Isolation, Partition, PartitionRead, Poll, SendRecord};
//! use once_check::{Anomaly, Verdict, check};
//!
//! let orders = Partition::new("orders", 0);
//! let mut history = History::new();
//! for offset in 0..3 {
//!     let record = SendRecord::new(orders.clone(), offset as u64);
//!     let send = history.invoke(0, 1, record.clone());
//!     history.ok_with(0, send, record.at(offset));
//! }
//! let poll = Poll::new(Isolation::ReadCommitted);
//! let read = PartitionRead::new(orders).record(0, 0u64).record(2, 2u64);
//! let invoked = history.invoke(0, 2, poll.clone());
//! history.ok_with(0, invoked, poll.read(read));
//!
//! let report = check(&history);
//! assert_eq!(report.verdict(), Verdict::Invalid);
//! assert_eq!(report.count(Anomaly::LostWrite), 1);
//! ```

mod anomaly;
mod check;
mod coverage;
mod facts;
mod graph;
mod hash;
pub mod history;
mod order;
mod report;
mod verdict;

pub use anomaly::Anomaly;
pub use check::check;
pub use history::History;
pub use report::{Counts, Finding, Report};
pub use verdict::Verdict;

#[cfg(test)]
mod ideal;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
