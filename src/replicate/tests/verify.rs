//! Comparisons say what the next cycle would do, and change nothing.

use super::world::{World, found, status, table, view};
use crate::connect::RegionApi;
use crate::domain::{AssetKind, ErrorClass, ObjectStatus};

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
