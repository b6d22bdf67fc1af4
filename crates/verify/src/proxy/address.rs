//! Broker addresses as Kafka writes them.

use std::fmt;

use crate::error::Error;

/// A host, by name or number, and a port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

impl Address {
    /// What a broker said in a response; `None` where it named no broker (an empty host, or the
    /// port −1 that goes with an error).
    pub(super) fn told(host: &str, port: i32) -> Option<Self> {
        let port = u16::try_from(port).ok().filter(|port| *port != 0)?;
        (!host.is_empty()).then(|| Self {
            host: host.to_owned(),
            port,
        })
    }

    /// Parses `host:port,…`, with IPv6 hosts in brackets.
    pub(super) fn parse_list(list: &str) -> Result<Vec<Self>, Error> {
        list.split(',').map(|one| Self::parse(one.trim())).collect()
    }

    fn parse(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Usage(format!("{text:?} is no broker address: write HOST:PORT"));
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port: u16 = port.parse().map_err(|_| wrong())?;
        Self::told(host, i32::from(port)).ok_or_else(wrong)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_keeps_its_order_and_its_ipv6_hosts() {
        let list = Address::parse_list("localhost:9092, [::1]:9093").expect("a list");
        assert_eq!(
            list[0],
            Address {
                host: "localhost".into(),
                port: 9092
            }
        );
        assert_eq!(
            list[1],
            Address {
                host: "::1".into(),
                port: 9093
            }
        );
        assert_eq!(list[1].to_string(), "[::1]:9093");
    }

    #[test]
    fn what_is_no_address_is_named_in_the_error() {
        for wrong in [
            "",
            "localhost",
            "localhost:",
            "localhost:x",
            ":9092",
            "localhost:0",
            "a:1,",
        ] {
            let error = Address::parse_list(wrong).expect_err(wrong).to_string();
            assert!(error.ends_with("write HOST:PORT"), "{error}");
        }
    }

    #[test]
    fn no_broker_is_no_address() {
        assert_eq!(Address::told("", 9092), None);
        assert_eq!(Address::told("a", -1), None);
    }
}
