//! What people decide about single objects, and what waits for them: quarantine, renames, policies, missing catalogs.

use super::world::{World, found, status, table, view};
use crate::connect::{InMemoryRegion, RegionApi};
use crate::domain::{AssetKind, ErrorClass, ObjectStatus};
use crate::wire::unity_catalog::{self as uc, Securable};

const ORDERS: &str = "shop.sales.orders";

async fn names(region: &InMemoryRegion) -> Vec<String> {
    let all = region.tables("shop", "sales").await.expect("an answer");
    all.into_iter().map(|table| table.name).collect()
}

#[tokio::test]
async fn what_is_taken_out_by_name_is_left_alone_in_both_regions_and_put_back_as_easily() {
    let mut world = World::new().await;
    table(&world.source, "sales", "orders").await;
    table(&world.source, "sales", "people").await;
    world.source.put_policies(Securable::Table, "shop.sales.people", &["hide"]);
    let outcome = world.cycle().await;
    let record = found(&outcome.objects, AssetKind::Table, "shop.sales.people");
    assert_eq!(
        record.error.as_ref().map(|e| (e.class, e.blocks_replication_point())),
        Some((ErrorClass::RowFilterOrMask, true))
    );
    assert_eq!(names(&world.destination).await, ["orders"], "nothing that a policy hides is copied");

    world.rules.excluded = vec!["shop.sales.People".to_owned()];
    world.restart();
    let outcome = world.cycle().await;
    assert_eq!(status(&outcome.objects, AssetKind::Table, "shop.sales.people"), ObjectStatus::Excluded);
    assert!(!outcome.objects.iter().any(|object| object.blocks()), "{:#?}", outcome.objects);
    let report = world.compare().await;
    assert_eq!(status(&report.objects, AssetKind::Table, "shop.sales.people"), ObjectStatus::Excluded);

    world.source.put_policies(Securable::Table, "shop.sales.people", &[]);
    world.rules.excluded.clear();
    world.restart();
    let outcome = world.cycle().await;
    assert_eq!(status(&outcome.objects, AssetKind::Table, "shop.sales.people"), ObjectStatus::InSync);
}

#[tokio::test]
async fn a_replica_that_is_taken_out_stays_as_it_is_when_its_source_goes() {
    let mut world = World::new().await;
    table(&world.source, "sales", "orders").await;
    world.cycle().await;
    world.rules.excluded = vec![ORDERS.to_owned()];
    world.disown(ORDERS);
    world.source.delete_table(ORDERS).await.expect("dropped");
    let outcome = world.cycle().await;
    assert_eq!(names(&world.destination).await, ["orders"]);
    assert!(!outcome.objects.iter().any(|object| object.name == ORDERS), "{:#?}", outcome.objects);
}

#[tokio::test]
async fn a_policy_on_a_catalog_holds_for_its_tables_and_one_that_comes_later_stops_them() {
    let mut world = World::new().await;
    table(&world.source, "sales", "orders").await;
    let outcome = world.cycle().await;
    assert_eq!(status(&outcome.objects, AssetKind::Table, ORDERS), ObjectStatus::InSync);
    world.source.put_policies(Securable::Catalog, "shop", &["mask_emails"]);
    world.cycle().await;
    let outcome = world.cycle().await;
    let error = found(&outcome.objects, AssetKind::Table, ORDERS).error.clone().expect("an error");
    assert!(error.class == ErrorClass::RowFilterOrMask && error.message.contains("mask_emails"), "{error:?}");
}

