//! `once broker`: serves until it is told to stop.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use once_broker::config::parse_properties;
use once_broker::{Broker, BrokerBuilder, FlushPolicy};
use tokio::signal::unix::{SignalKind, signal};

use crate::failure::Failure;

/// Run a broker: any Kafka client can connect
#[derive(Debug, Args)]
#[command(after_help = "It stops cleanly on Ctrl-C and SIGTERM.
Exit codes: 0 stopped, 2 could not start, 74 the disk failed.")]
pub(crate) struct BrokerCommand {
    /// Where to keep the data; made if it does not exist [default: once-data]
    #[arg(long, value_name = "DIR", conflicts_with = "ephemeral")]
    data: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one [default: 127.0.0.1:9092]
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// When a record is acknowledged: when it is on disk, or handed to the operating system
    /// [default: disk]
    #[arg(long, value_name = "POLICY")]
    flush: Option<Flush>,
    /// Keep the data only while it runs, in a temporary directory
    #[arg(long)]
    ephemeral: bool,
    /// A Kafka server.properties
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One of Kafka's settings, as in server.properties; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Flush {
    /// On disk: survives a power cut
    Disk,
    /// Handed to the operating system, as Kafka does by default: survives a killed process
    Os,
}

impl BrokerCommand {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let builder = self.builder()?;
        // Registered before the broker says that it serves, so that no signal is missed.
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let broker = builder
            .start()
            .map_err(|error| Failure::Usage(error.to_string()))?;
        println!("listening on {}", broker.address());
        std::io::stdout().flush()?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        broker.shutdown().await;
        Ok(())
    }

    /// The file first, then `--set`, then the flags: the nearer word wins.
    fn builder(self) -> Result<BrokerBuilder, Failure> {
        let usage = |error: once_broker::StartError| Failure::Usage(error.to_string());
        let mut builder = Broker::builder();
        if self.ephemeral {
            builder = builder.ephemeral().listen("127.0.0.1:9092");
        }
        if let Some(file) = &self.config {
            let text = std::fs::read_to_string(file)
                .map_err(|error| Failure::Usage(format!("read {}: {error}", file.display())))?;
            let settings = parse_properties(&text)
                .map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))?;
            for (key, value) in settings {
                builder = builder.set(&key, &value).map_err(usage)?;
            }
        }
        for setting in &self.set {
            let (key, value) = setting
                .split_once('=')
                .ok_or_else(|| Failure::Usage(format!("--set {setting}: expected KEY=VALUE")))?;
            builder = builder.set(key.trim(), value.trim()).map_err(usage)?;
        }
        if let Some(directory) = self.data {
            builder = builder.data_dir(directory);
        }
        if let Some(address) = self.listen {
            builder = builder.listen(address);
        }
        Ok(match self.flush {
            None => builder,
            Some(Flush::Disk) => builder.flush(FlushPolicy::Disk),
            Some(Flush::Os) => builder.flush(FlushPolicy::Os),
        })
    }
}
