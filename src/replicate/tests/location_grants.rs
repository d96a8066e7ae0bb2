//! Grants on external locations: they follow the source, and nothing is taken away that only the secondary has.

use super::world::{World, found};
use crate::connect::{AccessApi, InMemoryRegion, RegionApi};
use crate::domain::{AssetKind, ErrorClass, ObjectStatus};
use crate::wire::unity_catalog::{CreateSchema, PermissionsChange, Securable, UpdatePermissions};
use chrono::TimeDelta;

const OF: Securable = Securable::ExternalLocation;
const NAME: &str = "external location lake";

async fn change(region: &InMemoryRegion, who: &str, add: &[&str], remove: &[&str]) {
    let own = |list: &[&str]| list.iter().map(|privilege| (*privilege).to_owned()).collect();
    let change = PermissionsChange { principal: who.to_owned(), add: own(add), remove: own(remove) };
    region.update_grants(OF, "lake", &UpdatePermissions { changes: vec![change] }).await.expect("changed");
}

async fn grants(region: &InMemoryRegion) -> Vec<String> {
    let all = region.grants(OF, "lake").await.expect("an answer");
    all.iter().map(|a| format!("{}: {}", a.principal, a.privileges.join(" "))).collect()
}

/// A scope that lies in both regions' lakes, and people whom both know.
async fn world() -> World {
    let world = World::new().await;
    let schema = CreateSchema {
        name: "apart".to_owned(),
        catalog_name: "shop".to_owned(),
        storage_root: Some(format!("{}/apart", world.source.lake())),
        ..CreateSchema::default()
    };
    world.source.create_schema(&schema).await.expect("a schema");
    for region in [&world.source, &world.destination] {
        region.add_principal("team");
        region.add_principal("ana@x");
    }
    world
}

/// So much later that the locations are looked at again.
async fn later(world: &mut World) -> crate::replicate::CycleOutcome {
    world.clock.advance(TimeDelta::seconds(61));
    world.cycle().await
}

#[tokio::test]
async fn grants_on_a_mapped_location_follow_and_one_that_is_revoked_is_revoked() {
    let mut world = world().await;
    change(&world.source, "team", &["READ_FILES", "WRITE_FILES"], &[]).await;
    change(&world.destination, "ana@x", &["READ_FILES"], &[]).await;
    let outcome = world.cycle().await;
    assert_eq!(grants(&world.destination).await, ["ana@x: READ_FILES", "team: READ_FILES WRITE_FILES"]);
    assert_eq!(found(&outcome.objects, AssetKind::Grant, NAME).status, ObjectStatus::InSync);
    change(&world.source, "team", &[], &["WRITE_FILES"]).await;
    assert_eq!(found(&world.compare().await.objects, AssetKind::Grant, NAME).status, ObjectStatus::Drifted);
    later(&mut world).await;
    assert_eq!(
        grants(&world.destination).await,
        ["ana@x: READ_FILES", "team: READ_FILES"],
        "ana's is the region's own"
    );
    assert_eq!(found(&world.compare().await.objects, AssetKind::Grant, NAME).status, ObjectStatus::InSync);

    // The other way, and what both had is taken away there.
    world.turn_round();
    change(&world.source, "team", &[], &["READ_FILES"]).await;
    later(&mut world).await;
    assert_eq!(grants(&world.destination).await, ["ana@x: READ_FILES"], "what the new primary has follows");
}

#[tokio::test]
async fn a_principal_that_the_secondary_does_not_know_and_a_refusal_are_named() {
    let mut world = world().await;
    world.source.add_principal("noor@x");
    change(&world.source, "noor@x", &["READ_FILES"], &[]).await;
    let outcome = world.cycle().await;
    let record = found(&outcome.objects, AssetKind::Grant, NAME);
    assert_eq!(
        (record.status, record.unknown_principals.as_slice()),
        (ObjectStatus::InSync, &["noor@x".to_owned()][..])
    );
    assert_eq!(found(&world.compare().await.objects, AssetKind::Grant, NAME).status, ObjectStatus::InSync);
    world.destination.refuse("PATCH /permissions external_location", 2, 400, "INVALID_PARAMETER_VALUE", "No.");
    change(&world.source, "team", &["READ_FILES"], &[]).await;
    let record = found(&later(&mut world).await.objects, AssetKind::Grant, NAME).clone();
    assert_eq!(record.error.as_ref().map(|error| error.class), Some(ErrorClass::AccessNotReplicated));
    assert!(!record.blocks());
    // The remedy: what the answer names is corrected, and the rest goes by itself.
    world.destination.forget_faults();
    let record = found(&later(&mut world).await.objects, AssetKind::Grant, NAME).clone();
    assert_eq!(record.error, None);
    assert_eq!(grants(&world.destination).await, ["team: READ_FILES"]);
}

#[tokio::test]
async fn a_region_without_the_call_is_listed_as_unsupported() {
    let mut world = world().await;
    change(&world.source, "team", &["READ_FILES"], &[]).await;
    world.destination.do_not_serve("permissions");
    let outcome = world.cycle().await;
    let record = found(&outcome.objects, AssetKind::Grant, NAME);
    assert_eq!(record.status, ObjectStatus::Unsupported);
    assert!(record.message().unwrap_or_default().contains("west has no API for grants on external locations"));
}

#[tokio::test]
async fn what_a_region_keeps_from_the_console_is_said() {
    let mut world = world().await;
    change(&world.source, "team", &["READ_FILES"], &[]).await;
    world.cycle().await;
    world.destination.refuse("GET /permissions external_location", 1, 403, "PERMISSION_DENIED", "not yours");
    let record = found(&world.compare().await.objects, AssetKind::Grant, NAME).clone();
    assert_eq!(record.status, ObjectStatus::Unknown, "{record:?}");
    assert!(record.message().unwrap_or_default().contains("couldn't be compared"), "{record:?}");
    world.destination.forget_faults();

    world.destination.refuse("GET /external-locations", usize::MAX, 403, "PERMISSION_DENIED", "not yours");
    let outcome = later(&mut world).await;
    let record = found(&outcome.objects, AssetKind::Grant, "external locations of west");
    assert_eq!(record.error.as_ref().map(|error| error.class), Some(ErrorClass::AccessNotReplicated));
    assert!(record.message().unwrap_or_default().contains("grants on them aren't replicated") && !record.blocks());
    world.destination.forget_faults();
    assert_eq!(found(&later(&mut world).await.objects, AssetKind::Grant, NAME).status, ObjectStatus::InSync);
    assert_eq!(grants(&world.destination).await, ["team: READ_FILES"]);
}
