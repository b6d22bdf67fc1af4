//! The engine as its clients see it, without a disk or a socket.

mod answers;
mod basics;
mod compaction;
mod deletion;
mod fences;
mod files;
mod full_disk;
mod group_admin;
mod internal_topics;
mod large_groups;
mod many_partitions;
mod metadata;
mod produce_checks;
mod reading;
mod recompression;
mod recreated;
mod rig;
mod same_name;
mod sessions;
mod topic_apis;
mod transaction_apis;
mod transactions;
