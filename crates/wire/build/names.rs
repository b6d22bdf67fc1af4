//! Kafka's names as Rust's.

/// `TopicData` as `topic_data`, `requiredAcks` as `required_acks`.
pub(crate) fn snake_case(name: &str) -> String {
    let mut out = String::new();
    let mut previous = '_';
    for c in name.chars() {
        if c.is_ascii_uppercase() && (previous.is_ascii_lowercase() || previous.is_ascii_digit()) {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
        previous = c;
    }
    out
}

/// The name of a field, raw if it is one of Rust's words.
pub(crate) fn field_name(name: &str) -> String {
    let name = snake_case(name);
    if ["type", "match", "ref", "final"].contains(&name.as_str()) {
        format!("r#{name}")
    } else {
        name
    }
}
