//! Jobs, compute, dashboards and permissions.

use super::world::{World, folder, job, job_named, record, status};
use crate::connect::WorkspaceApi;
use crate::domain::{AssetKind, ErrorClass, ObjectStatus};
use crate::wire::dashboards::Dashboard;
use serde_json::json;

#[tokio::test]
async fn jobs_arrive_paused_in_all_places_with_their_references_rewritten() {
    for keeps_ids in [true, false] {
        let mut world = World::with(keeps_ids).await;
        let warehouse =
            world.east.create_warehouse(&json!({"name": "w", "cluster_size": "Small"})).await.expect("made");
        let cluster =
            world.east.create_cluster(&json!({"cluster_name": "c", "spark_version": "17"})).await.expect("made");
        let on_time = json!({"quartz_cron_expression": "0 * * * * ?", "timezone_id": "UTC"});
        job(&world.east, json!({"name": "a", "schedule": on_time, "tasks": [
            {"task_key": "t", "sql_task": {"warehouse_id": warehouse}}, {"task_key": "u", "existing_cluster_id": cluster}]})).await;
        job(&world.east, json!({"name": "b", "continuous": {}})).await;
        job(&world.east, json!({"name": "c", "trigger": {"pause_status": "UNPAUSED", "periodic": {"interval": 1}}}))
            .await;
        job(&world.east, json!({"name": "d", "triggers": [{"periodic": {"interval": 1}}]})).await;
        let outcome = world.pass().await;
        for name in ["a", "b", "c", "d"] {
            let replica = job_named(&world.west, name).await;
            assert!(!replica.settings.is_unpaused(), "{name}: {replica:#?}");
            assert!(job_named(&world.east, name).await.settings.is_unpaused());
            assert_eq!(status(&outcome, AssetKind::Job, name), ObjectStatus::InSync);
        }
        let ids = world.ids().await;
        let a = job_named(&world.west, "a").await;
        let there = |kind, id: &str| ids.counterpart(0, kind, id).expect("it arrived").to_owned();
        assert_eq!(a.settings.tasks[0]["sql_task"]["warehouse_id"], there(AssetKind::SqlWarehouse, &warehouse));
        assert_eq!(a.settings.tasks[1]["existing_cluster_id"], there(AssetKind::Cluster, &cluster));
        let clusters = crate::connect::RegionApi::clusters(world.west.as_ref()).await.expect("they read");
        assert!(
            clusters.iter().all(|c| !c.is_running() && c.other.contains_key("pinned_by_user_name")),
            "{clusters:?}"
        );
        let warehouses = crate::connect::RegionApi::warehouses(world.west.as_ref()).await.expect("they read");
        assert!(warehouses.iter().all(|w| !w.is_running()), "{warehouses:?}");
        assert_eq!(world.pass().await.changed, 0);
    }
}

#[tokio::test]
async fn a_job_that_someone_resumes_in_the_secondary_is_paused_again() {
    let mut world = World::new().await;
    let id = job(&world.east, json!({"name": "b", "continuous": {}})).await;
    world.pass().await;
    let mut settings = job_named(&world.west, "b").await.settings;
    settings.continuous = Some(crate::wire::jobs::Pausable::default());
    let update = crate::wire::jobs::UpdateJob { job_id: id, new_settings: settings };
    world.west.reset_job(&update).await.expect("reset");
    world.pass().await;
    assert!(!job_named(&world.west, "b").await.settings.is_unpaused());
}

#[tokio::test]
async fn jobs_that_start_each_other_in_a_circle_find_each_other() {
    let mut world = World::with(false).await;
    let first = job(&world.east, json!({"name": "first"})).await;
    let second =
        job(&world.east, json!({"name": "second", "tasks": [{"task_key": "t", "run_job_task": {"job_id": first}}]}))
            .await;
    let settings = json!({"name": "first", "tasks": [{"task_key": "t", "run_job_task": {"job_id": second}}]});
    let new_settings = serde_json::from_value(settings).expect("settings");
    world.east.reset_job(&crate::wire::jobs::UpdateJob { job_id: first, new_settings }).await.expect("reset");
    let outcome = world.pass().await;
    let (one, two) = (job_named(&world.west, "first").await, job_named(&world.west, "second").await);
    assert_eq!(one.settings.tasks[0]["run_job_task"]["job_id"], two.job_id);
    assert_eq!(two.settings.tasks[0]["run_job_task"]["job_id"], one.job_id);
    assert_eq!(status(&outcome, AssetKind::Job, "first"), ObjectStatus::InSync);
    assert_eq!(world.pass().await.changed, 0);
}

