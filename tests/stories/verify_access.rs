//! Verifying tells what differs beside the data: owners, grants, tags, and the assets of the workspace.

use super::left_behind::admin;
use super::support::{engine, engine_with, program, spec_with_assets, until_active};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use resilience::connect::RegionApi;
use resilience::control::ControlSettings;
use resilience::domain::{AssetKind, ErrorClass, GroupId, ObjectStatus};
use resilience::replicate::ObjectRecord;
use resilience::runtime::Engine;
use resilience::wire::objects::{FORMAT_SOURCE, ImportObject, MakeFolder};
use resilience::wire::unity_catalog::{EntityTagAssignment, PermissionsChange, Securable, UpdatePermissions};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const EAST: &str = "us-east-1";
const WEST: &str = "us-west-2";
const ORDERS: &str = "sales.orders.orders";
const NOTEBOOK: &str = "/Shared/story/load";

fn core() -> GroupId {
    GroupId::new("core").expect("an id")
}

/// An ACTIVE group over `sales` with the workspace's assets, among them a notebook.
async fn group(dir: &Path) -> Engine {
    let engine = engine(dir, 0.0).await;
    let east = admin(&engine, EAST);
    east.make_folder(&MakeFolder { path: "/Shared/story".to_owned(), object_id: None }).await.expect("made");
    write(&east, "print(1)").await;
    let wanted = spec_with_assets(&engine, "core", &["sales"]);
    engine.control().create_group("tester", wanted, false).await.expect("created");
    until_active(&engine, "core").await;
    engine
}

async fn write(region: &Arc<dyn RegionApi>, text: &str) {
    let object = ImportObject {
        path: NOTEBOOK.to_owned(),
        format: Some(FORMAT_SOURCE.to_owned()),
        language: Some("PYTHON".to_owned()),
        content: BASE64_STANDARD.encode(text),
        overwrite: true,
        object_id: None,
    };
    region.import_object(&object).await.expect("imported");
}

async fn change(region: &Arc<dyn RegionApi>, add: &[&str], remove: &[&str]) {
    let own = |list: &[&str]| list.iter().map(|privilege| (*privilege).to_owned()).collect();
    let change = PermissionsChange { principal: "controllers".to_owned(), add: own(add), remove: own(remove) };
    let changes = UpdatePermissions { changes: vec![change] };
    region.update_grants(Securable::Table, ORDERS, &changes).await.expect("changed");
}

async fn objects(engine: &Engine, deep: bool) -> Vec<ObjectRecord> {
    engine.control().verify(&core(), deep).await.expect("compared").objects
}

fn of<'a>(objects: &'a [ObjectRecord], kind: AssetKind, name: &str) -> &'a ObjectRecord {
    let found = objects.iter().find(|object| object.kind == kind && object.name == name);
    found.unwrap_or_else(|| panic!("{name} is not in {objects:#?}"))
}

/// Verifies until one object is as `done` says.
async fn until_object(
    engine: &Engine,
    kind: AssetKind,
    name: &str,
    done: impl Fn(&ObjectRecord) -> bool,
) -> ObjectRecord {
    let begun = Instant::now();
    loop {
        let found = of(&objects(engine, false).await, kind, name).clone();
        if done(&found) {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(90), "waited in vain: {found:#?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn access_and_assets_that_somebody_changed_in_the_secondary_are_told_and_corrected() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = group(dir.path()).await;
    let west = admin(&engine, WEST);
    let in_sync = |object: &ObjectRecord| object.status == ObjectStatus::InSync;
    until_object(&engine, AssetKind::Table, ORDERS, in_sync).await;
    assert!(in_sync(of(&objects(&engine, true).await, AssetKind::Notebook, NOTEBOOK)));

    // As long as somebody goes on changing it, some comparison sees it before replication corrects it.
    let drifted = |object: &ObjectRecord| object.status == ObjectStatus::Drifted;
    let begun = Instant::now();
    let (table, notebook) = loop {
        change(&west, &["MODIFY"], &[]).await;
        write(&west, "print('edited there')").await;
        let objects = objects(&engine, false).await;
        let table = of(&objects, AssetKind::Table, ORDERS).clone();
        let notebook = of(&objects, AssetKind::Notebook, NOTEBOOK).clone();
        if drifted(&table) && drifted(&notebook) {
            break (table, notebook);
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "never seen: {table:#?} {notebook:#?}");
    };
    assert_eq!(table.error.as_ref().map(|error| error.class), Some(ErrorClass::AccessNotReplicated));
    let message = table.message().unwrap_or_default();
    assert!(message.contains("MODIFY is granted to controllers only there"), "{message}");
    assert_eq!(notebook.error.as_ref().map(|error| error.class), Some(ErrorClass::Drift));
    let message = notebook.message().unwrap_or_default();
    assert!(message.contains("was changed in us-west-2"), "{message}");

    until_object(&engine, AssetKind::Table, ORDERS, in_sync).await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_lists_what_differs_in_access_and_assets_and_fails() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = group(dir.path()).await;
    until_object(&engine, AssetKind::Table, ORDERS, |object| object.status == ObjectStatus::InSync).await;
    engine.stop().await;
    let data = dir.path().join("data");
    let data = data.to_str().expect("a path");
    let ask = || {
        let output = program(&["verify", "core", "--data-dir", data]);
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let objects = answer["objects"].as_array().cloned().unwrap_or_default();
        let differs =
            |o: &&Value| ["drifted", "missing", "failed", "unknown"].iter().any(|status| o["status"] == *status);
        let differing: Vec<Value> = objects.iter().filter(differs).cloned().collect();
        (output.status.code(), objects, differing)
    };
    let (_, before, _) = ask();
    assert!(before.iter().any(|object| object["type"] == "NOTEBOOK" && object["name"] == NOTEBOOK), "{before:#?}");
    // A runtime that only looks: nothing replicates.
    let again = engine_with(dir.path(), ControlSettings { read_only: true, ..ControlSettings::default() }).await;
    let west = admin(&again, WEST);
    let tag = EntityTagAssignment {
        entity_type: "tables".to_owned(),
        entity_name: ORDERS.to_owned(),
        tag_key: "story".to_owned(),
        tag_value: Some("yes".to_owned()),
        ..EntityTagAssignment::default()
    };
    west.assign_tag(&tag).await.expect("assigned");
    west.delete_object(NOTEBOOK).await.expect("deleted");
    again.stop().await;
    let (status, _, differing) = ask();
    assert_eq!(status, Some(1), "{differing:#?}");
    let find = |kind: &str, name: &str| differing.iter().find(|o| o["type"] == kind && o["name"] == name).cloned();
    let table = find("TABLE", ORDERS).expect("the table differs");
    assert_eq!((&table["status"], &table["error_class"]), (&json!("drifted"), &json!("ACCESS_NOT_REPLICATED")));
    assert!(table["message"].as_str().is_some_and(|m| m.contains("tag story exists only there")), "{table}");
    assert_eq!(find("NOTEBOOK", NOTEBOOK).map(|o| o["status"].clone()), Some(json!("missing")));
}
