//! The engine as its clients see it, without a disk or a socket.

mod basics;
mod rig;
mod topic_apis;
mod transaction_apis;
mod transactions;
