//! Compactions of files, and the ends that a process can come to in them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use once_wire::Uuid;
use once_wire::batch::Batch;
use proptest::prelude::*;

use super::rig::{Rig, Step, config, steps};
use crate::producers::Producers;
use crate::store::{
    CompactFailure, Compaction, Crash, Disk, FakeDisk, Opening, Prepared, ReadFailure, Store,
    recover,
};
use crate::{Isolation, Read, Recovered, Segment, Source};

const TOPIC_ID: Uuid = Uuid([9; 16]);

/// A log in memory and in files.
pub(super) struct Filed {
    pub(super) rig: Rig,
    pub(super) disk: Arc<FakeDisk>,
    pub(super) store: Store<FakeDisk>,
    recovery_point: i64,
}

impl Filed {
    fn new() -> Self {
        let disk = Arc::new(FakeDisk::new());
        disk.create_dir(Path::new("/data")).expect("makes");
        disk.sync_dir(Path::new("/")).expect("syncs");
        let dir = PathBuf::from("/data/topic-0");
        Filed {
            rig: Rig::new(config()),
            store: Store::new(Arc::clone(&disk), dir, TOPIC_ID),
            disk,
            recovery_point: 0,
        }
    }

    /// Steps, and no compaction but those among them.
    pub(super) fn played(steps: &[Step]) -> Self {
        let mut filed = Filed::new();
        for step in steps {
            filed.run(step);
        }
        filed.store.sync().expect("syncs");
        filed
    }

    fn run(&mut self, step: &Step) {
        if let Step::Compact = step {
            self.compact();
        } else {
            let writes = self.rig.run(step);
            self.store.write_all(&writes).expect("writes");
        }
    }

    /// Begins a compaction as the broker does: what is owed is flushed first.
    pub(super) fn begin(&mut self) -> Option<Compaction<FakeDisk>> {
        let plan = self.rig.log.plan_compaction(self.rig.now)?;
        self.recovery_point = self.store.debt().settle().expect("syncs");
        Some(self.store.compaction(plan))
    }

    pub(super) fn compact(&mut self) {
        let Some(compaction) = self.begin() else {
            return;
        };
        let prepared = compaction.run(&|| false).expect("writes");
        self.swap(&prepared).expect("renames");
        self.finish(&compaction, &prepared);
    }

    fn swap(&mut self, prepared: &Prepared) -> std::io::Result<()> {
        self.store.swap(prepared)?;
        Prepared::settle(&*self.disk, self.store.dir())
    }

    /// The log's state follows; what was done is what the algorithm in memory does.
    fn finish(&mut self, compaction: &Compaction<FakeDisk>, prepared: &Prepared) {
        let wanted = self.rig.carry_out(compaction.plan());
        assert_eq!(prepared.compacted(), &wanted);
        assert_eq!(self.rig.log.compacted(prepared.compacted()), []);
    }

    fn stored(&self) -> Vec<Batch> {
        let batches = self.store.reader().batches(0, i64::MAX).expect("lists");
        batches.map(|batch| batch.expect("reads")).collect()
    }

    fn recover(&self, clean: bool) -> (Recovered, Store<FakeDisk>) {
        self.try_recover(clean).expect("recovers")
    }

    fn try_recover(
        &self,
        clean: bool,
    ) -> Result<(Recovered, Store<FakeDisk>), crate::store::RecoverError> {
        let opening = Opening {
            topic_id: TOPIC_ID,
            clean,
            recovery_point: self.recovery_point,
            log_start_offset: 0,
            cleaned_to: self.rig.log.cleaned_to(),
            durable: true,
            now: self.rig.now,
        };
        let dir = self.store.dir().to_path_buf();
        recover(Arc::clone(&self.disk), dir, &config(), &opening)
    }

    /// What recovery found is what the state says.
    fn assert_same(&self, recovered: &Recovered) {
        let live = self.rig.log.segments();
        assert_eq!(recovered.segments.len(), live.len());
        for (found, live) in recovered.segments.iter().zip(live) {
            assert_eq!(
                (found.base, found.end, found.size),
                (live.base, live.end, live.size)
            );
            assert_eq!(found.max_timestamp, live.max_timestamp);
            assert_eq!(found.index, live.index);
            super::aborted::assert_same(&found.aborted, &live.aborted, &self.rig.batches);
        }
        let live: Vec<_> = self.rig.log.producers().collect();
        let found: Vec<_> = recovered
            .producers
            .iter()
            .map(|(id, entry)| (*id, entry))
            .collect();
        assert_eq!(found, live);
    }

