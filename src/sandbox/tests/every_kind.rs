//! A sandbox that is seeded with every kind.

use super::{Client, EAST, UC, WEST, names};
use crate::domain::SystemClock;
use crate::sandbox::{Sandbox, SandboxOptions};
use reqwest::Method;
use serde_json::Value;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn the_primary_has_every_kind_twice_and_the_secondary_assets_of_its_own() {
    let dir = tempfile::tempdir().expect("a folder");
    let plan = SandboxOptions {
        commits_per_second: 0.0,
        tables: Some(12),
        every_kind: true,
        ..SandboxOptions::new(dir.path())
    };
    let sandbox = Sandbox::start(plan, Arc::new(SystemClock)).await.expect("it starts");
    let (east, west) = (Client::user(&sandbox, EAST), Client::user(&sandbox, WEST));
    for (path, field) in [
        (format!("{UC}/volumes?catalog_name=sales&schema_name=orders"), "volumes"),
        (format!("{UC}/volumes?catalog_name=operations&schema_name=devices"), "volumes"),
        (format!("{UC}/functions?catalog_name=sales&schema_name=orders"), "functions"),
        (format!("{UC}/functions?catalog_name=finance&schema_name=ledger"), "functions"),
        (format!("{UC}/models?catalog_name=sales&schema_name=orders"), "registered_models"),
        (format!("{UC}/models?catalog_name=operations&schema_name=devices"), "registered_models"),
        (format!("{UC}/entity-tag-assignments/tables/sales.orders.orders/tags"), "tag_assignments"),
        (format!("{UC}/policies/schema/cannot_replicate.mixed"), "policies"),
    ] {
        assert!(!east.list(&path, field).await.is_empty(), "{path}");
    }
    let tables = east.list(&format!("{UC}/tables?catalog_name=sales&schema_name=orders"), "tables").await;
    assert!(tables.iter().any(|table| table["table_type"] == "EXTERNAL"), "an external table");
    assert!(tables.iter().any(|table| table["name"] == "large_open_orders"), "a view on a view");
    let grants = east.get(&format!("{UC}/permissions/schema/finance.ledger")).await;
    assert_eq!(grants["privilege_assignments"][0]["principal"], "field-contractors");
    for (path, field, fewest) in [
        ("/api/2.2/jobs/list", "jobs", 13),
        ("/api/2.0/sql/warehouses", "warehouses", 3),
        ("/api/2.1/clusters/list", "clusters", 5),
        ("/api/2.0/lakeview/dashboards", "dashboards", 4),
    ] {
        let (here, there) = (east.list(path, field).await, west.list(path, field).await);
        assert!(here.len() >= fewest && there.len() == 1, "{path}: {} and {}", here.len(), there.len());
    }
    let long = "/api/2.0/workspace/export?path=/Shared/etl/history.bin";
    assert_eq!(east.refused(Method::GET, long, Value::Null).await.1, "MAX_NOTEBOOK_SIZE_EXCEEDED");
    let listed = west.get("/api/2.0/workspace/list?path=/Shared/etl").await;
    assert_eq!(names(listed["objects"].as_array().expect("a list"), "path"), ["/Shared/etl/old_report"]);
    assert_eq!(west.get(&format!("{UC}/catalogs/regional")).await["name"], "regional");
    sandbox.shutdown().await;
}
