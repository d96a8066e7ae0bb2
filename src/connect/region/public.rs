//! Any region with the public REST APIs, or with some of them: what it offers is asked, never concluded from its name.
//!
//! A read-only binding holds for admins and for the product's own principal too. To make a schema or a table in a replica's
//! catalog, the binding of the product's workspace is lifted for that one call. Files don't need that: their credentials are
//! those of the external location.

use super::flavour::RestFlavour;
use super::private;
use super::{Answer, CredentialModes, RegionApi, RegionCapabilities};
use crate::connect::error::ConnectError;
use crate::connect::rest::RegionClient;
use crate::connect::settings::ConnectSettings;
use crate::wire::unity_catalog::{UpdateBindings, WorkspaceBinding};
use futures::future::FutureExt;
use std::sync::Arc;
use tokio::sync::{Mutex, OnceCell};

/// A region of the user's own: a Databricks workspace, an open-source Unity Catalog, or what speaks like one.
#[derive(Debug)]
pub struct PublicRegion {
    rest: RegionClient,
    modes: CredentialModes,
    /// The workspace that the calls come from, where catalogs can be bound to it.
    workspace: Option<i64>,
    /// Held while a catalog is writable for a change of the product's own.
    writing: Mutex<()>,
    /// Asked once: every cycle needs it, and it changes only with the region's software.
    offered: OnceCell<RegionCapabilities>,
}

impl PublicRegion {
    /// A client that calls from `workspace`; nothing is sent yet.
    pub fn connect(settings: ConnectSettings, workspace: Option<i64>) -> Result<Arc<dyn RegionApi>, ConnectError> {
        let rest = RegionClient::new(settings)?;
        let (modes, writing, offered) = Default::default();
        Ok(Arc::new(Self { rest, modes, workspace, writing, offered }))
    }

    /// The read-only binding of a catalog to the workspace that the calls come from, if it has one.
    async fn own_read_only(&self, catalog: &str) -> Option<WorkspaceBinding> {
        let workspace = self.workspace.filter(|_| self.offered.get().is_some_and(|offered| offered.bindings))?;
        let bound = self.rest.bindings_of_catalog(catalog).await.ok()?;
        bound.into_iter().find(|binding| binding.workspace_id == workspace && binding.is_read_only())
    }

    /// Makes a change that a read-only binding refused, with the catalog writable just for that.
    async fn change_unbound<'a, T>(
        &'a self,
        catalog: &'a str,
        refusal: ConnectError,
        change: impl Fn() -> Answer<'a, T> + Send + Sync,
    ) -> Result<T, ConnectError> {
        let _alone = self.writing.lock().await;
        let Some(read_only) = self.own_read_only(catalog).await else { return Err(refusal) };
        let read_write = WorkspaceBinding::read_write(read_only.workspace_id);
        let open = UpdateBindings { add: vec![read_write.clone()], remove: vec![read_only.clone()] };
        let close = UpdateBindings { add: vec![read_only], remove: vec![read_write] };
        self.rest.update_bindings(catalog, &open).await?;
        let answer = change().await;
        // Whatever became of the change: what isn't closed now is closed again by the next cycle.
        self.rest.update_bindings(catalog, &close).await?;
        answer
    }
}

/// What a region offers beyond what every region does.
pub(in crate::connect) async fn ask_capabilities(rest: &RegionClient) -> Result<RegionCapabilities, ConnectError> {
    let said = private::capabilities(rest).await?;
    Ok(RegionCapabilities { bindings: said.bindings || rest.serves_bindings().await?, ..said })
}

impl RestFlavour for PublicRegion {
    fn rest(&self) -> &RegionClient {
        &self.rest
    }

    fn credential_modes(&self) -> &CredentialModes {
        &self.modes
    }

    fn capabilities(&self) -> Answer<'_, RegionCapabilities> {
        async { self.offered.get_or_try_init(|| ask_capabilities(&self.rest)).await.copied() }.boxed()
    }

    fn change_in<'a, T, C>(&'a self, catalog: &'a str, change: C) -> Answer<'a, T>
    where
        T: Send + 'a,
        C: Fn() -> Answer<'a, T> + Send + Sync + 'a,
    {
        async move {
            match change().await {
                Err(refusal) if refusal.is_permission_denied() => self.change_unbound(catalog, refusal, change).await,
                answer => answer,
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::testing::{EAGER, refusal, serve, settings};
    use axum::Router;
    use axum::routing::get;

    const BINDINGS: &str = "/api/2.1/unity-catalog/bindings/catalog/{name}";

    async fn offers_bindings(router: Router) -> bool {
        let region = PublicRegion::connect(settings(&serve(router).await, EAGER), None).expect("the settings are good");
        region.capabilities().await.expect("it answers").bindings
    }

    #[tokio::test]
    async fn bindings_are_found_by_asking_for_those_of_a_catalog_that_is_not_there() {
        let missing = || async { refusal(404, "CATALOG_DOES_NOT_EXIST", "no such catalog") };
        assert!(offers_bindings(Router::new().route(BINDINGS, get(missing))).await);
        let unknown = || async { refusal(501, "NOT_IMPLEMENTED", "no") };
        assert!(!offers_bindings(Router::new().fallback(unknown)).await);
        assert!(!offers_bindings(Router::new()).await, "a bare 404 says nothing of a catalog");
    }
}
