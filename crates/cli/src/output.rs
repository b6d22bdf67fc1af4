//! Everything printed on standard output, in the shapes Kafka's own tools have made familiar.

use std::io::{self, IsTerminal, Write};

use once_client::{ConfigValue, Record, Topic};
use once_verify::demo::{Claim, Report, Telling};

/// Which parts of a record are printed besides its value.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Columns {
    pub(crate) partition: bool,
    pub(crate) offset: bool,
    pub(crate) headers: bool,
    pub(crate) key: bool,
}

/// A record as kafka-console-consumer prints it: columns separated by tabs, bytes as they are.
pub(crate) fn record(out: &mut impl Write, record: &Record, columns: Columns) -> io::Result<()> {
    if columns.partition {
        write!(out, "Partition:{}\t", record.partition)?;
    }
    if columns.offset {
        write!(out, "Offset:{}\t", record.offset)?;
    }
    if columns.headers {
        headers(out, record)?;
        out.write_all(b"\t")?;
    }
    if columns.key {
        out.write_all(record.key.as_deref().unwrap_or(b"null"))?;
        out.write_all(b"\t")?;
    }
    out.write_all(record.value.as_deref().unwrap_or(b"null"))?;
    out.write_all(b"\n")
}

fn headers(out: &mut impl Write, record: &Record) -> io::Result<()> {
    if record.headers.is_empty() {
        return out.write_all(b"NO_HEADERS");
    }
    for (at, header) in record.headers.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        write!(out, "{comma}{}:", header.key)?;
        out.write_all(header.value.as_deref().unwrap_or(b"null"))?;
    }
    Ok(())
}

/// A topic as kafka-topics describes it.
pub(crate) fn topic(
    out: &mut impl Write,
    topic: &Topic,
    configs: &[ConfigValue],
) -> io::Result<()> {
    let set: Vec<String> = configs
        .iter()
        .filter(|config| config.set_on_topic)
        .map(|config| format!("{}={}", config.name, config.value.as_deref().unwrap_or("")))
        .collect();
    writeln!(
        out,
        "Topic: {}\tTopicId: {}\tPartitionCount: {}\tReplicationFactor: {}\tConfigs: {}",
        topic.name,
        topic.id,
        topic.partitions.len(),
        topic
            .partitions
            .first()
            .map_or(0, |partition| partition.replicas.len()),
        set.join(",")
    )?;
    for partition in &topic.partitions {
        writeln!(
            out,
            "\tTopic: {}\tPartition: {}\tLeader: {}\tReplicas: {}\tIsr: {}",
            topic.name,
            partition.partition,
            partition
                .leader
                .map_or_else(|| "none".to_owned(), |leader| leader.to_string()),
            nodes(&partition.replicas),
            nodes(&partition.isr)
        )?;
    }
    Ok(())
}

fn nodes(ids: &[i32]) -> String {
    ids.iter().map(i32::to_string).collect::<Vec<_>>().join(",")
}

/// What the demo tells as it goes.
pub(crate) fn telling(out: &mut impl Write, telling: &Telling) -> io::Result<()> {
    match telling {
        Telling::Act { number, title } => writeln!(out, "\nAct {number}. {title}\n"),
        Telling::Line(line) => writeln!(out, "  {line}"),
        Telling::Checked(claim) => {
            writeln!(out, "  {} {}: {}", verdict(claim), claim.what, claim.found)
        }
    }
}

/// The demo's claims and what was found.
pub(crate) fn report(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let width = |of: fn(&Claim) -> &str, title: &str| {
        let widths = report.claims.iter().map(|claim| of(claim).chars().count());
        widths.max().unwrap_or(0).max(title.len())
    };
    let what = width(|claim| &claim.what, "claim");
    let expected = width(|claim| &claim.expected, "expected");
    let found = width(|claim| &claim.found, "found in the log");
    writeln!(
        out,
        "\n  act  {:what$}  {:expected$}  found in the log",
        "claim", "expected"
    )?;
    for claim in &report.claims {
        writeln!(
            out,
            "  {:>3}  {:what$}  {:expected$}  {:found$}  {}",
            claim.act,
            claim.what,
            claim.expected,
            claim.found,
            verdict(claim)
        )?;
    }
    let failed = report.claims.iter().filter(|claim| !claim.holds()).count();
    match failed {
        0 => writeln!(out, "\nAll {} claims hold.", report.claims.len()),
        _ => writeln!(out, "\n{failed} of {} claims fail.", report.claims.len()),
    }
}

/// Green or red where somebody looks, plain where something reads.
fn verdict(claim: &Claim) -> &'static str {
    let coloured = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    match (claim.holds(), coloured) {
        (true, true) => "\x1b[32mholds\x1b[0m",
        (true, false) => "holds",
        (false, true) => "\x1b[31mFAILS\x1b[0m",
        (false, false) => "FAILS",
    }
}

#[cfg(test)]
mod tests;
