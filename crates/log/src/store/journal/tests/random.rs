//! Journals under random appends and crashes.

use proptest::prelude::*;

use super::*;

/// What happens to a journal.
#[derive(Clone, Debug)]
enum Step {
    Append(Vec<usize>),
    Free,
    /// The next sync but `after` fails, which ends the process; then the power goes.
    Fail {
        after: u64,
        seed: u64,
    },
    Crash(Crash),
}

fn step() -> impl Strategy<Value = Step> {
    let crash = prop_oneof![
        Just(Crash::Process),
        Just(Crash::LoseAll),
        any::<u64>().prop_map(Crash::Seeded)
    ];
    prop_oneof![
        8 => prop::collection::vec(0..2_000usize, 1..4).prop_map(Step::Append),
        1 => Just(Step::Free),
        2 => (1..4u64, any::<u64>()).prop_map(|(after, seed)| Step::Fail { after, seed }),
        1 => crash.prop_map(Step::Crash),
    ]
}

/// What must be, and what may be, in a journal.
#[derive(Default)]
struct Expected {
    /// Entries that were acknowledged and not freed, by offset of their first batch.
    kept: Vec<Vec<Bytes>>,
    /// The entry whose append failed.
    doubtful: Option<Vec<Bytes>>,
    offset: i64,
}

impl Expected {
    fn entry(&mut self, sizes: &[usize]) -> Vec<Bytes> {
        let made = sizes.iter().zip(self.offset..);
        let entry: Vec<Bytes> = made.map(|(size, offset)| batch(offset, *size)).collect();
        self.offset += i64::try_from(entry.len()).expect("small");
        entry
    }

    /// The journal after a crash: all that was acknowledged, and of the doubtful entry all or nothing. Earlier
    /// entries may still be there.
    fn check(&mut self, disk: &Arc<FakeDisk>) {
        let found = all(&scan(disk).expect("a crash is no damage"));
        let kept = self.kept.concat();
        let with = [kept.clone(), self.doubtful.take().unwrap_or_default()].concat();
        assert!(
            found.ends_with(&kept) || found.ends_with(&with),
            "{} found, {} kept",
            found.len(),
            kept.len()
        );
        if !found.ends_with(&kept) || kept.is_empty() {
            self.kept = vec![with];
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_crash_takes_or_tears_what_was_acknowledged(steps in prop::collection::vec(step(), 1..60)) {
        let disk = disk();
        let mut journal = begin(&disk);
        let mut expected = Expected::default();
        for step in steps {
            let crash = match step {
                Step::Append(sizes) => {
                    let entry = expected.entry(&sizes);
                    match append(&mut journal, &entry) {
                        Ok(()) => {
                            expected.kept.push(entry);
                            continue;
                        }
                        Err(_) => unreachable!("nothing was told to fail"),
                    }
                }
                Step::Free => {
                    let below = journal.next_entry();
                    journal.free(below);
                    let full = expected.kept.len().saturating_sub(1);
                    expected.kept.drain(..full);
                    continue;
                }
                Step::Fail { after, seed } => {
                    disk.fail_sync_in(after);
                    loop {
                        let entry = expected.entry(&[900, 20]);
                        if append(&mut journal, &entry).is_err() {
                            expected.doubtful = Some(entry);
                            break;
                        }
                        expected.kept.push(entry);
                    }
                    Crash::Seeded(seed)
                }
                Step::Crash(how) => how,
            };
            disk.crash(crash);
            expected.check(&disk);
            // Recovery brought everything to the partitions' files.
            journal = begin(&disk);
            expected.kept.clear();
        }
    }
}
