//! Whether anybody listens: asked before a client is made, because a client goes on trying for as
//! long as its timeout lets it and then says only that time ran out.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::error::{Cause, Error, Kind};

/// How long a connection may take. On a network where it takes longer nothing else would work.
const PATIENCE: Duration = Duration::from_secs(5);

/// Succeeds as soon as one of the addresses (`host:port,…`) accepts a connection; otherwise says
/// of each why it does not.
pub async fn reach(bootstrap: &str) -> Result<(), Error> {
    let mut refusals = Vec::new();
    for address in bootstrap.split(',').map(str::trim) {
        match timeout(PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => refusals.push(format!("{address}: {error}")),
            Err(_) => refusals.push(format!("{address}: no answer in {} s", PATIENCE.as_secs())),
        }
    }
    let doing = format!("connect to {bootstrap}");
    Err(Error::Retry(Cause {
        doing,
        kind: Kind::Unreachable,
        message: refusals.join("; "),
    }))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn one_address_that_answers_is_enough() {
        let listening = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let here = listening.local_addr().expect("bound");
        let closed = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let gone = closed.local_addr().expect("bound");
        drop(closed);
        reach(&format!("{gone},{here}"))
            .await
            .expect("one of them listens");
        let error = reach(&gone.to_string()).await.expect_err("nobody listens");
        assert_eq!(error.kind(), Kind::Unreachable);
        assert!(error.to_string().contains("refused"), "{error}");
    }
}
