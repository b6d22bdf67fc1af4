//! The header before every request.

use crate::api::ApiKey;
use crate::codec::{DecodeError, EncodeError, Reader, TaggedFields, Version, Writer};

/// What a client says before the request itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHeader {
    /// Which API it asks; not necessarily one that exists.
    pub key: i16,
    /// In which version; not necessarily one that exists.
    pub version: i16,
    /// What the response will carry.
    pub correlation_id: i32,
    /// The client's name for itself.
    pub client_id: Option<String>,
}

const FLEXIBLE: Version = Version {
    number: 2,
    flexible: true,
};

/// Reads the header, in the form that its key and version call for, and leaves `r` at the request.
///
/// Unknown keys and versions are no errors: the fields that every header begins with are read, so that the
/// answer can be addressed. That holds for ApiVersions too, which is answered in version 0 then (KIP-511).
pub fn read_header(r: &mut Reader) -> Result<RequestHeader, DecodeError> {
    let header = RequestHeader {
        key: r.i16()?,
        version: r.i16()?,
        correlation_id: r.i32()?,
        client_id: r.classic_string()?,
    };
    if header.is_flexible() {
        TaggedFields::read_unknown(r, FLEXIBLE)?;
    }
    Ok(header)
}

impl RequestHeader {
    /// Writes the header as a client does.
    pub fn write(&self, w: &mut Writer) -> Result<(), EncodeError> {
        w.i16(self.key);
        w.i16(self.version);
        w.i32(self.correlation_id);
        w.classic_string(self.client_id.as_deref())?;
        if self.is_flexible() {
            w.uvarint(0);
        }
        Ok(())
    }

    fn is_flexible(&self) -> bool {
        ApiKey::from_key(self.key).is_some_and(|api| api.request_header_version(self.version) >= 2)
    }
}

/// Writes the header of a response: the correlation id, and no tagged fields where a version has them.
pub fn write_response_header(w: &mut Writer, api: ApiKey, version: i16, correlation_id: i32) {
    w.i32(correlation_id);
    if api.response_header_version(version) >= 1 {
        w.uvarint(0);
    }
}

/// Reads the header of a response to this API in this version; gives the correlation id.
pub fn read_response_header(r: &mut Reader, api: ApiKey, version: i16) -> Result<i32, DecodeError> {
    let correlation_id = r.i32()?;
    if api.response_header_version(version) >= 1 {
        TaggedFields::read_unknown(r, FLEXIBLE)?;
    }
    Ok(correlation_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(key: i16, version: i16) -> RequestHeader {
        RequestHeader {
            key,
            version,
            correlation_id: 7,
            client_id: Some("me".to_owned()),
        }
    }

    fn bytes(header: &RequestHeader) -> bytes::Bytes {
        let mut w = Writer::new();
        header.write(&mut w).expect("a short client id");
        w.finish_contiguous()
    }

    #[test]
    fn known_and_unknown_headers_read_back() {
        for (key, version, len) in [
            (0, 8, 12),
            (0, 9, 13),
            (18, 3, 13),
            (18, 99, 12),
            (999, 0, 12),
            (0, -1, 12),
        ] {
            let header = header(key, version);
            let bytes = bytes(&header);
            assert_eq!(bytes.len(), len, "{header:?}");
            let mut r = Reader::new(bytes);
            assert_eq!(read_header(&mut r), Ok(header));
            assert_eq!(r.remaining(), 0);
        }
    }

    #[test]
    fn a_header_that_ends_early_is_an_error() {
        let bytes = bytes(&header(0, 9));
        for len in 0..bytes.len() {
            assert!(
                read_header(&mut Reader::new(bytes.slice(..len))).is_err(),
                "{len}"
            );
        }
    }

    #[test]
    fn response_headers_read_back() {
        for (api, version, len) in [
            (ApiKey::Produce, 8, 4),
            (ApiKey::Produce, 9, 5),
            (ApiKey::ApiVersions, 4, 4),
        ] {
            let mut w = Writer::new();
            write_response_header(&mut w, api, version, 42);
            assert_eq!(w.len(), len);
            let mut r = Reader::new(w.finish_contiguous());
            assert_eq!(read_response_header(&mut r, api, version), Ok(42));
            assert_eq!(r.remaining(), 0);
        }
    }
}
