//! Tables, views, staged tables, and access to their storage.

use super::catalogs::in_schema;
use super::error::{ConnectError, optional};
use super::region::RegionClient;
use super::sandbox::is_not_offered;
use super::transport::Call;
use crate::wire::unity_catalog::{
    CREDENTIALS_PREFIX, CreateStagingTable, CreateTable, ListPolicies, ListTables, PREFIX, PolicyInfo, SchemaInfo,
    StagingTableInfo, TableInfo, TemporaryCredentials, TemporaryPathCredentialsRequest,
    TemporaryTableCredentialsRequest,
};
use futures::{StreamExt, TryStreamExt};
use reqwest::Method;

/// Schemas of one catalog that are listed at the same time.
const SCHEMAS_AT_ONCE: usize = 8;

impl RegionClient {
    /// Every table and view of a schema, without view dependencies and constraints.
    pub async fn tables(&self, catalog: &str, schema: &str) -> Result<Vec<TableInfo>, ConnectError> {
        self.transport.list::<ListTables>(in_schema("tables", catalog, schema)).await
    }

    /// Every schema of a catalog with its tables and views, ordered by schema as the server lists them.
    ///
    /// A schema that is dropped between the two lists is left out. `information_schema` is left out: it is not data.
    pub async fn all_tables(&self, catalog: &str) -> Result<Vec<(SchemaInfo, Vec<TableInfo>)>, ConnectError> {
        let schemas = self.schemas(catalog).await?;
        let listed = futures::stream::iter(schemas.into_iter().filter(|schema| schema.name != "information_schema"))
            .map(|schema| async move {
                let tables = optional(self.tables(catalog, &schema.name).await)?;
                Ok::<_, ConnectError>(tables.map(|tables| (schema, tables)))
            })
            .buffered(SCHEMAS_AT_ONCE)
            .try_collect::<Vec<_>>()
            .await?;
        Ok(listed.into_iter().flatten().collect())
    }

    /// One table or view by `catalog.schema.name`; None when it isn't there.
    pub async fn table(&self, full_name: &str) -> Result<Option<TableInfo>, ConnectError> {
        optional(self.transport.send(Call::get(PREFIX, &["tables", full_name])).await)
    }

    /// Creates a table over data that is there, or a view where the region takes views here.
    pub async fn create_table(&self, table: &CreateTable) -> Result<TableInfo, ConnectError> {
        self.transport.send(Call::post(PREFIX, &["tables"]).body(table)).await
    }

    /// Attribute policies that apply to an object, inherited ones too; none where the region has no such thing.
    pub async fn policies(&self, securable_type: &str, full_name: &str) -> Result<Vec<PolicyInfo>, ConnectError> {
        let call = Call::get(PREFIX, &["policies", securable_type, full_name])
            .query("include_inherited", true)
            .query("max_results", 0);
        match self.transport.list::<ListPolicies>(call).await {
            Err(error) if is_not_offered(&error) => Ok(Vec::new()),
            answer => answer,
        }
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
        self.transport.send(Call::post(CREDENTIALS_PREFIX, &["temporary-table-credentials"]).body(&request)).await
    }

    /// Credentials for a path; `operation` is one of the wire module's `OPERATION_PATH_` constants.
    pub async fn temporary_path_credentials(
        &self,
        url: &str,
        operation: &str,
    ) -> Result<TemporaryCredentials, ConnectError> {
        let request = TemporaryPathCredentialsRequest { url: url.to_owned(), operation: operation.to_owned() };
        self.transport.send(Call::post(CREDENTIALS_PREFIX, &["temporary-path-credentials"]).body(&request)).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{client_of, refusal};
    use axum::Router;
    use axum::extract::Query;
    use axum::response::{IntoResponse, Json};
    use axum::routing::get;
    use serde_json::json;
    use std::collections::HashMap;

    #[tokio::test]
    async fn a_catalog_is_listed_schema_by_schema() {
        let schemas = || async {
            let schema = |name: &str| json!({"name": name, "catalog_name": "main"});
            let names = ["sales", "dropped_meanwhile", "information_schema", "hr"];
            Json(json!({"schemas": names.map(schema)}))
        };
        let tables = |Query(query): Query<HashMap<String, String>>| async move {
            assert_eq!(query["catalog_name"], "main");
            let schema = query["schema_name"].as_str();
            if schema == "dropped_meanwhile" {
                return refusal(404, "SCHEMA_DOES_NOT_EXIST", "gone");
            }
            let table = json!({"name": "t", "catalog_name": "main", "schema_name": schema, "table_type": "NEWER_KIND"});
            Json(json!({"tables": [table]})).into_response()
        };
        let router = Router::new()
            .route("/api/2.1/unity-catalog/schemas", get(schemas))
            .route("/api/2.1/unity-catalog/tables", get(tables));
        let listed = client_of(router).await.all_tables("main").await.expect("the lists read");
        let names: Vec<_> = listed.iter().flat_map(|(_, tables)| tables.iter().map(|t| t.full_name())).collect();
        assert_eq!(names, ["main.sales.t", "main.hr.t"]);
    }
}
