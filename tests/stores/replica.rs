//! A replica in a store, brought up to date and looked at from outside.

use super::tables::{Table, files_of};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use resilience::delta::{
    CompareOptions, Depth, Kept, Plan, PlanRequest, Position, Shipped, TableFault, TableRoot, Transfer, compare, plan,
    ship,
};
use resilience::domain::ObjectStatus;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Ships once. None when nothing was left to ship.
pub async fn ship_once(
    source: &TableRoot,
    replica: &TableRoot,
    known: Option<&Position>,
) -> Result<Option<Shipped>, TableFault> {
    match plan(PlanRequest::new(source, replica, known)).await? {
        Plan::UpToDate(_) => Ok(None),
        Plan::Ship(shipment) => ship(vec![*shipment], &Transfer::default()).await.remove(0).map(Some),
    }
}

/// Ships as a group's worker does: again after whatever a broken line did, until nothing is left. Returns how many cycles
/// failed on the way.
pub async fn catch_up(source: &TableRoot, replica: &TableRoot) -> usize {
    let mut failed = 0;
    loop {
        match ship_once(source, replica, None).await {
            Ok(None) => return failed,
            Ok(Some(_)) => {}
            Err(fault) => {
                assert!(fault.class.is_transient(), "{fault:?}");
                assert!(!fault.message.contains("hunter2") && !fault.message.contains("sig="), "{fault}");
                assert!(!fault.message.contains('<'), "no sentence: {fault}");
                failed += 1;
                assert!(failed < 50, "{fault}");
            }
        }
    }
}

pub fn store_of(root: &TableRoot) -> (Arc<dyn ObjectStore>, Path) {
    match root {
        TableRoot::Remote { store, prefix, .. } => (store.clone(), prefix.clone()),
        root => panic!("{root} is no store's"),
    }
}

/// Every object below a root with its size, by path relative to it.
pub async fn objects(root: &TableRoot) -> BTreeMap<String, u64> {
    let (store, prefix) = store_of(root);
    let found: Vec<_> = store.list(Some(&prefix)).try_collect().await.expect("a listing");
    let rel = |key: &Path| key.as_ref().strip_prefix(prefix.as_ref()).map(|rel| rel.trim_start_matches('/').to_owned());
    found.into_iter().filter_map(|meta| Some((rel(&meta.location)?, meta.size))).collect()
}

pub async fn bytes_of(root: &TableRoot, rel: &str) -> Option<Vec<u8>> {
    let (store, prefix) = store_of(root);
    let key = Path::parse(format!("{prefix}/{rel}")).expect("a key");
    let found = store.get(&key).await.ok()?;
    found.bytes().await.ok().map(|bytes| bytes.to_vec())
}

/// Asserts that the replica holds the same files as the table's folder, byte for byte, and no others but what a replaced table
/// left.
pub async fn assert_equal(table: &Table, replica: &TableRoot) {
    let ours = files_of(&table.path);
    for (rel, bytes) in &ours {
        let theirs = bytes_of(replica, rel).await;
        assert!(
            theirs.as_ref() == Some(bytes),
            "{rel} differs in {replica}: {:?} bytes",
            theirs.map(|bytes| bytes.len())
        );
    }
    let known: BTreeSet<&str> = ours.iter().map(|(rel, _)| rel.as_str()).collect();
    let strange: Vec<_> = objects(replica).await.into_keys().filter(|rel| !known.contains(rel.as_str())).collect();
    assert!(strange.iter().all(|rel| rel.starts_with("_resilience/")), "{replica} holds {strange:?} besides");
    let local = TableRoot::Local(table.path.clone());
    let options = CompareOptions { up_to: None, depth: Depth::Ledger };
    let compared = compare(&local, replica, &Kept::default(), options).await;
    assert_eq!(compared.status, ObjectStatus::InSync, "{compared:?}");
}

/// The newest version that a reader of the replica sees; asserts that it is a whole one of the table's: the same commits, and
/// every file that they need.
pub async fn assert_whole(table: &Table, replica: &TableRoot) -> Option<i64> {
    let newest = objects(replica).await.into_keys().filter_map(|rel| version_of(&rel)).max()?;
    let mut live: BTreeMap<String, u64> = BTreeMap::new();
    for version in 0..=newest {
        let rel = format!("_delta_log/{version:020}.json");
        let ours = std::fs::read(table.path.join(&rel)).expect("a commit of the source");
        let theirs = bytes_of(replica, &rel).await;
        assert_eq!(theirs.as_ref(), Some(&ours), "version {version} of {newest} differs in {replica}");
        for line in String::from_utf8_lossy(&ours).lines() {
            let action: Value = serde_json::from_str(line).expect("an action");
            let path = |file: &Value| {
                percent_encoding::percent_decode_str(file["path"].as_str().unwrap_or_default())
                    .decode_utf8_lossy()
                    .into_owned()
            };
            if let Some(remove) = action.get("remove") {
                live.remove(&path(remove));
            } else if let Some(add) = action.get("add") {
                live.insert(path(add), add["size"].as_u64().unwrap_or_default());
            }
        }
    }
    let there = objects(replica).await;
    for (path, size) in live {
        assert_eq!(there.get(&path), Some(&size), "{replica} shows version {newest} without {path}");
    }
    Some(newest)
}

pub fn version_of(rel: &str) -> Option<i64> {
    rel.strip_prefix("_delta_log/")?.strip_suffix(".json").filter(|name| name.len() == 20)?.parse().ok()
}

/// Looks at the replica over and over while `work` runs; every look must find a whole version, and none may go back. Returns what
/// `work` returns and how many looks there were.
pub async fn watched<T>(table: &Table, replica: &TableRoot, work: impl Future<Output = T>) -> (T, usize) {
    let done = AtomicBool::new(false);
    let look = async {
        let (mut looks, mut before) = (0, None);
        while !done.load(Ordering::Relaxed) {
            let seen = assert_whole(table, replica).await;
            assert!(seen >= before, "{replica} went back from {before:?} to {seen:?}");
            (looks, before) = (looks + 1, seen);
        }
        looks
    };
    let work = async {
        let result = work.await;
        done.store(true, Ordering::Relaxed);
        result
    };
    tokio::join!(work, look)
}