    pub(super) fn plan_reads(&self) -> Vec<(Read, Vec<Batch>)> {
        let mut reads = Vec::new();
        for from in 0..self.rig.log.high_watermark() {
            let read = self
                .rig
                .log
                .read(from, Isolation::ReadUncommitted, 400, true);
            let batches = self.rig.batches.iter().filter(|b| b.last_offset() >= from);
            reads.push((read.expect("in range"), batches.cloned().collect()));
        }
        reads
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn files_hold_what_the_algorithm_says_and_a_start_finds_it_again(
        history in steps(120),
        clean in any::<bool>(),
    ) {
        let mut filed = Filed::played(&history);
        filed.compact();
        prop_assert_eq!(&filed.stored(), &filed.rig.batches);
        if clean {
            filed.store.write_all(&filed.rig.log.clean_close()).expect("writes");
        }
        filed.recovery_point = filed.store.checkpoint().expect("syncs");
        filed.disk.crash(Crash::LoseAll);
        let (recovered, store) = filed.recover(clean);
        filed.assert_same(&recovered);
        filed.store = store;
        prop_assert_eq!(&filed.stored(), &filed.rig.batches);
    }

    #[test]
    fn a_compacted_log_is_read_from_any_offset(history in steps(120)) {
        let mut filed = Filed::played(&history);
        filed.compact();
        for (read, wanted) in filed.plan_reads() {
            let found = match read.source {
                Source::Empty => Vec::new(),
                Source::Memory(batches) => batches.into_iter().map(parsed).collect(),
                Source::File(range) => split(filed.store.reader().read(&range).expect("reads")),
            };
            prop_assert!(!found.is_empty(), "whoever reads gets on");
            prop_assert_eq!(&found[..], &wanted[..found.len()]);
        }
    }

    #[test]
    fn a_read_planned_before_a_swap_sees_the_old_files_or_is_told_that_they_moved(
        history in steps(120),
        opened in any::<prop::sample::Index>(),
    ) {
        let mut filed = Filed::played(&history);
        let reads = filed.plan_reads();
        let Some(compaction) = filed.begin() else {
            return Ok(());
        };
        let reader = filed.store.reader();
        // Some file may be open already, and some place remembered.
        if !reads.is_empty()
            && let Source::File(range) = &opened.get(&reads).0.source
        {
            reader.read(range).expect("reads");
        }
        let prepared = compaction.run(&|| false).expect("writes");
        filed.swap(&prepared).expect("renames");
        for (read, wanted) in &reads {
            let Source::File(range) = &read.source else {
                continue;
            };
            let replaced = prepared.compacted().cleaned.iter();
            let moved = replaced.flat_map(|c| &c.replaces).any(|base| *base == range.segment);
            match reader.read(range) {
                Err(ReadFailure::Moved(_)) => prop_assert!(moved),
                Ok(bytes) => {
                    prop_assert!(!moved);
                    let found = split(bytes);
                    prop_assert_eq!(&found[..], &wanted[..found.len()]);
                }
                Err(other) => panic!("{other}"),
            }
        }
        filed.finish(&compaction, &prepared);
        let again = filed.plan_reads();
        for (read, wanted) in &again {
            if let Source::File(range) = &read.source {
                let found = split(reader.read(range).expect("reads"));
                prop_assert_eq!(&found[..], &wanted[..found.len()]);
            }
        }
    }

    #[test]
    fn whenever_it_is_cut_short_every_segment_is_the_old_or_the_new_one(
        history in steps(120),
        at in 1..60u64,
        how in how(),
        again in prop::option::of((1..30u64, how())),
    ) {
        cut_short(&history, at, how, again);
    }
}

/// The process ends at the `at`-th change of the disk from the beginning of a compaction on, and perhaps the start
/// after it likewise. False if the compaction came to its end before.
fn cut_short(history: &[Step], at: u64, how: Crash, again: Option<(u64, Crash)>) -> bool {
    let mut filed = Filed::played(history);
    let (before, ends) = (filed.stored(), filed.rig.log.segments().to_vec());
    let Some(compaction) = filed.begin() else {
        return false;
    };
    filed.disk.stop_in(at);
    if let Ok(prepared) = compaction.run(&|| false) {
        let _ = filed.swap(&prepared);
    }
    let stopped = filed.disk.is_stopped();
    let mut after = Rig::new(config());
    after.batches = before.clone();
    let compacted = after.carry_out(compaction.plan());
    let known = ends
        .iter()
        .chain(compacted.cleaned.iter().map(|c| &c.segment));
    let known: Vec<_> = known.map(told).collect();
    filed.disk.crash(how);
    if let Some((at, how)) = again {
        filed.disk.stop_in(at);
        let _ = filed.try_recover(false);
        filed.disk.crash(how);
    }
    let (recovered, store) = filed.recover(false);
    filed.store = store;
    let found = filed.stored();
    for segment in &recovered.segments {
        let within = |batches: &[Batch]| -> Vec<Batch> {
            let within = |b: &&Batch| (segment.base..segment.end).contains(&b.base_offset());
            batches.iter().filter(within).cloned().collect()
        };
        let is = within(&found);
        assert!(is == within(&before) || is == within(&after.batches));
        // Its index files are its own: nothing had to be made anew.
        assert!(known.contains(&told(segment)), "{segment:?}");
    }
    let last = recovered.segments.last().map(|s| s.end);
    assert_eq!(last, ends.last().map(|s| s.end));
    let follow = recovered
        .segments
        .windows(2)
        .all(|two| two[0].end == two[1].base);
    assert!(follow, "{:?}", recovered.segments);
    let live = filed.rig.log.producers().map(|(id, e)| (id, e.clone()));
    assert!(live.eq(recovered.producers.clone()));
    let names = filed.disk.list(filed.store.dir()).expect("lists");
    let unfinished = names.iter().filter(|e| {
        [".cleaned", ".swap", ".deleted"]
            .iter()
            .any(|suffix| e.name.ends_with(suffix))
    });
    assert_eq!(unfinished.count(), 0);
    stopped
}

#[test]
fn at_every_change_of_the_disk_it_may_be_cut_short_and_the_start_after_it_too() {
    // Of the aborted transaction nothing is left after the first compaction but its entry in the aborted index, and
    // that goes with the second: a segment without such an index takes the place of one that has it.
    let put = |producer, keys: &[u8]| Step::Put {
        producer,
        codec: once_wire::compression::Compression::None,
        records: keys.iter().map(|key| (*key, true)).collect(),
    };
    let mut history = vec![
        put(0, &[1, 2]),
        Step::End {
            producer: 0,
            commit: false,
        },
    ];
    history.extend((0..30).map(|n| put(4, &[n % 5, n % 3])));
    history.push(Step::Compact);
    history.extend((0..30).map(|n| put(4, &[n % 5, n % 3])));
    let mut cut = 0;
    while cut_short(&history, cut + 1, Crash::Process, None) {
        cut += 1;
        let hows = [Crash::Process, Crash::LoseAll, Crash::Seeded(cut)];
        for (again, how) in (1..25).zip(hows.into_iter().cycle().skip(cut as usize)) {
            cut_short(&history, cut, how, Some((again, how)));
        }
    }
    assert!(cut > 30, "{cut}");
}

/// What the files say of a segment.
fn told(segment: &Segment) -> impl PartialEq + std::fmt::Debug + use<> {
    let Segment {
        base,
        end,
        size,
        max_timestamp,
        ..
    } = segment;
    (
        *base,
        *end,
        *size,
        *max_timestamp,
        segment.index.clone(),
        segment.aborted.clone(),
    )
}

fn how() -> impl Strategy<Value = Crash> {
    prop_oneof![
        Just(Crash::Process),
        Just(Crash::LoseAll),
        any::<u64>().prop_map(Crash::Seeded)
    ]
}

fn parsed(bytes: bytes::Bytes) -> Batch {
    Batch::parse(bytes).expect("whole")
}

pub(super) fn split(mut bytes: bytes::Bytes) -> Vec<Batch> {
    let mut batches = Vec::new();
    while !bytes.is_empty() {
        batches.push(Batch::split_first(&mut bytes).expect("whole"));
    }
    batches
}

/// Two segments full of one key.
fn dirty() -> Vec<Step> {
    let put = |_| Step::Put {
        producer: 4,
        codec: once_wire::compression::Compression::None,
        records: vec![(1, true), (1, true), (1, true)],
    };
    (0..20).map(put).collect()
}

#[test]
fn a_compaction_that_gives_up_leaves_nothing_behind() {
    let mut filed = Filed::played(&dirty());
    let names = |filed: &Filed| filed.disk.list(filed.store.dir()).expect("lists");
    let compaction = filed.begin().expect("is dirty");
    let before = names(&filed);
    let asked = std::cell::Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        asked.get() > 40
    };
    let failed = compaction.run(&stop).map(|_| ());
    assert!(matches!(failed, Err(CompactFailure::Stopped)), "{failed:?}");
    assert_eq!(names(&filed), before);
    filed.disk.set_capacity(Some(filed.disk.used() + 50));
    let failed = compaction.run(&|| false).map(|_| ());
    assert!(
        matches!(failed, Err(CompactFailure::Write(_))),
        "{failed:?}"
    );
    assert_eq!(names(&filed), before);
    filed.disk.set_capacity(None);
    filed.disk.fail_sync_in(1);
    let failed = compaction.run(&|| false).map(|_| ());
    assert!(
        matches!(failed, Err(CompactFailure::Flush(_))),
        "{failed:?}"
    );
}

