//! Metastores, catalogs, bindings, schemas, and what lies around them.

use super::error::{ConnectError, optional};
use super::region::RegionClient;
use super::transport::Call;
use crate::wire::unity_catalog::{
    CatalogInfo, CreateCatalog, CreateSchema, ExternalLocationInfo, FunctionInfo, ListCatalogs, ListExternalLocations,
    ListFunctions, ListSchemas, ListStorageCredentials, ListVolumes, MetastoreAssignment, MetastoreSummary, PREFIX,
    Permissions, PrivilegeAssignment, SchemaInfo, StorageCredentialInfo, UpdateBindings, UpdateCatalog,
    UpdatePermissions, UpdateSchema, VolumeInfo, WorkspaceBinding, WorkspaceBindings,
};
use reqwest::Method;

impl RegionClient {
    /// The metastore of the workspace.
    pub async fn metastore_assignment(&self) -> Result<MetastoreAssignment, ConnectError> {
        self.transport.send(Call::get(PREFIX, &["current-metastore-assignment"])).await
    }

    /// What is known of that metastore.
    pub async fn metastore_summary(&self) -> Result<MetastoreSummary, ConnectError> {
        self.transport.send(Call::get(PREFIX, &["metastore_summary"])).await
    }

    /// Every catalog that the login sees.
    pub async fn catalogs(&self) -> Result<Vec<CatalogInfo>, ConnectError> {
        self.transport.list::<ListCatalogs>(Call::get(PREFIX, &["catalogs"]).query("max_results", 0)).await
    }

    /// One catalog; None when it isn't there.
    pub async fn catalog(&self, name: &str) -> Result<Option<CatalogInfo>, ConnectError> {
        optional(self.transport.send(Call::get(PREFIX, &["catalogs", name])).await)
    }

    /// Creates a catalog. It is open to every workspace until [`RegionClient::update_catalog`] isolates it.
    pub async fn create_catalog(&self, catalog: &CreateCatalog) -> Result<CatalogInfo, ConnectError> {
        self.transport.send(Call::post(PREFIX, &["catalogs"]).body(catalog)).await
    }

    /// Changes a catalog.
    pub async fn update_catalog(&self, name: &str, change: &UpdateCatalog) -> Result<CatalogInfo, ConnectError> {
        self.transport.send(Call::new(Method::PATCH, PREFIX, &["catalogs", name]).body(change)).await
    }

    /// Deletes a catalog; with `force`, also one that holds something.
    pub async fn delete_catalog(&self, name: &str, force: bool) -> Result<(), ConnectError> {
        let call = Call::new(Method::DELETE, PREFIX, &["catalogs", name]).query("force", force);
        self.transport.send_for_nothing(call).await
    }

    /// The workspaces that an isolated catalog is bound to.
    pub async fn bindings_of_catalog(&self, name: &str) -> Result<Vec<WorkspaceBinding>, ConnectError> {
        let call = Call::get(PREFIX, &["bindings", "catalog", name]).query("max_results", 0);
        self.transport.list::<WorkspaceBindings>(call).await
    }

    /// Binds a catalog to workspaces or looses it from them, and tells what holds afterwards.
    pub async fn update_bindings(
        &self,
        catalog: &str,
        change: &UpdateBindings,
    ) -> Result<Vec<WorkspaceBinding>, ConnectError> {
        let call = Call::new(Method::PATCH, PREFIX, &["bindings", "catalog", catalog]).body(change);
        Ok(self.transport.send::<WorkspaceBindings>(call).await?.bindings)
    }

    /// Every schema of a catalog.
    pub async fn schemas(&self, catalog: &str) -> Result<Vec<SchemaInfo>, ConnectError> {
        let call = Call::get(PREFIX, &["schemas"]).query("catalog_name", catalog).query("max_results", 0);
        self.transport.list::<ListSchemas>(call).await
    }

    /// One schema by `catalog.schema`; None when it isn't there.
    pub async fn schema(&self, full_name: &str) -> Result<Option<SchemaInfo>, ConnectError> {
        optional(self.transport.send(Call::get(PREFIX, &["schemas", full_name])).await)
    }

    /// Creates a schema.
    pub async fn create_schema(&self, schema: &CreateSchema) -> Result<SchemaInfo, ConnectError> {
        self.transport.send(Call::post(PREFIX, &["schemas"]).body(schema)).await
    }

    /// Changes a schema.
    pub async fn update_schema(&self, full_name: &str, change: &UpdateSchema) -> Result<SchemaInfo, ConnectError> {
        self.transport.send(Call::new(Method::PATCH, PREFIX, &["schemas", full_name]).body(change)).await
    }

    /// Deletes a schema; with `force`, also one that holds something.
    pub async fn delete_schema(&self, full_name: &str, force: bool) -> Result<(), ConnectError> {
        let call = Call::new(Method::DELETE, PREFIX, &["schemas", full_name]).query("force", force);
        self.transport.send_for_nothing(call).await
    }

    /// Every volume of a schema.
    pub async fn volumes(&self, catalog: &str, schema: &str) -> Result<Vec<VolumeInfo>, ConnectError> {
        self.transport.list::<ListVolumes>(in_schema("volumes", catalog, schema)).await
    }

    /// Every function of a schema.
    pub async fn functions(&self, catalog: &str, schema: &str) -> Result<Vec<FunctionInfo>, ConnectError> {
        self.transport.list::<ListFunctions>(in_schema("functions", catalog, schema)).await
    }

    /// Every external location.
    pub async fn external_locations(&self) -> Result<Vec<ExternalLocationInfo>, ConnectError> {
        let call = Call::get(PREFIX, &["external-locations"]).query("max_results", 0);
        self.transport.list::<ListExternalLocations>(call).await
    }

    /// Every storage credential.
    pub async fn storage_credentials(&self) -> Result<Vec<StorageCredentialInfo>, ConnectError> {
        let call = Call::get(PREFIX, &["storage-credentials"]).query("max_results", 0);
        self.transport.list::<ListStorageCredentials>(call).await
    }

    /// Privileges granted on an object itself, not those that it inherits.
    pub async fn grants(
        &self,
        securable_type: &str,
        full_name: &str,
    ) -> Result<Vec<PrivilegeAssignment>, ConnectError> {
        let call = Call::get(PREFIX, &["permissions", securable_type, full_name]).query("max_results", 0);
        self.transport.list::<Permissions>(call).await
    }

    /// Grants and revokes; what isn't named stays.
    pub async fn update_grants(
        &self,
        securable_type: &str,
        full_name: &str,
        change: &UpdatePermissions,
    ) -> Result<(), ConnectError> {
        let call = Call::new(Method::PATCH, PREFIX, &["permissions", securable_type, full_name]).body(change);
        self.transport.send_for_nothing(call).await
    }
}

/// A list of what lies in one schema.
pub(super) fn in_schema(family: &str, catalog: &str, schema: &str) -> Call {
    Call::get(PREFIX, &[family]).query("catalog_name", catalog).query("schema_name", schema).query("max_results", 0)
}
