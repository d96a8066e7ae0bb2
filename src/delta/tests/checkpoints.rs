//! Checkpoints of every kind, and what else lies in a log beside its commits.

use super::pair::Pair;
use super::table::*;
use crate::delta::*;
use crate::domain::{ErrorClass, ObjectStatus};

#[tokio::test]
async fn every_kind_of_checkpoint_carries_a_cleaned_log() {
    for kind in 0..5 {
        let mut pair = Pair::new();
        for number in 0..6 {
            pair.table.append(&format!("{number}.parquet"));
        }
        pair.table.commit(&[info("DELETE"), remove("2.parquet")]);
        pair.table.append("after.parquet");
        let names: Vec<String> = match kind {
            0 => vec![pair.table.checkpoint()],
            1 => pair.table.checkpoint_in_parts().to_vec(),
            2 => pair.table.checkpoint_with_sidecar(true).to_vec(),
            3 => pair.table.checkpoint_with_sidecar(false).to_vec(),
            _ => vec![format!("_delta_log/{}", pair.table.checkpoint_json())],
        };
        pair.table.hint(8);
        (0..8).for_each(|version| pair.table.remove_log(version));
        pair.table.append("last.parquet");
        let shipped = pair.arrives(None).await;
        assert_eq!(shipped.commits.iter().map(|commit| commit.version).collect::<Vec<_>>(), [8, 9], "kind {kind}");
        for name in names.iter().map(String::as_str).chain(["_delta_log/_last_checkpoint"]) {
            assert!(pair.has(name), "kind {kind}: {name}");
        }
        assert!(!pair.has("2.parquet"), "no version that can be read needs it");
    }
}

#[tokio::test]
async fn a_table_of_nothing_but_a_checkpoint_arrives() {
    let mut pair = Pair::new();
    pair.table.append("a.parquet");
    pair.table.checkpoint();
    (0..=1).for_each(|version| pair.table.remove_log(version));
    let shipped = pair.arrives(None).await;
    assert_eq!((shipped.position.version, shipped.commits.len()), (1, 0));
    let next = pair.arrives(Some(&shipped.position)).await;
    assert_eq!(next.position, shipped.position);
}

#[tokio::test]
async fn a_newest_version_that_only_a_checkpoint_holds_settles() {
    for commits_left in [0..0, 0..2, 1..2] {
        let mut pair = Pair::new();
        pair.table.append("a.parquet");
        pair.table.append("b.parquet");
        pair.table.checkpoint();
        for version in (0..=2).filter(|version| !commits_left.contains(version)) {
            pair.table.remove_log(version);
        }
        let shipped = pair.arrives(None).await;
        let again = plan(PlanRequest::new(&pair.table.root, &pair.replica, Some(&shipped.position))).await;
        assert!(matches!(again, Ok(Plan::UpToDate(found)) if found == shipped.position), "{commits_left:?}");
        pair.table.append("c.parquet");
        pair.arrives(Some(&shipped.position)).await;
    }
}

#[tokio::test]
async fn a_checkpoint_without_all_its_parts_is_none() {
    let mut pair = Pair::new();
    pair.table.append("a.parquet");
    pair.table.append("b.parquet");
    let [part, _] = pair.table.checkpoint_in_parts();
    std::fs::remove_file(pair.table.path.join(&part)).expect("a part");
    pair.arrives(None).await;
    pair.table.remove_log(0);
    assert_eq!(pair.ship(None).await.expect_err("a gap").class, ErrorClass::LogGap);
}

#[tokio::test]
async fn a_checkpoint_that_comes_late_arrives_with_the_next_commit() {
    let mut pair = Pair::new();
    pair.table.append("a.parquet");
    let late = pair.table.checkpoint_json();
    let late = format!("_delta_log/{late}");
    let salvage_dir = pair.table.path.join("salvage");
    std::fs::rename(pair.table.path.join(&late), &salvage_dir).expect("not yet there");
    for rel in ["b.parquet", "c.parquet"] {
        pair.table.append(rel);
    }
    let shipped = pair.arrives(None).await;
    std::fs::rename(&salvage_dir, pair.table.path.join(&late)).expect("late");
    pair.table.hint(1);
    pair.table.append("d.parquet");
    let shipped = pair.arrives(Some(&shipped.position)).await;
    assert!(pair.has(&late) && pair.has("_delta_log/_last_checkpoint"));
    pair.table.append("e.parquet");
    pair.arrives(Some(&shipped.position)).await;
}

