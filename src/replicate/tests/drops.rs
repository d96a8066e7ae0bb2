//! What becomes of replicas whose source is gone.

use super::world::{World, found, schema, status, table, view};
use crate::connect::RegionApi;
use crate::domain::{AssetKind, ErrorClass, ObjectStatus};

fn removals(world: &World) -> Vec<String> {
    world.destination.take_changes().into_iter().filter(|change| change.starts_with("DELETE")).collect()
}

#[tokio::test]
async fn what_was_dropped_at_the_source_is_dropped_contents_first_after_a_restart_too() {
    let mut world = World::new().await;
    schema(&world.source, "hr").await;
    table(&world.source, "hr", "people").await;
    view(&world.source, "hr", "names", "SELECT 1").await;
    world.cycle().await;
    for name in ["shop.hr.names", "shop.hr.people"] {
        world.source.delete_table(name).await.expect("dropped");
    }
    world.source.delete_schema("shop.hr", false).await.expect("dropped");
    world.destination.take_changes();
    world.restart();
    let outcome = world.cycle().await;
    assert_eq!(outcome.changed, 3);
    let expected = ["DELETE /tables shop.hr.names", "DELETE /tables shop.hr.people", "DELETE /schemas shop.hr"];
    assert_eq!(removals(&world), expected);
    assert!(!outcome.objects.iter().any(|object| object.name.starts_with("shop.hr")), "{:#?}", outcome.objects);
    assert_eq!(world.cycle().await.changed, 0);
    assert_eq!(removals(&world), Vec::<String>::new(), "once is enough");
}

#[tokio::test]
async fn only_what_replication_made_is_dropped() {
    let mut world = World::new().await;
    schema(&world.source, "hr").await;
    world.cycle().await;
    view(&world.destination, "hr", "own", "SELECT 1").await;
    world.source.delete_schema("shop.hr", false).await.expect("dropped");
    world.destination.take_changes();
    for _ in 0..2 {
        let outcome = world.cycle().await;
        assert_eq!(outcome.changed, 0);
        for (kind, name) in [(AssetKind::Schema, "shop.hr"), (AssetKind::View, "shop.hr.own")] {
            let error = found(&outcome.objects, kind, name).error.clone().expect("it is named");
            assert_eq!(error.class, ErrorClass::UnmanagedObject);
        }
    }
    assert_eq!(removals(&world), Vec::<String>::new());
    // Once it is empty, it goes.
    world.destination.delete_table("shop.hr.own").await.expect("dropped");
    world.destination.take_changes();
    assert_eq!(world.cycle().await.changed, 1);
    assert_eq!(removals(&world), ["DELETE /schemas shop.hr"]);
}

#[tokio::test]
async fn a_catalog_that_the_source_hides_keeps_its_replica() {
    let mut world = World::new().await;
    table(&world.source, "sales", "orders").await;
    world.cycle().await;
    let isolated = crate::wire::unity_catalog::UpdateCatalog {
        isolation_mode: Some(crate::wire::unity_catalog::ISOLATION_ISOLATED.to_owned()),
        ..Default::default()
    };
    world.source.update_catalog("shop", &isolated).await.expect("isolated");
    let (add, remove) = (Vec::new(), world.source.bindings_of_catalog("shop").await.expect("an answer"));
    let nobody = crate::wire::unity_catalog::UpdateBindings { add, remove };
    world.source.update_bindings("shop", &nobody).await.expect("bound to no workspace");
    world.destination.take_changes();
    let outcome = world.cycle().await;
    let error = found(&outcome.objects, AssetKind::Catalog, "shop").error.clone().expect("it is named");
    assert_eq!((error.class, outcome.changed), (ErrorClass::CatalogRefused, 0));
    assert_eq!(removals(&world), Vec::<String>::new());
}

#[tokio::test]
async fn a_refused_drop_is_tried_again() {
    let mut world = World::new().await;
    table(&world.source, "sales", "orders").await;
    world.cycle().await;
    world.source.delete_table("shop.sales.orders").await.expect("dropped");
    world.destination.refuse("DELETE /tables", 1, 403, "PERMISSION_DENIED", "not yours");
    assert_eq!(world.cycle().await.changed, 0);
    assert!(world.destination.table("shop.sales.orders").await.expect("an answer").is_some());
    assert_eq!(world.cycle().await.changed, 1);
    assert!(world.destination.table("shop.sales.orders").await.expect("an answer").is_none());
}

#[tokio::test]
async fn a_table_and_a_view_take_each_others_place() {
    let mut world = World::new().await;
    table(&world.source, "sales", "a").await;
    view(&world.source, "sales", "b", "SELECT 1").await;
    world.cycle().await;
    for name in ["shop.sales.a", "shop.sales.b"] {
        world.source.delete_table(name).await.expect("dropped");
    }
    view(&world.source, "sales", "a", "SELECT 2").await;
    table(&world.source, "sales", "b").await;
    let outcome = world.cycle().await;
    assert_eq!(status(&outcome.objects, AssetKind::View, "shop.sales.a"), ObjectStatus::InSync);
    assert_eq!(status(&outcome.objects, AssetKind::Table, "shop.sales.b"), ObjectStatus::InSync);
    assert_eq!(outcome.objects.len(), 5, "{:#?}", outcome.objects);
}

#[tokio::test]
async fn a_table_that_was_made_again_is_another_one() {
    let mut world = World::new().await;
    table(&world.source, "sales", "orders").await;
    world.cycle().await;
    world.source.delete_table("shop.sales.orders").await.expect("dropped");
    table(&world.source, "sales", "orders").await;
    world.destination.take_changes();
    world.cycle().await;
    assert_eq!(removals(&world), ["DELETE /tables shop.sales.orders"]);
    let id = |table: Option<crate::wire::unity_catalog::TableInfo>| table.expect("it is there").table_id;
    let replica = id(world.destination.table("shop.sales.orders").await.expect("an answer"));
    assert_eq!(replica, id(world.source.table("shop.sales.orders").await.expect("an answer")));
    assert!(world.compare().await.differing().is_empty());
}

#[tokio::test]
async fn a_view_that_took_a_dropped_tables_place_at_the_destination_is_somebody_elses() {
    let mut world = World::new().await;
    table(&world.source, "sales", "orders").await;
    world.cycle().await;
    world.destination.delete_table("shop.sales.orders").await.expect("dropped");
    view(&world.destination, "sales", "orders", "SELECT 1").await;
    world.source.delete_table("shop.sales.orders").await.expect("dropped");
    let outcome = world.cycle().await;
    let error = found(&outcome.objects, AssetKind::View, "shop.sales.orders").error.clone().expect("it is named");
    assert_eq!(error.class, ErrorClass::UnmanagedObject);
    assert!(world.destination.table("shop.sales.orders").await.expect("an answer").is_some(), "and left there");
}
