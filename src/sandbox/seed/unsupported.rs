//! The catalog of what cannot be replicated.

use super::shapes::{CANNOT_REPLICATE, GUARDED};
use super::tables::{self, Seat};
use crate::sandbox::SandboxError;
use crate::sandbox::records::{Kind, Writing};
use crate::sandbox::region::Region;
use crate::sandbox::unity_catalog::seed_catalog;
use crate::sandbox::writer::{TableSpec, shallow_clone};
use crate::wire::unity_catalog::{
    ColumnMask, TABLE_FOREIGN, TABLE_MANAGED_SHALLOW_CLONE, TABLE_MATERIALIZED_VIEW, TABLE_METRIC_VIEW,
    TABLE_STREAMING_TABLE, TableInfo, TableRowFilter,
};
use uuid::Uuid;

const SCHEMA: &str = "mixed";
const LOCATION: &str = "lake";

pub fn seed(region: &Region, writing: &mut Writing<'_>, seed: u64) -> Result<(), SandboxError> {
    let root = format!("{}/{LOCATION}/{CANNOT_REPLICATE}", region.identity.storage_root);
    seed_catalog(region, writing, CANNOT_REPLICATE, "Objects that no failover group can replicate", root);
    super::put_schema(region, writing, CANNOT_REPLICATE, SCHEMA);
    let seat = |name: &str| Seat::new(region, LOCATION, CANNOT_REPLICATE, SCHEMA, name);
    let spec = TableSpec { columns: GUARDED, partition_by: &[], features: &[] };

    let filtered = seat("payroll");
    tables::write_table(region, &filtered, &spec, 3, seed)?;
    let mut entry = filtered.entry(region)?;
    entry.row_filter = Some(TableRowFilter {
        function_name: format!("{CANNOT_REPLICATE}.{SCHEMA}.own_country"),
        input_column_names: vec!["country".to_owned()],
    });
    writing.put(Kind::Table, filtered.full_name(), &entry);

    let masked = seat("staff");
    tables::write_table(region, &masked, &spec, 3, seed)?;
    let mut entry = masked.entry(region)?;
    if let Some(column) = entry.columns.iter_mut().find(|column| column.name == "salary") {
        column.mask = Some(ColumnMask {
            function_name: Some(format!("{CANNOT_REPLICATE}.{SCHEMA}.hide")),
            ..ColumnMask::default()
        });
    }
    writing.put(Kind::Table, masked.full_name(), &entry);

    let clone = seat("staff_clone");
    shallow_clone(&masked.folder, &masked.location, &clone.folder, region.now_ms())?;
    let entry = TableInfo { table_type: TABLE_MANAGED_SHALLOW_CLONE.to_owned(), ..clone.entry(region)? };
    writing.put(Kind::Table, clone.full_name(), &entry);

    let pipeline = Uuid::new_v4().to_string();
    for (name, kind, format, in_pipeline) in [
        ("daily_revenue", TABLE_MATERIALIZED_VIEW, "DELTA", true),
        ("clickstream", TABLE_STREAMING_TABLE, "DELTA", true),
        ("crm_contacts", TABLE_FOREIGN, "POSTGRESQL_FORMAT", false),
        ("revenue_metrics", TABLE_METRIC_VIEW, "UNKNOWN_DATA_SOURCE_FORMAT", false),
    ] {
        let seat = seat(name);
        let entry = TableInfo {
            table_type: kind.to_owned(),
            table_id: Some(Uuid::new_v4().to_string()),
            data_source_format: Some(format.to_owned()),
            pipeline_id: in_pipeline.then(|| pipeline.clone()),
            ..seat.bare_entry(region)
        };
        writing.put(Kind::Table, seat.full_name(), &entry);
    }
    Ok(())
}
