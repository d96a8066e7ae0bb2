//! What if: the answer changes nothing, and what it says comes true when it is done.

use super::support::{Account, account, catalogs, engine_with_api, spec, until, until_active};
use resilience::connect::{ConnectSettings, RegionApi, SandboxRegion, Secret};
use resilience::control::view::GroupView;
use resilience::domain::{AssetKind, GroupState};
use resilience::runtime::Engine;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const EAST: &str = "us-east-1";
const WEST: &str = "us-west-2";
const ENTRIES: &str = "finance.ledger.entries";

fn client(engine: &Engine, region: usize) -> Arc<dyn RegionApi> {
    let region = engine.sandbox().expect("a sandbox").regions().swap_remove(region);
    let token = Secret::new(region.replication_token);
    SandboxRegion::connect(ConnectSettings::new(&region.region, &region.workspace_url, token)).expect("a client")
}

async fn with_group(dir: &Path) -> (Engine, Account) {
    let engine = engine_with_api(dir).await;
    let all = catalogs(&engine).await;
    assert!(all.iter().any(|name| name == "finance") && all.iter().any(|name| name == "sales"), "{all:?}");
    let group = spec(&engine, "core", &["finance", "sales"]);
    engine.control().create_group("tester", group, false).await.expect("created");
    until_active(&engine, "core").await;
    let viewer = account(&engine, "viewer").await;
    (engine, viewer)
}

fn view(engine: &Engine) -> GroupView {
    engine.control().view().groups[0].as_ref().clone()
}

async fn ask(caller: &Account, question: Value) -> Value {
    let (status, answer) = caller.post("failover-groups/core/what-if", question).await;
    assert_eq!(status, 200, "{answer}");
    assert!(answer["basis"].as_str().is_some_and(|basis| basis.contains("UTC. Nothing was changed.")), "{answer}");
    answer
}

