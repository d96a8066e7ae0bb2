//! Regions that give credentials for a table's id only, for its path only, or for neither.

use super::support::{catalogs, engine, spec, until, until_active};
use resilience::domain::Region;
use resilience::domain::{ErrorClass, FailoverKind, GroupId, GroupState};
use resilience::runtime::Engine;
use resilience::sandbox::Withheld;

fn withhold(engine: &Engine, withheld: Withheld) {
    for region in engine.sandbox().expect("a sandbox").regions() {
        engine.sandbox().expect("a sandbox").withhold(&region.region, withheld).expect("the region is there");
    }
}

/// With these credentials refused, replicates a catalog, fails it over and back, and compares every file.
async fn there_and_back(withheld: Withheld) {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path(), 0.0).await;
    withhold(&engine, withheld);
    let id = GroupId::new("core").expect("an id");
    let all = catalogs(&engine).await;
    engine.control().create_group("tester", spec(&engine, "core", &[&all[0]]), false).await.expect("created");
    until_active(&engine, "core").await;
    for (target, kind) in [("us-west-2", FailoverKind::Planned), ("us-east-1", FailoverKind::Forced)] {
        engine.control().fail_over("tester", &id, &Region::new(target), kind, None).await.expect("accepted");
        let group = until(&engine, "core", |g| g.state != GroupState::FailingOver).await;
        assert_eq!(group.effective_primary_region, target);
        until_active(&engine, "core").await;
        let report = engine.control().verify(&id, true).await.expect("compared");
        assert!(report.differing().is_empty() && report.verified() > 0, "{:#?}", report.differing());
    }
    let now = engine.control().group(&id).expect("there").replication_point.expect("a point");
    let point = engine.control().point(&id, now).await.expect("read back");
    assert!(point.is_held(), "{point:#?}");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn managed_tables_replicate_where_paths_under_managed_storage_are_refused() {
    there_and_back(Withheld { managed_paths: true, ..Withheld::default() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_replicate_where_no_credentials_are_given_by_id() {
    there_and_back(Withheld { by_id: true, ..Withheld::default() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_given_no_credentials_at_all_says_why_and_arrives_once_it_is() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path(), 0.0).await;
    withhold(&engine, Withheld { by_id: true, managed_paths: true });
    let all = catalogs(&engine).await;
    engine.control().create_group("tester", spec(&engine, "core", &[&all[0]]), false).await.expect("created");
    until(&engine, "core", |g| g.has_replication_point_blocking_errors).await;
    let view = engine.control().view();
    let errors = &view.groups.first().expect("listed").errors;
    assert!(!errors.is_empty());
    for error in errors.iter() {
        assert_eq!(error.class, ErrorClass::PermissionDenied, "{error:#?}");
        let sentence = &error.message;
        let told = sentence.find("lies under the managed storage of catalog");
        let other = sentence.find("Asked by the table's id as well: us-east-1 refused");
        assert!(told.is_some() && told < other && sentence.ends_with('.'), "{sentence}");
    }
    withhold(&engine, Withheld::default());
    until_active(&engine, "core").await;
    engine.stop().await;
}
