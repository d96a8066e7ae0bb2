//! A planned failover loses only what its caller gave up by name, and what it leaves is kept and listed.

use super::support::{catalogs, engine, spec, until, until_active};
use resilience::connect::{ConnectSettings, RegionApi, SandboxRegion, Secret};
use resilience::control::ControlError;
use resilience::control::view::{GroupView, OperationOutcome};
use resilience::domain::Region;
use resilience::domain::{AssetKind, ErrorClass, FailoverGroup, FailoverKind, GroupId, GroupState, ObjectStatus};
use resilience::replicate::{CompareReport, ObjectRecord};
use resilience::runtime::{Engine, Intent, NoticeDetail};
use resilience::wire::unity_catalog as uc;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const EAST: &str = "us-east-1";
const WEST: &str = "us-west-2";

pub fn core() -> GroupId {
    GroupId::new("core").expect("an id")
}

pub fn admin(engine: &Engine, region: &str) -> Arc<dyn RegionApi> {
    let all = engine.sandbox().expect("a sandbox").regions();
    let at = all.iter().find(|r| r.region == region).expect("the region");
    let token = std::fs::read_to_string(&at.token_file).expect("a token");
    SandboxRegion::connect(ConnectSettings::new(region, &at.workspace_url, Secret::new(token.trim())))
        .expect("a client")
}

pub fn commit_file(folder: &Path, version: i64) -> PathBuf {
    folder.join(format!("_delta_log/{version:020}.json"))
}

pub fn put(folder: &Path, version: i64, bytes: &str) {
    std::fs::create_dir_all(folder.join("_delta_log")).expect("a folder");
    std::fs::write(commit_file(folder, version), bytes).expect("written");
}

/// A commit that adds one file with rows.
pub fn append(folder: &Path, version: i64) {
    let (path, bytes) = (format!("part-{version}.parquet"), format!("rows of version {version}"));
    std::fs::write(folder.join(&path), &bytes).expect("written");
    let add = json!({"add": {"path": path, "partitionValues": {}, "size": bytes.len(), "modificationTime": 1,
        "dataChange": true, "stats": "{\"numRecords\":2}"}});
    put(folder, version, &format!("{add}\n"));
}

/// A commit that names a file outside the table, which no copied log may do.
pub fn absolute(folder: &Path, version: i64) {
    let add = json!({"add": {"path": "file:///elsewhere/x.parquet", "partitionValues": {}, "size": 1,
        "modificationTime": 1, "dataChange": true}});
    put(folder, version, &format!("{add}\n"));
}

/// Makes a managed table of so many versions in the region; its folder.
pub async fn make_table(region: &Arc<dyn RegionApi>, full_name: &str, versions: i64) -> PathBuf {
    let [catalog_name, schema_name, name] =
        full_name.split('.').map(str::to_owned).collect::<Vec<_>>().try_into().expect("three parts");
    let staging = uc::CreateStagingTable {
        catalog_name: catalog_name.clone(),
        schema_name: schema_name.clone(),
        name: name.clone(),
        ..Default::default()
    };
    let location = region.create_staging_table(&staging).await.expect("staged").staging_location;
    let folder = url::Url::parse(&location).expect("a URI").to_file_path().expect("a path");
    let fields =
        json!({"type": "struct", "fields": [{"name": "id", "type": "long", "nullable": true, "metadata": {}}]});
    let metadata = json!({"metaData": {"id": full_name, "format": {"provider": "parquet", "options": {}},
        "schemaString": fields.to_string(), "partitionColumns": [], "configuration": {}}});
    let protocol = json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}});
    put(&folder, 0, &format!("{protocol}\n{metadata}\n"));
    (1..versions).for_each(|version| append(&folder, version));
    let table = uc::CreateTable {
        name,
        catalog_name,
        schema_name,
        table_type: uc::TABLE_MANAGED.to_owned(),
        data_source_format: Some(uc::FORMAT_DELTA.to_owned()),
        storage_location: Some(location),
        ..Default::default()
    };
    region.create_table(&table).await.expect("registered");
    folder
}

/// Every file below a folder with its bytes.
pub fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(at).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below").display().to_string();
                found.insert(name, std::fs::read(&path).expect("read"));
            }
        }
    }
    found
}

/// A runtime with a group over one catalog of two tables, of which `broken` says what becomes of the second.
async fn start(dir: &Path, broken: impl FnOnce(&Path)) -> (Engine, String, PathBuf) {
    let engine = engine(dir, 0.0).await;
    let catalog = catalogs(&engine).await.swap_remove(0);
    let east = admin(&engine, EAST);
    let schema = uc::CreateSchema { name: "s".into(), catalog_name: catalog.clone(), ..Default::default() };
    east.create_schema(&schema).await.expect("made");
    make_table(&east, &format!("{catalog}.s.whole"), 3).await;
    let name = format!("{catalog}.s.broken");
    let folder = make_table(&east, &name, 4).await;
    broken(&folder);
    engine.control().create_group("tester", spec(&engine, "core", &[&catalog]), false).await.expect("created");
    until_active(&engine, "core").await;
    (engine, name, folder)
}

