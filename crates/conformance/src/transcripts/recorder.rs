//! Writes down what passes the fault proxy, keeps answers from clients where it is told to, and lets clients see
//! only the versions that `once` serves too.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use once_verify::proxy::Watch;
use once_wire::message::api_versions_response::ApiVersionsResponse;
use once_wire::request::{read_header, read_response_header, write_response_header};
use once_wire::{ApiKey, Message, Reader, VersionRange, Writer};

use super::exchange::Exchange;

/// Answers that clients do not get: to the n-th request of an API, from 1 on.
pub(super) type Cuts = &'static [(ApiKey, usize)];

/// Watches a proxy.
pub(super) struct Recorder {
    served: BTreeMap<i16, VersionRange>,
    record: Mutex<Record>,
}

#[derive(Default)]
struct Record {
    cuts: Vec<(i16, usize)>,
    /// Requests so far, by API.
    requests: BTreeMap<i16, usize>,
    frames: usize,
    exchanges: Vec<Exchange>,
}

impl Recorder {
    /// Has seen nothing yet; `served` are the versions of `once`.
    pub(super) fn new(served: BTreeMap<i16, VersionRange>) -> Self {
        Self {
            served,
            record: Mutex::default(),
        }
    }

    /// Forgets what it has seen, and makes these cuts from now on.
    pub(super) fn begin(&self, cuts: Cuts) {
        *self.lock() = Record {
            cuts: cuts.iter().map(|(api, nth)| (api.key(), *nth)).collect(),
            ..Record::default()
        };
    }

    /// What it has seen, in the order in which it was asked, and how many cuts were not made.
    pub(super) fn end(&self) -> (Vec<Exchange>, usize) {
        let record = std::mem::take(&mut *self.lock());
        (record.exchanges, record.cuts.len())
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The versions that both serve.
    fn narrow(&self, said: &mut ApiVersionsResponse) {
        said.api_keys.retain_mut(|api| {
            let Some(served) = self.served.get(&api.api_key) else {
                return false;
            };
            api.min_version = api.min_version.max(served.min);
            api.max_version = api.max_version.min(served.max);
            api.min_version <= api.max_version
        });
    }

    fn narrowed(&self, version: i16, answer: &Bytes) -> Option<Bytes> {
        let mut reader = Reader::new(answer.clone());
        let correlation = read_response_header(&mut reader, ApiKey::ApiVersions, version).ok()?;
        let mut said = ApiVersionsResponse::decode(&mut reader, version).ok()?;
        self.narrow(&mut said);
        let mut writer = Writer::new();
        write_response_header(&mut writer, ApiKey::ApiVersions, version, correlation);
        said.encode(&mut writer, version).ok()?;
        Some(writer.finish_contiguous())
    }
}

impl Watch for Recorder {
    fn asked(&self, connection: u64, request: &Bytes) {
        let Ok(header) = read_header(&mut Reader::new(request.clone())) else {
            return;
        };
        let mut record = self.lock();
        record.frames += 1;
        let sent = record.frames;
        let nth = record.requests.entry(header.key).or_default();
        *nth += 1;
        let cut = (header.key, *nth);
        let place = record.cuts.iter().position(|known| *known == cut);
        let lost = place.map(|place| record.cuts.swap_remove(place)).is_some();
        record.exchanges.push(Exchange {
            connection,
            client: header.client_id.unwrap_or_default(),
            key: header.key,
            version: header.version,
            sent,
            answered: None,
            lost,
            request: request.to_vec(),
            answer: Vec::new(),
        });
    }

    fn answered(&self, connection: u64, answer: Bytes) -> Option<Bytes> {
        let correlation = answer.first_chunk::<4>()?;
        let mut record = self.lock();
        record.frames += 1;
        let frames = record.frames;
        let asked = record.exchanges.iter_mut().find(|exchange| {
            exchange.connection == connection
                && exchange.answered.is_none()
                && exchange.request.get(4..8) == Some(correlation)
        });
        // What was asked before the record began passes as it is.
        let Some(asked) = asked else {
            return Some(answer);
        };
        asked.answered = Some(frames);
        let seen = match asked.key == ApiKey::ApiVersions.key() {
            true => self.narrowed(asked.version, &answer)?,
            false => answer,
        };
        asked.answer = seen.to_vec();
        (!asked.lost).then_some(seen)
    }
}
