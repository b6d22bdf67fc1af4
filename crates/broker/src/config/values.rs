//! What the values of settings may be. The errors are for the person who wrote them.

use super::FlushPolicy;

pub(super) fn number<T>(text: &str, least: T) -> Result<T, String>
where
    T: std::str::FromStr + PartialOrd + std::fmt::Display,
{
    let value: T = text
        .trim()
        .parse()
        .map_err(|_| format!("'{text}' is not a number of its type"))?;
    if value < least {
        Err(format!("{value} is below the least value {least}"))
    } else {
        Ok(value)
    }
}

/// How many partitions a topic has that is made in one piece, as by CreateTopics.
pub(super) fn partitions(text: &str) -> Result<i32, String> {
    const MOST: i32 = 10_000;
    let count = number(text, 1)?;
    if count > MOST {
        return Err(format!(
            "{count} is above the most partitions of a topic, {MOST}"
        ));
    }
    Ok(count)
}

pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("'{text}' is neither true nor false")),
    }
}

/// How long records are kept: some time, or −1 for ever.
pub(super) fn retention<T>(text: &str) -> Result<T, String>
where
    T: std::str::FromStr + PartialOrd + std::fmt::Display + From<i8>,
{
    match number(text, T::from(-1)) {
        Ok(value) if value == T::from(0) => Err("0 keeps nothing: -1 keeps for ever".to_owned()),
        value => value,
    }
}

/// A share, from 0 to 1.
pub(super) fn ratio(text: &str) -> Result<f64, String> {
    let value = number(text, 0.0)?;
    if value <= 1.0 {
        Ok(value)
    } else {
        Err(format!("{value} is above 1"))
    }
}

/// What happens to old data: `compact`, `delete`, both, or nothing.
pub(super) fn policy(text: &str) -> Result<String, String> {
    let known = |part: &str| matches!(part.trim(), "compact" | "delete");
    if text.trim().is_empty() || text.split(',').all(known) {
        Ok(text.trim().to_owned())
    } else {
        Err(format!("'{text}' is no list of compact and delete"))
    }
}

/// One `PLAINTEXT://host:port`. A listener of KRaft's controllers beside it, as in the
/// `server.properties` that Kafka ships, is read over: there is no quorum.
pub(super) fn listener(text: &str) -> Result<(String, u16), String> {
    let wanted = "one listener of the form PLAINTEXT://HOST:PORT is served";
    let mut own = text
        .split(',')
        .map(str::trim)
        .filter(|one| !one.starts_with("CONTROLLER://"));
    let address = match (own.next(), own.next()) {
        (Some(one), None) => one.strip_prefix("PLAINTEXT://"),
        _ => None,
    };
    let address = address.ok_or_else(|| format!("'{text}': {wanted}"))?;
    let (host, port) = address
        .rsplit_once(':')
        .ok_or_else(|| format!("'{text}': {wanted}"))?;
    let port = port.parse().map_err(|_| format!("'{text}': {wanted}"))?;
    Ok((host.to_owned(), port))
}

pub(super) fn compression(text: &str) -> Result<String, String> {
    const NAMES: [&str; 6] = ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];
    let name = text.trim();
    if NAMES.contains(&name) {
        Ok(name.to_owned())
    } else {
        Err(format!("'{text}' is none of {}", NAMES.join(", ")))
    }
}

pub(super) fn directory(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.contains(',') {
        return Err(format!("'{text}': one directory is served"));
    }
    Ok(text.to_owned())
}

/// 1 flushes every write; Kafka's unset default, the largest long, none. Nothing between can be
/// promised to mean anything.
pub(super) fn flush_interval(text: &str) -> Result<FlushPolicy, String> {
    match number(text, 1)? {
        1 => Ok(FlushPolicy::Disk),
        i64::MAX => Ok(FlushPolicy::Os),
        other => Err(format!(
            "{other} promises nothing that can be kept: use 1 (an acknowledged record is on disk), \
             or leave the key out and pass --flush os (it is handed to the operating system)"
        )),
    }
}
