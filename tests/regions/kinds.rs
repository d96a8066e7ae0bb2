//! The kinds of regions, each passed to the suite. The one in memory is passed to it by the library's own tests.

use super::double::Double;
use super::minilake;
use super::suite::{Kind, conforms};
use resilience::connect::{
    CapabilitySheet, ConnectError, ConnectSettings, PublicRegion, RegionApi, SandboxRegion, Secret, SheetMark,
    TablePlace,
};
use resilience::domain::SystemClock;
use resilience::sandbox::{Sandbox, SandboxOptions};
use std::sync::Arc;

fn settings(url: &str, token: &str) -> ConnectSettings {
    ConnectSettings::new("tried", url, Secret::from(token)).fail_fast()
}

fn public(double: &Double) -> Arc<dyn RegionApi> {
    PublicRegion::connect(settings(&double.url, "hunter2"), Some(double.workspace)).expect("a client")
}

#[tokio::test]
async fn a_region_of_the_sandbox() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut options = SandboxOptions::new(dir.path().join("sandbox"));
    (options.tables, options.commits_per_second) = (Some(1), 0.0);
    let sandbox = Sandbox::start(options, Arc::new(SystemClock)).await.expect("it starts");
    let regions = sandbox.regions();
    let region = regions.get(1).expect("two regions");
    // By the sandbox's own kind, and as any region with the public APIs: what it can is found by asking either way.
    let by_its_kind = settings(&region.workspace_url, &region.replication_token);
    let clients = [
        SandboxRegion::connect(by_its_kind.clone()).expect("a client"),
        PublicRegion::connect(by_its_kind, region.workspace_id.parse().ok()).expect("a client"),
    ];
    let of_public = clients[1].capabilities().await.expect("told");
    assert_eq!(clients[0].capabilities().await.expect("told"), of_public);
    let [client, _] = clients;
    let kind = Kind {
        region: client,
        workspace: region.workspace_id.parse().expect("a number"),
        external: format!("{}/lake", region.storage_root),
        bindings: true,
        managed_by_path: true,
    };
    conforms(&kind).await;
    sandbox.shutdown().await;
}

#[tokio::test]
async fn a_region_that_answers_as_databricks_does() {
    let dir = tempfile::tempdir().expect("a folder");
    let double = Double::serve("eu-west-1", 4711, dir.path()).await;
    let kind = Kind {
        region: public(&double),
        workspace: double.workspace,
        external: double.lake(),
        bindings: true,
        managed_by_path: false,
    };
    conforms(&kind).await;
}

#[tokio::test]
async fn an_emulator_that_can_do_less() {
    let Some(lake) = minilake::start().await else { return };
    let kind = Kind {
        region: PublicRegion::connect(settings(&lake.url, ""), None).expect("a client"),
        workspace: 1,
        external: lake.external(),
        bindings: false,
        managed_by_path: false,
    };
    conforms(&kind).await;
}

#[tokio::test]
async fn a_call_that_is_throttled_is_asked_again_after_the_wait_that_was_asked_for() {
    let dir = tempfile::tempdir().expect("a folder");
    let double = Double::serve("eu-west-1", 4711, dir.path()).await;
    let region = public(&double);
    double.throttle(1);
    let begun = std::time::Instant::now();
    region.catalogs().await.expect("it answers in the end");
    assert!(begun.elapsed() >= std::time::Duration::from_secs(1), "it waited as it was told");
    assert_eq!(double.calls(), 2);
}

#[tokio::test]
async fn a_login_page_a_bad_token_and_external_access_that_is_off_are_told_apart() {
    let dir = tempfile::tempdir().expect("a folder");
    let double = Double::serve("eu-west-1", 4711, dir.path()).await;
    let without_workspace = double.url.split('?').next().expect("a URL");
    let region = PublicRegion::connect(settings(without_workspace, "hunter2"), None).expect("a client");
    let page = region.catalogs().await.expect_err("a login page");
    assert!(matches!(&page, ConnectError::Unauthenticated { message, .. } if message.contains("?o=")), "{page}");
    let bad = PublicRegion::connect(settings(&double.url, "hunter3"), None).expect("a client").catalogs().await;
    assert!(matches!(bad, Err(ConnectError::Unauthenticated { .. })), "{bad:?}");

    double.make_managed("shop.sales.orders");
    double.external_access(false);
    let table = public(&double).table("shop.sales.orders").await.expect("an answer").expect("it is there");
    let place = TablePlace::of(&table).expect("a place");
    let denied = public(&double).grant(&place, false).await.expect_err("external access is off");
    assert!(denied.is_permission_denied(), "{denied}");
    let sheet = CapabilitySheet::ask(settings(&double.url, "hunter2")).await.expect("asked");
    let line = |topic: &str| sheet.lines.iter().find(|line| line.topic == topic).expect("a line");
    assert_eq!(line("metastore").mark, SheetMark::Warn);
    assert_eq!(line("table credentials").mark, SheetMark::Fail);
    assert!(line("table credentials").remedy.contains("EXTERNAL USE SCHEMA"));
}

#[tokio::test]
async fn a_managed_table_is_read_and_never_written_by_path() {
    let dir = tempfile::tempdir().expect("a folder");
    let double = Double::serve("eu-west-1", 4711, dir.path()).await;
    double.make_managed("shop.sales.orders");
    let region = public(&double);
    let table = region.table("shop.sales.orders").await.expect("an answer").expect("it is there");
    let place = TablePlace::of(&table).expect("a place");
    region.grant(&place, false).await.expect("reading is granted");
    let refused = region.grant(&place, true).await.expect_err("writing isn't");
    assert!(refused.to_string().contains("EXTERNAL_WRITE_NOT_ALLOWED_FOR_TABLE"), "{refused}");
}

#[tokio::test]
async fn a_sheet_says_what_works_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().expect("a folder");
    let double = Double::serve("eu-west-1", 4711, dir.path()).await;
    double.make_managed("shop.sales.orders");
    let before = double.table("resilience_console_asks.asked.asked");
    let sheet = CapabilitySheet::ask(settings(&double.url, "hunter2")).await.expect("asked");
    let mark = |topic: &str| sheet.lines.iter().find(|line| line.topic == topic).map(|line| line.mark);
    for topic in ["login", "metastore", "catalogs", "external tables", "fence", "table credentials"] {
        assert_eq!(mark(topic), Some(SheetMark::Pass), "{topic}: {sheet:?}");
    }
    for topic in ["managed tables", "path credentials", "compute", "ids", "dashboards"] {
        assert_eq!(mark(topic), Some(SheetMark::Warn), "{topic}: {sheet:?}");
    }
    assert_eq!((before, double.table("resilience_console_asks.asked.asked")), (None, None));
    let catalogs = public(&double).catalogs().await.expect("listed");
    assert_eq!(catalogs.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["shop"]);
}
