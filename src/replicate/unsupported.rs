//! What cannot be replicated, seen on the table object.

use crate::domain::ErrorClass;
use crate::wire::unity_catalog::{TABLE_EXTERNAL, TABLE_MANAGED, TABLE_VIEW, TableInfo};

/// Says in an error's parameters that the object holds no data of its own in the region.
pub const WITHOUT_DATA: &str = "without_data";

/// Whether the object has data of its own in its region: a view computes it, a foreign table's lies in another system.
pub fn holds_data(table: &TableInfo) -> bool {
    !matches!(table.table_type.as_str(), TABLE_VIEW | "METRIC_VIEW" | "FOREIGN")
}

/// The class of an object that cannot be replicated.
pub fn class(table: &TableInfo) -> ErrorClass {
    let hides = table.row_filter.is_some() || table.columns.iter().any(|column| column.mask.is_some());
    if hides { ErrorClass::RowFilterOrMask } else { ErrorClass::UnsupportedObject }
}

/// Why a table or view cannot be replicated, as a sentence; None when it can.
pub fn reason(table: &TableInfo) -> Option<String> {
    let name = table.full_name();
    if table.row_filter.is_some() {
        return Some(format!("Table {name} has a row filter. Row filters can't be replicated."));
    }
    if let Some(column) = table.columns.iter().find(|c| c.mask.is_some()) {
        return Some(format!("Column {} of table {name} has a mask. Column masks can't be replicated.", column.name));
    }
    if table.pipeline_id.is_some() {
        return Some(format!("{name} belongs to a pipeline. Tables of pipelines can't be replicated."));
    }
    match table.table_type.as_str() {
        TABLE_MANAGED | TABLE_EXTERNAL if table.storage_location.is_none() => {
            Some(format!("The catalog names no storage location for table {name}, so it has no Delta log to copy."))
        }
        TABLE_MANAGED | TABLE_EXTERNAL => {
            let format = table.data_source_format.as_deref().unwrap_or("DELTA");
            (format != "DELTA").then(|| format!("Table {name} has the format {format}; only Delta tables replicate."))
        }
        TABLE_VIEW => table.view_definition.is_none().then(|| {
            format!("The product's principal can't read the definition of view {name}. Grant it the privilege.")
        }),
        "MATERIALIZED_VIEW" => Some(format!("{name} is a materialized view, which can't be replicated.")),
        "STREAMING_TABLE" => Some(format!("{name} is a streaming table, which can't be replicated.")),
        "METRIC_VIEW" => Some(format!("{name} is a metric view, which can't be replicated.")),
        "FOREIGN" => {
            Some(format!("{name} is a foreign table. Its data is in another system, which has to replicate it."))
        }
        shallow if shallow.ends_with("SHALLOW_CLONE") => {
            Some(format!("{name} is a shallow clone: it names files of another table. Replace it with a deep clone."))
        }
        other => Some(format!("{name} has the type {other}, which isn't replicated.")),
    }
}