#[tokio::test]
async fn a_small_rename_follows_at_once_and_a_large_one_waits_with_its_cost_while_the_rest_goes_on() {
    let mut world = World::without_ids().await;
    table(&world.source, "sales", "orders").await;
    table(&world.source, "sales", "lines").await;
    world.cycle().await;
    world.source.rename_table(ORDERS, "orders_1");
    world.cycle().await;
    assert_eq!(names(&world.destination).await, ["lines", "orders_1"]);

    world.rules.rename_limit_bytes = Some(3);
    world.source.rename_table("shop.sales.orders_1", "orders_2");
    table(&world.source, "sales", "new").await;
    for _ in 0..2 {
        let outcome = world.cycle().await;
        let error = found(&outcome.objects, AssetKind::Table, "shop.sales.orders_2").error.clone().expect("an error");
        assert_eq!((error.class, error.blocks_replication_point()), (ErrorClass::RenameWaits, true));
        assert_eq!(error.parameters["renamed_from"], "shop.sales.orders_1");
        assert_eq!(error.parameters["bytes"].parse::<u64>().expect("a number"), 5);
        assert_eq!(names(&world.destination).await, ["lines", "new", "orders_1"], "everything else goes on");
    }
    world.rules.approved_renames = vec!["shop.sales.orders_2".to_owned()];
    let outcome = world.cycle().await;
    assert_eq!(status(&outcome.objects, AssetKind::Table, "shop.sales.orders_2"), ObjectStatus::InSync);
    assert_eq!(names(&world.destination).await, ["lines", "new", "orders_2"]);
}

#[tokio::test]
async fn a_rename_whose_replica_stays_in_its_place_ships_nothing_and_never_waits() {
    let mut world = World::new().await;
    table(&world.source, "sales", "orders").await;
    world.cycle().await;
    world.rules.rename_limit_bytes = Some(0);
    world.source.rename_table(ORDERS, "orders_1");
    let outcome = world.cycle().await;
    assert_eq!(status(&outcome.objects, AssetKind::Table, "shop.sales.orders_1"), ObjectStatus::InSync);
    assert_eq!((outcome.bytes_copied, names(&world.destination).await), (0, vec!["orders_1".to_owned()]));
}

#[tokio::test]
async fn a_view_on_a_catalog_outside_the_group_is_named_with_the_catalog_to_add() {
    let mut world = World::new().await;
    view(&world.source, "sales", "out", "SELECT * FROM fin.ledger.entries JOIN shop.sales.orders").await;
    view(&world.source, "sales", "own", "SELECT * FROM shop.sales.orders").await;
    let outcome = world.cycle().await;
    let error = found(&outcome.objects, AssetKind::View, "shop.sales.out").error.clone().expect("an error");
    assert_eq!((error.class, error.blocks_replication_point()), (ErrorClass::MissingDependency, false));
    assert_eq!((&*error.parameters["catalog"], &*error.parameters["dependency"]), ("fin", "fin.ledger.entries"));
    assert_eq!(status(&outcome.objects, AssetKind::View, "shop.sales.own"), ObjectStatus::InSync);
    let theirs = uc::CreateCatalog { name: "fin".to_owned(), ..uc::CreateCatalog::default() };
    world.destination.create_catalog(&theirs).await.expect("a catalog");
    world.cycle().await;
    world.cycle().await;
    let outcome = world.cycle().await;
    assert_eq!(status(&outcome.objects, AssetKind::View, "shop.sales.out"), ObjectStatus::InSync);
}

#[tokio::test]
async fn volumes_and_functions_are_listed_in_turns_and_a_quiet_cycle_lists_tables_alone() {
    let mut world = World::new().await;
    for at in 0..100 {
        super::world::schema(&world.source, &format!("s{at:02}")).await;
    }
    world.cycle().await;
    let count = |reads: &[String], what: &str| reads.iter().filter(|call| call.contains(what)).count();
    world.source.take_reads();
    world.soon().await.expect("a cycle");
    let reads = world.source.take_reads();
    assert_eq!((count(&reads, "/tables "), count(&reads, "/volumes"), count(&reads, "/functions")), (102, 0, 0));
    world.cycle().await;
    let reads = world.source.take_reads();
    assert!((50..=80).contains(&count(&reads, "/volumes")), "{}", count(&reads, "/volumes"));
    let volume = uc::CreateVolume {
        name: "files".to_owned(),
        catalog_name: "shop".to_owned(),
        schema_name: "s99".to_owned(),
        volume_type: uc::VOLUME_MANAGED.to_owned(),
        ..uc::CreateVolume::default()
    };
    world.source.create_volume(&volume).await.expect("a volume");
    world.cycle().await;
    let outcome = world.cycle().await;
    assert_eq!(status(&outcome.objects, AssetKind::Volume, "shop.s99.files"), ObjectStatus::InSync);
}
