//! Folders, notebooks and files.

use super::world::{World, file, folder, notebook, object_id, record, status, text};
use crate::connect::WorkspaceApi;
use crate::domain::{AssetKind, ErrorClass, ObjectStatus};
use crate::replicate::workspace::delete_extras;
use std::sync::atomic::Ordering;

#[tokio::test]
async fn a_tree_arrives_is_followed_and_a_quiet_pass_reads_only_lists() {
    for keeps_ids in [true, false] {
        let mut world = World::with(keeps_ids).await;
        folder(&world.east, "/Shared/etl/deep").await;
        notebook(&world.east, "/Shared/etl/load", "print(1)").await;
        file(&world.east, "/Shared/etl/deep/settings.json", "{}").await;
        let outcome = world.pass().await;
        assert!(outcome.complete);
        assert_eq!(status(&outcome, AssetKind::Notebook, "/Shared/etl/load"), ObjectStatus::InSync);
        assert_eq!(text(&world.west, "/Shared/etl/load").await.as_deref(), Some("print(1)"));
        assert_eq!(text(&world.west, "/Shared/etl/deep/settings.json").await.as_deref(), Some("{}"));
        let ids = [object_id(&world.east, "/Shared/etl/load").await, object_id(&world.west, "/Shared/etl/load").await];
        assert_eq!(ids[0] == ids[1], keeps_ids);
        let known = record(&outcome, AssetKind::Notebook, "/Shared/etl/load");
        assert_eq!(known.source_id, Some(ids[0].to_string()));
        assert_eq!(known.replica_id, Some(ids[1].to_string()));

        world.west.take_calls();
        world.east.take_calls();
        let quiet = world.pass().await;
        assert_eq!(quiet.changed, 0);
        let east = world.east.take_calls();
        let lists = east.iter().filter(|call| !call.starts_with("GET /permissions")).count();
        assert_eq!(lists, 5 + 4, "a list a folder, and one of each other kind: {east:?}");
        let west = world.west.take_calls();
        assert!(west.iter().all(|call| call.starts_with("GET")) && west.len() == 4, "{west:?}");

        notebook(&world.east, "/Shared/etl/load", "print(2)").await;
        world.east.delete_object("/Shared/etl/deep/settings.json").await.expect("deleted");
        world.east.delete_object("/Shared/etl/deep").await.expect("deleted");
        let outcome = world.pass().await;
        assert_eq!(outcome.changed, 3);
        assert_eq!(text(&world.west, "/Shared/etl/load").await.as_deref(), Some("print(2)"));
        assert_eq!(world.west.object("/Shared/etl/deep").await, Ok(None));
        world.ids().await;
    }
}

#[tokio::test]
async fn what_only_the_secondary_has_is_listed_and_only_a_confirmed_deletion_exports_and_removes_it() {
    let mut world = World::new().await;
    folder(&world.east, "/Shared/etl").await;
    notebook(&world.east, "/Shared/etl/both", "new").await;
    for (path, content) in [("/Shared/etl/both", "old"), ("/Shared/etl/own", "mine"), ("/Regional/checks", "1")] {
        folder(&world.west, path.rsplit_once('/').expect("a folder").0).await;
        notebook(&world.west, path, content).await;
    }
    let outcome = world.pass().await;
    let own = record(&outcome, AssetKind::Notebook, "/Shared/etl/own");
    assert_eq!(own.error.as_ref().map(|error| error.class), Some(ErrorClass::SecondaryOnly));
    assert!(!outcome.objects.iter().any(|object| object.name.starts_with("/Regional")), "out of scope");
    assert_eq!(text(&world.west, "/Shared/etl/both").await.as_deref(), Some("new"));
    let kept = |path: &str| std::fs::read_to_string(world.exports.join("workspace").join(path)).ok();
    assert_eq!(kept("Shared/etl/both").as_deref(), Some("old"), "what was overwritten is kept");
    assert_eq!(outcome.secondary_only.len(), 1);
    let deleted = delete_extras(&world.request(), &outcome.secondary_only).await.expect("both answer");
    assert_eq!(deleted.deleted, [(AssetKind::Notebook, "/Shared/etl/own".to_owned())]);
    assert_eq!(kept("Shared/etl/own").as_deref(), Some("mine"));
    assert_eq!(text(&world.west, "/Shared/etl/own").await, None);
    assert_eq!(text(&world.west, "/Regional/checks").await.as_deref(), Some("1"));
    let again = delete_extras(&world.request(), &outcome.secondary_only).await.expect("both answer");
    assert_eq!(again.deleted, []);
}

