//! Commits that a catalog ratifies.

use super::RegionClient;
use crate::connect::error::ConnectError;
use crate::connect::http::Call;
use crate::connect::region::{CatalogTable, TablePlace};
use crate::wire::unity_catalog::{CatalogCommits, CatalogCommitsRequest, PREFIX};

impl RegionClient {
    /// The commits that aren't known to be published, and the newest version; None where the catalog serves no commits.
    pub async fn catalog_commits(
        &self,
        table: &CatalogTable,
        place: &TablePlace,
    ) -> Result<Option<CatalogCommits>, ConnectError> {
        let CatalogTable { catalog, schema, name } = table;
        let path = ["delta", "v1", "catalogs", catalog, "schemas", schema, "tables", name];
        match self.transport.send::<CatalogCommits>(Call::get(PREFIX, &path)).await {
            Ok(found) => return Ok(Some(found)),
            // The older generation knows tables that this one doesn't serve.
            Err(error) if error.is_not_served() || is_unsupported(&error) => {}
            Err(error) => return Err(error),
        }
        let mut all = CatalogCommits::default();
        let mut start_version = 0;
        loop {
            let request = CatalogCommitsRequest {
                table_id: place.table_id.clone().unwrap_or_default(),
                table_uri: place.uri.clone(),
                start_version,
            };
            let call = Call::get(PREFIX, &["delta", "preview", "commits"]).body(&request);
            let page: CatalogCommits = match self.transport.send(call).await {
                Err(error) if error.is_not_served() => return Ok(None),
                answer => answer?,
            };
            all.latest_table_version = page.latest_table_version.or(all.latest_table_version);
            let newest = page.commits.iter().map(|commit| commit.version).max();
            all.commits.extend(page.commits);
            // A page may be cut short; one that brings nothing new is the last.
            match newest
                .filter(|newest| *newest >= start_version && all.latest_table_version.is_some_and(|at| *newest < at))
            {
                Some(newest) => start_version = newest.saturating_add(1),
                None => return Ok(Some(all)),
            }
        }
    }
}

/// Whether the table is one of the older generation.
fn is_unsupported(error: &ConnectError) -> bool {
    matches!(error, ConnectError::Refused { status: 400, .. }) && error.to_string().contains("UnsupportedTableFormat")
}
