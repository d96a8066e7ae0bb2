//! The other direction, by the same ids.

use super::world::{World, file, folder, job, job_named, notebook, text};
use crate::connect::WorkspaceApi;
use crate::domain::AssetKind;
use serde_json::json;

#[tokio::test]
async fn a_failback_goes_by_the_same_ids_and_sends_only_what_changed() {
    for keeps_ids in [true, false] {
        let mut world = World::with(keeps_ids).await;
        folder(&world.east, "/Shared/a").await;
        notebook(&world.east, "/Shared/a/same", "same").await;
        notebook(&world.east, "/Shared/a/changed", "before").await;
        let warehouse = world.east.create_warehouse(&json!({"name": "w"})).await.expect("made");
        let tasks = json!([{"task_key": "t", "sql_task": {"warehouse_id": warehouse}}]);
        let first = job(&world.east, json!({"name": "load", "tasks": tasks})).await;
        world.pass().await;
        let before = world.ids().await;

        world.turn_around();
        notebook(&world.west, "/Shared/a/changed", "after").await;
        file(&world.west, "/Shared/a/new", "made in the west").await;
        world.east.take_changes();
        let outcome = world.pass().await;
        assert!(outcome.secondary_only.is_empty(), "{:?}", outcome.objects);
        let mut changes = world.east.take_changes();
        changes.retain(|call| !call.contains("/permissions"));
        assert_eq!(changes, ["POST /workspace/import /Shared/a/changed", "POST /workspace/import /Shared/a/new"]);
        assert_eq!(text(&world.east, "/Shared/a/changed").await.as_deref(), Some("after"));

        let replica = job_named(&world.west, "load").await;
        let mut settings = replica.settings.clone();
        settings.description = Some("changed in the west".to_owned());
        let update = crate::wire::jobs::UpdateJob { job_id: replica.job_id, new_settings: settings };
        world.west.reset_job(&update).await.expect("reset");
        world.pass().await;
        let back = job_named(&world.east, "load").await;
        assert_eq!(back.job_id, first, "the job that there was is changed");
        assert_eq!(back.settings.description.as_deref(), Some("changed in the west"));
        assert_eq!(back.settings.tasks[0]["sql_task"]["warehouse_id"], warehouse, "by the id of its own region");
        let after = world.ids().await;
        for row in before.rows() {
            assert_eq!(after.row(row.seq).map(|row| &row.ids), Some(&row.ids), "{}", row.body.name);
        }
    }
}

#[tokio::test]
async fn what_never_arrived_before_a_forced_failover_is_listed_and_stays() {
    let mut world = World::with(false).await;
    folder(&world.east, "/Shared/a").await;
    world.pass().await;
    notebook(&world.east, "/Shared/a/late", "never arrived").await;
    job(&world.east, json!({"name": "late"})).await;
    world.turn_around();
    let outcome = world.pass().await;
    let kinds: Vec<AssetKind> = outcome.secondary_only.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [AssetKind::Job, AssetKind::Notebook]);
    assert_eq!(text(&world.east, "/Shared/a/late").await.as_deref(), Some("never arrived"));
}