#[tokio::test]
async fn what_isnt_replicated_is_named_with_the_asset_that_refers_to_it() {
    let mut world = World::new().await;
    let pooled = json!({"cluster_name": "pooled", "spark_version": "17", "instance_pool_id": "p1",
        "spark_conf": {"key": "{{secrets/etl/key}}"}});
    world.east.create_cluster(&pooled).await.expect("made");
    job(&world.east, json!({"name": "j", "tasks": [{"task_key": "t", "pipeline_task": {"pipeline_id": "x"}}]})).await;
    let outcome = world.pass().await;
    for (kind, name, reference) in
        [(AssetKind::Cluster, "pooled", "instance pool p1, secret etl/key"), (AssetKind::Job, "j", "pipeline x")]
    {
        let error = record(&outcome, kind, name).error.clone().expect("it says so");
        assert_eq!(error.class, ErrorClass::ReferenceNotReplicated);
        assert!(error.message.ends_with(&format!("{reference}.")), "{}", error.message);
    }
    job_named(&world.west, "j").await;
}

#[tokio::test]
async fn a_job_whose_creation_wasnt_answered_is_not_made_twice() {
    let mut world = World::with(false).await;
    job(&world.east, json!({"name": "once"})).await;
    job(&world.east, json!({"name": "twin"})).await;
    job(&world.east, json!({"name": "twin", "description": "another"})).await;
    world.west.lose_answers("POST /jobs/create", 1);
    assert!(world.try_pass().await.is_err());
    let outcome = world.pass().await;
    let names = |jobs: Vec<crate::wire::jobs::JobInfo>| {
        let mut names: Vec<String> = jobs.into_iter().filter_map(|job| job.settings.name).collect();
        names.sort();
        names
    };
    assert_eq!(names(world.west.whole_jobs().await.expect("they read")), ["once", "twin", "twin"]);
    assert!(outcome.secondary_only.is_empty());
    let twins = outcome.objects.iter().filter(|object| object.name.starts_with("twin (")).count();
    assert_eq!(twins, 2, "names that two jobs have are told apart by ids");
    world.ids().await;
}

#[tokio::test]
async fn changes_renames_and_deletions_of_jobs_and_compute_are_followed() {
    let mut world = World::with(false).await;
    let id = job(&world.east, json!({"name": "a"})).await;
    let warehouse = world.east.create_warehouse(&json!({"name": "w", "cluster_size": "Small"})).await.expect("made");
    let cluster = world.east.create_cluster(&json!({"cluster_name": "c", "num_workers": 1})).await.expect("made");
    world.pass().await;
    let new_settings = serde_json::from_value(json!({"name": "b", "description": "new"})).expect("settings");
    world.east.reset_job(&crate::wire::jobs::UpdateJob { job_id: id, new_settings }).await.expect("reset");
    world.east.edit_warehouse(&warehouse, &json!({"name": "w2", "cluster_size": "Large"})).await.expect("edited");
    world
        .east
        .edit_cluster(&json!({"cluster_id": cluster, "cluster_name": "c2", "num_workers": 9}))
        .await
        .expect("edited");
    let before = world.ids().await;
    let replica = before.counterpart(0, AssetKind::Job, &id.to_string()).expect("it arrived").to_owned();
    world.pass().await;
    let renamed = job_named(&world.west, "b").await;
    assert_eq!((renamed.job_id.to_string(), renamed.settings.description.as_deref()), (replica, Some("new")));
    let warehouses = crate::connect::RegionApi::warehouses(world.west.as_ref()).await.expect("they read");
    let sizes: Vec<_> = warehouses.iter().map(|w| (w.name.as_str(), w.other["cluster_size"].as_str())).collect();
    assert_eq!(sizes, [("w2", Some("Large"))]);
    let clusters = crate::connect::RegionApi::clusters(world.west.as_ref()).await.expect("they read");
    assert_eq!((clusters[0].cluster_name.as_str(), &clusters[0].other["num_workers"]), ("c2", &json!(9)));
    world.east.delete_job(id).await.expect("deleted");
    world.east.delete_warehouse(&warehouse).await.expect("deleted");
    world.east.delete_cluster(&cluster).await.expect("deleted");
    world.pass().await;
    assert!(world.west.whole_jobs().await.expect("they read").is_empty());
    assert_eq!(world.ids().await.rows().filter(|row| row.kind != AssetKind::Folder).count(), 0);
}

