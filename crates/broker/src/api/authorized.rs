//! Authorized operations as bit sets (KIP-430). Without an authorizer everything is allowed; the
//! sets are those of Kafka's `AclEntry.supportedOperations`.

/// Not asked for.
pub(crate) const UNKNOWN: i32 = i32::MIN;
/// Create, alter, describe, cluster action, describe and alter configs, idempotent write.
pub(crate) const CLUSTER: i32 = bits(&[5, 7, 8, 9, 10, 11, 12]);
/// Read, write, create, delete, alter, describe, describe and alter configs.
pub(crate) const TOPIC: i32 = bits(&[3, 4, 5, 6, 7, 8, 10, 11]);
/// Read, delete, describe, describe and alter configs.
pub(crate) const GROUP: i32 = bits(&[3, 6, 8, 10, 11]);

/// `set` if it was asked for.
pub(crate) fn if_asked(asked: bool, set: i32) -> i32 {
    if asked { set } else { UNKNOWN }
}

const fn bits(operations: &[u32]) -> i32 {
    let mut set = 0;
    let mut index = 0;
    while index < operations.len() {
        set |= 1 << operations[index];
        index += 1;
    }
    set
}
