//! The metastore, external locations, catalogs, bindings and schemas.

use super::{RegionClient, as_uri};
use crate::connect::error::{ConnectError, optional};
use crate::connect::http::Call;
use crate::wire::unity_catalog::{
    CatalogInfo, CreateCatalog, CreateSchema, ExternalLocationInfo, ListCatalogs, ListExternalLocations, ListSchemas,
    MetastoreSummary, PREFIX, SchemaInfo, UpdateBindings, UpdateCatalog, UpdateSchema, WorkspaceBinding,
    WorkspaceBindings,
};
use reqwest::Method;

/// A catalog that no one has: questions about it are answered by whether the call is served.
pub(in crate::connect) const NO_SUCH_CATALOG: &str = "resilience_console_asks";

impl RegionClient {
    /// What is known of the workspace's metastore.
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

    /// The workspaces that an isolated catalog is bound to.
    pub async fn bindings_of_catalog(&self, name: &str) -> Result<Vec<WorkspaceBinding>, ConnectError> {
        let call = Call::get(PREFIX, &["bindings", "catalog", name]).query("max_results", 0);
        self.transport.list::<WorkspaceBindings>(call).await
    }

    /// Whether catalogs can be bound to workspaces: asked of one that isn't there.
    pub async fn serves_bindings(&self) -> Result<bool, ConnectError> {
        match self.bindings_of_catalog(NO_SUCH_CATALOG).await {
            Ok(_) | Err(ConnectError::NotFound { .. } | ConnectError::PermissionDenied { .. }) => Ok(true),
            Err(error) if error.is_not_served() => Ok(false),
            Err(error) => Err(error),
        }
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

    /// Deletes a catalog; with `force`, also one that holds something.
    pub async fn delete_catalog(&self, name: &str, force: bool) -> Result<(), ConnectError> {
        let call = Call::new(Method::DELETE, PREFIX, &["catalogs", name]).query("force", force);
        self.transport.send_for_nothing(call).await
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

    /// Every external location.
    pub async fn external_locations(&self) -> Result<Vec<ExternalLocationInfo>, ConnectError> {
        let call = Call::get(PREFIX, &["external-locations"]).query("max_results", 0);
        let mut all = self.transport.list::<ListExternalLocations>(call).await?;
        all.iter_mut().for_each(|location| as_uri(&mut location.url));
        Ok(all)
    }
}
