//! Workspaces and catalogs with every kind at least twice, and one of each that cannot be replicated.
//!
//! The secondary has assets of its own: some in folders that the primary has too, some elsewhere.

use super::shapes::{CANNOT_REPLICATE, GUARDED};
use super::tables::{self, Seat};
use crate::sandbox::SandboxError;
use crate::sandbox::call::Caller;
use crate::sandbox::records::{Kind, Writing};
use crate::sandbox::region::Region;
use crate::sandbox::unity_catalog::seed_catalog;
use crate::sandbox::workspace::{acl, job_key};
use crate::sandbox::writer::TableSpec;
use crate::wire::objects::{
    MOST_OBJECT_BYTES, OBJECT_DASHBOARD, OBJECT_DIRECTORY, OBJECT_FILE, OBJECT_NOTEBOOK, OBJECT_REPO, ObjectInfo,
};
use crate::wire::permissions::{AccessControl, CAN_MANAGE, IS_OWNER};
use crate::wire::unity_catalog::{
    Permissions, PrivilegeAssignment, TABLE_EXTERNAL, TABLE_VIEW, TableInfo, VOLUME_EXTERNAL, VOLUME_MANAGED,
};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use uuid::Uuid;

/// A group that the secondary does not know.
const STRANGERS: &str = "field-contractors";
/// A user whom the secondary does not know.
const STRANGER: &str = "noor.aziz@example.com";

/// Adds what only the primary has.
pub fn seed_primary(region: &Region, writing: &mut Writing<'_>, seed: u64) -> Result<(), SandboxError> {
    objects(region, writing);
    assets(region, writing);
    let (volumes, functions) = (
        [("sales", "orders", "exports", VOLUME_MANAGED), ("operations", "devices", "firmware", VOLUME_EXTERNAL)],
        [("sales", "orders", "net_price", "price * quantity"), (CANNOT_REPLICATE, "mixed", "own_country", "true")],
    );
    for (catalog, schema, name, kind) in volumes {
        let place =
            if kind == VOLUME_MANAGED { format!("lake/{catalog}/__volumes/{name}") } else { format!("landing/{name}") };
        let location = format!("{}/{place}", region.identity.storage_root);
        let mut volume = in_schema(region, catalog, schema, name);
        volume["volume_id"] = Uuid::new_v4().to_string().into();
        volume["volume_type"] = kind.into();
        volume["storage_location"] = location.into();
        writing.put(Kind::Volume, full(catalog, schema, name), &volume);
    }
    for (catalog, schema, name, body) in functions {
        let mut function = in_schema(region, catalog, schema, name);
        function["function_id"] = Uuid::new_v4().to_string().into();
        function["routine_body"] = "SQL".into();
        function["routine_definition"] = body.into();
        function["data_type"] = "STRING".into();
        function["full_data_type"] = "STRING".into();
        writing.put(Kind::Function, full(catalog, schema, name), &function);
    }
    for (catalog, schema, name) in [("sales", "orders", "churn"), ("operations", "devices", "failures")] {
        writing.put(Kind::Model, full(catalog, schema, name), &in_schema(region, catalog, schema, name));
    }
    for (catalog, schema, name) in [("sales", "orders", "price_list"), ("operations", "logistics", "carriers")] {
        external_table(region, writing, seed, catalog, schema, name)?;
    }
    // A view on a view, and one that only a group over both catalogs can serve in the secondary.
    view(region, writing, "sales.orders.large_open_orders", "sales.orders.open_orders");
    view(region, writing, &full(CANNOT_REPLICATE, "mixed", "staff_orders"), "sales.orders.orders");
    grants_and_tags(region, writing);
    Ok(())
}

fn full(catalog: &str, schema: &str, name: &str) -> String {
    format!("{catalog}.{schema}.{name}")
}

fn in_schema(region: &Region, catalog: &str, schema: &str, name: &str) -> Value {
    json!({"name": name, "catalog_name": catalog, "schema_name": schema, "full_name": full(catalog, schema, name),
        "owner": region.identity.admin_name, "comment": format!("The {name} of {schema}"),
        "created_at": region.now_ms(), "updated_at": region.now_ms()})
}

fn external_table(
    region: &Region,
    writing: &mut Writing<'_>,
    seed: u64,
    catalog: &str,
    schema: &str,
    name: &str,
) -> Result<(), SandboxError> {
    let seat = Seat::new(region, "landing", catalog, schema, name);
    tables::write_table(region, &seat, &TableSpec { columns: GUARDED, partition_by: &[], features: &[] }, 2, seed)?;
    let entry = TableInfo {
        table_type: TABLE_EXTERNAL.to_owned(),
        owner: Some("controllers".to_owned()),
        ..seat.entry(region)?
    };
    writing.put(Kind::Table, seat.full_name(), &entry);
    Ok(())
}

