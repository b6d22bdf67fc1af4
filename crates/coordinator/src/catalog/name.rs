//! Topic names (Kafka: `org.apache.kafka.common.internals.Topic`).

/// The topic that the catalog itself is stored in. Nobody may create it.
pub const CLUSTER_METADATA: &str = "__cluster_metadata";

/// The longest name: with a partition's number it must still be a file name.
const MAX_LEN: usize = 249;

/// Whether a topic may be called `name`.
#[must_use]
pub fn is_valid_topic_name(name: &str) -> bool {
    why_invalid_topic_name(name).is_none()
}

/// What is wrong with `name`, in a sentence; `None` if nothing is.
#[must_use]
pub fn why_invalid_topic_name(name: &str) -> Option<String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let reason = if name.is_empty() {
        "the empty string is not allowed".to_owned()
    } else if name == "." || name == ".." {
        format!("'{name}' is not allowed")
    } else if name.encode_utf16().count() > MAX_LEN {
        format!("the length of '{name}' is longer than the max allowed length {MAX_LEN}")
    } else if !name.chars().all(legal) {
        let allowed = "ASCII alphanumerics, '.', '_' and '-'";
        format!("'{name}' contains one or more characters other than {allowed}")
    } else {
        return None;
    };
    Some(format!("Topic name is invalid: {reason}"))
}

/// What two names that collide have in common: metric names do not tell '.' from '_'. `None` if
/// the name has neither.
pub(super) fn collision_key(name: &str) -> Option<String> {
    name.contains(['.', '_']).then(|| name.replace('.', "_"))
}