pub fn view(engine: &Engine) -> GroupView {
    (**engine.control().view().groups.first().expect("listed")).clone()
}

async fn until_shown(engine: &Engine, done: impl Fn(&GroupView) -> bool) {
    let begun = std::time::Instant::now();
    let mut changes = engine.control().changes();
    while !done(&view(engine)) {
        assert!(begun.elapsed().as_secs() < 60, "waited in vain: {:#?}", view(engine).errors);
        let _ = tokio::time::timeout(std::time::Duration::from_millis(200), changes.changed()).await;
    }
}

async fn ask(engine: &Engine, target: &str, accepted: &[&str]) -> Result<FailoverGroup, ControlError> {
    let accepted: Vec<String> = accepted.iter().map(|name| (*name).to_owned()).collect();
    let control = engine.control();
    control.fail_over_accepting("tester", &core(), &Region::new(target), FailoverKind::Planned, None, &accepted).await
}

async fn through(engine: &Engine, target: &str, accepted: &[&str]) {
    ask(engine, target, accepted).await.expect("accepted");
    let group = until_active(engine, "core").await;
    let operation = engine.control().last_operation(&core()).expect("known").expect("there");
    assert_eq!(group.effective_primary_region, target, "{:?}", operation.message);
}

fn object<'a>(report: &'a CompareReport, name: &str) -> &'a ObjectRecord {
    report.objects.iter().find(|o| o.name == name && o.kind == AssetKind::Table).expect("listed")
}