fn view(region: &Region, writing: &mut Writing<'_>, name: &str, source: &str) {
    let parts: Vec<&str> = name.split('.').collect();
    let [catalog, schema, leaf] = parts.as_slice() else { return };
    let seat = Seat::new(region, "lake", catalog, schema, leaf);
    let view = TableInfo {
        table_type: TABLE_VIEW.to_owned(),
        table_id: Some(Uuid::new_v4().to_string()),
        view_definition: Some(format!("SELECT * FROM {source}")),
        view_dependencies: Some(json!({"dependencies": [{"table": {"table_full_name": source}}]})),
        comment: Some(format!("Reads {source}")),
        ..seat.bare_entry(region)
    };
    writing.put(Kind::Table, name, &view);
}

/// Grants at every level, some to a group that the secondary does not know; tags, and a policy.
fn grants_and_tags(region: &Region, writing: &mut Writing<'_>) {
    let credential = format!("storage_credential/{}-storage", region.name());
    for (key, principal, privileges) in [
        ("schema/sales.orders", "sales-analysts", ["CREATE_TABLE", "MODIFY"].as_slice()),
        ("schema/finance.ledger", STRANGERS, &["SELECT"]),
        ("table/sales.orders.orders", "controllers", &["SELECT"]),
        ("table/finance.ledger.entries", "mei.tanaka@example.com", &["MODIFY", "SELECT"]),
        ("volume/sales.customers.uploads", "sales-analysts", &["READ_VOLUME"]),
        ("volume/sales.orders.exports", STRANGERS, &["READ_VOLUME", "WRITE_VOLUME"]),
        ("function/finance.ledger.to_eur", "controllers", &["EXECUTE"]),
        ("function/sales.orders.net_price", "account users", &["EXECUTE"]),
        ("external_location/landing", "plant-engineers", &["READ_FILES"]),
        (credential.as_str(), "plant-engineers", &["CREATE_EXTERNAL_LOCATION"]),
    ] {
        let privileges = privileges.iter().map(|privilege| (*privilege).to_owned()).collect();
        let assignment = PrivilegeAssignment { principal: principal.to_owned(), privileges };
        writing.put(Kind::Grants, key, &Permissions { privilege_assignments: vec![assignment], next_page_token: None });
    }
    for (entity, name, key, value) in [
        ("catalog", "sales", "domain", "commerce"),
        ("schema", "finance.ledger", "domain", "finance"),
        ("table", "sales.orders.orders", "pii", "no"),
        ("column", "sales.orders.orders.amount", "unit", "currency"),
        ("volume", "sales.customers.uploads", "retention", "30d"),
    ] {
        let tag = json!({"entity_type": format!("{entity}s"), "entity_name": name, "tag_key": key, "tag_value": value,
            "updated_by": region.identity.admin_name});
        writing.put(Kind::TagAssignment, format!("{entity}/{name}\n{key}"), &tag);
    }
    let policy = json!({"name": "own_country_only", "on_securable_type": "SCHEMA", "id": Uuid::new_v4().to_string(),
        "on_securable_fullname": format!("{CANNOT_REPLICATE}.mixed"), "policy_type": "POLICY_TYPE_ROW_FILTER",
        "for_securable_type": "TABLE", "to_principals": ["account users"],
        "row_filter": {"function_name": format!("{CANNOT_REPLICATE}.mixed.own_country"), "using": []}});
    writing.put(Kind::Policies, format!("schema/{CANNOT_REPLICATE}.mixed"), &json!({"policies": [policy]}));
}

/// Puts a workspace object of a type, with content where it has one; returns its id.
fn object(
    region: &Region,
    writing: &mut Writing<'_>,
    path: &str,
    of: &str,
    language: Option<&str>,
    content: &str,
) -> i64 {
    let id: i64 = rand::random_range(1_000_000_000_000_000..9_000_000_000_000_000);
    let object = ObjectInfo {
        path: path.to_owned(),
        object_type: of.to_owned(),
        object_id: id,
        resource_id: Some(id.to_string()),
        language: language.map(str::to_owned),
        created_at: Some(region.now_ms()),
        modified_at: Some(region.now_ms()),
        size: (of == OBJECT_FILE).then_some(content.len() as i64),
        ..ObjectInfo::default()
    };
    writing.put(Kind::WorkspaceObject, path, &object);
    if [OBJECT_NOTEBOOK, OBJECT_FILE].contains(&of) {
        writing.put(Kind::WorkspaceContent, path, &json!(BASE64_STANDARD.encode(content)));
    }
    id
}

fn group(name: &str, level: &str) -> AccessControl {
    AccessControl {
        group_name: Some(name.to_owned()),
        permission_level: Some(level.to_owned()),
        ..AccessControl::default()
    }
}

