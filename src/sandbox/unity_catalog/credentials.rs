use super::places;
use crate::sandbox::call::{Answer, Call, Caller, answer};
use crate::sandbox::records::Kind;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::{Access, Region};
use crate::wire::unity_catalog::{
    CatalogInfo, OPERATION_PATH_CREATE_TABLE, OPERATION_PATH_READ, OPERATION_PATH_READ_WRITE, OPERATION_READ,
    OPERATION_READ_WRITE, StagingTableInfo, TableInfo, TemporaryCredentials, TemporaryPathCredentialsRequest,
    TemporaryTableCredentialsRequest,
};

/// Milliseconds for which credentials say they are good.
const LIFETIME_MS: i64 = 3_600_000;
const NOTHING_WRITTEN: &str = "no credentials to write are given";

pub fn for_table(region: &Region, call: &Call) -> Answer {
    let wanted: TemporaryTableCredentialsRequest = call.body()?;
    answer(&table_credentials(region, &wanted)?)
}

/// Credentials for one table's files: what a job asks for before each commit.
///
/// No one is exempt from a binding here, not even a metastore admin: that is what keeps a replica read-only.
pub fn table_credentials(
    region: &Region,
    wanted: &TemporaryTableCredentialsRequest,
) -> Result<TemporaryCredentials, Refusal> {
    let writes = match wanted.operation.as_str() {
        OPERATION_READ => false,
        OPERATION_READ_WRITE => true,
        other => return Err(Refusal::invalid(format!("The operation {other:?} is unknown. Use READ or READ_WRITE."))),
    };
    let missing = || Refusal::missing("TABLE", &wanted.table_id);
    let (kind, full_name) = region.records.table_by_id(&wanted.table_id).ok_or_else(missing)?;
    let (catalog, location) = match kind {
        Kind::StagingTable => {
            let staging: StagingTableInfo = region.records.get(kind, &full_name).ok_or_else(missing)?;
            (staging.catalog_name, Some(staging.staging_location))
        }
        _ => {
            let table: TableInfo = region.records.get(kind, &full_name).ok_or_else(missing)?;
            (table.catalog_name, table.storage_location)
        }
    };
    let location = location
        .ok_or_else(|| Refusal::invalid(format!("'{full_name}' has no files of its own to give credentials for.")))?;
    let catalog: CatalogInfo =
        region.records.get(Kind::Catalog, &catalog).ok_or_else(|| Refusal::missing("CATALOG", &catalog))?;
    match region.access(&catalog) {
        Access::Unbound => Err(region.unbound(&catalog.name)),
        Access::ReadOnly if writes => Err(region.read_only(&catalog.name, NOTHING_WRITTEN)),
        Access::ReadOnly | Access::ReadWrite => Ok(issued(region, location)),
    }
}

fn issued(region: &Region, url: String) -> TemporaryCredentials {
    TemporaryCredentials {
        url: Some(url),
        expiration_time: Some(region.now_ms() + LIFETIME_MS),
        ..TemporaryCredentials::default()
    }
}

pub fn for_path(region: &Region, call: &Call) -> Answer {
    let wanted: TemporaryPathCredentialsRequest = call.body()?;
    let writes = match wanted.operation.as_str() {
        OPERATION_PATH_READ => false,
        OPERATION_PATH_READ_WRITE | OPERATION_PATH_CREATE_TABLE => true,
        other => {
            return Err(Refusal::invalid(format!(
                "The operation {other:?} is unknown. Use PATH_READ, PATH_READ_WRITE or PATH_CREATE_TABLE."
            )));
        }
    };
    let url = places::managed(region, &wanted.url)?;
    if !writes && region.withheld().managed_paths {
        let manages = |c: &CatalogInfo| c.storage_root.as_deref().is_some_and(|root| places::is_within(&url, root));
        if let Some(catalog) = region.records.all::<CatalogInfo>(Kind::Catalog, "").into_iter().find(manages) {
            return Err(Refusal::denied(format!(
                "'{url}' lies under the managed storage of catalog '{}', where no path is given credentials. Ask for those of the table's id.",
                catalog.name
            )));
        }
    }
    // The metastore admin answers for the storage as a whole: this is how replicas are written.
    if call.caller != Caller::Replication {
        for catalog in region.records.all::<CatalogInfo>(Kind::Catalog, "") {
            let access = region.access(&catalog);
            if access == Access::ReadWrite || !touches(region, &catalog, &url) {
                continue;
            }
            if access == Access::Unbound {
                return Err(region.unbound(&catalog.name));
            }
            if writes {
                return Err(region.read_only(&catalog.name, NOTHING_WRITTEN));
            }
        }
    }
    answer(&issued(region, url))
}

/// Whether `url` holds files of the catalog, or lies among them.
fn touches(region: &Region, catalog: &CatalogInfo, url: &str) -> bool {
    let under_metastore = || format!("{}/{}", places::metastore_root(region), places::folder_name(&catalog.name));
    let by_root = places::overlap(url, &catalog.storage_root.clone().unwrap_or_else(under_metastore));
    let prefix = format!("{}.", catalog.name);
    by_root || region.records.tables_around(url).iter().any(|(_, name)| name.starts_with(&prefix))
}
