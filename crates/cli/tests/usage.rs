//! What a user reads without a broker: help and errors, as reviewed text.
//!
//! `ONCE_UPDATE_SNAPSHOTS=1 cargo test -p once-cli` writes `tests/snapshots/` anew; the diff is
//! what is to be reviewed.

use std::path::Path;
use std::process::Command;

/// What a run of `once` with these arguments prints, and its exit code.
fn once(args: &[&str]) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_once"))
        .args(args)
        .output()
        .expect("runs");
    let (out, err) = (
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr),
    );
    let code = run.status.code().expect("was not killed");
    format!("$ once {}\n{out}{err}exit code {code}\n", args.join(" "))
}

/// Compares with the snapshot of this name.
fn snapshot(name: &str, runs: &[&[&str]]) {
    let found: Vec<String> = runs.iter().map(|args| once(args)).collect();
    let found = found.join("\n");
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/snapshots")
        .join(format!("{name}.txt"));
    if std::env::var_os("ONCE_UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &found).expect("written");
    }
    let reviewed = std::fs::read_to_string(&path).expect("a snapshot");
    assert_eq!(found, reviewed, "{} differs", path.display());
}

#[test]
fn help_is_what_was_reviewed() {
    snapshot(
        "topics-help",
        &[
            &["topics", "create", "--help"],
            &["topics", "describe", "--help"],
        ],
    );
    snapshot("produce-help", &[&["produce", "--help"]]);
    snapshot("consume-help", &[&["consume", "--help"]]);
    snapshot("demo-help", &[&["demo", "--help"]]);
    snapshot("broker-help", &[&["broker", "--help"]]);
}

#[test]
fn wrong_usage_is_told_and_ends_with_2() {
    let runs: &[&[&str]] = &[
        &["tpics"],
        &["consume"],
        &["consume", "t", "--isolation-level", "committed"],
        &["topics", "create", "t", "--partitions", "0"],
        &["topics", "create", "t", "--config", "retention.ms"],
        &["topics", "list", "--bootstrap", "localhost"],
        &["topics", "delete"],
        &["produce", "t", "--key-separator", ""],
        &[
            "demo",
            "--sabotage",
            "nothing",
            "--bootstrap",
            "localhost:1",
        ],
        &["demo-processor", "x"],
    ];
    snapshot("usage-errors", runs);
    for args in runs {
        assert!(once(args).ends_with("exit code 2\n"), "{args:?}");
    }
}

#[test]
fn an_address_where_nobody_listens_is_told_at_once_and_ends_with_1() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    drop(listener);
    let started = std::time::Instant::now();
    for command in [
        &["topics", "list"][..],
        &["produce", "t"],
        &["consume", "t"],
        &["demo"],
    ] {
        let said = once(&[command, &["--bootstrap", &address]].concat());
        let (_, said) = said.split_once('\n').expect("lines");
        let expected = format!(
            "error: connect to {address}: {address}: Connection refused (os error 111)\n  \
             Is the broker running there? `--bootstrap HOST:PORT` names another.\nexit code 1\n"
        );
        assert_eq!(said, expected);
    }
    assert!(started.elapsed().as_secs() < 5);
}