fn user(name: &str, level: &str) -> AccessControl {
    AccessControl {
        user_name: Some(name.to_owned()),
        permission_level: Some(level.to_owned()),
        ..AccessControl::default()
    }
}

fn objects(region: &Region, writing: &mut Writing<'_>) {
    for person in ["ana.lima@example.com", "mei.tanaka@example.com"] {
        object(region, writing, &format!("/Users/{person}"), OBJECT_DIRECTORY, None, "");
    }
    let reports = object(region, writing, "/Shared/reports", OBJECT_DIRECTORY, None, "");
    writing.put(
        Kind::Acl,
        format!("objects/{reports}"),
        &[group("sales-analysts", "CAN_RUN"), group(STRANGERS, "CAN_READ")],
    );
    let weekly = object(region, writing, "/Shared/reports/weekly", OBJECT_NOTEBOOK, Some("SQL"), "SELECT 1\n");
    writing.put(Kind::Acl, format!("objects/{weekly}"), &[user("ana.lima@example.com", "CAN_EDIT")]);
    object(region, writing, "/Users/ana.lima@example.com/scratch", OBJECT_NOTEBOOK, Some("SCALA"), "println(1)\n");
    object(region, writing, "/Shared/etl/settings.json", OBJECT_FILE, None, "{\"retries\": 3}\n");
    let helpers = object(region, writing, "/Shared/etl/helpers.py", OBJECT_FILE, None, "def one():\n    return 1\n");
    writing.put(Kind::Acl, format!("objects/{helpers}"), &[group("controllers", "CAN_READ")]);
    // What cannot be exported: a Git folder, and a file that is too long.
    object(region, writing, "/Shared/etl/pipelines-repo", OBJECT_REPO, None, "");
    let id = object(region, writing, "/Shared/etl/history.bin", OBJECT_FILE, None, "");
    let long = ObjectInfo {
        path: "/Shared/etl/history.bin".to_owned(),
        object_type: OBJECT_FILE.to_owned(),
        object_id: id,
        resource_id: Some(id.to_string()),
        size: Some(MOST_OBJECT_BYTES as i64 + 1),
        ..ObjectInfo::default()
    };
    writing.put(Kind::WorkspaceObject, "/Shared/etl/history.bin", &long);
}

/// Jobs and clusters with references that aren't replicated, a published dashboard, permissions of each kind.
fn assets(region: &Region, writing: &mut Writing<'_>) {
    let cron = json!({"quartz_cron_expression": "0 0 4 * * ?", "timezone_id": "UTC", "pause_status": "PAUSED"});
    let upstream = job(
        region,
        writing,
        "nightly_report",
        json!({"schedule": cron, "tasks": [
        {"task_key": "report", "notebook_task": {"notebook_path": "/Workspace/Shared/reports/weekly", "source": "WORKSPACE"}}]}),
    );
    job(
        region,
        writing,
        "after_the_report",
        json!({"tasks": [
        {"task_key": "wait", "run_job_task": {"job_id": upstream}}]}),
    );
    job(
        region,
        writing,
        "refresh_pipeline",
        json!({"tasks": [
        {"task_key": "refresh", "pipeline_task": {"pipeline_id": Uuid::new_v4().to_string()}}]}),
    );
    let strangers = job(
        region,
        writing,
        "strangers_load",
        json!({"run_as": {"user_name": STRANGER}, "tasks": [
        {"task_key": "load", "notebook_task": {"notebook_path": "/Shared/etl/strangers"}}]}),
    );
    let owner = user(&region.identity.admin_name, IS_OWNER);
    for (id, entry) in
        [(upstream, group("sales-analysts", "CAN_MANAGE_RUN")), (strangers, group(STRANGERS, "CAN_VIEW"))]
    {
        writing.put(Kind::Acl, format!("jobs/{id}"), &[owner.clone(), entry]);
    }
    let id = cluster(region, writing, "pooled", true);
    let entries = [group("plant-engineers", "CAN_RESTART"), group(STRANGERS, "CAN_ATTACH_TO")];
    writing.put(Kind::Acl, format!("clusters/{id}"), &entries);
    for (name, published) in [("Open orders", true), ("Device health", false)] {
        let id = dashboard(region, writing, &format!("/Shared/reports/{name}.lvdash.json"));
        writing.put(Kind::Acl, format!("dashboards/{id}"), &[group("sales-analysts", "CAN_READ")]);
        if published {
            let shown = json!({"display_name": name, "embed_credentials": true});
            writing.put(Kind::PublishedDashboard, id, &shown);
        }
    }
}

