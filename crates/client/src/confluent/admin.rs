//! Topics and offsets.

use std::collections::{BTreeMap, HashMap};

use confluent_kafka::admin::options::{ListOffsetsOptions, ListTopicsOptions};
use confluent_kafka::admin::{self as ck, AdminClient, AdminClientConfig};
use confluent_kafka::common as ckc;
use confluent_kafka::common::config::{ConfigResource, config_resource};

use super::error::{Call, translate};
use super::known_properties;
use crate::engine::Admin;
use crate::error::{Cause, Error, Kind};
use crate::record::TopicPartition;
use crate::topic::{ConfigValue, Isolation, NewTopic, OffsetSpec, Partition, Topic};

/// An admin client.
pub struct ConfluentAdmin {
    client: Box<dyn ck::Admin>,
}

impl ConfluentAdmin {
    /// `request.timeout.ms` and the call's own limit: short, since what it is asked is small and
    /// an unreachable address should be told within a person's patience.
    const TIMEOUT_MS: &str = "10000";

    pub(super) fn new(bootstrap: &str) -> Result<Self, Error> {
        let doing = format!("connect to {bootstrap}");
        let properties = BTreeMap::from([
            ("bootstrap.servers".to_owned(), bootstrap.to_owned()),
            ("request.timeout.ms".to_owned(), Self::TIMEOUT_MS.to_owned()),
            (
                "default.api.timeout.ms".to_owned(),
                Self::TIMEOUT_MS.to_owned(),
            ),
            ("retry.backoff.ms".to_owned(), "20".to_owned()),
        ]);
        let properties = known_properties(&doing, &properties, &AdminClientConfig::config_names())?;
        let config =
            AdminClientConfig::new(&properties).map_err(|e| translate(&doing, Call::Plain, &e))?;
        let client = AdminClient::create(config).map_err(|e| translate(&doing, Call::Plain, &e))?;
        Ok(Self { client })
    }
}

impl Admin for ConfluentAdmin {
    async fn create_topic(&self, topic: &NewTopic) -> Result<(), Error> {
        let configs: BTreeMap<String, String> = topic.configs.iter().cloned().collect();
        let new = ck::NewTopic::with_num_partitions_replication_factor(
            topic.name.clone(),
            topic.partitions,
            topic.replication_factor,
        )
        .set_configs((!configs.is_empty()).then_some(configs));
        let created = self.client.create_topics(&[new]).all();
        created
            .get()
            .await
            .map_err(plain(format!("create topic {}", topic.name)))
    }

    async fn list_topics(&self, internal: bool) -> Result<Vec<String>, Error> {
        let options = ListTopicsOptions::new().set_list_internal(internal);
        let names = self.client.list_topics_with_options(options).names();
        let names = names.get().await.map_err(plain("list topics"))?;
        let mut names: Vec<String> = names.into_iter().collect();
        names.sort();
        Ok(names)
    }

    async fn describe_topic(&self, name: &str) -> Result<Topic, Error> {
        let doing = format!("describe topic {name}");
        let described = self
            .client
            .describe_topics_with_topic_names(&[name.to_owned()])
            .topic_name_values()
            .and_then(|topics| topics.get(name))
            .cloned();
        let described = described.ok_or_else(|| unanswered(&doing))?;
        let topic = described.get().await.map_err(plain(doing))?;
        let mut partitions: Vec<Partition> = topic.partitions().iter().map(partition).collect();
        partitions.sort_by_key(|p| p.partition);
        Ok(Topic {
            name: topic.name().to_owned(),
            id: topic.topic_id().to_string(),
            internal: topic.is_internal(),
            partitions,
        })
    }

    async fn topic_configs(&self, name: &str) -> Result<Vec<ConfigValue>, Error> {
        let doing = format!("describe the settings of topic {name}");
        let resource = ConfigResource::new(config_resource::Type::Topic, name.to_owned());
        let described = self
            .client
            .describe_configs(std::slice::from_ref(&resource))
            .all();
        let mut described = described.get().await.map_err(plain(doing.clone()))?;
        let config = described
            .remove(&resource)
            .ok_or_else(|| unanswered(&doing))?;
        let mut values: Vec<ConfigValue> = config.entries().map(config_value).collect();
        values.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(values)
    }

    async fn delete_topic(&self, name: &str) -> Result<(), Error> {
        let deleted = self
            .client
            .delete_topics_with_string_slice(&[name.to_owned()])
            .all();
        deleted
            .get()
            .await
            .map_err(plain(format!("delete topic {name}")))
    }

    async fn list_offsets(
        &self,
        partitions: &[TopicPartition],
        spec: OffsetSpec,
    ) -> Result<BTreeMap<TopicPartition, i64>, Error> {
        let (spec, isolation) = match spec {
            OffsetSpec::Earliest => (ck::OffsetSpec::Earliest, Isolation::ReadUncommitted),
            OffsetSpec::Latest(isolation) => (ck::OffsetSpec::Latest, isolation),
        };
        let asked: HashMap<ckc::TopicPartition, ck::OffsetSpec> = partitions
            .iter()
            .map(|p| {
                (
                    ckc::TopicPartition::new(p.topic.as_str(), p.partition),
                    spec.clone(),
                )
            })
            .collect();
        let options = ListOffsetsOptions::with_isolation_level(match isolation {
            Isolation::ReadUncommitted => ckc::IsolationLevel::ReadUncommitted,
            Isolation::ReadCommitted => ckc::IsolationLevel::ReadCommitted,
        });
        let offsets = self.client.list_offsets_with_options(&asked, options).all();
        let offsets = offsets
            .get()
            .await
            .map_err(plain(doing_list_offsets(partitions)))?;
        Ok(offsets
            .into_iter()
            .map(|(p, info)| (TopicPartition::new(p.topic(), p.partition()), info.offset()))
            .collect())
    }
}

fn plain(doing: impl Into<String>) -> impl FnOnce(ckc::Error) -> Error {
    move |raw| translate(doing, Call::Plain, &raw)
}

fn unanswered(doing: &str) -> Error {
    let message = "the broker answered without it".to_owned();
    Error::Fatal(Cause {
        doing: doing.to_owned(),
        kind: Kind::Other,
        message,
    })
}

fn doing_list_offsets(partitions: &[TopicPartition]) -> String {
    match partitions {
        [one] => format!("list the offsets of {one}"),
        [first, ..] => format!(
            "list the offsets of {first} and {} more",
            partitions.len() - 1
        ),
        [] => "list the offsets of nothing".to_owned(),
    }
}

fn partition(info: &ckc::TopicPartitionInfo) -> Partition {
    Partition {
        partition: info.partition(),
        leader: info
            .leader()
            .filter(|node| !node.is_empty())
            .map(ckc::Node::id),
        replicas: info.replicas().iter().map(ckc::Node::id).collect(),
        isr: info.isr().iter().map(ckc::Node::id).collect(),
    }
}

fn config_value(entry: &ck::ConfigEntry) -> ConfigValue {
    ConfigValue {
        name: entry.name().to_owned(),
        value: entry.value().map(str::to_owned),
        set_on_topic: entry.source() == ck::config_entry::ConfigSource::DynamicTopicConfig,
    }
}
