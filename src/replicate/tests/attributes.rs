//! Owners, grants and tags: they follow the source, and what the secondary can't take is said.

use super::world::{World, found, schema, table, view};
use crate::connect::{AccessApi, InMemoryRegion, RegionApi};
use crate::domain::{AssetKind, ErrorClass, ObjectStatus};
use crate::replicate::ObjectRecord;
use crate::wire::unity_catalog::{self as uc, EntityTagAssignment, PermissionsChange, Securable, UpdatePermissions};

const ORDERS: &str = "shop.sales.orders";

async fn change(region: &InMemoryRegion, of: Securable, name: &str, who: &str, add: &[&str], remove: &[&str]) {
    let own = |list: &[&str]| list.iter().map(|privilege| (*privilege).to_owned()).collect();
    let change = PermissionsChange { principal: who.to_owned(), add: own(add), remove: own(remove) };
    region.update_grants(of, name, &UpdatePermissions { changes: vec![change] }).await.expect("changed");
}

async fn grants(region: &InMemoryRegion, of: Securable, name: &str) -> Vec<String> {
    let all = region.grants(of, name).await.expect("an answer");
    all.iter().map(|a| format!("{}: {}", a.principal, a.privileges.join(" "))).collect()
}

async fn tags(region: &InMemoryRegion, kind: &str, name: &str) -> Vec<String> {
    let all = region.tags(kind, name).await.expect("an answer");
    all.iter().map(|tag| format!("{}={}", tag.tag_key, tag.tag_value.as_deref().unwrap_or_default())).collect()
}

fn tag(kind: &str, name: &str, key: &str, value: &str) -> EntityTagAssignment {
    EntityTagAssignment {
        entity_type: kind.to_owned(),
        entity_name: name.to_owned(),
        tag_key: key.to_owned(),
        tag_value: Some(value.to_owned()),
        ..EntityTagAssignment::default()
    }
}

async fn owner(region: &InMemoryRegion, name: &str) -> String {
    region.table(name).await.expect("an answer").expect("it is there").owner.expect("an owner")
}

/// Both regions know ana; only the primary knows noor.
async fn world() -> World {
    let world = World::new().await;
    table(&world.source, "sales", "orders").await;
    for region in [&world.source, &world.destination] {
        region.add_principal("ana@x");
        region.add_principal("team");
    }
    world.source.add_principal("noor@x");
    world
}

/// So long that every object has had its turn.
async fn round(world: &mut World) -> Vec<ObjectRecord> {
    world.cycle().await;
    world.cycle().await;
    world.cycle().await.objects
}

#[tokio::test]
async fn grants_arrive_with_their_objects_at_every_level_and_one_that_is_revoked_is_revoked() {
    let mut world = world().await;
    view(&world.source, "sales", "top", "SELECT 1").await;
    let levels = [
        (Securable::Catalog, "shop", "USE_CATALOG"),
        (Securable::Schema, "shop.sales", "USE_SCHEMA"),
        (Securable::Table, ORDERS, "SELECT"),
        (Securable::Table, "shop.sales.top", "SELECT"),
    ];
    for (of, name, privilege) in levels {
        change(&world.source, of, name, "ana@x", &[privilege, "ALL_PRIVILEGES"], &[]).await;
        change(&world.source, of, name, "team", &[privilege], &[]).await;
    }
    world.cycle().await;
    for (of, name, _) in levels {
        assert_eq!(grants(&world.destination, of, name).await, grants(&world.source, of, name).await, "{name}");
    }
    for (of, name, privilege) in levels {
        change(&world.source, of, name, "ana@x", &[], &[privilege]).await;
        change(&world.source, of, name, "team", &[], &[privilege]).await;
    }
    // Somebody grants something in the secondary, too.
    change(&world.destination, Securable::Table, ORDERS, "team", &["MODIFY"], &[]).await;
    round(&mut world).await;
    for (of, name, _) in levels {
        assert_eq!(grants(&world.destination, of, name).await, ["ana@x: ALL_PRIVILEGES"], "{name}");
    }
}

