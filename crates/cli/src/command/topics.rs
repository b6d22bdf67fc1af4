//! `once topics`: create, list, describe and delete topics.

use std::io::{self, Write};
use std::time::Duration;

use clap::{Args, Subcommand};
use once_client::{Admin, Confluent, Engine, NewTopic, TopicPartition};

use super::Cluster;
use crate::failure::Failure;
use crate::output;

/// Create, list, describe and delete topics
#[derive(Debug, Args)]
pub(crate) struct Topics {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create a topic
    Create {
        /// The topic's name
        topic: String,
        /// How many partitions; the broker's num.partitions if not given
        #[arg(long, value_parser = clap::value_parser!(i32).range(1..))]
        partitions: Option<i32>,
        /// Replicas of each partition; the broker's default.replication.factor if not given
        #[arg(long, value_parser = clap::value_parser!(i16).range(1..))]
        replication_factor: Option<i16>,
        /// A topic setting; may be given several times
        #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
        config: Vec<(String, String)>,
        #[command(flatten)]
        cluster: Cluster,
    },
    /// List the topics' names
    List {
        /// The cluster's own topics too
        #[arg(long)]
        internal: bool,
        #[command(flatten)]
        cluster: Cluster,
    },
    /// Show partitions, leaders, replicas and settings
    Describe {
        /// The topics; all if none is given
        topics: Vec<String>,
        #[command(flatten)]
        cluster: Cluster,
    },
    /// Delete topics and all their records
    Delete {
        /// The topics
        #[arg(required = true)]
        topics: Vec<String>,
        #[command(flatten)]
        cluster: Cluster,
    },
}

impl Topics {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        match self.action {
            Action::Create {
                topic,
                partitions,
                replication_factor,
                config,
                cluster,
            } => {
                let topic = NewTopic {
                    name: topic,
                    partitions,
                    replication_factor,
                    configs: config,
                };
                create(&Confluent.admin(cluster.reached().await?)?, &topic).await
            }
            Action::List { internal, cluster } => {
                list(&Confluent.admin(cluster.reached().await?)?, internal).await
            }
            Action::Describe { topics, cluster } => {
                describe(&Confluent.admin(cluster.reached().await?)?, topics).await
            }
            Action::Delete { topics, cluster } => {
                delete(&Confluent.admin(cluster.reached().await?)?, &topics).await
            }
        }
    }
}

/// Returns when the topic can be written, so that the next line of a script may do so.
async fn create(admin: &impl Admin, topic: &NewTopic) -> Result<(), Failure> {
    admin.create_topic(topic).await?;
    let partitions = admin.describe_topic(&topic.name).await.map_or_else(
        |_| vec![TopicPartition::new(&topic.name, 0)],
        |made| {
            made.partitions
                .iter()
                .map(|p| TopicPartition::new(&topic.name, p.partition))
                .collect()
        },
    );
    admin
        .await_leaders(&partitions, Duration::from_secs(10))
        .await?;
    writeln!(io::stdout(), "Created topic {}.", topic.name)?;
    Ok(())
}

async fn list(admin: &impl Admin, internal: bool) -> Result<(), Failure> {
    let names = admin.list_topics(internal).await?;
    let mut out = io::stdout().lock();
    for name in names {
        writeln!(out, "{name}")?;
    }
    Ok(())
}

async fn describe(admin: &impl Admin, topics: Vec<String>) -> Result<(), Failure> {
    let topics = if topics.is_empty() {
        admin.list_topics(true).await?
    } else {
        topics
    };
    for name in topics {
        let topic = admin.describe_topic(&name).await?;
        let configs = admin.topic_configs(&name).await?;
        output::topic(&mut io::stdout().lock(), &topic, &configs)?;
    }
    Ok(())
}

async fn delete(admin: &impl Admin, topics: &[String]) -> Result<(), Failure> {
    for name in topics {
        admin.delete_topic(name).await?;
        writeln!(io::stdout(), "Deleted topic {name}.")?;
    }
    Ok(())
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE, such as retention.ms=60000".to_owned()),
    }
}