#[tokio::test]
async fn a_checkpoint_that_comes_or_is_written_again_without_a_commit_shows_and_arrives() {
    let mut pair = Pair::new();
    pair.table.append("a.parquet");
    let shipped = pair.arrives(None).await;
    let before = look(&pair.table.root, &shipped.position).await.expect("a look");
    assert_eq!(look(&pair.table.root, &shipped.position).await.expect("a look"), before);

    let name = format!("_delta_log/{}", pair.table.checkpoint_json());
    let seen = look(&pair.table.root, &shipped.position).await.expect("a look");
    assert!(seen.change == Change::Same && seen.beside != before.beside);
    let late = pair.arrives(Some(&shipped.position)).await;
    assert_eq!((late.commits.len(), &late.position), (0, &shipped.position));
    let arrived = late.files.into_iter().find(|file| file.path == name).expect("it is in the ledger");

    // As many bytes, and others.
    let bytes = std::fs::read_to_string(pair.table.path.join(&name)).expect("a checkpoint");
    let again = bytes.replace("\"numRecords\\\":10", "\"numRecords\\\":20");
    assert!(again != bytes && again.len() == bytes.len());
    pair.table.file(&name, again.as_bytes());
    pair.table.hint(1);
    let files = [(arrived.path.clone(), arrived.clone())].into();
    let options = CompareOptions { up_to: None, depth: Depth::Source };
    let compared = compare(&pair.table.root, &pair.replica, &Kept { files, ..Kept::default() }, options).await;
    assert_eq!((compared.status, compared.class), (ObjectStatus::Lagging, None), "{compared:?}");
    assert!(compared.message.is_some_and(|message| message.contains("was written again at the source")));
    let rewritten = look(&pair.table.root, &shipped.position).await.expect("a look");
    assert!(rewritten.change == Change::Same && rewritten.beside != seen.beside);
    let kept: KeptFiles = std::sync::Arc::new(move |path| (path == arrived.path).then(|| arrived.clone()));
    let request =
        PlanRequest { kept: Some(kept), ..PlanRequest::new(&pair.table.root, &pair.replica, Some(&shipped.position)) };
    let Plan::Ship(shipment) = plan(request).await.expect("a plan") else { panic!("something to ship") };
    ship(vec![*shipment], &Transfer::default()).await.remove(0).expect("a shipment");
    assert_eq!(std::fs::read_to_string(pair.replica_path.join(&name)).expect("a checkpoint"), again);
    assert!(pair.has("_delta_log/_last_checkpoint"));

    // One that contradicts the commits is no less wrong for coming without a commit.
    pair.table.file(&name, again.replace("a.parquet", "b.parquet").as_bytes());
    let known = Some(&shipped.position);
    assert_eq!(pair.ship(known).await.expect_err("a flagged table").class, ErrorClass::CorruptLog);
}

#[tokio::test]
async fn a_hint_never_names_a_checkpoint_that_is_not_there() {
    let mut pair = Pair::new();
    pair.table.append("a.parquet");
    pair.table.append("b.parquet");
    pair.table.checkpoint();
    pair.table.hint(2);
    let mut request = PlanRequest::new(&pair.table.root, &pair.replica, None);
    request.up_to = Some(1);
    let Plan::Ship(shipment) = plan(request).await.expect("a plan") else { panic!("something to ship") };
    let shipped = ship(vec![*shipment], &Transfer::default()).await.remove(0).expect("a shipment");
    assert_eq!(shipped.position.version, 1);
    assert!(!pair.has("_delta_log/_last_checkpoint"));
    pair.arrives(Some(&shipped.position)).await;
    assert!(pair.has("_delta_log/_last_checkpoint"));
}

#[tokio::test]
async fn a_checkpoint_whose_sidecar_vanished_stays_away() {
    let mut pair = Pair::new();
    pair.table.append("a.parquet");
    let [top, sidecar] = pair.table.checkpoint_with_sidecar(true);
    pair.table.hint(1);
    let shipment = pair.planned().await;
    std::fs::remove_file(pair.table.path.join(&sidecar)).expect("cleaned away");
    let shipped = ship(vec![shipment], &Transfer::default()).await.remove(0).expect("a shipment");
    assert_eq!(shipped.position.version, 1);
    assert!(!pair.has(&top) && !pair.has("_delta_log/_last_checkpoint"));
    assert!(read_whole(&pair.replica_path).is_ok_and(|read| read.is_some()));

    let mut pair = Pair::new();
    pair.table.append("a.parquet");
    let top = pair.table.checkpoint();
    pair.table.hint(1);
    let shipment = pair.planned().await;
    std::fs::remove_file(pair.table.path.join(&top)).expect("cleaned away");
    ship(vec![shipment], &Transfer::default()).await.remove(0).expect("a shipment");
    assert!(!pair.has("_delta_log/_last_checkpoint"));
}

