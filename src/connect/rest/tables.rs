//! Tables, views, staged tables, and access to their storage.

use super::{RegionClient, as_uri};
use crate::connect::error::{ConnectError, optional};
use crate::connect::http::Call;
use crate::wire::unity_catalog::{
    CREDENTIALS_PREFIX, CreateStagingTable, CreateTable, ListTables, PREFIX, StagingTableInfo, TableInfo,
    TemporaryCredentials, TemporaryPathCredentialsRequest, TemporaryTableCredentialsRequest,
};
use reqwest::Method;
use serde::Serialize;
use std::sync::atomic::Ordering;

impl RegionClient {
    /// Every table and view of a schema, without view dependencies and constraints.
    pub async fn tables(&self, catalog: &str, schema: &str) -> Result<Vec<TableInfo>, ConnectError> {
        let tables = Call::get(PREFIX, &["tables"]).query("catalog_name", catalog).query("schema_name", schema);
        let mut all = self.transport.list::<ListTables>(tables.query("max_results", 0)).await?;
        all.iter_mut().for_each(with_uri);
        Ok(all)
    }

    /// One table or view by `catalog.schema.name`; None when it isn't there.
    pub async fn table(&self, full_name: &str) -> Result<Option<TableInfo>, ConnectError> {
        let mut found = optional(self.transport.send(Call::get(PREFIX, &["tables", full_name])).await)?;
        found.iter_mut().for_each(with_uri);
        Ok(found)
    }

    /// Creates a table over data that is there, or a view where the region takes views here.
    pub async fn create_table(&self, table: &CreateTable) -> Result<TableInfo, ConnectError> {
        let mut created = self.transport.send(Call::post(PREFIX, &["tables"]).body(table)).await?;
        with_uri(&mut created);
        Ok(created)
    }

    /// Drops a table or view.
    pub async fn delete_table(&self, full_name: &str) -> Result<(), ConnectError> {
        self.transport.send_for_nothing(Call::new(Method::DELETE, PREFIX, &["tables", full_name])).await
    }

    /// Asks for a place for a managed table that is written before it is created.
    pub async fn create_staging_table(&self, table: &CreateStagingTable) -> Result<StagingTableInfo, ConnectError> {
        self.transport.send(Call::post(PREFIX, &["staging-tables"]).body(table)).await
    }

    /// Credentials for a table's storage; `operation` is one of the wire module's `OPERATION_` constants.
    pub async fn temporary_table_credentials(
        &self,
        table_id: &str,
        operation: &str,
    ) -> Result<TemporaryCredentials, ConnectError> {
        let request =
            TemporaryTableCredentialsRequest { table_id: table_id.to_owned(), operation: operation.to_owned() };
        self.credentials("temporary-table-credentials", &request).await
    }

    /// Credentials for a path; `operation` is one of the wire module's `OPERATION_PATH_` constants.
    pub async fn temporary_path_credentials(
        &self,
        url: &str,
        operation: &str,
    ) -> Result<TemporaryCredentials, ConnectError> {
        let request = TemporaryPathCredentialsRequest { url: url.to_owned(), operation: operation.to_owned() };
        self.credentials("temporary-path-credentials", &request).await
    }

    /// Asks where the region serves credentials: at the prefix that the SDK uses, or at that of its catalog.
    async fn credentials(&self, call: &str, request: &impl Serialize) -> Result<TemporaryCredentials, ConnectError> {
        let newer = self.credentials_at_newer.load(Ordering::Relaxed);
        let (first, second) = if newer { (PREFIX, CREDENTIALS_PREFIX) } else { (CREDENTIALS_PREFIX, PREFIX) };
        let ask = |prefix| self.transport.send(Call::post(prefix, &[call]).body(request));
        match ask(first).await {
            Err(error) if error.is_not_served() => match ask(second).await {
                Err(other) if other.is_not_served() => Err(error),
                answer => {
                    self.credentials_at_newer.store(!newer, Ordering::Relaxed);
                    answer
                }
            },
            answer => answer,
        }
    }
}

/// The table with its location as a URI.
fn with_uri(table: &mut TableInfo) {
    if let Some(location) = &mut table.storage_location {
        as_uri(location);
    }
}
