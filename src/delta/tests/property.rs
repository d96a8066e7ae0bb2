//! A random writer against a replicator that is killed at random points.

use super::dying::dies_after;
use super::table::*;
use super::writer::{Step, Writer};
use crate::delta::place::{LocalPlace, Place};
use crate::delta::*;
use crate::domain::ObjectStatus;
use proptest::prelude::*;
use std::path::Path;

fn about() -> SalvageAbout {
    SalvageAbout { table: "t".into(), group: "g".into(), epoch: 1, now_ms: START_MS, arrived: None }
}

/// What `folder` holds, by path.
fn tree(folder: &Path) -> Files {
    let paths = LocalPlace::new(folder.to_path_buf()).list_all("").expect("files");
    paths.into_iter().map(|rel| (rel.clone(), std::fs::read(folder.join(&rel)).expect("a file"))).collect()
}

fn write_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_u8..4).prop_map(Step::Append),
        3 => any::<u8>().prop_map(Step::DeleteWithVector),
        1 => Just(Step::Overwrite),
        2 => any::<u8>().prop_map(Step::Optimise),
        2 => Just(Step::Vacuum),
        2 => any::<u8>().prop_map(Step::Restore),
        1 => Just(Step::ChangeData),
        2 => (0_u8..4).prop_map(Step::Checkpoint),
    ]
}

/// A forced failover after `arrived`: `orphans` never arrive, `new` is written by the new primary. The salvage is killed
/// after each number of changes in `lives`.
async fn fail_over(arrived: &[Step], orphans: &[Step], new: u8, lives: &[(u8, u8)]) {
    let dir = tempfile::tempdir().expect("a folder");
    let mut writer = Writer::new(dir.path().join("old"));
    let (old, new_path, salvage_dir) = (writer.table.path.clone(), dir.path().join("new"), dir.path().join("salvage"));
    let (new_root, salvage_root) = (TableRoot::Local(new_path.clone()), TableRoot::Local(salvage_dir.clone()));
    arrived.iter().for_each(|step| writer.take(step));
    let common = replicate(&writer.table.root, &new_root, None).await.expect("a shipment").position.version;
    orphans.iter().for_each(|step| writer.take(step));
    promote(&new_root, 1, "g", START_MS).await.expect("a promotion");
    let mut primary = Table::open(new_path.clone());
    (0..new).for_each(|number| drop(primary.append(&format!("new-{number}.parquet")).to_string()));
    let before = tree(&old);

    let mut done = None;
    for (old_life, aside_life) in lives {
        dies_after(&old, Some(i64::from(*old_life)));
        dies_after(&salvage_dir, Some(i64::from(*aside_life)));
        done = salvage(&writer.table.root, &new_root, &salvage_root, about()).await.ok();
        writer.check(&old);
        let (now, safe) = (tree(&old), if salvage_dir.exists() { tree(&salvage_dir) } else { Files::new() });
        for (path, bytes) in &before {
            let hint = path.ends_with("_last_checkpoint");
            assert!(hint || now.get(path) == Some(bytes) || safe.get(path) == Some(bytes), "{path} is lost");
        }
    }
    dies_after(&old, None);
    dies_after(&salvage_dir, None);
    let last = salvage(&writer.table.root, &new_root, &salvage_root, about()).await.expect("a salvage");
    assert!(done.is_none_or(|done| done == last));
    assert_eq!(last.common_version, Some(common));
    assert_eq!(last.commits as i64, writer.table.version() - common);
    writer.check(&old);
    replicate(&new_root, &writer.table.root, last.position.as_ref()).await.expect("a shipment back");
    let compared = compare_all(&new_root, &writer.table.root).await;
    assert_eq!(compared.status, ObjectStatus::InSync, "{compared:?}");
    assert_eq!(read_whole(&old), read_whole(&new_path));
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_u8..4).prop_map(Step::Append),
        3 => any::<u8>().prop_map(Step::DeleteWithVector),
        1 => Just(Step::Overwrite),
        2 => any::<u8>().prop_map(Step::Optimise),
        2 => Just(Step::Vacuum),
        2 => any::<u8>().prop_map(Step::Restore),
        1 => Just(Step::ChangeSchema),
        1 => Just(Step::ChangeData),
        2 => (0_u8..4).prop_map(Step::Checkpoint),
        1 => Just(Step::CleanLog),
        1 => Just(Step::Recreate),
        6 => (any::<u8>(), any::<bool>()).prop_map(|(life, forget)| Step::Cycle { life, forget }),
    ]
}

/// What the caller remembers: the position, and the ledger of files.
#[derive(Default)]
struct Memory {
    position: Option<Position>,
}

async fn cycle(writer: &Writer, replica: &TableRoot, path: &Path, memory: &mut Memory) -> bool {
    match replicate(&writer.table.root, replica, memory.position.as_ref()).await {
        Ok(shipped) => {
            for file in &shipped.files {
                let bytes = std::fs::read(path.join(&file.path)).expect("a file of the ledger");
                assert_eq!(
                    (bytes.len() as u64, log::sha256_hex(&bytes)),
                    (file.size, file.sha256.clone()),
                    "the ledger"
                );
            }
            for commit in &shipped.commits {
                let bytes = std::fs::read(path.join(log_path(commit.version, "json"))).expect("a commit of the ledger");
                assert_eq!(log::sha256_hex(&bytes), commit.sha256, "the ledger");
            }
            memory.position = Some(shipped.position);
            true
        }
        Err(fault) => {
            assert!(fault.message.contains("killed"), "{fault:?}");
            false
        }
    }
}

async fn run(steps: &[Step]) {
    let dir = tempfile::tempdir().expect("a folder");
    let mut writer = Writer::new(dir.path().join("source"));
    let path = dir.path().join("replica");
    let replica = TableRoot::Local(path.clone());
    let Ok(Some(TableRoot::Local(beside))) = plan::beside(&replica) else { unreachable!() };
    let mut memory = Memory::default();
    for step in steps {
        if let Step::Cycle { life, forget } = step {
            if *forget {
                memory.position = None;
            }
            for place in [&path, &beside] {
                dies_after(place, (*life < 200).then(|| i64::from(*life) / 3));
            }
            cycle(&writer, &replica, &path, &mut memory).await;
            for place in [&path, &beside] {
                dies_after(place, None);
            }
        } else {
            writer.take(step);
        }
        writer.check(&path);
    }
    assert!(cycle(&writer, &replica, &path, &mut memory).await);
    writer.check(&path);
    let compared = compare_all(&writer.table.root, &replica).await;
    assert_eq!(compared.status, ObjectStatus::InSync, "{compared:?}");
    assert_eq!(read_whole(&path), read_whole(&writer.table.path));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn a_replica_is_always_some_whole_version_and_equal_in_the_end(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(run(&steps));
    }

    #[test]
    fn a_killed_salvage_loses_nothing_and_ends_equal(
        arrived in prop::collection::vec(write_step(), 0..12),
        orphans in prop::collection::vec(write_step(), 0..12),
        new in 0_u8..3,
        lives in prop::collection::vec((0_u8..40, 0_u8..120), 0..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(fail_over(&arrived, &orphans, new, &lives));
    }
}
