//! What a forced failover left behind is looked at, appended to the live table, made a table of, exported and released: by a
//! person, and never by itself.

use super::left_behind::{admin, core, view};
use super::support::{account, engine, engine_with_api, left_by_force, until_active};
use resilience::control::{ControlError, SalvageRef, SalvageReport};
use resilience::delta::SalvagedCommit;
use resilience::domain::RecoveryRequest;
use resilience::runtime::Engine;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const EAST: &str = "us-east-1";
const WEST: &str = "us-west-2";

/// Every line of the list with its commits.
pub async fn reports(engine: &Engine) -> Vec<SalvageReport> {
    let mut found = Vec::new();
    for line in view(engine).salvage.iter() {
        let of = SalvageRef { group: core(), table: line.table.clone(), epoch: line.epoch };
        found.push(engine.control().salvaged(&of).await.expect("read"));
    }
    found
}

/// The first commit that fits the live table, with its line.
pub fn appendable(reports: &[SalvageReport]) -> (SalvageRef, SalvagedCommit) {
    let fits =
        reports.iter().flat_map(|report| report.commits.iter().map(|commit| (report.of.clone(), commit.clone())));
    let mut fits = fits.filter(|(_, commit)| commit.unfit.is_none() && commit.rows.is_some_and(|rows| rows > 0));
    fits.next().unwrap_or_else(|| panic!("none of them fits: {reports:#?}"))
}

async fn folder_of(engine: &Engine, region: &str, table: &str) -> PathBuf {
    let info = admin(engine, region).table(table).await.expect("asked").expect("there");
    let location = info.storage_location.expect("a location");
    url::Url::parse(&location).expect("a URI").to_file_path().expect("a path")
}

/// The actions of the newest commit, with its version.
fn newest(folder: &Path) -> (i64, Vec<Value>) {
    let file = |version: i64| folder.join(format!("_delta_log/{version:020}.json"));
    let names = std::fs::read_dir(folder.join("_delta_log")).expect("a log").flatten();
    let versions = names.filter_map(|name| name.file_name().to_str()?.strip_suffix(".json")?.parse::<i64>().ok());
    let version = versions.max().expect("a commit");
    let text = std::fs::read_to_string(file(version)).expect("read");
    (version, text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect())
}

fn adds(actions: &[Value]) -> Vec<&Value> {
    actions.iter().filter_map(|action| action.get("add")).collect()
}

async fn whole(engine: &Engine) {
    until_active(engine, "core").await;
    let begun = std::time::Instant::now();
    loop {
        let report = engine.control().verify(&core(), true).await.expect("compared");
        if report.differing().is_empty() {
            return;
        }
        assert!(begun.elapsed().as_secs() < 60, "{:#?}", report.differing());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_salvaged_append_becomes_an_ordinary_commit_of_the_live_table_once() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path(), 0.0).await;
    left_by_force(&engine).await;
    let reports = reports(&engine).await;
    assert!(!reports.is_empty() && reports.iter().all(|report| report.region == EAST), "{reports:#?}");
    let unfit = reports.iter().flat_map(|report| &report.commits).filter_map(|commit| commit.unfit.as_ref());
    assert!(unfit.into_iter().all(|why| why.ends_with('.')), "each says why");
    let (of, commit) = appendable(&reports);
    let rows = engine.control().preview_salvage(&of, vec![commit.version]).await.expect("read");
    assert_eq!(rows.rows.len() as u64, commit.rows.expect("known").min(100), "{rows:#?}");
    assert!(rows.rows.iter().all(|row| row.len() == rows.columns.len()) && !rows.columns.is_empty());

    let live = folder_of(&engine, WEST, &of.table).await;
    let (before, _) = newest(&live);
    let control = engine.control();
    let said = control
        .recover_salvage("ada", &of, vec![commit.version], RecoveryRequest::Append)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    assert!(said.contains(&of.table), "{said}");
    let (version, actions) = newest(&live);
    assert_eq!(version, before + 1);
    assert_eq!(actions[0]["commitInfo"]["operation"], "RECOVER");
    assert_eq!(adds(&actions).len() as u64, commit.files);
    for add in adds(&actions) {
        let path = live.join(add["path"].as_str().expect("a path"));
        assert_eq!(path.metadata().expect("there").len(), add["size"].as_u64().expect("a size"));
    }
    let again = control.recover_salvage("ada", &of, vec![commit.version], RecoveryRequest::Append).await;
    assert!(again.is_ok() && newest(&live).0 == version, "what is there isn't appended again: {again:?}");
    whole(&engine).await;
    let lines = control.view().activity.clone();
    let line = lines.iter().find(|line| line.action == "salvage.append").expect("audited");
    assert_eq!(line.actor, "ada");

    control.release_salvage("ada", &of).await.expect("released");
    engine.stop().await;
    let engine = super::support::engine(dir.path(), 0.0).await;
    let kept = view(&engine).salvage.iter().find(|line| line.table == of.table).expect("still listed").clone();
    assert_eq!(kept.recovered.iter().map(|done| done.by.as_str()).collect::<Vec<_>>(), ["ada", "ada"]);
    assert_eq!(kept.released.map(|released| released.by), Some("ada".to_owned()));
    assert!(Path::new(&kept.folder).join("manifest.json").is_file(), "a release deletes nothing");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn salvaged_rows_become_a_table_that_replicates_or_files_that_any_program_reads() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path(), 0.0).await;
    left_by_force(&engine).await;
    let (of, commit) = appendable(&reports(&engine).await);
    let control = engine.control();
    let name = format!("{}_again", of.table);
    let make = |table: &str| RecoveryRequest::MakeTable { table: table.to_owned() };
    let refused = control.recover_salvage("ada", &of, vec![commit.version], make("just_a_name")).await;
    assert!(matches!(refused, Err(ControlError::BadArgument { .. })), "{refused:?}");
    let taken = control.recover_salvage("ada", &of, vec![commit.version], make(&of.table)).await;
    assert!(matches!(taken, Err(ControlError::Exists { .. })), "{taken:?}");
    control.recover_salvage("ada", &of, vec![commit.version], make(&name)).await.expect("made");
    let (version, actions) = newest(&folder_of(&engine, WEST, &name).await);
    assert_eq!((version, adds(&actions).len() as u64), (0, commit.files));
    until_replicated(&engine, &name).await;
    whole(&engine).await;

    let out = dir.path().join("out");
    let export = || RecoveryRequest::Export { folder: out.display().to_string() };
    control.recover_salvage("ada", &of, vec![commit.version], export()).await.expect("exported");
    let parquet = out.join(format!("v{}-1.parquet", commit.version));
    assert!(std::fs::read(&parquet).expect("there").starts_with(b"PAR1"));
    let again = control.recover_salvage("ada", &of, vec![commit.version], export()).await.expect_err("refused");
    assert!(again.to_string().contains("isn't empty"), "{again}");
    let line = view(&engine).salvage.iter().find(|line| line.table == of.table).expect("listed").clone();
    assert_eq!(line.recovered.len(), 2, "{line:#?}");
    engine.stop().await;
}

