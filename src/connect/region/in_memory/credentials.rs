//! Who gets credentials for which storage.

use super::catalogs::Access;
use super::tables::place;
use super::{Caller, InMemoryRegion, Known, Refusal};
use crate::domain::{Clock, SystemClock};
use crate::wire::unity_catalog as uc;

/// Milliseconds for which credentials say they are good.
const LIFETIME_MS: i64 = 3_600_000;
const NOTHING_WRITTEN: &str = "no credentials to write are given";

fn issued(url: String) -> uc::TemporaryCredentials {
    let until = SystemClock.now().timestamp_millis() + LIFETIME_MS;
    uc::TemporaryCredentials { url: Some(url), expiration_time: Some(until), ..uc::TemporaryCredentials::default() }
}

impl InMemoryRegion {
    /// No one is exempt from a binding here, not even a metastore admin: that is what keeps a replica read-only.
    pub(super) fn vend_for_table(&self, table_id: &str, operation: &str) -> Result<uc::TemporaryCredentials, Refusal> {
        let writes = match operation {
            uc::OPERATION_READ => false,
            uc::OPERATION_READ_WRITE => true,
            other => return Err(Refusal::invalid(format!("The operation {other:?} is unknown."))),
        };
        let known = self.known();
        let table = known.tables.values().find(|table| table.table_id.as_deref() == Some(table_id));
        let staged = known.staged.values().find(|staged| staged.id == table_id);
        let (catalog, location) = match (table, staged) {
            (Some(table), _) => (&table.catalog_name, table.storage_location.clone()),
            (None, Some(staged)) => (&staged.catalog_name, Some(staged.staging_location.clone())),
            (None, None) => return Err(Refusal::missing("TABLE", table_id)),
        };
        let location = location.ok_or_else(|| Refusal::invalid(format!("'{table_id}' has no files of its own.")))?;
        let catalog = known.catalogs.get(catalog).ok_or_else(|| Refusal::missing("CATALOG", catalog))?;
        match self.access(&known, catalog) {
            Access::Unbound => Err(self.unbound(&catalog.name)),
            Access::ReadOnly if writes => Err(self.read_only(&catalog.name, NOTHING_WRITTEN)),
            Access::ReadOnly | Access::ReadWrite => Ok(issued(location)),
        }
    }

    pub(super) fn vend_for_path(&self, url: &str, operation: &str) -> Result<uc::TemporaryCredentials, Refusal> {
        let writes = match operation {
            uc::OPERATION_PATH_READ => false,
            uc::OPERATION_PATH_READ_WRITE | uc::OPERATION_PATH_CREATE_TABLE => true,
            other => return Err(Refusal::invalid(format!("The operation {other:?} is unknown."))),
        };
        let known = self.known();
        let url = self.managed(&known, url)?;
        // The metastore admin answers for the storage as a whole: this is how replicas are written.
        if self.caller == Caller::User {
            for catalog in known.catalogs.values() {
                let access = self.access(&known, catalog);
                if access == Access::ReadWrite || !self.touches(&known, catalog, &url)? {
                    continue;
                }
                if access == Access::Unbound {
                    return Err(self.unbound(&catalog.name));
                }
                if writes {
                    return Err(self.read_only(&catalog.name, NOTHING_WRITTEN));
                }
            }
        }
        Ok(issued(url))
    }

    /// Whether `url` holds files of the catalog, or lies among them.
    fn touches(&self, known: &Known, catalog: &uc::CatalogInfo, url: &str) -> Result<bool, Refusal> {
        let wanted = place(url)?;
        let root =
            catalog.storage_root.clone().unwrap_or_else(|| format!("{}/{}", self.metastore_root(), catalog.name));
        let own = known.tables.values().filter(|table| table.catalog_name == catalog.name);
        let mut places = own.filter_map(|table| table.storage_location.as_deref()).chain([root.as_str()]);
        Ok(places.any(|other| place(other).is_ok_and(|other| other.overlaps(&wanted))))
    }
}