#[tokio::test]
async fn dashboards_follow_their_definition_name_folder_and_warehouse() {
    for keeps_ids in [true, false] {
        let mut world = World::with(keeps_ids).await;
        folder(&world.east, "/Shared/reports").await;
        let warehouse = world.east.create_warehouse(&json!({"name": "w"})).await.expect("made");
        let draft = Dashboard {
            display_name: Some("Sales".to_owned()),
            parent_path: Some("/Shared/reports".to_owned()),
            serialized_dashboard: Some("{}".to_owned()),
            warehouse_id: Some(warehouse.clone()),
            ..Dashboard::default()
        };
        let id = world.east.create_dashboard(&draft).await.expect("made").dashboard_id.expect("an id");
        let outcome = world.pass().await;
        let path = "/Shared/reports/Sales.lvdash.json";
        let replica = record(&outcome, AssetKind::Dashboard, path).replica_id.clone().expect("it arrived");
        assert!(!keeps_ids || replica == id, "an id that can be kept is kept");
        let there = world.west.dashboard(&replica).await.expect("it reads").expect("it is there");
        let ids = world.ids().await;
        assert_eq!(there.warehouse_id.as_deref(), ids.counterpart(0, AssetKind::SqlWarehouse, &warehouse));
        let change = Dashboard {
            display_name: Some("Sales 2".to_owned()),
            serialized_dashboard: Some("{\"pages\":[]}".to_owned()),
            ..Dashboard::default()
        };
        world.east.update_dashboard(&id, &change).await.expect("changed");
        world.pass().await;
        let there = world.west.dashboard(&replica).await.expect("it reads").expect("it is there");
        assert_eq!(there.path.as_deref(), Some("/Shared/reports/Sales 2.lvdash.json"));
        assert_eq!(there.serialized_dashboard.as_deref(), Some("{\"pages\":[]}"));
        assert_eq!(world.pass().await.changed, 0);
        world.east.trash_dashboard(&id).await.expect("gone");
        world.pass().await;
        assert!(world.west.dashboards().await.expect("they read").is_empty());
    }
}

#[tokio::test]
async fn permissions_are_given_and_taken_and_unknown_principals_are_named() {
    let mut world = World::new().await;
    for region in [&world.east, &world.west] {
        region.add_principal("ana@example.com");
        region.add_principal("analysts");
    }
    let id = job(&world.east, json!({"name": "a"})).await.to_string();
    let all = [("ana@example.com", "CAN_VIEW"), ("analysts", "CAN_MANAGE_RUN"), ("noor@example.com", "IS_OWNER")];
    world.east.grant("jobs", &id, &all);
    let outcome = world.pass().await;
    let given = |world: &World| {
        let mut given = world.west.granted("jobs", &id);
        given.sort();
        given.into_iter().map(|(name, level)| format!("{name} {level}")).collect::<Vec<_>>()
    };
    let expected = ["ana@example.com CAN_VIEW", "analysts CAN_MANAGE_RUN", "console@west IS_OWNER"];
    assert_eq!(given(&world), expected);
    let note = record(&outcome, AssetKind::Job, "a").note.clone().expect("it says so");
    assert!(note.contains("noor@example.com (IS_OWNER)"), "{note}");
    assert_eq!(status(&outcome, AssetKind::Job, "a"), ObjectStatus::InSync);
    world.east.grant("jobs", &id, &[("ana@example.com", "IS_OWNER")]);
    world.pass().await;
    assert_eq!(given(&world), ["ana@example.com IS_OWNER"]);
}

#[tokio::test]
async fn an_owner_of_the_new_primary_stays_the_owner_where_the_region_cannot_say_at_once_who_asks() {
    let mut world = World::new().await;
    for region in [&world.east, &world.west] {
        region.add_principal("ana@example.com");
    }
    world.east.add_principal("noor@example.com");
    let id = job(&world.east, json!({"name": "a"})).await.to_string();
    world.east.grant("jobs", &id, &[("noor@example.com", "IS_OWNER")]);
    world.pass().await;
    let owner = |region: &crate::connect::InMemoryRegion| region.granted("jobs", &id);
    assert_eq!(owner(&world.west), [("console@west".to_owned(), "IS_OWNER".to_owned())]);

    world.turn_around();
    world.west.grant("jobs", &id, &[("ana@example.com", "IS_OWNER")]);
    world.west.refuse("GET /me", usize::MAX, 500, "INTERNAL_ERROR", "later");
    world.pass().await;
    let noor = [("noor@example.com".to_owned(), "IS_OWNER".to_owned())];
    assert_eq!(owner(&world.east), noor, "as it was: nothing was given");
    world.west.forget_faults();
    world.pass().await;
    assert_eq!(owner(&world.east), [("ana@example.com".to_owned(), "IS_OWNER".to_owned())]);
}