#[tokio::test]
async fn checksums_and_compacted_commits_come_after_their_commits() {
    let mut pair = Pair::new();
    for rel in ["a.parquet", "b.parquet", "c.parquet"] {
        pair.table.append(rel);
    }
    let crc = log_path(2, "crc");
    let compacted = "_delta_log/00000000000000000001.00000000000000000003.compacted.json";
    pair.table.file(&crc, b"{}");
    pair.table.file(compacted, format!("{}\n{}\n", add("a.parquet"), add("b.parquet")).as_bytes());
    let mut request = PlanRequest::new(&pair.table.root, &pair.replica, None);
    request.up_to = Some(2);
    let Plan::Ship(shipment) = plan(request).await.expect("a plan") else { panic!("something to ship") };
    let shipped = ship(vec![*shipment], &Transfer::default()).await.remove(0).expect("a shipment");
    assert!(pair.has(&crc));
    assert!(!pair.has(compacted), "its end is above the replica's version");
    pair.arrives(Some(&shipped.position)).await;
    assert!(pair.has(compacted));
}

/// Makes a checkpoint of the newest version, then empties one of its files as a writer that crashed would have left it.
fn empty_checkpoint(table: &Table, kind: u8) -> String {
    let name = match kind {
        0 => table.checkpoint(),
        1 => table.checkpoint_in_parts()[1].clone(),
        2 => format!("_delta_log/{}", table.checkpoint_json()),
        _ => table.checkpoint_with_sidecar(false)[0].clone(),
    };
    table.file(&name, b"");
    name
}

async fn settles(pair: &Pair, known: Option<&Position>) -> Shipped {
    let shipped = pair.arrives(known).await;
    for known in [None, Some(&shipped.position)] {
        let again = plan(PlanRequest::new(&pair.table.root, &pair.replica, known)).await;
        assert!(matches!(again, Ok(Plan::UpToDate(found)) if found == shipped.position));
    }
    shipped
}

#[tokio::test]
async fn a_checkpoint_without_a_byte_is_none() {
    for kind in 0..4 {
        let mut pair = Pair::new();
        pair.table.append("a.parquet");
        let older = empty_checkpoint(&pair.table, kind);
        pair.table.append("b.parquet");
        let newer = empty_checkpoint(&pair.table, kind);
        pair.table.hint(2);
        let shipped = settles(&pair, None).await;
        assert!(!pair.has(&older) && !pair.has(&newer), "kind {kind}");
        assert!(!pair.has("_delta_log/_last_checkpoint"), "it names what is no checkpoint");

        pair.table.append("c.parquet");
        let late = empty_checkpoint(&pair.table, kind);
        pair.table.append("d.parquet");
        settles(&pair, Some(&shipped.position)).await;
        assert!(!pair.has(&late), "kind {kind}");
    }
}

#[tokio::test]
async fn a_whole_checkpoint_is_taken_where_its_sibling_holds_nothing() {
    for whole_is_json in [true, false] {
        let mut pair = Pair::new();
        pair.table.append("a.parquet");
        empty_checkpoint(&pair.table, 0);
        let [whole, sidecar] = pair.table.checkpoint_with_sidecar(whole_is_json);
        (0..=1).for_each(|version| pair.table.remove_log(version));
        pair.table.append("b.parquet");
        settles(&pair, None).await;
        assert!(pair.has(&whole) && pair.has(&sidecar));
    }
}

#[tokio::test]
async fn a_checkpoint_that_was_empty_and_is_written_after_all_arrives() {
    let mut pair = Pair::new();
    pair.table.append("a.parquet");
    let late = pair.table.checkpoint();
    let whole = std::fs::read(pair.table.path.join(&late)).expect("a checkpoint");
    pair.table.file(&late, b"");
    pair.table.append("b.parquet");
    let shipped = settles(&pair, None).await;
    pair.table.file(&late, &whole);
    pair.table.append("c.parquet");
    settles(&pair, Some(&shipped.position)).await;
    assert!(pair.has(&late));
}
