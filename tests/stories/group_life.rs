//! The life of a failover group, over real HTTP and real Delta tables.

use super::left_behind::admin;
use super::support::{catalogs, engine, spec, spec_with_assets, until, until_active};
use resilience::control::GroupPatch;
use resilience::control::view::OperationOutcome;
use resilience::domain::Region;
use resilience::domain::{AssetKind, CatalogName, ErrorClass, FailoverKind, GroupId, GroupState, ObjectStatus};
use resilience::runtime::{Intent, NoticeDetail};

fn names(all: &[String]) -> Vec<&str> {
    all.iter().map(String::as_str).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_replicates_fails_over_as_planned_and_back_without_losing_anything() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path(), 8.0).await;
    let id = GroupId::new("core").expect("an id");
    let all = catalogs(&engine).await;
    assert!(all.len() >= 3, "{all:?}");
    let intent = Intent::CreateGroup { spec: spec_with_assets(&engine, "core", &names(&all)), validate_only: false };
    let Ok(NoticeDetail::Group(group)) = engine.perform("console", intent).await else { panic!("refused") };
    assert_eq!(group.state, GroupState::Creating);
    let active = until_active(&engine, "core").await;
    assert!(active.replication_point.is_some());

    for target in ["us-west-2", "us-east-1"] {
        let before = engine.control().group(&id).expect("there");
        let answer = engine
            .control()
            .fail_over("tester", &id, &Region::new(target), FailoverKind::Planned, Some(&before.etag))
            .await
            .expect("accepted");
        assert_eq!(answer.state, GroupState::FailingOver, "the answer shows it already");
        let after = until(&engine, "core", |g| g.state != GroupState::FailingOver).await;
        let operation = engine.control().last_operation(&id).expect("there").expect("an operation");
        assert_eq!(operation.outcome, OperationOutcome::Succeeded, "{operation:#?}");
        assert_eq!(after.effective_primary_region, target);
        assert_eq!(after.epoch, before.epoch + 1);
        until_active(&engine, "core").await;
        let report = engine.control().verify(&id, false).await.expect("compared");
        assert!(report.differing().is_empty(), "the fence commits have arrived: {:#?}", report.differing());
        let resumed = engine.control().resume_workloads("tester", &id).await.expect("resumed");
        assert!(resumed.contains("resumed in") && !resumed.starts_with("0 "), "{resumed}");
        let jobs = admin(&engine, target).unpaused_jobs().await.expect("asked");
        assert!(!jobs.is_empty(), "what ran in the old primary runs in the new one: {resumed}");
    }
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_group_is_there_after_a_restart_and_its_point_never_moves_back() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let first = engine(dir.path(), 5.0).await;
    let all = catalogs(&first).await;
    first.control().create_group("tester", spec(&first, "core", &names(&all[..1])), false).await.expect("created");
    let point = until_active(&first, "core").await.replication_point.expect("a point");
    first.stop().await;
    let again = engine(dir.path(), 5.0).await;
    let group = until(&again, "core", |g| g.replication_point.is_some_and(|p| p > point)).await;
    assert_eq!(group.state, GroupState::Active);
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forced_failover_keeps_what_never_arrived_and_the_old_primary_becomes_the_replica() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path(), 10.0).await;
    let id = GroupId::new("core").expect("an id");
    let all = catalogs(&engine).await;
    engine.control().create_group("tester", spec(&engine, "core", &names(&all)), false).await.expect("created");
    until_active(&engine, "core").await;
    engine.sandbox().expect("a sandbox").take_down("us-east-1").await.expect("down");
    engine
        .control()
        .fail_over("tester", &id, &Region::new("us-west-2"), FailoverKind::Forced, None)
        .await
        .expect("accepted");
    let group = until(&engine, "core", |g| g.state == GroupState::InitialReplication).await;
    assert_eq!(group.effective_primary_region, "us-west-2");
    assert!(group.salvage_pending && !group.is_protected());
    let refused =
        engine.control().fail_over("tester", &id, &Region::new("us-east-1"), FailoverKind::Forced, None).await;
    assert!(refused.is_err(), "a region full of orphans is nothing to fail over to");
    engine.control().resume_workloads("tester", &id).await.ok();

    engine.sandbox().expect("a sandbox").bring_up("us-east-1").await.expect("up");
    let group = until_active(&engine, "core").await;
    assert!(!group.salvage_pending);
    let view = engine.control().view();
    let view = view.groups.first().expect("listed");
    let lost = view.operation.as_ref().and_then(|o| o.commits_lost).expect("counted");
    assert_eq!(lost, view.salvage.iter().map(|s| s.commits).sum::<u64>());
    for salvage in view.salvage.iter() {
        let folder = salvage.folder.trim_start_matches("file://");
        assert!(std::path::Path::new(folder).join("manifest.json").is_file(), "{folder}");
    }
    let jobs = engine.control().pause_schedules_in(&id, &Region::new("us-west-2")).await.expect("paused");
    let report = loop {
        let report = engine.control().verify(&id, true).await.expect("compared");
        if report.differing().is_empty() || jobs.is_empty() {
            break report;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    };
    assert!(report.differing().is_empty(), "{:#?}", report.differing());
    assert!(report.verified() >= 12);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_click_is_refused_and_a_repeated_one_is_harmless() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path(), 0.0).await;
    let id = GroupId::new("core").expect("an id");
    let all = catalogs(&engine).await;
    engine.control().create_group("tester", spec(&engine, "core", &names(&all[..1])), false).await.expect("created");
    let group = until_active(&engine, "core").await;
    let stale = Intent::FailOver {
        as_of: None,
        provisional_minutes: None,
        accept_left_behind: Vec::new(),
        id: id.clone(),
        target_primary_region: Region::new("us-west-2"),
        kind: FailoverKind::Planned,
        etag: "seen long ago".to_owned(),
    };
    let refusal = engine.perform("console", stale).await.expect_err("refused");
    assert!(refusal.stale, "{refusal:?}");
    let same = engine
        .control()
        .fail_over("tester", &id, &Region::new("us-east-1"), FailoverKind::Planned, None)
        .await
        .expect("harmless");
    assert_eq!(same.etag, group.etag);
    let nonsense = engine.control().fail_over("tester", &id, &Region::new("mars"), FailoverKind::Planned, None).await;
    assert!(nonsense.expect_err("refused").to_string().contains("mars"));
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_belongs_to_one_group_and_the_runtime_checks_what_the_form_checked() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path(), 0.0).await;
    let all = catalogs(&engine).await;
    let first = spec(&engine, "one", &names(&all[..1]));
    engine.control().create_group("tester", first.clone(), true).await.expect("valid");
    assert!(engine.control().view().groups.is_empty(), "validating creates nothing");
    engine.control().create_group("tester", first, false).await.expect("created");
    until_active(&engine, "one").await;
    let again = engine.control().create_group("tester", spec(&engine, "two", &names(&all[..1])), false).await;
    let sentence = again.expect_err("refused").to_string();
    assert!(sentence.contains("belongs to failover group one"), "{sentence}");
    let mut unmapped = spec(&engine, "three", &names(&all[1..2]));
    if let Some(assets) = &mut unmapped.unity_catalog_assets {
        assets.location_mappings.clear();
    }
    let sentence = engine.control().create_group("tester", unmapped, false).await.expect_err("refused").to_string();
    assert!(sentence.contains("No storage mapping covers"), "{sentence}");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planned_failover_without_its_primary_is_rolled_back_and_a_forced_one_goes_through() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path(), 0.0).await;
    let id = GroupId::new("core").expect("an id");
    let all = catalogs(&engine).await;
    engine.control().create_group("tester", spec(&engine, "core", &names(&all[..1])), false).await.expect("created");
    until_active(&engine, "core").await;
    engine.sandbox().expect("a sandbox").take_down("us-east-1").await.expect("down");
    engine
        .control()
        .fail_over("tester", &id, &Region::new("us-west-2"), FailoverKind::Planned, None)
        .await
        .expect("accepted");
    let group = until(&engine, "core", |g| g.state != GroupState::FailingOver).await;
    assert_eq!(group.effective_primary_region, "us-east-1", "nothing was cut over");
    let operation = engine.control().last_operation(&id).expect("there").expect("an operation");
    assert_eq!(operation.outcome, OperationOutcome::RolledBack);
    assert!(operation.message.expect("says why").contains("us-east-1"));
    engine
        .control()
        .fail_over("tester", &id, &Region::new("us-west-2"), FailoverKind::Forced, None)
        .await
        .expect("accepted");
    until(&engine, "core", |g| g.effective_primary_region == "us-west-2").await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_keep_their_status_with_its_date_while_a_region_is_away() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path(), 0.0).await;
    let all = catalogs(&engine).await;
    engine.control().create_group("tester", spec(&engine, "core", &names(&all[..1])), false).await.expect("created");
    until_active(&engine, "core").await;
    engine.sandbox().expect("a sandbox").take_down("us-west-2").await.expect("down");
    until(&engine, "core", |g| g.has_replication_point_blocking_errors).await;
    let view = engine.control().view();
    let group = view.groups.first().expect("listed");
    assert!(group.objects.iter().all(|o| o.status != ObjectStatus::Missing), "{:#?}", group.objects);
    assert!(group.objects.iter().any(|o| o.kind == AssetKind::Table && o.status == ObjectStatus::InSync));
    assert!(group.as_of.is_some(), "the date says that nobody looked since");
    assert_eq!(group.blocking_error.as_ref(), group.errors.first(), "the region fails, and no object does");
    assert_eq!(group.errors.first().map(|e| e.class), Some(ErrorClass::RegionUnreachable));
    engine.sandbox().expect("a sandbox").bring_up("us-west-2").await.expect("up");
    until(&engine, "core", |g| !g.has_replication_point_blocking_errors).await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_group_leaves_its_replica_read_only_and_a_new_group_takes_it_up_again() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path(), 0.0).await;
    let id = GroupId::new("core").expect("an id");
    let all = catalogs(&engine).await;
    let mine = names(&all[..1]);
    engine.control().create_group("tester", spec(&engine, "core", &mine), false).await.expect("created");
    let group = until_active(&engine, "core").await;
    engine.control().delete_group("tester", &id, Some(&group.etag)).await.expect("accepted");
    while engine.control().group(&id).is_ok() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let left = engine.control().left_by(&Region::new("us-west-2"), &CatalogName::new(mine[0])).await.expect("known");
    assert_eq!(left.as_deref(), Some("core"));
    engine.control().create_group("tester", spec(&engine, "again", &mine), false).await.expect("taken up");
    until_active(&engine, "again").await;
    let report = engine.control().verify(&GroupId::new("again").expect("an id"), true).await.expect("compared");
    assert!(report.differing().is_empty() && report.verified() > 0, "{:#?}", report.differing());
    let refused =
        engine.control().release_replica("tester", &Region::new("us-west-2"), &CatalogName::new(mine[0])).await;
    assert!(refused.is_err(), "a replica in use is nobody's to release");

    // Taken out of the scope it is left, put back it is in use.
    let (again, west) = (GroupId::new("again").expect("an id"), Region::new("us-west-2"));
    let of = |names: &[&str]| spec(&engine, "again", names).unity_catalog_assets.expect("catalogs");
    let (both, one) = (of(&names(&all[..2])), of(&names(&all[1..2])));
    for (assets, left_by) in [(both.clone(), None), (one, Some("again")), (both, None)] {
        let patch = GroupPatch { unity_catalog_assets: Some(Some(assets)), ..GroupPatch::default() };
        engine.control().update_group("tester", &again, None, patch).await.expect("changed");
        until_active(&engine, "again").await;
        let left = engine.control().left_by(&west, &CatalogName::new(mine[0])).await.expect("known");
        assert_eq!(left.as_deref(), left_by);
    }
    engine.stop().await;
}
