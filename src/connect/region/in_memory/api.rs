//! The region's calls, each under the name that errors and faults know it by.

use super::InMemoryRegion;
use crate::connect::error::{ConnectError, optional};
use crate::connect::health::RegionHealth;
use crate::connect::region::{Answer, CredentialModes, Enforcement, RegionApi, RegionCapabilities, WorkspaceRole};
use crate::connect::storage::StorageOptions;
use crate::domain::{ClockSkew, GroupId};
use crate::wire::jobs::{JobInfo, UpdateJob};
use crate::wire::unity_catalog as uc;
use crate::wire::workspace::{ClusterInfo, WarehouseInfo};
use futures::future::BoxFuture;
use std::time::Duration;

/// An answer that is there when the future is first polled, as that of a call that was sent.
pub(super) fn answer<'a, T: Send + 'a>(work: impl FnOnce() -> Result<T, ConnectError> + Send + 'a) -> Answer<'a, T> {
    Box::pin(async move { work() })
}

impl RegionApi for InMemoryRegion {
    fn region(&self) -> &str {
        self.shared.region.as_str()
    }

    fn health(&self) -> &RegionHealth {
        &self.health
    }

    fn clock_skew(&self) -> Option<ClockSkew> {
        None
    }

    fn storage(&self) -> &StorageOptions {
        &self.storage
    }

    fn credential_modes(&self) -> &CredentialModes {
        &self.modes
    }

    fn probe(&self, _patience: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move { drop(self.call("GET /me", |_| Ok(()))) })
    }

    fn capabilities(&self) -> Answer<'_, RegionCapabilities> {
        answer(|| self.call("GET /capabilities", |region| Ok(region.offered())))
    }

    fn metastore_summary(&self) -> Answer<'_, uc::MetastoreSummary> {
        answer(|| {
            self.call("GET /metastore_summary", |region| {
                Ok(uc::MetastoreSummary {
                    metastore_id: format!("metastore-{}", region.shared.region),
                    region: Some(region.shared.region.to_string()),
                    storage_root: Some(region.metastore_root()),
                    ..uc::MetastoreSummary::default()
                })
            })
        })
    }

    fn external_locations(&self) -> Answer<'_, Vec<uc::ExternalLocationInfo>> {
        answer(|| self.call("GET /external-locations", |region| Ok(region.known().external_locations.clone())))
    }

    fn catalogs(&self) -> Answer<'_, Vec<uc::CatalogInfo>> {
        answer(|| self.call("GET /catalogs", |region| Ok(region.list_catalogs())))
    }

    fn catalog<'a>(&'a self, name: &'a str) -> Answer<'a, Option<uc::CatalogInfo>> {
        answer(move || optional(self.call(&format!("GET /catalogs {name}"), |region| region.get_catalog(name))))
    }

    fn create_catalog<'a>(&'a self, catalog: &'a uc::CreateCatalog) -> Answer<'a, uc::CatalogInfo> {
        answer(move || self.call(&format!("POST /catalogs {}", catalog.name), |region| region.put_catalog(catalog)))
    }

    fn update_catalog<'a>(&'a self, name: &'a str, change: &'a uc::UpdateCatalog) -> Answer<'a, uc::CatalogInfo> {
        answer(move || self.call(&format!("PATCH /catalogs {name}"), |region| region.change_catalog(name, change)))
    }

    fn delete_catalog<'a>(&'a self, name: &'a str, force: bool) -> Answer<'a, ()> {
        answer(move || self.call(&format!("DELETE /catalogs {name}"), |region| region.drop_catalog(name, force)))
    }

    fn bindings_of_catalog<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<uc::WorkspaceBinding>> {
        answer(move || self.call(&format!("GET /bindings {name}"), |region| region.list_bindings(name)))
    }

    fn update_bindings<'a>(
        &'a self,
        catalog: &'a str,
        change: &'a uc::UpdateBindings,
    ) -> Answer<'a, Vec<uc::WorkspaceBinding>> {
        answer(move || {
            self.call(&format!("PATCH /bindings {catalog}"), |region| region.change_bindings(catalog, change))
        })
    }

    fn schemas<'a>(&'a self, catalog: &'a str) -> Answer<'a, Vec<uc::SchemaInfo>> {
        answer(move || self.call(&format!("GET /schemas {catalog}"), |region| region.list_schemas(catalog)))
    }

    fn schema<'a>(&'a self, full_name: &'a str) -> Answer<'a, Option<uc::SchemaInfo>> {
        answer(move || optional(self.call(&format!("GET /schemas {full_name}"), |region| region.get_schema(full_name))))
    }

    fn create_schema<'a>(&'a self, schema: &'a uc::CreateSchema) -> Answer<'a, uc::SchemaInfo> {
        answer(move || {
            let call = format!("POST /schemas {}.{}", schema.catalog_name, schema.name);
            self.call(&call, |region| region.put_schema(schema))
        })
    }

    fn update_schema<'a>(&'a self, full_name: &'a str, change: &'a uc::UpdateSchema) -> Answer<'a, uc::SchemaInfo> {
        answer(move || {
            self.call(&format!("PATCH /schemas {full_name}"), |region| region.change_schema(full_name, change))
        })
    }

    fn delete_schema<'a>(&'a self, full_name: &'a str, force: bool) -> Answer<'a, ()> {
        answer(move || {
            self.call(&format!("DELETE /schemas {full_name}"), |region| region.drop_schema(full_name, force))
        })
    }

    fn tables<'a>(&'a self, catalog: &'a str, schema: &'a str) -> Answer<'a, Vec<uc::TableInfo>> {
        answer(move || {
            self.call(&format!("GET /tables {catalog}.{schema}"), |region| region.list_tables(catalog, schema))
        })
    }

    fn table<'a>(&'a self, full_name: &'a str) -> Answer<'a, Option<uc::TableInfo>> {
        answer(move || optional(self.call(&format!("GET /tables {full_name}"), |region| region.get_table(full_name))))
    }

    fn create_table<'a>(&'a self, table: &'a uc::CreateTable) -> Answer<'a, uc::TableInfo> {
        answer(move || {
            let call = format!("POST /tables {}.{}.{}", table.catalog_name, table.schema_name, table.name);
            self.call(&call, |region| region.put_table(table))
        })
    }

    fn create_staging_table<'a>(&'a self, table: &'a uc::CreateStagingTable) -> Answer<'a, uc::StagingTableInfo> {
        answer(move || {
            let call = format!("POST /staging-tables {}.{}.{}", table.catalog_name, table.schema_name, table.name);
            self.call(&call, |region| region.stage(table))
        })
    }

    fn delete_table<'a>(&'a self, full_name: &'a str) -> Answer<'a, ()> {
        answer(move || self.call(&format!("DELETE /tables {full_name}"), |region| region.drop_table(full_name)))
    }

    fn volumes<'a>(&'a self, catalog: &'a str, schema: &'a str) -> Answer<'a, Vec<uc::VolumeInfo>> {
        answer(move || {
            self.call(&format!("GET /volumes {catalog}.{schema}"), |region| region.list_volumes(catalog, schema))
        })
    }

    fn create_volume<'a>(&'a self, volume: &'a uc::CreateVolume) -> Answer<'a, uc::VolumeInfo> {
        answer(move || {
            let call = format!("POST /volumes {}.{}.{}", volume.catalog_name, volume.schema_name, volume.name);
            self.call(&call, |region| region.put_volume(volume))
        })
    }

    fn update_volume<'a>(&'a self, full_name: &'a str, change: &'a uc::UpdateVolume) -> Answer<'a, uc::VolumeInfo> {
        answer(move || {
            self.call(&format!("PATCH /volumes {full_name}"), |region| region.change_volume(full_name, change))
        })
    }

    fn delete_volume<'a>(&'a self, full_name: &'a str) -> Answer<'a, ()> {
        answer(move || self.call(&format!("DELETE /volumes {full_name}"), |region| region.drop_volume(full_name)))
    }

    fn functions<'a>(&'a self, catalog: &'a str, schema: &'a str) -> Answer<'a, Vec<uc::FunctionInfo>> {
        answer(move || {
            self.call(&format!("GET /functions {catalog}.{schema}"), |region| region.list_functions(catalog, schema))
        })
    }

    fn create_function<'a>(&'a self, function: &'a uc::CreateFunction) -> Answer<'a, uc::FunctionInfo> {
        answer(move || {
            let call = format!("POST /functions {}", function.function_info.full_name());
            self.call(&call, |region| region.put_function(&function.function_info))
        })
    }

    fn delete_function<'a>(&'a self, full_name: &'a str) -> Answer<'a, ()> {
        answer(move || self.call(&format!("DELETE /functions {full_name}"), |region| region.drop_function(full_name)))
    }

    fn table_credentials<'a>(&'a self, table_id: &'a str, operation: &'a str) -> Answer<'a, uc::TemporaryCredentials> {
        answer(move || {
            let call = format!("POST /temporary-table-credentials {operation} {table_id}");
            self.call(&call, |region| region.vend_for_table(table_id, operation))
        })
    }

    fn path_credentials<'a>(&'a self, url: &'a str, operation: &'a str) -> Answer<'a, uc::TemporaryCredentials> {
        answer(move || {
            let call = format!("POST /temporary-path-credentials {operation} {url}");
            self.call(&call, |region| region.vend_for_path(url, operation))
        })
    }

    fn jobs(&self) -> Answer<'_, Vec<JobInfo>> {
        answer(|| self.call("GET /jobs/list", |region| Ok(region.list_jobs())))
    }

    fn job(&self, job_id: i64) -> Answer<'_, JobInfo> {
        answer(move || self.call(&format!("GET /jobs/get {job_id}"), |region| region.get_job(job_id)))
    }

    fn update_job<'a>(&'a self, update: &'a UpdateJob) -> Answer<'a, ()> {
        answer(move || self.call(&format!("POST /jobs/update {}", update.job_id), |region| region.change_job(update)))
    }

    fn clusters(&self) -> Answer<'_, Vec<ClusterInfo>> {
        answer(|| self.call("GET /clusters", |region| Ok(region.known().clusters.values().cloned().collect())))
    }

    fn terminate_cluster<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        answer(move || self.call(&format!("POST /clusters/delete {id}"), |region| region.set_cluster(id, false)))
    }

    fn start_cluster<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        answer(move || self.call(&format!("POST /clusters/start {id}"), |region| region.set_cluster(id, true)))
    }

    fn warehouses(&self) -> Answer<'_, Vec<WarehouseInfo>> {
        answer(|| self.call("GET /warehouses", |region| Ok(region.known().warehouses.values().cloned().collect())))
    }

    fn stop_warehouse<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        answer(move || self.call(&format!("POST /warehouses/stop {id}"), |region| region.set_warehouse(id, false)))
    }

    fn start_warehouse<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        answer(move || self.call(&format!("POST /warehouses/start {id}"), |region| region.set_warehouse(id, true)))
    }

    fn set_workspace_role<'a>(
        &'a self,
        group: &'a GroupId,
        role: WorkspaceRole,
        epoch: u64,
    ) -> Answer<'a, Enforcement> {
        answer(move || {
            if !self.offered().disaster_recovery_role {
                return Ok(Enforcement::NotOffered);
            }
            let call = format!("PUT /role {group} {role:?}");
            self.call(&call, |region| region.set_role(group, role, epoch)).map(|()| Enforcement::Enforced)
        })
    }

    fn mission_critical(&self) -> Answer<'_, Option<bool>> {
        answer(|| {
            self.call("GET /mission-critical", |region| {
                Ok(region.offered().disaster_recovery_role.then(|| region.known().mission_critical))
            })
        })
    }

    fn set_mission_critical(&self, on: bool) -> Answer<'_, Enforcement> {
        answer(move || {
            if !self.offered().disaster_recovery_role {
                return Ok(Enforcement::NotOffered);
            }
            self.call("PUT /mission-critical", |region| region.switch_mission_critical(on))
                .map(|()| Enforcement::Enforced)
        })
    }
}
