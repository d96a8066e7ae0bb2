//! The seeded workspaces: warehouses, clusters, jobs with their schedules, notebooks, dashboards.

use crate::sandbox::call::Caller;
use crate::sandbox::records::{Kind, Writing};
use crate::sandbox::region::Region;
use crate::sandbox::workspace::{acl, job_key};
use crate::wire::jobs::{PAUSED, UNPAUSED};
use crate::wire::objects::{OBJECT_DASHBOARD, OBJECT_DIRECTORY, OBJECT_NOTEBOOK, ObjectInfo};
use crate::wire::workspace::{STATE_RUNNING, STATE_STOPPED, STATE_TERMINATED};
use serde_json::{Value, json};
use uuid::Uuid;

/// Where a job's runs are started from.
#[derive(Clone, Copy)]
enum Start {
    Schedule(&'static str),
    Continuous,
    Trigger,
    Triggers,
}

/// What a job runs on.
#[derive(Clone, Copy)]
enum On {
    Warehouse(&'static str),
    Cluster(&'static str),
}

struct JobPlan {
    name: &'static str,
    start: Start,
    on: On,
    tables: &'static [&'static str],
    paused: bool,
}

const SERVING: &str = "Serving warehouse";
const FINANCE: &str = "Finance warehouse";
const ETL: &str = "etl-shared";
const STREAMING: &str = "streaming";

/// Name and whether it runs in the primary.
const WAREHOUSES: [(&str, bool); 3] = [(SERVING, true), (FINANCE, true), ("Ad hoc queries", false)];
/// Name, whether it runs in the primary, and who made it.
const CLUSTERS: [(&str, bool, &str); 4] =
    [(ETL, true, "UI"), (STREAMING, true, "API"), ("data-science", false, "UI"), ("job-48213-run-1", false, "JOB")];

const JOBS: [JobPlan; 9] = [
    JobPlan {
        name: "orders_ingest",
        start: Start::Schedule("0 * * * * ?"),
        on: On::Warehouse(SERVING),
        tables: &["sales.orders.orders", "sales.orders.order_lines"],
        paused: false,
    },
    JobPlan {
        name: "returns_sync",
        start: Start::Schedule("30 * * * * ?"),
        on: On::Warehouse(SERVING),
        tables: &["sales.orders.returns"],
        paused: false,
    },
    JobPlan {
        name: "customer_360",
        start: Start::Continuous,
        on: On::Cluster(ETL),
        tables: &["sales.customers.customers", "sales.customers.segments"],
        paused: false,
    },
    JobPlan {
        name: "ledger_posting",
        start: Start::Schedule("15 * * * * ?"),
        on: On::Cluster(ETL),
        tables: &["finance.ledger.entries", "finance.ledger.accounts"],
        paused: false,
    },
    JobPlan {
        name: "fx_refresh",
        start: Start::Trigger,
        on: On::Warehouse(FINANCE),
        tables: &["finance.ledger.fx_rates"],
        paused: false,
    },
    JobPlan {
        name: "month_close",
        start: Start::Schedule("45 * * * * ?"),
        on: On::Warehouse(FINANCE),
        tables: &["finance.reporting.monthly_close", "finance.reporting.budget"],
        paused: false,
    },
    JobPlan {
        name: "shipment_tracking",
        start: Start::Continuous,
        on: On::Cluster(STREAMING),
        tables: &["operations.logistics.shipments", "operations.logistics.stock_levels"],
        paused: false,
    },
    JobPlan {
        name: "device_telemetry",
        start: Start::Triggers,
        on: On::Cluster(STREAMING),
        tables: &["operations.devices.telemetry", "operations.devices.alerts", "operations.devices.maintenance"],
        paused: false,
    },
    JobPlan {
        name: "orders_backfill",
        start: Start::Schedule("0 0 3 * * ?"),
        on: On::Warehouse(SERVING),
        tables: &["sales.orders.orders"],
        paused: true,
    },
];

/// Writes the workspace's records. In the secondary everything is deployed and at rest.
pub fn seed(region: &Region, writing: &mut Writing<'_>, primary: bool, exists: &dyn Fn(&str) -> bool) {
    let warehouses: Vec<(&str, String)> = WAREHOUSES
        .iter()
        .map(|(name, runs)| {
            let id = Uuid::new_v4().simple().to_string().chars().take(16).collect::<String>();
            let state = if primary && *runs { STATE_RUNNING } else { STATE_STOPPED };
            let record = json!({"id": id, "name": name, "state": state, "cluster_size": "Small", "auto_stop_mins": 0,
                "min_num_clusters": 1, "max_num_clusters": 2, "warehouse_type": "PRO",
                "enable_serverless_compute": false, "creator_name": region.identity.admin_name});
            writing.put(Kind::Warehouse, &id, &record);
            acl::put_first(region, writing, &acl::WAREHOUSES, &id, Caller::Admin);
            (*name, id)
        })
        .collect();
    let clusters: Vec<(&str, String)> = CLUSTERS
        .iter()
        .enumerate()
        .map(|(index, (name, runs, source))| {
            let suffix = Uuid::new_v4().simple().to_string().chars().take(8).collect::<String>();
            let id = format!("0107-0915{index:02}-{suffix}");
            let state = if primary && *runs { STATE_RUNNING } else { STATE_TERMINATED };
            let record = json!({"cluster_id": id, "cluster_name": name, "state": state, "cluster_source": source,
                "spark_version": "17.3.x-scala2.13", "node_type_id": "i3.xlarge", "num_workers": 2,
                "autotermination_minutes": 0, "creator_user_name": region.identity.admin_name});
            writing.put(Kind::Cluster, &id, &record);
            acl::put_first(region, writing, &acl::CLUSTERS, &id, Caller::Admin);
            (*name, id)
        })
        .collect();
    let id_of = |list: &[(&str, String)], name: &str| {
        list.iter().find(|(n, _)| *n == name).map(|(_, id)| id.clone()).unwrap_or_default()
    };
    for (index, plan) in JOBS.iter().enumerate() {
        let job_id: i64 = rand::random_range(100_000_000_000..900_000_000_000) * 100 + index as i64;
        let tasks: Vec<Value> = plan
            .tables
            .iter()
            .filter(|table| exists(table))
            .map(|table| {
                let leaf = table.rsplit('.').next().unwrap_or_default();
                let path = format!("/Shared/etl/{}", plan.name);
                match plan.on {
                    On::Warehouse(name) => json!({"task_key": format!("write_{leaf}"), "sql_task": {
                        "warehouse_id": id_of(&warehouses, name), "file": {"path": path, "source": "WORKSPACE"},
                        "parameters": {"target_table": table}}}),
                    On::Cluster(name) => json!({"task_key": format!("write_{leaf}"),
                        "existing_cluster_id": id_of(&clusters, name),
                        "notebook_task": {"notebook_path": path, "source": "WORKSPACE",
                            "base_parameters": {"target_table": table}}}),
                }
            })
            .collect();
        let pause_status = if primary && !plan.paused { UNPAUSED } else { PAUSED };
        let mut settings = json!({"name": plan.name, "max_concurrent_runs": 1, "format": "MULTI_TASK",
            "timeout_seconds": 0, "tags": {"team": plan.tables.first().and_then(|t| t.split('.').next())},
            "tasks": tasks});
        match plan.start {
            Start::Schedule(cron) => {
                settings["schedule"] =
                    json!({"quartz_cron_expression": cron, "timezone_id": "UTC", "pause_status": pause_status});
            }
            Start::Continuous => settings["continuous"] = json!({"pause_status": pause_status}),
            Start::Trigger => {
                settings["trigger"] =
                    json!({"pause_status": pause_status, "periodic": {"interval": 1, "unit": "HOURS"}});
            }
            Start::Triggers => {
                settings["triggers"] = json!([{"pause_status": pause_status,
                    "table_update": {"table_names": ["operations.devices.telemetry"]}}]);
            }
        }
        let job = json!({"job_id": job_id, "creator_user_name": region.identity.admin_name,
            "run_as_user_name": region.identity.admin_name, "created_time": region.now_ms(), "settings": settings});
        writing.put(Kind::Job, job_key(job_id), &job);
        acl::put_first(region, writing, &acl::JOBS, &job_id.to_string(), Caller::Admin);
    }
    seed_content(region, writing, primary);
}

fn seed_content(region: &Region, writing: &mut Writing<'_>, primary: bool) {
    let mut number: i64 = 4_000_000_000;
    let mut put = |writing: &mut Writing<'_>, path: &str, mut object: ObjectInfo| {
        number += 1;
        object.path = path.to_owned();
        object.object_id = number;
        object.resource_id = object.resource_id.or_else(|| Some(number.to_string()));
        object.created_at = Some(region.now_ms());
        object.modified_at = Some(region.now_ms());
        writing.put(Kind::WorkspaceObject, path, &object);
    };
    let of_type = |kind: &str| ObjectInfo { object_type: kind.to_owned(), ..ObjectInfo::default() };
    let user = format!("/Users/{}", region.identity.admin_name);
    for folder in ["/", "/Shared", "/Shared/etl", "/Users", &user] {
        put(writing, folder, of_type(OBJECT_DIRECTORY));
    }
    for job in &JOBS {
        let path = format!("/Shared/etl/{}", job.name);
        put(writing, &path, ObjectInfo { language: Some("PYTHON".to_owned()), ..of_type(OBJECT_NOTEBOOK) });
        writing.put(Kind::WorkspaceContent, path, &json!(NOTEBOOK));
    }
    if primary {
        for name in ["Revenue today", "Fleet health"] {
            let id = Uuid::new_v4().simple().to_string();
            let path = format!("/Shared/{name}.lvdash.json");
            put(writing, &path, ObjectInfo { resource_id: Some(id.clone()), ..of_type(OBJECT_DASHBOARD) });
            let dashboard = json!({"dashboard_id": id, "display_name": name, "lifecycle_state": "ACTIVE",
                "parent_path": "/Shared", "path": path, "etag": "1", "serialized_dashboard": "{\"pages\":[]}"});
            writing.put(Kind::Dashboard, id, &dashboard);
        }
    }
}

/// One line that writes, in base64.
const NOTEBOOK: &str = "dGFyZ2V0ID0gZGJ1dGlscy53aWRnZXRzLmdldCgidGFyZ2V0X3RhYmxlIikK";
