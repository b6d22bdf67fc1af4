//! Reading the machine: DescribeTransactions and ListTransactions (KIP-664).

use once_wire::error::ErrorCode;

use super::machine::Transactions;
use super::state::{TransactionMetadata, TransactionState};
use crate::machine::Millis;

/// States of Kafka's that an id never has here; as filters they are known and match nothing.
const TRANSIENT_STATES: [&str; 2] = ["Dead", "PrepareEpochFence"];

/// What DescribeTransactions tells of one id: as stored.
pub type Description<'a> = &'a TransactionMetadata;

/// Which ids ListTransactions asks for. The default asks for all.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListFilter {
    /// States by Kafka's names; empty for all.
    pub states: Vec<String>,
    /// Producer ids; empty for all.
    pub producer_ids: Vec<i64>,
    /// Only transactions that began more than so many milliseconds ago. An id that has no
    /// transaction counts from its start of −1, as in Kafka.
    pub longer_than_ms: Option<Millis>,
}

/// One listed id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    /// The id.
    pub transactional_id: String,
    /// Its producer id.
    pub producer_id: i64,
    /// Its state.
    pub state: TransactionState,
}

/// An answer to ListTransactions.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Listing {
    /// State names of the filter that nobody knows.
    pub unknown_states: Vec<String>,
    /// The ids, in order.
    pub transactions: Vec<Listed>,
}

impl Transactions {
    /// What is stored of an id.
    ///
    /// # Errors
    /// INVALID_REQUEST for the empty id, TRANSACTIONAL_ID_NOT_FOUND for an unknown one.
    pub fn describe(&self, transactional_id: &str) -> Result<Description<'_>, ErrorCode> {
        if transactional_id.is_empty() {
            return Err(ErrorCode::InvalidRequest);
        }
        let entry = self.entries.get(transactional_id);
        entry
            .map(|entry| &entry.metadata)
            .ok_or(ErrorCode::TransactionalIdNotFound)
    }

    /// The ids that pass `filter`.
    #[must_use]
    pub fn list(&self, now: Millis, filter: &ListFilter) -> Listing {
        let known = |name: &str| {
            TRANSIENT_STATES.contains(&name)
                || TransactionState::ALL
                    .iter()
                    .any(|state| state.name() == name)
        };
        let passes = |m: &TransactionMetadata| {
            (filter.producer_ids.is_empty() || filter.producer_ids.contains(&m.producer.id))
                && (filter.states.is_empty() || filter.states.iter().any(|s| s == m.state.name()))
                && filter
                    .longer_than_ms
                    .is_none_or(|ms| now.saturating_sub(m.start_ms) > ms)
        };
        let unknown = filter.states.iter().filter(|name| !known(name));
        let listed = self
            .entries
            .iter()
            .filter(|(_, entry)| passes(&entry.metadata));
        Listing {
            unknown_states: unknown.cloned().collect(),
            transactions: listed
                .map(|(id, entry)| Listed {
                    transactional_id: id.clone(),
                    producer_id: entry.metadata.producer.id,
                    state: entry.metadata.state,
                })
                .collect(),
        }
    }
}