fn job(region: &Region, writing: &mut Writing<'_>, name: &str, mut settings: Value) -> i64 {
    let id: i64 = rand::random_range(100_000_000_000_000..1_000_000_000_000_000);
    for (field, value) in [("name", json!(name)), ("format", json!("MULTI_TASK")), ("max_concurrent_runs", json!(1))] {
        settings[field] = value;
    }
    let run_as = settings["run_as"]["user_name"].as_str().unwrap_or(&region.identity.admin_name).to_owned();
    let run_as_too = json!({"user_name": run_as});
    settings["run_as"] = run_as_too;
    let job = json!({"job_id": id, "creator_user_name": region.identity.admin_name, "run_as_user_name": run_as,
        "created_time": region.now_ms(), "settings": settings});
    writing.put(Kind::Job, job_key(id), &job);
    acl::put_first(region, writing, &acl::JOBS, &id.to_string(), Caller::Admin);
    id
}

fn cluster(region: &Region, writing: &mut Writing<'_>, name: &str, refers: bool) -> String {
    let suffix: String = Uuid::new_v4().simple().to_string().chars().take(8).collect();
    let id = format!("0222-101500-{suffix}");
    let mut cluster = json!({"cluster_id": id, "cluster_name": name, "state": "TERMINATED", "cluster_source": "UI",
        "spark_version": "17.3.x-scala2.13", "num_workers": 1, "creator_user_name": region.identity.admin_name});
    if refers {
        cluster["instance_pool_id"] = "0222-101500-pool1-pool-abcdefgh".into();
        cluster["policy_id"] = "ABC0123456789DEF".into();
        cluster["spark_conf"] = json!({"spark.api.key": "{{secrets/etl/api-key}}"});
    }
    writing.put(Kind::Cluster, &id, &cluster);
    acl::put_first(region, writing, &acl::CLUSTERS, &id, Caller::Admin);
    id
}

fn dashboard(region: &Region, writing: &mut Writing<'_>, path: &str) -> String {
    let id = Uuid::new_v4().simple().to_string();
    let (folder, file) = path.rsplit_once('/').unwrap_or(("/", path));
    let name = file.trim_end_matches(".lvdash.json");
    let number = object(region, writing, path, OBJECT_DASHBOARD, None, "");
    let file = ObjectInfo {
        path: path.to_owned(),
        object_type: OBJECT_DASHBOARD.to_owned(),
        object_id: number,
        resource_id: Some(id.clone()),
        ..ObjectInfo::default()
    };
    writing.put(Kind::WorkspaceObject, path, &file);
    let dashboard = json!({"dashboard_id": id, "display_name": name, "lifecycle_state": "ACTIVE", "parent_path": folder,
        "path": path, "etag": "1", "serialized_dashboard": "{\"pages\":[]}"});
    writing.put(Kind::Dashboard, &id, &dashboard);
    id
}

/// What the secondary has of its own, and nothing of the primary's.
pub fn seed_secondary(region: &Region, writing: &mut Writing<'_>) {
    let home = format!("/Users/{}", region.identity.admin_name);
    for folder in ["/", "/Shared", "/Users", &home, "/Shared/etl", "/Shared/leftovers", "/Regional"] {
        object(region, writing, folder, OBJECT_DIRECTORY, None, "");
    }
    // In folders that the primary has too: replication would remove these.
    object(region, writing, "/Shared/etl/old_report", OBJECT_NOTEBOOK, Some("PYTHON"), "print(0)\n");
    object(region, writing, "/Shared/leftovers/notes.txt", OBJECT_FILE, None, "Kept since the last test.\n");
    dashboard(region, writing, "/Shared/Old numbers.lvdash.json");
    job(
        region,
        writing,
        "old_cleanup",
        json!({"tasks": [
        {"task_key": "clean", "notebook_task": {"notebook_path": "/Shared/etl/old_report"}}]}),
    );
    cluster(region, writing, "left-over", false);
    let id = "0e0e0e0e0e0e0e0e";
    let warehouse = json!({"id": id, "name": "Left over", "state": "STOPPED", "cluster_size": "Small",
        "creator_name": region.identity.admin_name});
    writing.put(Kind::Warehouse, id, &warehouse);
    acl::put_first(region, writing, &acl::WAREHOUSES, id, Caller::Admin);
    // Elsewhere: replication never touches these.
    object(region, writing, "/Regional/readme.md", OBJECT_FILE, None, "Of this region alone.\n");
    let id = object(region, writing, "/Regional/local_checks", OBJECT_NOTEBOOK, Some("SQL"), "SELECT 1\n");
    writing.put(Kind::Acl, format!("objects/{id}"), &[group("controllers", CAN_MANAGE)]);
    let root = format!("{}/lake/regional", region.identity.storage_root);
    seed_catalog(region, writing, "regional", "Of this region alone", root);
}
