//! Runs the consume-process-produce load against a cluster for a while, and judges it:
//! `cargo run -p once-verify --example cpp -- HOST:PORT [SECONDS]`. Kill brokers meanwhile.

use std::time::Duration;

use once_verify::Error;
use once_verify::cpp::{Load, LoadOptions, judge};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut args = std::env::args().skip(1);
    let usage = || Error::Usage("cpp HOST:PORT [SECONDS]".to_owned());
    let bootstrap = args.next().ok_or_else(usage)?;
    let seconds = args
        .next()
        .map_or(Ok(5), |text| text.parse())
        .map_err(|_| usage())?;
    let run = format!("cpp-{}", std::process::id());
    let options = LoadOptions {
        bootstrap: bootstrap.clone(),
        input: format!("{run}-in"),
        outputs: vec![format!("{run}-a"), format!("{run}-b")],
        partitions: 4,
        group: run,
        processors: 2,
        batch: 100,
        rate: Some(2_000),
        transaction_timeout: Duration::from_secs(10),
    };
    let load = Load::start(options.clone()).await?;
    for second in 1..=seconds {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let so_far = load.report();
        println!(
            "{second} s: {} inputs, {} commits",
            so_far.acknowledged.len(),
            so_far.commits
        );
    }
    let report = load.finish(Duration::from_secs(120)).await?;
    println!(
        "commits {}, aborts {}, restarts {}",
        report.commits, report.aborts, report.restarts
    );
    for (error, times) in &report.errors {
        println!("  {times} × {error}");
    }
    let judgement = judge(
        &bootstrap,
        &options.input,
        &options.outputs,
        &report.acknowledged,
    )
    .await?;
    println!("{judgement:?}");
    println!("{}", if judgement.holds() { "holds" } else { "FAILS" });
    Ok(())
}