#[tokio::test]
async fn a_change_in_the_secondary_is_kept_aside_and_undone() {
    let mut world = World::new().await;
    folder(&world.east, "/Shared/a").await;
    notebook(&world.east, "/Shared/a/n", "source").await;
    world.pass().await;
    notebook(&world.west, "/Shared/a/n", "edited there").await;
    world.late_pass().await;
    assert_eq!(text(&world.west, "/Shared/a/n").await.as_deref(), Some("source"));
    let kept = std::fs::read_to_string(world.exports.join("workspace/Shared/a/n")).expect("kept");
    assert_eq!(kept, "edited there");
    world.west.delete_object("/Shared/a/n").await.expect("deleted");
    world.late_pass().await;
    assert_eq!(text(&world.west, "/Shared/a/n").await.as_deref(), Some("source"));
    world.ids().await;
}

#[tokio::test]
async fn an_object_that_is_made_again_under_its_path_keeps_one_replica() {
    let mut world = World::with(false).await;
    folder(&world.east, "/Shared/a").await;
    file(&world.east, "/Shared/a/f", "one").await;
    world.pass().await;
    let before = object_id(&world.west, "/Shared/a/f").await;
    world.east.delete_object("/Shared/a/f").await.expect("deleted");
    file(&world.east, "/Shared/a/f", "two").await;
    world.pass().await;
    assert_eq!(text(&world.west, "/Shared/a/f").await.as_deref(), Some("two"));
    assert_eq!(object_id(&world.west, "/Shared/a/f").await, before);
    world.ids().await;
}

#[tokio::test]
async fn what_is_too_long_is_named_and_a_refused_asset_doesnt_keep_the_others() {
    let mut world = World::new().await;
    folder(&world.east, "/Shared/a").await;
    for name in ["bad", "good"] {
        notebook(&world.east, &format!("/Shared/a/{name}"), name).await;
    }
    world.west.refuse("POST /workspace/import /Shared/a/bad", 1, 400, "BAD_REQUEST", "No.");
    let outcome = world.pass().await;
    assert_eq!(status(&outcome, AssetKind::Notebook, "/Shared/a/bad"), ObjectStatus::Failed);
    assert_eq!(status(&outcome, AssetKind::Notebook, "/Shared/a/good"), ObjectStatus::InSync);
    assert!(!record(&outcome, AssetKind::Notebook, "/Shared/a/bad").blocks(), "data goes on");
    world.pass().await;
    let outcome = world.pass().await;
    assert_eq!(status(&outcome, AssetKind::Notebook, "/Shared/a/bad"), ObjectStatus::InSync);
}

#[tokio::test]
async fn a_pass_goes_on_where_it_was_stopped_or_the_region_went_away() {
    let mut world = World::with(false).await;
    folder(&world.east, "/Shared/a").await;
    for number in 0..20 {
        notebook(&world.east, &format!("/Shared/a/n{number:02}"), "x").await;
    }
    world.west.lose_answers("POST /workspace/import /Shared/a/n07", 1);
    assert!(world.try_pass().await.is_err(), "the region went away");
    world.west.take_changes();
    world.stop.store(true, Ordering::Relaxed);
    assert!(!world.pass().await.complete);
    world.stop.store(false, Ordering::Relaxed);
    let outcome = world.pass().await;
    assert!(outcome.complete && outcome.secondary_only.is_empty(), "{:?}", outcome.secondary_only);
    let imports = world.west.take_changes().into_iter().filter(|call| call.contains("/import")).count();
    assert_eq!(imports, 12, "the seven that had arrived, and the one whose answer was lost, aren't sent again");
    world.ids().await;
}

#[tokio::test]
async fn a_region_without_the_calls_is_said_to_have_none() {
    let mut world = World::new().await;
    folder(&world.east, "/Shared/a").await;
    world.west.refuse("GET /workspace/list /", 1, 501, "NOT_IMPLEMENTED", "No such call.");
    let outcome = world.pass().await;
    assert_eq!(status(&outcome, AssetKind::Folder, "/Shared/a"), ObjectStatus::Unsupported);
}
