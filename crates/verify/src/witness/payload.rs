//! What a record carries: its number, and bytes that follow from it, so that a record that comes
//! back changed is noticed.

use bytes::Bytes;
use once_check::history::Value;
use once_client::Record;

/// The most bytes behind the number, and what one record in so many has.
const PADDING_MOST: u64 = 200;
const LARGE_EVERY: u64 = 100;
const LARGE: u64 = 20_000;

/// The value of the record of this number.
pub(super) fn payload(number: u64) -> Bytes {
    let spread = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let length = if spread.is_multiple_of(LARGE_EVERY) {
        LARGE
    } else {
        spread % PADDING_MOST
    };
    let mut text = format!("{number} ").into_bytes();
    text.extend((0..length).map(|at| b'a' + (spread.wrapping_add(at) % 26).to_le_bytes()[0]));
    text.into()
}

/// What a record says of itself: its number, or, if it is not what was sent, the text that came.
pub(super) fn value(record: &Record) -> Value {
    let bytes = record.value.as_deref().unwrap_or_default();
    let text = String::from_utf8_lossy(bytes);
    let number = text
        .split(' ')
        .next()
        .and_then(|number| number.parse().ok());
    match number {
        Some(number) if payload(number) == bytes => Value::Number(number),
        _ => {
            let start: String = text.chars().take(60).collect();
            Value::from(format!("altered, {} bytes: {start}", bytes.len()).as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(value: Bytes) -> Record {
        Record {
            topic: "t".to_owned(),
            partition: 0,
            offset: 0,
            timestamp_ms: 0,
            key: None,
            value: Some(value),
            headers: Vec::new(),
        }
    }

    #[test]
    fn a_record_that_comes_back_changed_is_not_the_one_that_was_sent() {
        for number in [0, 7, 123_456_789, u64::MAX] {
            let sent = payload(number);
            assert_eq!(value(&record(sent.clone())), Value::Number(number));
            let cut = sent.slice(..sent.len() - 1);
            assert!(matches!(value(&record(cut)), Value::Text(_)));
        }
    }
}
