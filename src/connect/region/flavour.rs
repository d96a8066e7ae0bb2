//! What every region that is reached by the public REST APIs has in common.

use super::private;
use super::{
    Answer, CatalogTable, CredentialModes, Enforcement, RegionApi, RegionCapabilities, TablePlace, WorkspaceRole,
};
use crate::connect::error::ConnectError;
use crate::connect::health::RegionHealth;
use crate::connect::rest::RegionClient;
use crate::connect::storage::StorageOptions;
use crate::domain::{ClockSkew, GroupId};
use crate::wire::jobs::{JobInfo, UpdateJob};
use crate::wire::unity_catalog as uc;
use crate::wire::workspace::{ClusterInfo, WarehouseInfo};
use futures::future::{BoxFuture, FutureExt};
use std::fmt;
use std::time::Duration;

/// A region that serves the public REST APIs, and what it does in a way of its own.
///
/// The defaults make the private calls, and offer nothing more where a region doesn't serve them.
pub(super) trait RestFlavour: Send + Sync + fmt::Debug + Sized {
    /// The public REST APIs of the workspace.
    fn rest(&self) -> &RegionClient;

    /// What was learned of how the region vends credentials.
    fn credential_modes(&self) -> &CredentialModes;

    /// See [`RegionApi::capabilities`].
    fn capabilities(&self) -> Answer<'_, RegionCapabilities> {
        private::capabilities(self.rest()).boxed()
    }

    /// Makes a change in `catalog`, which may be bound read-only.
    ///
    /// A sandbox keeps the product's own principal out of that; another region may hold it to the binding like everybody.
    fn change_in<'a, T, C>(&'a self, _catalog: &'a str, change: C) -> Answer<'a, T>
    where
        T: Send + 'a,
        C: Fn() -> Answer<'a, T> + Send + Sync + 'a,
    {
        change()
    }

    /// See [`RegionApi::set_workspace_role`].
    fn set_workspace_role<'a>(
        &'a self,
        group: &'a GroupId,
        role: WorkspaceRole,
        epoch: u64,
    ) -> Answer<'a, Enforcement> {
        private::set_role(self.rest(), group, role, epoch).boxed()
    }

    /// See [`RegionApi::mission_critical`].
    fn mission_critical(&self) -> Answer<'_, Option<bool>> {
        private::mission_critical(self.rest()).boxed()
    }

    /// See [`RegionApi::set_mission_critical`].
    fn set_mission_critical(&self, enabled: bool) -> Answer<'_, Enforcement> {
        private::set_mission_critical(self.rest(), enabled).boxed()
    }
}

/// The catalog of a full name.
fn catalog_of(full_name: &str) -> &str {
    full_name.split('.').next().unwrap_or_default()
}

async fn none_where_not_served<T>(
    asked: impl Future<Output = Result<Vec<T>, ConnectError>>,
) -> Result<Vec<T>, ConnectError> {
    match asked.await {
        Err(error) if error.is_not_served() => Ok(Vec::new()),
        answer => answer,
    }
}

impl<T: RestFlavour> RegionApi for T {
    fn region(&self) -> &str {
        self.rest().region()
    }

    fn health(&self) -> &RegionHealth {
        self.rest().health()
    }

    fn clock_skew(&self) -> Option<ClockSkew> {
        self.rest().clock_skew()
    }

    fn storage(&self) -> &StorageOptions {
        self.rest().storage()
    }

    fn credential_modes(&self) -> &CredentialModes {
        RestFlavour::credential_modes(self)
    }

