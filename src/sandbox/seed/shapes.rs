//! What the seeded primary holds: catalogs, schemas, tables of every shape, views, and what cannot be replicated.

use crate::sandbox::writer::Feature::{ChangeData, Checkpoints, ColumnMapping, DeletionVectors, InCommitTimestamps};
use crate::sandbox::writer::TableSpec;

/// A seeded catalog: name, comment, and the external location that it lies in.
pub struct CatalogPlan {
    pub name: &'static str,
    pub comment: &'static str,
    pub location: &'static str,
    pub schemas: &'static [&'static str],
}

/// A seeded table.
pub struct TablePlan {
    pub catalog: &'static str,
    pub schema: &'static str,
    pub name: &'static str,
    pub spec: TableSpec,
    /// Commits after the one that creates it.
    pub commits: u32,
}

/// External locations of each region: name and what they are for.
pub const LOCATIONS: [(&str, &str); 3] = [
    ("lake", "Tables of the business units"),
    ("finance", "Tables of finance, kept apart for audit"),
    ("landing", "Files on their way in"),
];

/// The catalog that holds what cannot be replicated.
pub const CANNOT_REPLICATE: &str = "cannot_replicate";

pub const CATALOGS: [CatalogPlan; 3] = [
    CatalogPlan { name: "sales", comment: "Orders and customers", location: "lake", schemas: &["orders", "customers"] },
    CatalogPlan {
        name: "finance",
        comment: "Ledger and reports",
        location: "finance",
        schemas: &["ledger", "reporting"],
    },
    CatalogPlan {
        name: "operations",
        comment: "Logistics and devices",
        location: "lake",
        schemas: &["logistics", "devices"],
    },
];

const ORDERS: &[(&str, &str)] = &[
    ("order_id", "long"),
    ("customer_id", "long"),
    ("order_date", "date"),
    ("amount", "decimal(12,2)"),
    ("currency", "string"),
    ("status", "string"),
    ("placed_at", "timestamp"),
];
const ORDER_LINES: &[(&str, &str)] =
    &[("line_id", "long"), ("order_id", "long"), ("product", "string"), ("quantity", "integer"), ("price", "double")];
const RETURNS: &[(&str, &str)] = &[
    ("return_id", "long"),
    ("order_id", "long"),
    ("channel", "string"),
    ("refunded", "boolean"),
    ("reason", "string"),
];
const CUSTOMERS: &[(&str, &str)] =
    &[("customer_id", "long"), ("name", "string"), ("country", "string"), ("since", "date"), ("active", "boolean")];
const SEGMENTS: &[(&str, &str)] = &[("segment_id", "long"), ("segment", "string"), ("score", "double")];
const ENTRIES: &[(&str, &str)] = &[
    ("entry_id", "long"),
    ("account", "string"),
    ("amount", "decimal(14,2)"),
    ("currency", "string"),
    ("posted_at", "timestamp"),
];
const ACCOUNTS: &[(&str, &str)] =
    &[("account_id", "long"), ("account", "string"), ("owner", "string"), ("open", "boolean")];
const FX_RATES: &[(&str, &str)] =
    &[("rate_id", "long"), ("currency", "string"), ("rate", "double"), ("as_of", "timestamp")];
const CLOSE: &[(&str, &str)] =
    &[("line_id", "long"), ("territory", "string"), ("account", "string"), ("balance", "decimal(16,2)")];
const BUDGET: &[(&str, &str)] = &[("line_id", "long"), ("account", "string"), ("planned", "decimal(14,2)")];
const SHIPMENTS: &[(&str, &str)] = &[
    ("shipment_id", "long"),
    ("order_id", "long"),
    ("region", "string"),
    ("state", "string"),
    ("left_at", "timestamp"),
];
const STOCK: &[(&str, &str)] =
    &[("item_id", "long"), ("warehouse", "string"), ("product", "string"), ("quantity", "integer")];
const TELEMETRY: &[(&str, &str)] =
    &[("reading_id", "long"), ("device_id", "long"), ("day", "date"), ("celsius", "double"), ("read_at", "timestamp")];
const ALERTS: &[(&str, &str)] =
    &[("alert_id", "long"), ("device_id", "long"), ("severity", "string"), ("open", "boolean")];
