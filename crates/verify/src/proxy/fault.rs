//! Faults to be dealt, and what was dealt.

use std::collections::BTreeMap;
use std::sync::Mutex;

use bytes::Bytes;
use once_wire::{ApiKey, DecodeError, Message, Reader, Request};
use tokio::sync::oneshot;

use super::address::Address;
use super::{lock, rewrite};

/// Orders that wait for their response, and counts by API key.
#[derive(Default)]
pub(super) struct Faults {
    orders: Mutex<Vec<(ApiKey, oneshot::Sender<Dropped>)>>,
    counts: Mutex<BTreeMap<i16, Counts>>,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    answered: u64,
    dropped: u64,
}

/// An order to drop a response, until it is carried out.
#[must_use = "dropping it takes the order back"]
pub struct Dropping(oneshot::Receiver<Dropped>);

/// A response that a broker sent and no client received.
#[derive(Debug, Clone)]
pub struct Dropped {
    /// Its API.
    pub api: ApiKey,
    /// Its version.
    pub version: i16,
    /// The request's correlation id.
    pub correlation_id: i32,
    /// The broker that answered, as `host:port`.
    pub broker: String,
    /// The whole response frame.
    frame: Bytes,
}

impl Faults {
    pub(super) fn drop_next(&self, api: ApiKey) -> Dropping {
        let (sender, receiver) = oneshot::channel();
        lock(&self.orders).push((api, sender));
        Dropping(receiver)
    }

    pub(super) fn answered(&self, api: ApiKey) -> u64 {
        self.counts(api).answered
    }

    pub(super) fn dropped(&self, api: ApiKey) -> u64 {
        self.counts(api).dropped
    }

    fn counts(&self, api: ApiKey) -> Counts {
        lock(&self.counts)
            .get(&api.key())
            .copied()
            .unwrap_or_default()
    }

    /// Takes note of a broker's answer, and says whether it has to be dropped.
    pub(super) fn on_answer(
        &self,
        api: ApiKey,
        version: i16,
        broker: &Address,
        frame: &Bytes,
    ) -> bool {
        let mut counts = lock(&self.counts);
        let counts = counts.entry(api.key()).or_default();
        counts.answered += 1;
        let mut orders = lock(&self.orders);
        orders.retain(|(_, sender)| !sender.is_closed());
        let Some(at) = orders.iter().position(|(ordered, _)| *ordered == api) else {
            return false;
        };
        counts.dropped += 1;
        let (_, sender) = orders.remove(at);
        let correlation_id = rewrite::correlation_id(frame).unwrap_or(-1);
        let dropped = Dropped {
            api,
            version,
            correlation_id,
            broker: broker.to_string(),
            frame: frame.clone(),
        };
        // The handle may have gone this very moment; the response is dropped all the same.
        let _ = sender.send(dropped);
        true
    }
}

impl Dropping {
    /// Waits until a response was dropped. `None` if the proxy is gone.
    pub async fn happened(self) -> Option<Dropped> {
        self.0.await.ok()
    }
}

impl Dropped {
    /// What the client was not to know. `R` is the request that was answered.
    pub fn response<R: Request>(&self) -> Result<R::Response, DecodeError> {
        let mut reader = Reader::new(self.frame.clone());
        rewrite::skip_header(&mut reader, self.api, self.version)?;
        R::Response::decode(&mut reader, self.version)
    }
}
