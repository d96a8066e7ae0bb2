//! Volumes and functions.

use super::world::{World, found, status};
use crate::connect::{InMemoryRegion, RegionApi};
use crate::domain::{AssetKind, ErrorClass, ObjectStatus};
use crate::wire::unity_catalog as uc;
use serde_json::json;

async fn volume(region: &InMemoryRegion, name: &str, location: Option<String>) {
    let volume = uc::CreateVolume {
        name: name.to_owned(),
        catalog_name: "shop".to_owned(),
        schema_name: "sales".to_owned(),
        volume_type: if location.is_some() { uc::VOLUME_EXTERNAL } else { uc::VOLUME_MANAGED }.to_owned(),
        storage_location: location,
        ..uc::CreateVolume::default()
    };
    region.create_volume(&volume).await.expect("a volume");
}

async fn volumes(region: &InMemoryRegion) -> Vec<(String, String)> {
    let all = region.volumes("shop", "sales").await.expect("an answer");
    all.into_iter().map(|v| (v.name, v.storage_location.unwrap_or_default())).collect()
}

#[tokio::test]
async fn volumes_arrive_with_their_place_mapped_and_their_files_named_as_not_replicated() {
    let mut world = World::new().await;
    let at = |lake: String| format!("{lake}/files");
    volume(&world.source, "drop", Some(at(world.source.lake()))).await;
    volume(&world.source, "inbox", None).await;
    let outcome = world.cycle().await;
    assert_eq!(status(&outcome.objects, AssetKind::Volume, "shop.sales.drop"), ObjectStatus::InSync);
    let inbox = found(&outcome.objects, AssetKind::Volume, "shop.sales.inbox");
    assert_eq!((inbox.status, inbox.error.as_ref()), (ObjectStatus::InSync, None));
    let note = inbox.note.as_deref().unwrap_or_default();
    assert!(note.contains("files in managed volume shop.sales.inbox aren't replicated"), "{note}");
    assert_eq!(volumes(&world.destination).await[0], ("drop".to_owned(), at(world.destination.lake())));
    let mut ids = Vec::new();
    for region in [&world.source, &world.destination] {
        let all = region.volumes("shop", "sales").await.expect("an answer");
        ids.push(all.into_iter().map(|volume| volume.volume_id).collect::<Vec<_>>());
    }
    assert_eq!(ids[0], ids[1]);
    let change = uc::UpdateVolume { comment: Some("new".to_owned()) };
    world.source.update_volume("shop.sales.inbox", &change).await.expect("changed");
    world.destination.take_changes();
    world.cycle().await;
    assert!(world.destination.take_changes().contains(&"PATCH /volumes shop.sales.inbox".to_owned()));
    let report = world.compare().await;
    assert_eq!(status(&report.objects, AssetKind::Volume, "shop.sales.inbox"), ObjectStatus::InSync);
}

#[tokio::test]
async fn a_dropped_volume_is_dropped_unless_files_would_be_lost() {
    let mut world = World::new().await;
    volume(&world.source, "drop", Some(format!("{}/files", world.source.lake()))).await;
    volume(&world.source, "inbox", None).await;
    world.cycle().await;
    for name in ["shop.sales.drop", "shop.sales.inbox"] {
        world.source.delete_volume(name).await.expect("dropped");
    }
    for _ in 0..2 {
        let outcome = world.cycle().await;
        let kept = found(&outcome.objects, AssetKind::Volume, "shop.sales.inbox").error.clone().expect("it is named");
        assert_eq!(kept.class, ErrorClass::UnmanagedObject);
        assert!(kept.message.contains("deletes its files"), "{}", kept.message);
        let left: Vec<String> = volumes(&world.destination).await.into_iter().map(|(name, _)| name).collect();
        assert_eq!(left, ["inbox"]);
    }
}

#[tokio::test]
async fn an_external_volume_that_was_made_again_elsewhere_moves() {
    let mut world = World::new().await;
    volume(&world.source, "drop", Some(format!("{}/files", world.source.lake()))).await;
    world.cycle().await;
    world.source.delete_volume("shop.sales.drop").await.expect("dropped");
    volume(&world.source, "drop", Some(format!("{}/others", world.source.lake()))).await;
    world.cycle().await;
    assert_eq!(
        volumes(&world.destination).await,
        [("drop".to_owned(), format!("{}/others", world.destination.lake()))]
    );
}

