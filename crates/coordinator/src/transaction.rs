//! Transactions: who may write under a transactional id, and what became of each transaction.
//!
//! [`Transactions`] is the coordinator of one partition of `__transaction_state`
//! (Kafka: `TransactionCoordinator`, `TransactionStateManager`, `TransactionMetadata`).
//!
//! The one invariant: once a Prepare record is durable, every partition of the transaction gets
//! markers of exactly that result, however often the process dies; and a client is told so only
//! when the last of them is written.
//!
//! Two things differ from Kafka, both in what a client waits for, neither in what is stored:
//!
//! * EndTxn is answered when the transaction is *complete*. A client in normal flow so never
//!   meets CONCURRENT_TRANSACTIONS. The wait is bounded by [`TransactionConfig::park_ms`]; then
//!   the answer is Kafka's, because Prepare is durable. A retried EndTxn joins the wait.
//! * InitProducerId over an open transaction aborts it, waits likewise, and answers with the new
//!   epoch rather than with CONCURRENT_TRANSACTIONS.
//!
//! Kafka's `pendingState` has no counterpart: an event is applied in the same step in which it is
//! appended, so no request can meet a half-made transition, and a failed append ends the process.
//!
//! What is not built yet: transaction version 2 (KIP-890 part 2: the epoch bump at every EndTxn,
//! aborting an empty transaction). The vocabulary carries it: [`TransactionVersion`], the
//! previous and the next producer id.

mod add;
mod apply;
mod codec;
mod command;
mod complete;
mod describe;
mod end;
mod expire;
mod init;
mod machine;
mod state;

#[cfg(test)]
mod tests;

pub use command::{Command, Effect, Event, Reply, RetryMemory, TransactionConfig, Wait};
pub use describe::{Description, ListFilter, Listed, Listing};
pub use machine::Transactions;
pub use state::{TransactionMetadata, TransactionState, TransactionVersion};
