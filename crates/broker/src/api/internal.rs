//! Topics that the broker keeps for itself.

/// The topic of the transaction coordinators.
pub(crate) const TRANSACTION_STATE: &str = "__transaction_state";
/// The topic of the group coordinators.
pub(crate) const CONSUMER_OFFSETS: &str = "__consumer_offsets";

/// Whether clients may only read a topic.
pub(crate) fn is_internal(topic: &str) -> bool {
    matches!(topic, TRANSACTION_STATE | CONSUMER_OFFSETS)
}