#[tokio::test]
async fn what_the_secondary_does_not_know_is_listed_and_granted_as_soon_as_it_does() {
    let mut world = world().await;
    change(&world.source, Securable::Table, ORDERS, "noor@x", &["SELECT"], &[]).await;
    change(&world.source, Securable::Table, ORDERS, "ana@x", &["SELECT"], &[]).await;
    world.source.set_owner(Securable::Table, ORDERS, "noor@x").await.expect("set");
    let outcome = world.cycle().await;
    assert_eq!(grants(&world.destination, Securable::Table, ORDERS).await, ["ana@x: SELECT"]);
    assert_eq!(owner(&world.destination, ORDERS).await, "console@west");
    let record = found(&outcome.objects, AssetKind::Table, ORDERS);
    assert_eq!(
        (record.status, record.unknown_principals.as_slice()),
        (ObjectStatus::InSync, &["noor@x".to_owned()][..])
    );
    let note = record.note.as_deref().unwrap_or_default();
    assert!(note.contains("west doesn't know noor@x") && note.contains("SELECT not granted"), "{note}");
    world.restart();
    let record = found(&world.soon().await.expect("a cycle").objects, AssetKind::Table, ORDERS).clone();
    assert_eq!(record.unknown_principals, ["noor@x"], "a restart remembers it");
    world.destination.add_principal("noor@x");
    round(&mut world).await;
    for _ in 0..9 {
        world.cycle().await;
    }
    assert_eq!(grants(&world.destination, Securable::Table, ORDERS).await.len(), 2);
    assert_eq!(owner(&world.destination, ORDERS).await, "noor@x");
    let objects = round(&mut world).await;
    assert_eq!(found(&objects, AssetKind::Table, ORDERS).unknown_principals, Vec::<String>::new());
}

#[tokio::test]
async fn owners_follow_and_the_console_keeps_its_right_to_manage_what_it_gave_away() {
    let mut world = world().await;
    for (of, name) in [(Securable::Catalog, "shop"), (Securable::Schema, "shop.sales"), (Securable::Table, ORDERS)] {
        world.source.set_owner(of, name, "ana@x").await.expect("set");
    }
    world.cycle().await;
    let catalog = world.destination.catalog("shop").await.expect("an answer").expect("it is there");
    let schema = world.destination.schema("shop.sales").await.expect("an answer").expect("it is there");
    assert_eq!([catalog.owner.as_deref(), schema.owner.as_deref()], [Some("ana@x"); 2]);
    assert_eq!(owner(&world.destination, ORDERS).await, "ana@x");
    assert_eq!(grants(&world.destination, Securable::Catalog, "shop").await, ["console@west: MANAGE"]);
    world.destination.take_changes();
    round(&mut world).await;
    let changes = world.destination.take_changes();
    assert!(!changes.iter().any(|call| call.contains("/owner") || call.contains("/permissions")), "{changes:?}");
    assert_eq!(grants(&world.destination, Securable::Catalog, "shop").await, ["console@west: MANAGE"], "its own stays");
    // An owner that changes is followed at once: the list tells it.
    world.source.set_owner(Securable::Table, ORDERS, "team").await.expect("set");
    world.soon().await.expect("a cycle");
    assert_eq!(owner(&world.destination, ORDERS).await, "team");
}

#[tokio::test]
async fn after_a_failover_grants_follow_the_new_primary_and_keep_what_that_one_could_never_take() {
    let mut world = world().await;
    change(&world.source, Securable::Table, ORDERS, "noor@x", &["SELECT"], &[]).await;
    change(&world.source, Securable::Table, ORDERS, "ana@x", &["SELECT"], &[]).await;
    change(&world.source, Securable::Schema, "shop.sales", "team", &["USE_SCHEMA"], &[]).await;
    world.source.set_owner(Securable::Table, ORDERS, "noor@x").await.expect("set");
    world.cycle().await;
    world.turn_round();
    change(&world.source, Securable::Table, ORDERS, "ana@x", &["MODIFY"], &["SELECT"]).await;
    change(&world.source, Securable::Schema, "shop.sales", "team", &[], &["USE_SCHEMA"]).await;
    round(&mut world).await;
    let expected = ["ana@x: MODIFY", "noor@x: SELECT"];
    assert_eq!(grants(&world.destination, Securable::Table, ORDERS).await, expected);
    assert_eq!(owner(&world.destination, ORDERS).await, "noor@x", "the stand-in isn't an owner to follow");
    assert_eq!(grants(&world.destination, Securable::Schema, "shop.sales").await, Vec::<String>::new());
}

#[tokio::test]
async fn tags_follow_on_objects_and_columns() {
    let mut world = world().await;
    world.source.describe(ORDERS, &["id", "email"]);
    for (kind, name) in
        [("catalogs", "shop"), ("schemas", "shop.sales"), ("tables", ORDERS), ("columns", "shop.sales.orders.email")]
    {
        world.source.assign_tag(&tag(kind, name, "team", "growth")).await.expect("assigned");
        world.source.assign_tag(&tag(kind, name, "pii", "yes")).await.expect("assigned");
    }
    round(&mut world).await;
    for (kind, name) in
        [("catalogs", "shop"), ("schemas", "shop.sales"), ("tables", ORDERS), ("columns", "shop.sales.orders.email")]
    {
        assert_eq!(tags(&world.destination, kind, name).await, ["pii=yes", "team=growth"], "{kind}");
        world.source.update_tag(&tag(kind, name, "pii", "no")).await.expect("changed");
        world.source.remove_tag(kind, name, "team").await.expect("removed");
    }
    round(&mut world).await;
    for (kind, name) in [("catalogs", "shop"), ("tables", ORDERS), ("columns", "shop.sales.orders.email")] {
        assert_eq!(tags(&world.destination, kind, name).await, ["pii=no"], "{kind}");
    }
}

