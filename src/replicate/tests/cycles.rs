//! Cycles: what arrives, in which order, and what is said of the rest.

use super::world::{World, found, schema, status, statuses, table, view};
use crate::connect::RegionApi;
use crate::domain::{AssetKind, CatalogName, ErrorClass, ObjectStatus};
use crate::wire::unity_catalog as uc;

#[tokio::test]
async fn everything_arrives_containers_first_and_a_quiet_cycle_changes_nothing() {
    let mut world = World::new().await;
    table(&world.source, "sales", "orders").await;
    view(&world.source, "sales", "top", "SELECT 1").await;
    let outcome = world.cycle().await;
    let expected = [
        (AssetKind::Catalog, "shop"),
        (AssetKind::Schema, "shop.default"),
        (AssetKind::Schema, "shop.sales"),
        (AssetKind::Table, "shop.sales.orders"),
        (AssetKind::View, "shop.sales.top"),
    ];
    assert_eq!(statuses(&outcome.objects), expected.map(|(kind, name)| (kind, name, ObjectStatus::InSync)));
    assert!(outcome.complete && outcome.changed == 1 && outcome.bytes_copied > 5, "{outcome:?}");
    let changes = world.destination.take_changes();
    let at = |call: &str| changes.iter().position(|change| change == call).unwrap_or_else(|| panic!("{changes:#?}"));
    let order = ["POST /catalogs shop", "POST /schemas shop.sales", "POST /tables shop.sales.orders"];
    assert!(order.map(at).is_sorted() && at(order[2]) < at("POST /tables shop.sales.top"), "{changes:#?}");
    let replica = world.destination.table("shop.sales.orders").await.expect("an answer").expect("it is there");
    let original = world.source.table("shop.sales.orders").await.expect("an answer").expect("it is there");
    assert_eq!(replica.table_id, original.table_id);
    for _ in 0..2 {
        assert_eq!(world.soon().await.expect("a cycle").changed, 0);
        world.restart();
        assert_eq!(world.cycle().await.changed, 0);
    }
    let changes: Vec<String> = world.destination.take_changes();
    let own = |change: &&String| !change.contains("credentials") && !change.starts_with("PATCH /catalogs shop");
    assert_eq!(changes.iter().filter(own).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[tokio::test]
async fn a_checkpoint_that_comes_without_a_commit_arrives_with_the_next_cycle() {
    let mut world = World::new().await;
    table(&world.source, "sales", "orders").await;
    for _ in 0..2 {
        world.cycle().await;
    }
    let mut logs = Vec::new();
    for region in [&world.source, &world.destination] {
        let table = region.table("shop.sales.orders").await.expect("an answer").expect("it is there");
        let root = url::Url::parse(&table.storage_location.expect("a place")).expect("a URI");
        logs.push(root.to_file_path().expect("a folder").join("_delta_log"));
    }
    let name = "00000000000000000000.checkpoint.00000000-0000-4000-8000-000000000000.json";
    let commit = std::fs::read(logs[0].join("00000000000000000000.json")).expect("a commit");
    std::fs::write(logs[0].join(name), &commit).expect("written");
    let outcome = world.soon().await.expect("a cycle");
    assert_eq!(status(&outcome.objects, AssetKind::Table, "shop.sales.orders"), ObjectStatus::InSync);
    assert_eq!(std::fs::read(logs[1].join(name)).ok(), Some(commit), "it arrived");
}

#[tokio::test]
async fn a_replica_can_only_be_read_by_its_workspace_from_the_start() {
    let mut world = World::new().await;
    world.cycle().await;
    let catalog = world.destination.catalog("shop").await.expect("an answer").expect("it is there");
    assert_eq!(catalog.isolation_mode.as_deref(), Some(uc::ISOLATION_ISOLATED));
    let bound = world.destination.bindings_of_catalog("shop").await.expect("an answer");
    assert!(bound.len() == 1 && bound[0].workspace_id == 2 && bound[0].is_read_only(), "{bound:?}");
    // Someone opens it, and the next look at the destination puts that right.
    let add = vec![uc::WorkspaceBinding::read_write(2)];
    let change = uc::UpdateBindings { add, remove: bound };
    world.destination.update_bindings("shop", &change).await.expect("changed");
    world.cycle().await;
    let bound = world.destination.bindings_of_catalog("shop").await.expect("an answer");
    assert!(bound.iter().all(uc::WorkspaceBinding::is_read_only), "{bound:?}");
}

#[tokio::test]
async fn comments_and_properties_follow() {
    let mut world = World::new().await;
    world.cycle().await;
    let (comment, properties) = (Some("new".to_owned()), Some([("a".to_owned(), "b".to_owned())].into()));
    let of_catalog =
        uc::UpdateCatalog { comment: comment.clone(), properties: properties.clone(), ..uc::UpdateCatalog::default() };
    world.source.update_catalog("shop", &of_catalog).await.expect("changed");
    let of_schema = uc::UpdateSchema { comment: comment.clone(), properties, ..uc::UpdateSchema::default() };
    world.source.update_schema("shop.sales", &of_schema).await.expect("changed");
    world.soon().await.expect("a cycle");
    let catalog = world.destination.catalog("shop").await.expect("an answer").expect("it is there");
    let schema = world.destination.schema("shop.sales").await.expect("an answer").expect("it is there");
    assert_eq!((&catalog.comment, catalog.properties.len()), (&comment, 1));
    assert_eq!((&schema.comment, schema.properties.len()), (&comment, 1));
    assert_eq!(catalog.isolation_mode.as_deref(), Some(uc::ISOLATION_ISOLATED), "still read-only");
}

#[tokio::test]
async fn what_lies_in_a_container_that_could_not_be_made_fails_for_its_reason_and_the_rest_goes_on() {
    let mut world = World::new().await;
    schema(&world.source, "hr").await;
    table(&world.source, "sales", "orders").await;
    view(&world.source, "sales", "top", "SELECT 1").await;
    table(&world.source, "hr", "people").await;
    world.destination.refuse("POST /schemas shop.sales", 1, 403, "PERMISSION_DENIED", "not yours");
    let outcome = world.cycle().await;
    let broken = [
        (AssetKind::Schema, "shop.sales"),
        (AssetKind::Table, "shop.sales.orders"),
        (AssetKind::View, "shop.sales.top"),
    ];
    let errors: Vec<_> = broken.map(|(kind, name)| found(&outcome.objects, kind, name).error.clone()).into();
    let [Some(first), ..] = errors.as_slice() else { panic!("{errors:?}") };
    assert_eq!(first.class, ErrorClass::PermissionDenied);
    assert!(errors.iter().flatten().all(|error| error.message == first.message), "{errors:#?}");
    assert_eq!(status(&outcome.objects, AssetKind::Table, "shop.hr.people"), ObjectStatus::InSync);
    let outcome = world.soon().await.expect("a cycle");
    assert!(outcome.errors().next().is_none(), "it is tried again: {:#?}", outcome.objects);
}

#[tokio::test]
async fn an_answer_that_was_lost_makes_nothing_twice() {
    let mut world = World::new().await;
    table(&world.source, "sales", "orders").await;
    view(&world.source, "sales", "top", "SELECT 1").await;
    for call in
        ["POST /catalogs", "POST /schemas", "POST /staging-tables", "POST /tables shop.sales.orders", "POST /tables"]
    {
        world.destination.lose_answers(call, 1);
        assert!(world.try_cycle().await.expect_err("the region is away").is_unreachable(), "{call}");
        world.restart();
    }
    let outcome = world.cycle().await;
    assert!(outcome.errors().next().is_none(), "{:#?}", outcome.objects);
    assert_eq!(world.compare().await.differing(), Vec::<&crate::replicate::ObjectRecord>::new());
}

#[tokio::test]
async fn what_cannot_be_replicated_is_named_and_its_siblings_arrive() {
    let mut world = World::new().await;
    world.catalogs.push(CatalogName::new("gone"));
    table(&world.source, "sales", "orders").await;
    let foreign = uc::CreateTable {
        name: "csv".to_owned(),
        catalog_name: "shop".to_owned(),
        schema_name: "sales".to_owned(),
        table_type: uc::TABLE_EXTERNAL.to_owned(),
        data_source_format: Some("DELTA".to_owned()),
        storage_location: Some(format!("{}/csv", world.source.lake())),
        ..uc::CreateTable::default()
    };
    world.source.create_table(&foreign).await.expect("a table without a log");
    let outcome = world.cycle().await;
    let error = |kind, name: &str| found(&outcome.objects, kind, name).error.clone().expect("an error");
    assert_eq!(error(AssetKind::Catalog, "gone").class, ErrorClass::CatalogRefused);
    assert!(error(AssetKind::Catalog, "gone").message.contains("east has no catalog of that name"));
    assert!(error(AssetKind::Table, "shop.sales.csv").blocks_replication_point());
    assert_eq!(status(&outcome.objects, AssetKind::Table, "shop.sales.orders"), ObjectStatus::InSync);
}

#[tokio::test]
async fn a_region_that_goes_away_stops_the_cycle_and_the_next_one_goes_on() {
    let mut world = World::new().await;
    table(&world.source, "sales", "orders").await;
    world.destination.go_away();
    let error = world.try_cycle().await.expect_err("nothing can be said");
    assert_eq!((error.is_unreachable(), error.region()), (true, Some("west")));
    world.destination.come_back();
    assert_eq!(status(&world.cycle().await.objects, AssetKind::Table, "shop.sales.orders"), ObjectStatus::InSync);
}

#[tokio::test]
async fn a_name_that_somebody_took_at_the_destination_is_theirs() {
    let mut world = World::new().await;
    world.cycle().await;
    view(&world.destination, "sales", "orders", "SELECT 2").await;
    view(&world.destination, "sales", "own", "SELECT 3").await;
    table(&world.source, "sales", "orders").await;
    let outcome = world.cycle().await;
    let taken = found(&outcome.objects, AssetKind::Table, "shop.sales.orders").error.clone().expect("an error");
    assert_eq!(taken.class, ErrorClass::Drift);
    assert!(taken.message.contains("replication didn't create"), "{}", taken.message);
    let own = found(&outcome.objects, AssetKind::View, "shop.sales.own").error.clone().expect("an error");
    assert!(own.class == ErrorClass::UnmanagedObject && !own.blocks_replication_point(), "{own:?}");
    let there = world.destination.table("shop.sales.orders").await.expect("an answer").expect("it is there");
    assert_eq!(there.view_definition.as_deref(), Some("SELECT 2"));
    assert!(
        !outcome.objects.iter().any(|o| o.kind == AssetKind::View && o.name == "shop.sales.orders"),
        "once is enough"
    );
}
