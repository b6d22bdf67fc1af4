//! Producing, alone and in transactions. Calls that wait do so on threads that may block.

use std::time::Duration;

use once_client::{Ack, Appended, Error, GroupMetadata, NewRecord, Offsets, Producer};
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _, PurgeConfig};
use rdkafka::{Offset, TopicPartitionList};
use tokio::task::spawn_blocking;

use crate::engine::Standings;
use crate::error::{plain, record_in_transaction, transaction};

/// How long one call of a transaction may take before it says that it may be made again.
const CALL: Duration = Duration::from_secs(20);

/// A producer.
pub(crate) struct LibrdkafkaProducer {
    client: FutureProducer,
    transactional: bool,
    standings: Standings,
}

impl LibrdkafkaProducer {
    pub(crate) fn new(config: &ClientConfig, standings: Standings) -> Result<Self, Error> {
        let client = config.create();
        Ok(Self {
            client: client.map_err(|error| plain("make a producer", &error))?,
            transactional: config.get("transactional.id").is_some(),
            standings,
        })
    }

    /// Makes a call that blocks.
    async fn block(
        &self,
        doing: &'static str,
        call: impl FnOnce(&FutureProducer) -> Result<(), KafkaError> + Send + 'static,
    ) -> Result<(), Error> {
        let client = self.client.clone();
        match spawn_blocking(move || call(&client)).await {
            Ok(done) => done.map_err(|error| transaction(doing, &error)),
            Err(_) => Err(plain(doing, &KafkaError::Canceled)),
        }
    }

    fn refused(&self, doing: String, error: &KafkaError) -> Error {
        if self.transactional {
            record_in_transaction(doing, error)
        } else {
            plain(doing, error)
        }
    }
}

impl Producer for LibrdkafkaProducer {
    async fn init_transactions(&self) -> Result<(), Error> {
        self.block("init transactions", |client| client.init_transactions(CALL))
            .await
    }

    fn begin_transaction(&self) -> Result<(), Error> {
        let begun = self.client.begin_transaction();
        begun.map_err(|error| transaction("begin a transaction", &error))
    }

    async fn send(&self, record: NewRecord) -> Result<Ack, Error> {
        let doing = format!("produce to {}", record.topic);
        let key = record.key.unwrap_or_default();
        let value = record.value.unwrap_or_default();
        let headers = record.headers.iter().map(|header| Header {
            key: header.key.as_str(),
            value: header.value.as_deref(),
        });
        let headers = headers.fold(OwnedHeaders::new(), OwnedHeaders::insert);
        let sent = loop {
            let raw = FutureRecord::to(&record.topic)
                .key(&key[..])
                .payload(&value[..])
                .headers(headers.clone());
            let raw = match record.partition {
                Some(partition) => raw.partition(partition),
                None => raw,
            };
            match self.client.send_result(raw) {
                Ok(sent) => break sent,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Err((error, _)) => return Err(self.refused(doing, &error)),
            }
        };
        let transactional = self.transactional;
        Ok(Ack::new(async move {
            let refused = |error: &KafkaError| {
                if transactional {
                    record_in_transaction(doing.clone(), error)
                } else {
                    plain(doing.clone(), error)
                }
            };
            match sent.await {
                Ok(Ok(delivery)) => Ok(Appended {
                    partition: delivery.partition,
                    offset: delivery.offset,
                }),
                Ok(Err((error, _))) => Err(refused(&error)),
                Err(_) => Err(refused(&KafkaError::Canceled)),
            }
        }))
    }

    async fn flush(&self) -> Result<(), Error> {
        self.block("flush", |client| client.flush(CALL)).await
    }

    async fn send_offsets(&self, offsets: &Offsets, group: &GroupMetadata) -> Result<(), Error> {
        let doing = "add offsets to the transaction";
        let mut list = TopicPartitionList::new();
        for (partition, offset) in offsets {
            list.add_partition_offset(
                &partition.topic,
                partition.partition,
                Offset::Offset(*offset),
            )
            .map_err(|error| plain(doing, &error))?;
        }
        let standing = self.standings.take(group);
        let standing = standing.ok_or_else(|| plain(doing, &KafkaError::Canceled))?;
        self.block(doing, move |client| {
            let retriable = |error: &KafkaError| match error {
                KafkaError::Transaction(raw) => raw.is_retriable() && !raw.txn_requires_abort(),
                _ => false,
            };
            let mut sent = client.send_offsets_to_transaction(&list, &standing, CALL);
            for _ in 0..20 {
                if !sent.as_ref().is_err_and(retriable) {
                    break;
                }
                sent = client.send_offsets_to_transaction(&list, &standing, CALL);
            }
            sent
        })
        .await
    }

    async fn commit_transaction(&self) -> Result<(), Error> {
        let doing = "commit the transaction";
        self.block(doing, |client| client.commit_transaction(CALL))
            .await
    }

    async fn abort_transaction(&self) -> Result<(), Error> {
        let doing = "abort the transaction";
        self.block(doing, |client| client.abort_transaction(CALL))
            .await
    }

    async fn close(&self, timeout: Duration) -> Result<(), Error> {
        self.block("close the producer", move |client| {
            let flushed = client.flush(timeout);
            client.purge(PurgeConfig::default().queue().inflight());
            flushed
        })
        .await
    }
}