fn function(definition: &str) -> uc::CreateFunction {
    let info = json!({
        "name": "net", "catalog_name": "shop", "schema_name": "sales", "routine_definition": definition,
        "routine_body": "SQL", "data_type": "DOUBLE", "input_params": {"parameters": [{"name": "gross"}]},
    });
    uc::CreateFunction { function_info: serde_json::from_value(info).expect("a function") }
}

#[tokio::test]
async fn functions_arrive_follow_their_definition_and_are_dropped() {
    let mut world = World::new().await;
    world.source.create_function(&function("gross * 0.8")).await.expect("a function");
    world.cycle().await;
    let first = world.destination.functions("shop", "sales").await.expect("an answer");
    assert_eq!(first[0].routine_definition.as_deref(), Some("gross * 0.8"));
    assert_eq!(first[0].other["input_params"]["parameters"][0]["name"], "gross");
    assert_eq!(first[0].id(), world.source.functions("shop", "sales").await.expect("an answer")[0].id());
    world.source.delete_function("shop.sales.net").await.expect("dropped");
    world.source.create_function(&function("gross * 0.7")).await.expect("a function");
    let report = world.compare().await;
    assert_eq!(status(&report.objects, AssetKind::Function, "shop.sales.net"), ObjectStatus::Drifted);
    world.cycle().await;
    world.destination.take_changes();
    let outcome = world.cycle().await;
    assert_eq!(status(&outcome.objects, AssetKind::Function, "shop.sales.net"), ObjectStatus::InSync);
    assert!(!world.destination.take_changes().iter().any(|change| change.contains("/functions")));
    let second = world.destination.functions("shop", "sales").await.expect("an answer");
    assert_eq!(second[0].routine_definition.as_deref(), Some("gross * 0.7"));
    world.source.delete_function("shop.sales.net").await.expect("dropped");
    world.cycle().await;
    assert!(world.destination.functions("shop", "sales").await.expect("an answer").is_empty());
}

#[tokio::test]
async fn a_region_without_the_calls_is_named_and_everything_else_arrives() {
    let mut world = World::new().await;
    volume(&world.source, "inbox", None).await;
    world.source.create_function(&function("gross")).await.expect("a function");
    super::world::table(&world.source, "sales", "orders").await;
    for (call, status) in [("/volumes", 404), ("/functions", 501)] {
        for method in ["GET", "POST"] {
            world.destination.refuse(
                &format!("{method} {call}"),
                usize::MAX,
                status,
                "ENDPOINT_NOT_FOUND",
                "No such API.",
            );
        }
    }
    let outcome = world.cycle().await;
    for (kind, name) in [(AssetKind::Volume, "shop.sales.inbox"), (AssetKind::Function, "shop.sales.net")] {
        let error = found(&outcome.objects, kind, name).error.clone().expect("it is named");
        assert_eq!(error.class, ErrorClass::UnsupportedObject);
        assert!(error.message.starts_with(&format!("west has no API to create a {kind}")), "{}", error.message);
    }
    assert_eq!(status(&outcome.objects, AssetKind::Table, "shop.sales.orders"), ObjectStatus::InSync);
}

#[tokio::test]
async fn a_volume_without_a_mapped_place_is_named_and_holds_nothing_back() {
    let mut world = World::new().await;
    world.map_only("tables");
    volume(&world.source, "landing", Some(format!("{}/landing", world.source.lake()))).await;
    let outcome = world.cycle().await;
    let landing = found(&outcome.objects, AssetKind::Volume, "shop.sales.landing");
    let error = landing.error.as_ref().expect("named");
    assert_eq!((landing.status, error.class), (ObjectStatus::Unsupported, ErrorClass::UnsupportedObject));
    assert!(error.message.contains("No storage mapping covers"), "{}", error.message);
    assert!(!error.blocks_replication_point());
    assert_eq!(volumes(&world.destination).await, []);
}