async fn until_replicated(engine: &Engine, table: &str) {
    let begun = std::time::Instant::now();
    while admin(engine, EAST).table(table).await.expect("asked").is_none() {
        assert!(begun.elapsed().as_secs() < 60, "{table} never arrived");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_api_a_viewer_sees_what_there_is_and_an_operator_recovers_it() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine_with_api(dir.path()).await;
    left_by_force(&engine).await;
    let (of, commit) = appendable(&reports(&engine).await);
    let (viewer, operator) = (account(&engine, "viewer").await, account(&engine, "operator").await);
    let (status, list) = viewer.get("failover-groups/core/salvage").await;
    assert_eq!(status, 200);
    assert!(list["salvage"].as_array().is_some_and(|all| all.iter().any(|line| line["table"] == of.table.as_str())));
    let body = json!({"table": of.table, "epoch": of.epoch, "versions": [commit.version]});
    let (status, commits) = viewer.post("failover-groups/core/salvage/commits", body.clone()).await;
    assert_eq!((status, commits["live_table"].as_str()), (200, Some(of.table.as_str())), "{commits}");
    for call in ["rows", "append", "release"] {
        let (status, answer) = viewer.post(&format!("failover-groups/core/salvage/{call}"), body.clone()).await;
        assert_eq!((status, answer["error_code"].as_str()), (403, Some("PERMISSION_DENIED")), "{call}: {answer}");
    }
    let (status, rows) = operator.post("failover-groups/core/salvage/rows", body.clone()).await;
    assert_eq!(status, 200);
    assert!(rows["rows"].as_array().is_some_and(|rows| !rows.is_empty()), "{rows}");
    let (status, done) = operator.post("failover-groups/core/salvage/append", body.clone()).await;
    assert_eq!(status, 200, "{done}");
    let wrong = json!({"table": "x.y.z", "epoch": of.epoch});
    let (status, answer) = operator.post("failover-groups/core/salvage/append", wrong).await;
    assert_eq!((status, answer["error_code"].as_str()), (400, Some("INVALID_PARAMETER_VALUE")), "{answer}");
    let (status, _) = operator.post("failover-groups/core/salvage/release", body).await;
    assert_eq!(status, 200);
    let line = view(&engine).salvage.iter().find(|line| line.table == of.table).expect("listed").clone();
    assert!(line.released.is_some() && line.recovered.len() == 1, "{line:#?}");
    whole(&engine).await;
    engine.stop().await;
}