#[tokio::test]
async fn a_refusal_is_said_with_its_object_holds_nothing_back_and_is_tried_again() {
    let mut world = world().await;
    change(&world.source, Securable::Table, ORDERS, "ana@x", &["SELECT"], &[]).await;
    world.destination.refuse("PATCH /permissions table", 2, 403, "PERMISSION_DENIED", "not yours");
    let outcome = world.cycle().await;
    let record = found(&outcome.objects, AssetKind::Table, ORDERS);
    let error = record.error.as_ref().expect("an error");
    assert_eq!((error.class, record.blocks()), (ErrorClass::AccessNotReplicated, false));
    assert!(error.message.contains("grants of shop.sales.orders") && error.message.contains("not yours"), "{error:?}");
    let outcome = world.cycle().await;
    assert_eq!(found(&outcome.objects, AssetKind::Table, ORDERS).error, None);
    assert_eq!(grants(&world.destination, Securable::Table, ORDERS).await, ["ana@x: SELECT"]);
}

#[tokio::test]
async fn an_object_that_is_made_again_gets_its_grants_again() {
    let mut world = world().await;
    view(&world.source, "sales", "top", "SELECT 1").await;
    for name in [ORDERS, "shop.sales.top"] {
        change(&world.source, Securable::Table, name, "ana@x", &["SELECT"], &[]).await;
    }
    world.cycle().await;
    for name in [ORDERS, "shop.sales.top"] {
        world.source.delete_table(name).await.expect("dropped");
    }
    table(&world.source, "sales", "orders").await;
    view(&world.source, "sales", "top", "SELECT 2").await;
    for name in [ORDERS, "shop.sales.top"] {
        change(&world.source, Securable::Table, name, "team", &["SELECT"], &[]).await;
    }
    world.soon().await.expect("a cycle");
    for name in [ORDERS, "shop.sales.top"] {
        assert_eq!(grants(&world.destination, Securable::Table, name).await, ["team: SELECT"], "{name}");
    }
}

#[tokio::test]
async fn a_region_without_grants_or_tags_says_so_and_replicates_the_rest() {
    let mut world = world().await;
    world.destination.do_not_serve("permissions");
    world.source.do_not_serve("entity-tag-assignments");
    world.source.set_owner(Securable::Table, ORDERS, "ana@x").await.expect("set");
    world.cycle().await;
    let objects = round(&mut world).await;
    assert!(objects.iter().all(|object| object.error.is_none()), "{objects:#?}");
    let note = found(&objects, AssetKind::Catalog, "shop").note.clone().unwrap_or_default();
    assert!(note.contains("west has no API for grants") && note.contains("east has no API for tags"), "{note}");
    assert_eq!(owner(&world.destination, ORDERS).await, "ana@x");
}

#[tokio::test]
async fn a_quiet_cycle_asks_little_and_one_right_after_another_nothing() {
    let mut world = world().await;
    for at in 0..20 {
        schema(&world.source, &format!("s{at:02}")).await;
    }
    world.cycle().await;
    world.source.take_reads();
    world.soon().await.expect("a cycle");
    let of_attributes = |reads: Vec<String>| {
        let own = |call: &&String| call.contains("/permissions") || call.contains("/tags ");
        reads.iter().filter(own).count()
    };
    let reads = world.source.take_reads();
    assert_eq!(of_attributes(reads.clone()), 0, "{reads:?}");
    world.cycle().await;
    let half = of_attributes(world.source.take_reads());
    assert!(half <= 2 * 25, "no object twice: {half}");
    assert!(half > 30, "four requests a second: {half}");
}

#[tokio::test]
async fn nothing_that_replication_does_not_own_is_touched() {
    let mut world = world().await;
    world.cycle().await;
    table(&world.destination, "sales", "theirs").await;
    let foreign = uc::CreateCatalog { name: "other".to_owned(), ..uc::CreateCatalog::default() };
    world.destination.create_catalog(&foreign).await.expect("a catalog");
    change(&world.destination, Securable::Table, "shop.sales.theirs", "team", &["SELECT"], &[]).await;
    change(&world.destination, Securable::Catalog, "other", "team", &["USE_CATALOG"], &[]).await;
    round(&mut world).await;
    assert_eq!(grants(&world.destination, Securable::Table, "shop.sales.theirs").await, ["team: SELECT"]);
    assert_eq!(grants(&world.destination, Securable::Catalog, "other").await, ["team: USE_CATALOG"]);
}