const MAINTENANCE: &[(&str, &str)] =
    &[("visit_id", "long"), ("site", "string"), ("owner", "string"), ("hours", "double"), ("visited", "date")];

/// The small tables that are added when more are asked for.
pub const SMALL: TableSpec =
    TableSpec { columns: &[("id", "long"), ("name", "string"), ("value", "double")], partition_by: &[], features: &[] };

const fn table(
    catalog: &'static str,
    schema: &'static str,
    name: &'static str,
    commits: u32,
    spec: TableSpec,
) -> TablePlan {
    TablePlan { catalog, schema, name, spec, commits }
}

/// Every shaped table. The first twelve hold every feature.
pub const TABLES: [TablePlan; 15] = [
    table(
        "sales",
        "orders",
        "orders",
        13,
        TableSpec { columns: ORDERS, partition_by: &["order_date"], features: &[Checkpoints(10)] },
    ),
    table(
        "sales",
        "orders",
        "order_lines",
        12,
        TableSpec { columns: ORDER_LINES, partition_by: &[], features: &[DeletionVectors, Checkpoints(10)] },
    ),
    table(
        "sales",
        "orders",
        "returns",
        9,
        TableSpec { columns: RETURNS, partition_by: &["channel"], features: &[ChangeData] },
    ),
    table(
        "sales",
        "customers",
        "customers",
        8,
        TableSpec { columns: CUSTOMERS, partition_by: &[], features: &[ColumnMapping] },
    ),
    table(
        "finance",
        "ledger",
        "entries",
        11,
        TableSpec { columns: ENTRIES, partition_by: &[], features: &[InCommitTimestamps, DeletionVectors] },
    ),
    table("finance", "ledger", "accounts", 4, TableSpec { columns: ACCOUNTS, partition_by: &[], features: &[] }),
    table(
        "finance",
        "ledger",
        "fx_rates",
        7,
        TableSpec { columns: FX_RATES, partition_by: &[], features: &[InCommitTimestamps] },
    ),
    table(
        "finance",
        "reporting",
        "monthly_close",
        6,
        TableSpec { columns: CLOSE, partition_by: &["territory"], features: &[ColumnMapping] },
    ),
    table(
        "operations",
        "logistics",
        "shipments",
        9,
        TableSpec { columns: SHIPMENTS, partition_by: &["region"], features: &[] },
    ),
    table(
        "operations",
        "logistics",
        "stock_levels",
        12,
        TableSpec {
            columns: STOCK,
            partition_by: &["warehouse"],
            features: &[DeletionVectors, ColumnMapping, ChangeData, InCommitTimestamps, Checkpoints(8)],
        },
    ),
    table(
        "operations",
        "devices",
        "telemetry",
        14,
        TableSpec { columns: TELEMETRY, partition_by: &["day"], features: &[DeletionVectors, Checkpoints(12)] },
    ),
    table("operations", "devices", "alerts", 5, TableSpec { columns: ALERTS, partition_by: &[], features: &[] }),
    table("sales", "customers", "segments", 3, TableSpec { columns: SEGMENTS, partition_by: &[], features: &[] }),
    table(
        "finance",
        "reporting",
        "budget",
        12,
        TableSpec { columns: BUDGET, partition_by: &[], features: &[Checkpoints(5)] },
    ),
    table(
        "operations",
        "devices",
        "maintenance",
        10,
        TableSpec {
            columns: MAINTENANCE,
            partition_by: &["site"],
            features: &[ChangeData, InCommitTimestamps, Checkpoints(6)],
        },
    ),
];

/// Views: catalog, schema, name, definition.
pub const VIEWS: [(&str, &str, &str, &str); 2] = [
    (
        "sales",
        "orders",
        "open_orders",
        "SELECT order_id, customer_id, amount, currency FROM sales.orders.orders WHERE status = 'open'",
    ),
    (
        "finance",
        "ledger",
        "account_balances",
        "SELECT account, currency, SUM(amount) AS balance FROM finance.ledger.entries GROUP BY account, currency",
    ),
];

/// Tables of [`CANNOT_REPLICATE`] that are Delta tables on the disk, and so can be cloned and guarded.
pub const GUARDED: &[(&str, &str)] =
    &[("person_id", "long"), ("name", "string"), ("country", "string"), ("salary", "decimal(12,2)")];