#[test]
fn a_damaged_segment_is_not_compacted() {
    let mut filed = Filed::played(&dirty());
    let compaction = filed.begin().expect("is dirty");
    let path = filed.store.dir().join("00000000000000000000.log");
    let file = filed.disk.open(&path, false).expect("is there");
    let damage = [std::io::IoSlice::new(b"damage")];
    filed.disk.write_at(&file, 100, &damage).expect("writes");
    let failed = compaction.run(&|| false).map(|_| ());
    assert!(matches!(
        failed,
        Err(CompactFailure::Read(ReadFailure::Corrupt { .. }))
    ));
}

#[test]
fn a_segment_that_would_be_as_it_was_stays() {
    let mut filed = Filed::played(&dirty());
    // The second one puts together what the first one made small.
    for _ in 0..2 {
        filed.rig.log.cleaned_to = 0;
        filed.compact();
    }
    let names = |filed: &Filed| filed.disk.list(filed.store.dir()).expect("lists");
    let before = names(&filed);
    filed.rig.log.cleaned_to = 0;
    let compaction = filed.begin().expect("counts as dirty");
    let prepared = compaction.run(&|| false).expect("writes");
    assert_eq!(prepared.compacted().cleaned, []);
    assert_eq!(names(&filed), before);
}

#[test]
fn index_files_of_a_compacted_log_are_made_anew_and_producers_keep_their_windows() {
    let mut filed = Filed::played(&dirty());
    for _ in 0..8 {
        filed.run(&Step::Put {
            producer: 2,
            codec: once_wire::compression::Compression::None,
            records: vec![(1, true)],
        });
    }
    for step in dirty() {
        filed.run(&step);
    }
    filed.compact();
    filed.recovery_point = filed.store.checkpoint().expect("syncs");
    for entry in filed.disk.list(filed.store.dir()).expect("lists") {
        if entry.name.ends_with("index") {
            let path = filed.store.dir().join(entry.name);
            filed.disk.remove(&path).expect("removes");
        }
    }
    let (recovered, _) = filed.recover(false);
    filed.assert_same(&recovered);
    assert_eq!(recovered.producers[&2].batches().len(), crate::WINDOW);
}

#[test]
fn a_walk_of_a_compacted_log_finds_the_producers_that_a_snapshot_would_tell_of() {
    let mut filed = Filed::played(&dirty());
    let put = |records| Step::Put {
        producer: 2,
        codec: once_wire::compression::Compression::None,
        records,
    };
    filed.run(&put(vec![(1, true)]));
    for step in dirty() {
        filed.run(&step);
    }
    filed.compact();
    filed.store.checkpoint().expect("syncs");
    for entry in filed.disk.list(filed.store.dir()).expect("lists") {
        if !entry.name.ends_with(".log") && entry.name.starts_with('0') {
            filed
                .disk
                .remove(&filed.store.dir().join(entry.name))
                .expect("removes");
        }
    }
    let (recovered, _) = filed.recover(false);
    let mut replayed = Producers::default();
    for batch in &filed.rig.ever {
        replayed.replay(batch, batch.control().as_ref(), 0);
    }
    assert_eq!(&recovered.producers, replayed.entries());
}
