//! Comparisons say what the next cycle would do, and change nothing.

use super::world::{World, found, status, table, view};
use crate::connect::{AccessApi, InMemoryRegion, RegionApi};
use crate::domain::{AssetKind, ErrorClass, ObjectStatus};
use crate::wire::unity_catalog::{EntityTagAssignment, PermissionsChange, Securable, UpdatePermissions};

#[tokio::test]
async fn a_comparison_tells_what_lacks_differs_and_is_only_there_and_changes_nothing() {
    let mut world = World::new().await;
    for name in ["kept", "dropped", "replaced"] {
        table(&world.source, "sales", name).await;
    }
    view(&world.source, "sales", "top", "SELECT 1").await;
    world.cycle().await;
    assert!(world.compare().await.objects.iter().all(|object| object.status == ObjectStatus::InSync));
    for name in ["shop.sales.dropped", "shop.sales.replaced", "shop.sales.top"] {
        world.source.delete_table(name).await.expect("dropped");
    }
    view(&world.source, "sales", "replaced", "SELECT 2").await;
    view(&world.source, "sales", "top", "SELECT 3").await;
    view(&world.source, "sales", "late", "SELECT 4").await;
    view(&world.destination, "sales", "own", "SELECT 5").await;
    world.destination.take_changes();
    let report = world.compare().await;
    let view_status = |name: &str| status(&report.objects, AssetKind::View, name);
    assert_eq!(status(&report.objects, AssetKind::Table, "shop.sales.kept"), ObjectStatus::InSync);
    assert_eq!(view_status("shop.sales.late"), ObjectStatus::Missing);
    assert_eq!(view_status("shop.sales.replaced"), ObjectStatus::Drifted);
    assert_eq!(view_status("shop.sales.top"), ObjectStatus::Drifted);
    let top = found(&report.objects, AssetKind::View, "shop.sales.top").message().unwrap_or_default();
    assert_eq!(top, "View shop.sales.top has another definition in west than in east, until the next cycle.");
    assert_eq!(status(&report.unmanaged, AssetKind::Table, "shop.sales.dropped"), ObjectStatus::Lagging);
    let own = found(&report.unmanaged, AssetKind::View, "shop.sales.own").error.as_ref().map(|error| error.class);
    assert_eq!((own, report.unmanaged.len()), (Some(ErrorClass::UnmanagedObject), 2));
    assert!(!world.destination.take_changes().iter().any(|change| !change.contains("credentials")));
    assert_eq!(report.verified(), 1);
}

const ORDERS: &str = "shop.sales.orders";

async fn grant(region: &InMemoryRegion, who: &str, privilege: &str) {
    let change = PermissionsChange {
        principal: who.to_owned(),
        add: vec![privilege.to_owned()],
        ..PermissionsChange::default()
    };
    region
        .update_grants(Securable::Table, ORDERS, &UpdatePermissions { changes: vec![change] })
        .await
        .expect("granted");
}

fn tag(kind: &str, name: &str, value: &str) -> EntityTagAssignment {
    EntityTagAssignment {
        entity_type: kind.to_owned(),
        entity_name: name.to_owned(),
        tag_key: "pii".to_owned(),
        tag_value: Some(value.to_owned()),
        ..EntityTagAssignment::default()
    }
}

/// A table that team reads, with tags on it and on a column; only the primary knows noor.
async fn guarded() -> World {
    let world = World::new().await;
    table(&world.source, "sales", "orders").await;
    world.source.describe(ORDERS, &["id", "email"]);
    for region in [&world.source, &world.destination] {
        region.add_principal("team");
        region.add_principal("ana@x");
    }
    world.source.add_principal("noor@x");
    grant(&world.source, "team", "SELECT").await;
    for (kind, name) in [("tables", ORDERS), ("columns", "shop.sales.orders.email")] {
        world.source.assign_tag(&tag(kind, name, "yes")).await.expect("assigned");
    }
    world
}

#[tokio::test]
async fn owners_grants_and_tags_that_differ_are_drift_and_are_named() {
    let mut world = guarded().await;
    for _ in 0..3 {
        world.cycle().await;
    }
    assert_eq!(status(&world.compare().await.objects, AssetKind::Table, ORDERS), ObjectStatus::InSync);
    grant(&world.source, "ana@x", "SELECT").await;
    grant(&world.destination, "team", "MODIFY").await;
    world.source.set_owner(Securable::Table, ORDERS, "ana@x").await.expect("given");
    world.destination.update_tag(&tag("columns", "shop.sales.orders.email", "no")).await.expect("changed");
    world.destination.remove_tag("tables", ORDERS, "pii").await.expect("removed");
    world.destination.take_changes();
    let report = world.compare().await;
    let record = found(&report.objects, AssetKind::Table, ORDERS);
    assert_eq!(record.status, ObjectStatus::Drifted);
    assert_eq!(record.error.as_ref().map(|error| error.class), Some(ErrorClass::AccessNotReplicated));
    let message = record.message().unwrap_or_default();
    for part in [
        "SELECT isn't granted to ana@x",
        "MODIFY is granted to team only there",
        "its owner is console@west and not ana@x",
        "tag pii is missing",
        "tag pii of column email has another value",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let changes = world.destination.take_changes();
    assert!(changes.iter().all(|change| change.contains("credentials")), "a comparison changes nothing: {changes:?}");
    for _ in 0..3 {
        world.cycle().await;
    }
    let report = world.compare().await;
    let record = found(&report.objects, AssetKind::Table, ORDERS);
    assert_eq!(record.status, ObjectStatus::InSync, "the next looks correct it: {:?}", record.message());
}

#[tokio::test]
async fn what_the_secondary_cant_take_is_no_drift_but_is_named() {
    let mut world = guarded().await;
    grant(&world.source, "noor@x", "SELECT").await;
    world.source.set_owner(Securable::Table, ORDERS, "noor@x").await.expect("given");
    for _ in 0..3 {
        world.cycle().await;
    }
    let report = world.compare().await;
    let record = found(&report.objects, AssetKind::Table, ORDERS);
    assert_eq!(record.status, ObjectStatus::InSync, "{:?}", record.message());
    assert!(record.message().unwrap_or_default().contains("west doesn't know noor@x"));
}

#[tokio::test]
async fn a_region_without_the_calls_is_said_to_have_none_and_nothing_is_called_drift() {
    let mut world = guarded().await;
    world.destination.do_not_serve("permissions");
    for _ in 0..2 {
        world.cycle().await;
    }
    let report = world.compare().await;
    assert_eq!(status(&report.objects, AssetKind::Table, ORDERS), ObjectStatus::InSync);
    let note = found(&report.objects, AssetKind::Catalog, "shop").message().unwrap_or_default();
    assert!(note.contains("west has no API for grants, so they weren't compared."), "{note}");
}
