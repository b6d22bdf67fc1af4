//! Who this broker is.

use once_wire::ids::Uuid;

/// How clients reach a node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeAddress {
    /// `node.id`.
    pub id: i32,
    /// Host that clients are told.
    pub host: String,
    /// Port that clients are told.
    pub port: u16,
}

/// Who this broker is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// The cluster's id, from `meta.properties`.
    pub cluster_id: String,
    /// Its one node.
    pub node: NodeAddress,
    /// The id of its log directory, from `meta.properties`.
    pub directory: Uuid,
}