fn says_where(found: &ObjectRecord, region: &str, place: &str) {
    assert_eq!(
        (found.status, found.error.as_ref().map(|e| e.class)),
        (ObjectStatus::LeftBehind, Some(ErrorClass::LeftBehind))
    );
    let said = found.message().expect("a sentence");
    assert!(said.contains(region) && said.contains(place) && said.contains("only"), "{said}");
    let lower = said.to_lowercase();
    assert!(!lower.contains("somebody") && !lower.contains("drop it"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_never_arrived_is_left_only_by_its_name_and_stays_listed_until_it_is_back() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, name, folder) =
        start(dir.path(), |folder| std::fs::remove_file(commit_file(folder, 2)).expect("gone")).await;
    let before = contents(&folder);
    let known = view(&engine).errors.iter().find(|e| e.object == name).expect("flagged").clone();
    let found = object(&engine.control().verify(&core(), false).await.expect("compared"), &name).clone();
    assert_eq!(
        (found.status, found.error.map(|e| (e.class, e.message))),
        (ObjectStatus::Failed, Some((known.class, known.message))),
        "verify says what the cycle knows"
    );

    let refused = ask(&engine, WEST, &[]).await.expect_err("it would lose a table").to_string();
    for words in [name.as_str(), "LOG_GAP", "versions 0–3", "us-west-2", "accept_left_behind"] {
        assert!(refused.contains(words), "{words}: {refused}");
    }
    assert_eq!(view(&engine).group.state, GroupState::Active);
    ask(&engine, WEST, &["other.s.table"]).await.expect_err("another name gives nothing up");

    through(&engine, WEST, &[&name.to_uppercase()]).await;
    assert_eq!(contents(&folder), before, "the only copy is as it was");
    let left = view(&engine).left_behind.first().expect("listed").clone();
    assert_eq!((left.region.as_str(), left.folder, left.lost.last_version), (EAST, None, Some(3)));
    let place = left.lost.location.expect("a place");
    let report = engine.control().verify(&core(), false).await.expect("compared");
    says_where(object(&report, &name), EAST, &place);
    says_where(view(&engine).objects.iter().find(|o| o.name == name).expect("shown"), EAST, &place);
    let refused = engine.control().delete_group("tester", &core(), None).await.expect_err("it lists the only copy");
    assert!(refused.to_string().contains(&name), "{refused}");
    engine.stop().await;

    let engine = super::support::engine(dir.path(), 0.0).await;
    assert_eq!(view(&engine).left_behind.len(), 1, "the store has it");
    until_active(&engine, "core").await;
    through(&engine, EAST, &[]).await;
    assert!(view(&engine).left_behind.is_empty(), "it is in the primary again");
    until_shown(&engine, |view| view.errors.iter().any(|e| e.object == name && e.class == ErrorClass::LogGap)).await;
    assert_eq!(contents(&folder), before);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_lists_the_only_copy_of_a_table_is_deleted_once_a_person_has_released_it() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, name, folder) =
        start(dir.path(), |folder| std::fs::remove_file(commit_file(folder, 2)).expect("gone")).await;
    let before = contents(&folder);
    through(&engine, WEST, &[&name]).await;
    let refused = engine.control().delete_group("tester", &core(), None).await.expect_err("the only copy").to_string();
    assert!(refused.contains(&name) && refused.contains("release it"), "{refused}");
    assert_eq!(view(&engine).group.state, GroupState::Active, "the group goes on");
    engine.control().release_left_behind("tester", &core(), &name).await.expect("released");
    assert!(view(&engine).left_behind.is_empty());
    engine.control().delete_group("tester", &core(), None).await.expect("nothing holds it any more");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !engine.control().view().groups.is_empty() {
        assert!(std::time::Instant::now() < deadline, "the group was not deleted");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(contents(&folder), before, "neither the failover nor the deletion touched the files");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_that_stop_arriving_are_given_up_by_name_salvaged_and_released_by_a_person() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, name, folder) = start(dir.path(), |_| {}).await;
    absolute(&folder, 4);
    append(&folder, 5);
    until_shown(&engine, |view| view.errors.iter().any(|e| e.object == name)).await;
    let refused = ask(&engine, WEST, &[]).await.expect_err("it would lose two commits").to_string();
    assert!(refused.contains(&name) && refused.contains("versions 4–5, 2 commits"), "{refused}");

    through(&engine, WEST, &[&name]).await;
    let left = view(&engine).left_behind.first().expect("listed").clone();
    let salvage_dir = left.folder.clone().expect("set aside before the table became a replica");
    assert_eq!((left.lost.first_version, left.lost.last_version, left.lost.commits), (Some(4), Some(5), Some(2)));
    let kept = contents(Path::new(&salvage_dir));
    assert_eq!(
        kept.get("part-5.parquet").map(Vec::as_slice),
        Some(b"rows of version 5".as_slice()),
        "{:?}",
        kept.keys()
    );
    let report = engine.control().verify(&core(), true).await.expect("compared");
    says_where(object(&report, &name), EAST, &salvage_dir);

    let wrong = Intent::ReleaseLeftBehind { id: core(), object: "x.y.z".into() };
    engine.perform("ada", wrong).await.expect_err("nothing of that name was left");
    let release = Intent::ReleaseLeftBehind { id: core(), object: name.clone() };
    assert!(matches!(engine.perform("ada", release).await, Ok(NoticeDetail::Done(_))));
    let line = engine.control().view().activity.first().expect("audited").clone();
    assert_eq!((line.actor.as_str(), line.action.as_str()), ("ada", "left_behind.release"));
    let report = engine.control().verify(&core(), true).await.expect("compared");
    assert_eq!(object(&report, &name).status, ObjectStatus::InSync);
    assert_eq!(contents(Path::new(&salvage_dir)), kept, "a release deletes nothing");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_after_the_call_rolls_it_back_and_the_sentence_names_it() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, name, folder) = start(dir.path(), |_| {}).await;
    absolute(&folder, 4);
    // A cycle may see it before the call does; then the call itself is refused.
    let said = match ask(&engine, WEST, &[]).await {
        Err(refused) => refused.to_string(),
        Ok(_) => {
            until(&engine, "core", |g| g.state != GroupState::FailingOver).await;
            let operation = engine.control().last_operation(&core()).expect("known").expect("there");
            assert_eq!(operation.outcome, OperationOutcome::RolledBack);
            operation.message.expect("says why")
        }
    };
    assert!(said.contains(&name) && said.contains("version 4"), "{said}");
    let group = engine.control().group(&core()).expect("there");
    assert_eq!((group.state, group.effective_primary_region.as_str()), (GroupState::Active, EAST));
    assert!(commit_file(&folder, 4).is_file());
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_never_be_replicated_is_given_up_by_name_too() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path(), 0.0).await;
    engine
        .control()
        .create_group("tester", spec(&engine, "core", &["cannot_replicate"]), false)
        .await
        .expect("created");
    until_active(&engine, "core").await;
    let refused = ask(&engine, WEST, &[]).await.expect_err("nothing of it is in the secondary").to_string();
    assert!(refused.contains("UNSUPPORTED_OBJECT") && refused.contains("cannot_replicate."), "{refused}");
    let flagged = resilience::replicate::shortfalls(&view(&engine).objects);
    let names: Vec<&str> = flagged.iter().map(|lost| lost.object.as_str()).collect();
    ask(&engine, WEST, &names[1..]).await.expect_err("one is not named");
    let answer = ask(&engine, WEST, &names).await.expect("all are named");
    assert_eq!(answer.state, GroupState::FailingOver);
    if engine.control().group(&core()).expect("there").state == GroupState::FailingOver {
        let other = ask(&engine, WEST, &[]).await;
        assert!(other.is_err() || view(&engine).group.state != GroupState::FailingOver, "another list is another call");
    }
    let group = until_active(&engine, "core").await;
    assert_eq!(group.effective_primary_region, WEST);
    let report = engine.control().verify(&core(), false).await.expect("compared");
    for name in names {
        let found = object(&report, name);
        assert_eq!(found.status, ObjectStatus::LeftBehind, "{found:?}");
    }
    through(&engine, EAST, &[]).await;
    assert!(view(&engine).left_behind.is_empty());
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_the_same_name_in_the_new_primary_never_takes_the_place_of_the_one_left_behind() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, name, folder) =
        start(dir.path(), |folder| std::fs::remove_file(commit_file(folder, 2)).expect("gone")).await;
    let before = contents(&folder);
    through(&engine, WEST, &[&name]).await;
    make_table(&admin(&engine, WEST), &name, 2).await;
    until_shown(&engine, |view| view.group.has_replication_point_blocking_errors).await;
    let error = view(&engine).errors.first().expect("blocks").clone();
    assert_eq!((error.class, error.object.as_str()), (ErrorClass::LeftBehind, name.as_str()));
    assert!(error.message.contains("another table of that name"), "{}", error.message);
    assert_eq!(contents(&folder), before, "nothing writes over the only copy");
    let refused = ask(&engine, EAST, &[]).await.expect_err("the new table is not in the old primary").to_string();
    assert!(refused.contains(&name), "{refused}");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_only_looks_gives_what_never_arrived_the_class_that_the_cycle_gave_it() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, name, _) = start(dir.path(), |folder| absolute(folder, 4)).await;
    let known = view(&engine).errors.iter().find(|e| e.object == name).expect("flagged").clone();
    engine.stop().await;
    let (data, out) = (dir.path().join("data"), dir.path().join("answer.json"));
    let (data, out) = (data.to_str().expect("text"), out.to_str().expect("text"));
    let ended = super::support::program(&["verify", "core", "--data-dir", data, "--json", out]);
    assert_eq!(ended.status.code(), Some(1), "{}", String::from_utf8_lossy(&ended.stderr));
    let answer: serde_json::Value = serde_json::from_slice(&std::fs::read(out).expect("written")).expect("JSON");
    let found =
        answer["objects"].as_array().expect("objects").iter().find(|o| o["name"] == json!(name)).expect("listed");
    assert_eq!(found["status"], "failed");
    assert_eq!((&found["error_class"], &found["message"]), (&json!(known.class.as_str()), &json!(known.message)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forced_failover_goes_ahead_and_says_what_it_is_known_to_leave() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, name, folder) = start(dir.path(), |folder| absolute(folder, 4)).await;
    let before = contents(&folder);
    engine
        .control()
        .fail_over("tester", &core(), &Region::new(WEST), FailoverKind::Forced, None)
        .await
        .expect("accepted");
    let line = engine.control().view().activity.iter().find(|l| l.action == "failover_group.fail_over").cloned();
    assert!(line.expect("audited").message.contains(&name));
    until(&engine, "core", |g| g.state == GroupState::Active && !g.salvage_pending).await;
    let left = view(&engine).left_behind.first().expect("listed").clone();
    assert_eq!(
        (left.lost.object.as_str(), left.lost.last_version, left.lost.commits),
        (name.as_str(), Some(4), Some(5))
    );
    let salvage_dir = left.folder.expect("set aside whole");
    let kept = contents(Path::new(&salvage_dir));
    assert!(before.iter().all(|(path, bytes)| kept.get(path) == Some(bytes)), "{:?}", kept.keys());
    let report = engine.control().verify(&core(), false).await.expect("compared");
    says_where(object(&report, &name), EAST, &salvage_dir);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_comes_late_is_shipped_by_the_next_call_and_nothing_is_left() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, name, folder) = start(dir.path(), |_| {}).await;
    append(&folder, 4);
    let file = folder.join("part-4.parquet");
    let bytes = std::fs::read(&file).expect("there");
    std::fs::remove_file(&file).expect("gone");
    until_shown(&engine, |view| view.errors.iter().any(|e| e.object == name)).await;
    let refused = ask(&engine, WEST, &[]).await.expect_err("its last commit can't be read").to_string();
    assert!(refused.contains(&name) && refused.contains("MISSING_DATA_FILE: version 4"), "{refused}");
    std::fs::write(&file, bytes).expect("uploaded");
    // Refused once more at most, by what the last cycle knew; that makes the next one look afresh.
    let _ = ask(&engine, WEST, &[]).await;
    until_shown(&engine, |view| view.errors.is_empty()).await;
    through(&engine, WEST, &[]).await;
    assert!(view(&engine).left_behind.is_empty() && view(&engine).salvage.is_empty());
    engine.stop().await;
}