/// The sentences of one weight, with what they are about.
fn said(answer: &Value, weight: &str) -> String {
    let all = answer["consequences"].as_array().expect("consequences").iter();
    let of = all.filter(|one| one["weight"] == weight);
    of.map(|one| format!("{} {}\n", one["sentence"].as_str().unwrap_or_default(), one["objects"])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_table_is_foretold_with_its_views_and_then_goes_that_way() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, viewer) = with_group(dir.path()).await;
    let before = view(&engine).group;
    let answer = ask(&viewer, json!({ "question": "DROP_TABLE", "table": ENTRIES })).await;
    let fails = said(&answer, "FAILS");
    assert!(fails.contains(&format!("The next cycle drops {ENTRIES} in {WEST} too")), "{fails}");
    let views = view(&engine).objects.iter().filter(|o| o.kind == AssetKind::View).count();
    assert!(views >= 2 && fails.contains("1 view of the scope can't be computed"), "{fails}");
    assert_eq!((answer["tables"].as_u64(), answer["bytes"].as_u64()), (Some(0), Some(0)));
    let west = client(&engine, 1);
    assert!(west.table(ENTRIES).await.expect("asked").is_some(), "asking dropped nothing");
    assert_eq!(view(&engine).group.etag, before.etag, "asking changed nothing");

    client(&engine, 0).delete_table(ENTRIES).await.expect("dropped");
    let begun = std::time::Instant::now();
    while west.table(ENTRIES).await.expect("asked").is_some() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{ENTRIES} stays in {WEST}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let point = view(&engine).group.replication_point;
    until(&engine, "core", |group| group.replication_point > point).await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_catalog_is_foretold_to_hold_the_point_and_to_leave_its_replica() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, viewer) = with_group(dir.path()).await;
    let question = json!({ "question": "RENAME_CATALOG", "catalog": "finance", "new_name": "ledgers" });
    let answer = ask(&viewer, question).await;
    assert!(said(&answer, "FAILS").contains("holds the replication point of the whole group"), "{answer}");
    assert!(said(&answer, "STAYS").contains(&format!("The replica of finance stays in {WEST}")), "{answer}");
    let view_of = view(&engine);
    let bytes: u64 = view_of
        .objects
        .iter()
        .filter(|o| o.kind == AssetKind::Table && o.name.starts_with("finance."))
        .filter_map(|o| o.bytes)
        .sum();
    assert!(answer["bytes"].as_u64().is_some_and(|shipped| shipped <= bytes), "at most what it holds: {answer}");
    let taken = ask(&viewer, json!({ "question": "RENAME_CATALOG", "catalog": "finance", "new_name": "sales" })).await;
    assert!(said(&taken, "FAILS").contains(&format!("{EAST} has a catalog named sales already")), "{taken}");

    let east = client(&engine, 0);
    let rename =
        resilience::wire::unity_catalog::UpdateCatalog { new_name: Some("ledgers".to_owned()), ..Default::default() };
    east.update_catalog("finance", &rename).await.expect("renamed");
    until(&engine, "core", |group| group.has_replication_point_blocking_errors).await;
    let west = client(&engine, 1);
    assert!(west.table(ENTRIES).await.expect("asked").is_some(), "its replica stays");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_region_is_weighed_by_what_it_is_now() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, viewer) = with_group(dir.path()).await;
    let secondary = ask(&viewer, json!({ "question": "LOSE_REGION", "region": WEST })).await;
    assert!(said(&secondary, "STAYS").contains(&format!("{EAST} stays the primary")), "{secondary}");
    assert!(said(&secondary, "FAILS").contains("core is unprotected"), "{secondary}");
    let primary = ask(&viewer, json!({ "question": "LOSE_REGION", "region": EAST })).await;
    assert!(said(&primary, "STAYS").contains(&format!("Every commit had arrived in {WEST} as of")), "{primary}");
    assert!(said(&primary, "UNKNOWN").contains("No forced failover of core has been measured yet"), "{primary}");
    assert!(said(&primary, "COSTS").contains("stop with us-east-1"), "{primary}");
    assert_eq!(view(&engine).group.state, GroupState::Active);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swapped_mapping_is_checked_like_the_edit_and_questions_that_name_nothing_are_refused() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, viewer) = with_group(dir.path()).await;
    let before = view(&engine).group;
    let answer = ask(&viewer, json!({ "question": "SWAP_MAPPING", "mapping": "storage" })).await;
    let fails = said(&answer, "FAILS");
    // The edit itself says the same.
    let mut assets = before.spec.unity_catalog_assets.clone().expect("a scope");
    let row = &mut assets.location_mappings[0].uri_by_region;
    let uris: Vec<String> = row.values().rev().cloned().collect();
    row.values_mut().zip(uris).for_each(|(to, from)| *to = from);
    let patch = resilience::control::GroupPatch { unity_catalog_assets: Some(Some(assets)), ..Default::default() };
    let refused = engine.control().update_group("tester", &before.spec.id, None, patch).await.expect_err("refused");
    let first = refused.to_string();
    assert!(
        fails.contains("The change is refused.") && fails.contains(&first[..first.len().min(60)]),
        "{fails}{first}"
    );
    assert_eq!(view(&engine).group.spec, before.spec);
    for (question, word) in [
        (json!({ "question": "SWAP_MAPPING", "mapping": "nothing" }), "no storage mapping named"),
        (json!({ "question": "LOSE_REGION", "region": "mars" }), "isn't a region of core"),
        (json!({ "question": "RENAME_CATALOG", "catalog": "nothing", "new_name": "x" }), "isn't in the scope"),
        (json!({ "question": "RENAME_CATALOG", "catalog": "finance", "new_name": "a b" }), "can't be a catalog's name"),
        (json!({ "question": "DROP_TABLE", "table": "finance.ledger.nothing" }), "isn't a table in the scope"),
        (json!({ "question": "DROP_TABLE" }), "table is missing"),
        (json!({ "question": "RAIN" }), "LOSE_REGION"),
    ] {
        let (status, answer) = viewer.post("failover-groups/core/what-if", question.clone()).await;
        assert_eq!(status, 400, "{question}");
        assert!(answer["message"].as_str().is_some_and(|message| message.contains(word)), "{answer}");
    }
    engine.stop().await;
}
