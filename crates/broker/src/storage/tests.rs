//! What a start makes of what an earlier life left.

use super::{Offsets, recover};
use crate::config::Config;
use crate::engine::{Identity, NodeAddress};
use once_log::Write;
use once_log::store::{Checkpoint, DataDir, Disk, FakeDisk, Identity as DirIdentity, Store};
use once_wire::ids::Uuid;
use std::sync::Arc;

const CHECKPOINTS: [Checkpoint; 2] = [Checkpoint::LogStart, Checkpoint::Cleaned];

fn data_dir(disk: &Arc<FakeDisk>) -> DataDir<FakeDisk> {
    let fresh = DirIdentity {
        cluster_id: "test".to_owned(),
        node_id: 1,
        directory_id: Uuid([7; 16]),
    };
    DataDir::open(Arc::clone(disk), "/data".into(), &fresh, None).expect("nobody else has it")
}

#[test]
fn the_next_topic_of_a_name_is_not_held_to_what_was_said_of_one_that_is_gone() {
    let disk = Arc::new(FakeDisk::default());
    let data = data_dir(&disk);
    let path = data.partition_path("gone", 0);
    let mut store = Store::new(Arc::clone(&disk), path.clone(), Uuid([9; 16]));
    store.write_all(&[Write::Roll { base: 0 }]).expect("writes");
    assert!(!disk.list(&path).expect("lists").is_empty());
    let said = Offsets::from([(("gone".to_owned(), 0), 5)]);
    for which in CHECKPOINTS {
        data.write_checkpoint(which, &said).expect("writes");
    }

    let identity = Identity {
        cluster_id: "test".to_owned(),
        directory: Uuid([7; 16]),
        node: NodeAddress {
            id: 1,
            host: "localhost".to_owned(),
            port: 9092,
        },
    };
    recover(&disk, &data, Arc::new(Config::default()), identity, 0, 1).expect("starts");

    for which in CHECKPOINTS {
        let says = data.read_checkpoint(which).expect("reads");
        assert!(!says.contains_key(&("gone".to_owned(), 0)), "{which:?}");
    }
}