    fn probe(&self, patience: Duration) -> BoxFuture<'_, ()> {
        self.rest().probe(patience).boxed()
    }

    fn capabilities(&self) -> Answer<'_, RegionCapabilities> {
        RestFlavour::capabilities(self)
    }

    fn metastore_summary(&self) -> Answer<'_, uc::MetastoreSummary> {
        self.rest().metastore_summary().boxed()
    }

    fn external_locations(&self) -> Answer<'_, Vec<uc::ExternalLocationInfo>> {
        self.rest().external_locations().boxed()
    }

    fn catalogs(&self) -> Answer<'_, Vec<uc::CatalogInfo>> {
        self.rest().catalogs().boxed()
    }

    fn catalog<'a>(&'a self, name: &'a str) -> Answer<'a, Option<uc::CatalogInfo>> {
        self.rest().catalog(name).boxed()
    }

    fn create_catalog<'a>(&'a self, catalog: &'a uc::CreateCatalog) -> Answer<'a, uc::CatalogInfo> {
        self.rest().create_catalog(catalog).boxed()
    }

    fn update_catalog<'a>(&'a self, name: &'a str, change: &'a uc::UpdateCatalog) -> Answer<'a, uc::CatalogInfo> {
        self.rest().update_catalog(name, change).boxed()
    }

    fn delete_catalog<'a>(&'a self, name: &'a str, force: bool) -> Answer<'a, ()> {
        self.rest().delete_catalog(name, force).boxed()
    }

    fn bindings_of_catalog<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<uc::WorkspaceBinding>> {
        self.rest().bindings_of_catalog(name).boxed()
    }

    fn update_bindings<'a>(
        &'a self,
        catalog: &'a str,
        change: &'a uc::UpdateBindings,
    ) -> Answer<'a, Vec<uc::WorkspaceBinding>> {
        self.rest().update_bindings(catalog, change).boxed()
    }

    fn schemas<'a>(&'a self, catalog: &'a str) -> Answer<'a, Vec<uc::SchemaInfo>> {
        self.rest().schemas(catalog).boxed()
    }

    fn schema<'a>(&'a self, full_name: &'a str) -> Answer<'a, Option<uc::SchemaInfo>> {
        self.rest().schema(full_name).boxed()
    }

    fn create_schema<'a>(&'a self, schema: &'a uc::CreateSchema) -> Answer<'a, uc::SchemaInfo> {
        self.change_in(&schema.catalog_name, move || self.rest().create_schema(schema).boxed())
    }

    fn update_schema<'a>(&'a self, full_name: &'a str, change: &'a uc::UpdateSchema) -> Answer<'a, uc::SchemaInfo> {
        self.change_in(catalog_of(full_name), move || self.rest().update_schema(full_name, change).boxed())
    }

    fn delete_schema<'a>(&'a self, full_name: &'a str, force: bool) -> Answer<'a, ()> {
        self.change_in(catalog_of(full_name), move || self.rest().delete_schema(full_name, force).boxed())
    }

    fn tables<'a>(&'a self, catalog: &'a str, schema: &'a str) -> Answer<'a, Vec<uc::TableInfo>> {
        self.rest().tables(catalog, schema).boxed()
    }

    fn table<'a>(&'a self, full_name: &'a str) -> Answer<'a, Option<uc::TableInfo>> {
        self.rest().table(full_name).boxed()
    }

    fn create_table<'a>(&'a self, table: &'a uc::CreateTable) -> Answer<'a, uc::TableInfo> {
        self.change_in(&table.catalog_name, move || self.rest().create_table(table).boxed())
    }

    fn create_staging_table<'a>(&'a self, table: &'a uc::CreateStagingTable) -> Answer<'a, uc::StagingTableInfo> {
        self.change_in(&table.catalog_name, move || self.rest().create_staging_table(table).boxed())
    }

    fn delete_table<'a>(&'a self, full_name: &'a str) -> Answer<'a, ()> {
        self.change_in(catalog_of(full_name), move || self.rest().delete_table(full_name).boxed())
    }

    fn volumes<'a>(&'a self, catalog: &'a str, schema: &'a str) -> Answer<'a, Vec<uc::VolumeInfo>> {
        self.rest().volumes(catalog, schema).boxed()
    }

    fn create_volume<'a>(&'a self, volume: &'a uc::CreateVolume) -> Answer<'a, uc::VolumeInfo> {
        self.change_in(&volume.catalog_name, move || self.rest().create_volume(volume).boxed())
    }

    fn update_volume<'a>(&'a self, full_name: &'a str, change: &'a uc::UpdateVolume) -> Answer<'a, uc::VolumeInfo> {
        self.change_in(catalog_of(full_name), move || self.rest().update_volume(full_name, change).boxed())
    }

    fn delete_volume<'a>(&'a self, full_name: &'a str) -> Answer<'a, ()> {
        self.change_in(catalog_of(full_name), move || self.rest().delete_volume(full_name).boxed())
    }

    fn functions<'a>(&'a self, catalog: &'a str, schema: &'a str) -> Answer<'a, Vec<uc::FunctionInfo>> {
        self.rest().functions(catalog, schema).boxed()
    }

    fn create_function<'a>(&'a self, function: &'a uc::CreateFunction) -> Answer<'a, uc::FunctionInfo> {
        self.change_in(&function.function_info.catalog_name, move || self.rest().create_function(function).boxed())
    }

    fn delete_function<'a>(&'a self, full_name: &'a str) -> Answer<'a, ()> {
        self.change_in(catalog_of(full_name), move || self.rest().delete_function(full_name).boxed())
    }

    fn table_credentials<'a>(&'a self, table_id: &'a str, operation: &'a str) -> Answer<'a, uc::TemporaryCredentials> {
        self.rest().temporary_table_credentials(table_id, operation).boxed()
    }

    fn path_credentials<'a>(&'a self, url: &'a str, operation: &'a str) -> Answer<'a, uc::TemporaryCredentials> {
        self.rest().temporary_path_credentials(url, operation).boxed()
    }

    fn catalog_commits<'a>(
        &'a self,
        table: &'a CatalogTable,
        place: &'a TablePlace,
    ) -> Answer<'a, Option<uc::CatalogCommits>> {
        self.rest().catalog_commits(table, place).boxed()
    }

    fn jobs(&self) -> Answer<'_, Vec<JobInfo>> {
        // A region without the call has none of them.
        none_where_not_served(self.rest().jobs()).boxed()
    }

    fn job(&self, job_id: i64) -> Answer<'_, JobInfo> {
        self.rest().job(job_id).boxed()
    }

    fn update_job<'a>(&'a self, update: &'a UpdateJob) -> Answer<'a, ()> {
        self.rest().update_job(update).boxed()
    }

    fn clusters(&self) -> Answer<'_, Vec<ClusterInfo>> {
        // A region without the call has none of them.
        none_where_not_served(self.rest().clusters()).boxed()
    }

    fn terminate_cluster<'a>(&'a self, cluster_id: &'a str) -> Answer<'a, ()> {
        self.rest().terminate_cluster(cluster_id).boxed()
    }

    fn start_cluster<'a>(&'a self, cluster_id: &'a str) -> Answer<'a, ()> {
        self.rest().start_cluster(cluster_id).boxed()
    }

    fn warehouses(&self) -> Answer<'_, Vec<WarehouseInfo>> {
        // A region without the call has none of them.
        none_where_not_served(self.rest().warehouses()).boxed()
    }

    fn stop_warehouse<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        self.rest().stop_warehouse(id).boxed()
    }

    fn start_warehouse<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        self.rest().start_warehouse(id).boxed()
    }

    fn set_workspace_role<'a>(
        &'a self,
        group: &'a GroupId,
        role: WorkspaceRole,
        epoch: u64,
    ) -> Answer<'a, Enforcement> {
        RestFlavour::set_workspace_role(self, group, role, epoch)
    }

    fn mission_critical(&self) -> Answer<'_, Option<bool>> {
        RestFlavour::mission_critical(self)
    }

    fn set_mission_critical(&self, enabled: bool) -> Answer<'_, Enforcement> {
        RestFlavour::set_mission_critical(self, enabled)
    }
}
