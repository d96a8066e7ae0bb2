//! Tables, views and the staging of managed tables.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// `table_type`: data lies where the catalog put it.
pub const TABLE_MANAGED: &str = "MANAGED";
/// `table_type`: data lies where the creator put it.
pub const TABLE_EXTERNAL: &str = "EXTERNAL";
/// `table_type`: a query.
pub const TABLE_VIEW: &str = "VIEW";
/// `table_type`: a query with stored results.
pub const TABLE_MATERIALIZED_VIEW: &str = "MATERIALIZED_VIEW";
/// `table_type`: a table that a pipeline owns.
pub const TABLE_STREAMING_TABLE: &str = "STREAMING_TABLE";
/// `table_type`: measures over a table.
pub const TABLE_METRIC_VIEW: &str = "METRIC_VIEW";
/// `table_type`: a table of a federated database.
pub const TABLE_FOREIGN: &str = "FOREIGN";
/// `table_type`: a managed clone that names files of another table.
pub const TABLE_MANAGED_SHALLOW_CLONE: &str = "MANAGED_SHALLOW_CLONE";
/// `table_type`: an external clone that names files of another table.
pub const TABLE_EXTERNAL_SHALLOW_CLONE: &str = "EXTERNAL_SHALLOW_CLONE";
/// `data_source_format` of the tables that replicate.
pub const FORMAT_DELTA: &str = "DELTA";

/// A column.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnInfo {
    /// Its name.
    pub name: String,
    /// Its type as SQL spells it, such as `decimal(10,2)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_text: Option<String>,
    /// Its type as the Delta log spells it: JSON in a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_json: Option<String>,
    /// Its type's kind, such as `LONG`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    /// Digits of a decimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_precision: Option<i32>,
    /// Digits after the point of a decimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_scale: Option<i32>,
    /// Its place, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<i32>,
    /// What a person wrote about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Whether it may be null; true when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nullable: Option<bool>,
    /// Its place among the partition columns, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_index: Option<i32>,
    /// The function that hides its values from some readers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<ColumnMask>,
}

/// A function that hides a column's values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnMask {
    /// The function's full name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function_name: Option<String>,
    /// Other columns that it is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub using_column_names: Vec<String>,
}

/// A function that hides a table's rows from some readers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRowFilter {
    /// The function's full name.
    #[serde(default)]
    pub function_name: String,
    /// Columns that it is given.
    #[serde(default)]
    pub input_column_names: Vec<String>,
}

/// A table or view.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TableInfo {
    /// Its name within the schema.
    pub name: String,
    /// Its catalog.
    pub catalog_name: String,
    /// Its schema.
    pub schema_name: String,
    /// Its kind: one of the `TABLE_` constants or something newer.
    #[serde(default)]
    pub table_type: String,
    /// Catalog, schema and name, with dots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_name: Option<String>,
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_id: Option<String>,
    /// Its format, such as [`FORMAT_DELTA`]; absent for a view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_source_format: Option<String>,
    /// Its columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<ColumnInfo>,
    /// Where its data lies; absent for a view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_location: Option<String>,
    /// A view's query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view_definition: Option<String>,
    /// What a view reads, as the server gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view_dependencies: Option<Value>,
    /// The function that hides rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_filter: Option<TableRowFilter>,
    /// The pipeline that owns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline_id: Option<String>,
    /// Table properties.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
    /// What a person wrote about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The principal that owns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// When it was created, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<i64>,
    /// When it was changed, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<i64>,
}

/// Properties by which a catalog says that it ratifies a table's commits.
const CATALOG_COMMITS: [&str; 3] =
    ["delta.feature.catalogManaged", "delta.feature.catalogOwned", "delta.feature.catalogOwned-preview"];
/// The property that names a table in its catalog.
const CATALOG_TABLE_ID: &str = "io.unitycatalog.tableId";

/// Whether a property belongs to the table's catalog, so that a copy elsewhere must not have it.
pub fn is_catalogs_own(property: &str) -> bool {
    property == CATALOG_TABLE_ID || CATALOG_COMMITS.contains(&property)
}

impl TableInfo {
    /// Whether the catalog says that it ratifies the table's commits.
    pub fn has_catalog_commits(&self) -> bool {
        self.table_type == TABLE_MANAGED && CATALOG_COMMITS.iter().any(|key| self.properties.contains_key(*key))
    }

    /// Catalog, schema and name, with dots, whether or not the server spelled it out.
    pub fn full_name(&self) -> String {
        match &self.full_name {
            Some(full_name) => full_name.clone(),
            None => format!("{}.{}.{}", self.catalog_name, self.schema_name, self.name),
        }
    }
}

/// `POST /tables`.
///
/// The public call creates only EXTERNAL Delta tables. A region that stages managed tables takes MANAGED with
/// the staging location, and VIEW with a `view_definition`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CreateTable {
    /// Its name within the schema.
    pub name: String,
    /// Its catalog.
    pub catalog_name: String,
    /// Its schema.
    pub schema_name: String,
    /// One of the `TABLE_` constants.
    pub table_type: String,
    /// Its format; absent for a view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_source_format: Option<String>,
    /// Its columns; the sandbox reads them from the log when none are given.
    #[serde(default)]
    pub columns: Vec<ColumnInfo>,
    /// Where its data lies; absent for a view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_location: Option<String>,
    /// A view's query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view_definition: Option<String>,
    /// What a person wrote about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Table properties; the sandbox reads them from the log when none are given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
    /// The id to give a view or external table; only where the region keeps ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_id: Option<String>,
}

/// One page of `GET /tables`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ListTables {
    /// The page. View dependencies and constraints are left out of it.
    #[serde(default)]
    pub tables: Vec<TableInfo>,
    /// Present when there is more, even after an empty page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// `POST /staging-tables`: a place for a managed table that is not yet in the catalog.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateStagingTable {
    /// The catalog that the table will be in.
    pub catalog_name: String,
    /// The schema that it will be in.
    pub schema_name: String,
    /// Its name.
    pub name: String,
    /// Where the data is to lie; only where the region keeps ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_location: Option<String>,
    /// The id that the table is to have; only where the region keeps ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_id: Option<String>,
}

/// A staged table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagingTableInfo {
    /// The id that the table will have; temporary table credentials take it already.
    pub id: String,
    /// Where to write the table before `POST /tables` names this location.
    pub staging_location: String,
    /// The catalog that the table will be in.
    pub catalog_name: String,
    /// The schema that it will be in.
    pub schema_name: String,
    /// Its name.
    pub name: String,
}

/// A policy on rows or columns by attribute; only its presence matters here.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PolicyInfo {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// One page of `GET /policies/{type}/{full_name}`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ListPolicies {
    /// The page.
    #[serde(default)]
    pub policies: Vec<PolicyInfo>,
    /// Present when there is more, even after an empty page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}
