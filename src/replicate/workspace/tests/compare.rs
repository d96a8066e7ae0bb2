//! Comparisons of two workspaces: they say what a pass would do, and change nothing.

use super::world::{World, folder, job, job_named, notebook, text};
use crate::connect::WorkspaceApi;
use crate::delta::Depth;
use crate::domain::{AssetKind, ErrorClass, ObjectStatus};
use crate::replicate::ObjectRecord;
use crate::replicate::workspace::compare;
use serde_json::json;

async fn compared(world: &World, depth: Depth) -> Vec<ObjectRecord> {
    compare(&world.request(), depth).await.expect("both answer")
}

fn found<'a>(objects: &'a [ObjectRecord], kind: AssetKind, name: &str) -> &'a ObjectRecord {
    let found = objects.iter().find(|object| object.kind == kind && object.name == name);
    found.unwrap_or_else(|| panic!("nothing is said of {kind} {name}: {objects:#?}"))
}

fn status(objects: &[ObjectRecord], kind: AssetKind, name: &str) -> ObjectStatus {
    found(objects, kind, name).status
}

#[tokio::test]
async fn what_is_missing_newer_changed_there_or_only_there_is_told_and_nothing_is_changed() {
    for keeps_ids in [true, false] {
        let mut world = World::with(keeps_ids).await;
        folder(&world.east, "/Shared/a").await;
        for name in ["same", "newer", "edited", "gone"] {
            notebook(&world.east, &format!("/Shared/a/{name}"), name).await;
        }
        job(&world.east, json!({"name": "quiet", "continuous": {}})).await;
        let resumed = job(&world.east, json!({"name": "resumed", "continuous": {}})).await;
        world.pass().await;
        assert!(compared(&world, Depth::Ledger).await.iter().all(|object| object.status == ObjectStatus::InSync));

        notebook(&world.east, "/Shared/a/newer", "changed").await;
        notebook(&world.east, "/Shared/a/late", "late").await;
        notebook(&world.west, "/Shared/a/edited", "edited there").await;
        notebook(&world.west, "/Shared/a/own", "mine").await;
        world.west.delete_object("/Shared/a/gone").await.expect("deleted");
        let replica = job_named(&world.west, "resumed").await;
        assert_eq!(replica.job_id == resumed, keeps_ids);
        let mut settings = replica.settings.clone();
        settings.continuous = Some(crate::wire::jobs::Pausable::default());
        let update = crate::wire::jobs::UpdateJob { job_id: replica.job_id, new_settings: settings };
        world.west.reset_job(&update).await.expect("reset");
        world.west.take_changes();
        world.east.take_changes();
        let objects = compared(&world, Depth::Sizes).await;
        for (name, expected) in [
            ("same", ObjectStatus::InSync),
            ("newer", ObjectStatus::Lagging),
            ("edited", ObjectStatus::Drifted),
            ("gone", ObjectStatus::Missing),
            ("late", ObjectStatus::Missing),
            ("own", ObjectStatus::Drifted),
        ] {
            assert_eq!(status(&objects, AssetKind::Notebook, &format!("/Shared/a/{name}")), expected, "{name}");
        }
        let class = |name: &str| {
            found(&objects, AssetKind::Notebook, &format!("/Shared/a/{name}")).error.as_ref().map(|error| error.class)
        };
        assert_eq!((class("edited"), class("own")), (Some(ErrorClass::Drift), Some(ErrorClass::SecondaryOnly)));
        assert_eq!(status(&objects, AssetKind::Job, "quiet"), ObjectStatus::InSync);
        let runs = found(&objects, AssetKind::Job, "resumed");
        assert_eq!(runs.message(), Some("Job resumed runs by itself in west. The next pass pauses it there."));
        assert_eq!((world.west.take_changes(), world.east.take_changes()), (Vec::new(), Vec::new()));

        world.late_pass().await;
        let objects = compared(&world, Depth::Ledger).await;
        let differ: Vec<_> = objects.iter().filter(|o| o.status != ObjectStatus::InSync).map(|o| &o.name).collect();
        assert_eq!(differ, ["/Shared/a/own"], "it waits for a person");
    }
}

#[tokio::test]
async fn only_a_deep_comparison_reads_what_a_list_doesnt_show() {
    let mut world = World::new().await;
    folder(&world.east, "/Shared/a").await;
    notebook(&world.east, "/Shared/a/n", "source").await;
    world.pass().await;
    world.west.rewrite_unseen("/Shared/a/n", "tamper");
    assert_eq!(text(&world.west, "/Shared/a/n").await.as_deref(), Some("tamper"));
    let shallow = compared(&world, Depth::Sizes).await;
    assert_eq!(status(&shallow, AssetKind::Notebook, "/Shared/a/n"), ObjectStatus::InSync);
    let deep = compared(&world, Depth::Ledger).await;
    let record = found(&deep, AssetKind::Notebook, "/Shared/a/n");
    assert_eq!(
        (record.status, record.error.as_ref().map(|e| e.class)),
        (ObjectStatus::Drifted, Some(ErrorClass::Drift))
    );
}

#[tokio::test]
async fn permissions_that_differ_are_drift_and_those_of_unknown_principals_are_not() {
    let mut world = World::new().await;
    for region in [&world.east, &world.west] {
        region.add_principal("ana@example.com");
        region.add_principal("analysts");
    }
    let id = job(&world.east, json!({"name": "a"})).await.to_string();
    let given = [("ana@example.com", "CAN_VIEW"), ("analysts", "CAN_MANAGE_RUN"), ("noor@example.com", "IS_OWNER")];
    world.east.grant("jobs", &id, &given);
    world.pass().await;
    let objects = compared(&world, Depth::Sizes).await;
    assert_eq!(status(&objects, AssetKind::Job, "a"), ObjectStatus::InSync);
    let note = found(&objects, AssetKind::Job, "a").message().unwrap_or_default();
    assert!(note.contains("noor@example.com (IS_OWNER)"), "{note}");
    world.west.grant("jobs", &id, &[("ana@example.com", "CAN_MANAGE"), ("console@west", "IS_OWNER")]);
    let objects = compared(&world, Depth::Sizes).await;
    let record = found(&objects, AssetKind::Job, "a");
    assert_eq!(record.status, ObjectStatus::Drifted);
    let message = record.message().unwrap_or_default();
    assert!(
        message.contains("ana@example.com has CAN_MANAGE and not CAN_VIEW")
            && message.contains("analysts doesn't have CAN_MANAGE_RUN"),
        "{message}"
    );
}
