//! Lists that come in pages.

use super::body;
use super::call::Call;
use super::transport::Transport;
use crate::connect::error::ConnectError;
use crate::wire::dashboards::{Dashboard, ListDashboards};
use crate::wire::disaster_recovery as dr;
use crate::wire::jobs::{JobInfo, ListJobs};
use crate::wire::unity_catalog as uc;
use crate::wire::workspace::{ClusterInfo, ListClusters, ListWarehouses, WarehouseInfo};
use serde::de::DeserializeOwned;
use std::collections::HashSet;

/// One page of a list.
pub(crate) trait Page: DeserializeOwned {
    /// What is listed.
    type Item;
    /// The items, and the token of the next page.
    fn into_parts(self) -> (Vec<Self::Item>, Option<String>);
}

macro_rules! page {
    ($page:ty, $items:ident, $item:ty) => {
        impl Page for $page {
            type Item = $item;
            fn into_parts(self) -> (Vec<$item>, Option<String>) {
                (self.$items, self.next_page_token)
            }
        }
    };
}

page!(uc::ListCatalogs, catalogs, uc::CatalogInfo);
page!(uc::ListSchemas, schemas, uc::SchemaInfo);
page!(uc::ListTables, tables, uc::TableInfo);
page!(uc::ListExternalLocations, external_locations, uc::ExternalLocationInfo);
page!(uc::ListVolumes, volumes, uc::VolumeInfo);
page!(uc::ListFunctions, functions, uc::FunctionInfo);
page!(uc::WorkspaceBindings, bindings, uc::WorkspaceBinding);
page!(uc::Permissions, privilege_assignments, uc::PrivilegeAssignment);
page!(uc::ListEntityTagAssignments, tag_assignments, uc::EntityTagAssignment);
page!(uc::ListPolicies, policies, uc::PolicyInfo);
page!(ListDashboards, dashboards, Dashboard);
page!(dr::ListFailoverGroups, failover_groups, dr::FailoverGroupBody);
page!(dr::ListStableUrls, stable_urls, dr::StableUrlBody);
page!(ListJobs, jobs, JobInfo);
page!(ListClusters, clusters, ClusterInfo);
page!(ListWarehouses, warehouses, WarehouseInfo);

/// A page of which only names are wanted, whatever field they are in.
#[derive(Debug, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct NamesPage(serde_json::Value);

impl Page for NamesPage {
    type Item = String;

    fn into_parts(self) -> (Vec<String>, Option<String>) {
        let name =
            |one: &serde_json::Value| one["full_name"].as_str().or_else(|| one["name"].as_str()).map(str::to_owned);
        let lists = self.0.as_object().into_iter().flatten().filter_map(|(_, list)| list.as_array());
        let names = lists.flatten().filter_map(name).collect();
        (names, self.0["next_page_token"].as_str().map(str::to_owned))
    }
}

impl Transport {
    /// Every item of a list, in the order of its pages.
    ///
    /// Only an absent token ends it: a page may be empty and still have one.
    pub(crate) async fn list<P: Page>(&self, call: Call) -> Result<Vec<P::Item>, ConnectError> {
        let mut items = Vec::new();
        let mut token: Option<String> = None;
        let mut seen: HashSet<String> = HashSet::new();
        let mut taken: usize = 0;
        loop {
            let page_call = match &token {
                Some(token) => call.clone().query("page_token", token),
                None => call.clone(),
            };
            let (page, bytes) = self.send_counted::<P>(page_call).await?;
            let (mut page, next) = page.into_parts();
            taken = taken.saturating_add(bytes);
            if taken > body::LIST {
                let detail = format!("its pages together are longer than {} MiB", body::LIST >> 20);
                return Err(self.asked(&call.name()).bad_answer(detail));
            }
            items.append(&mut page);
            match next.filter(|next| !next.is_empty()) {
                None => return Ok(items),
                // A server that hands the same token out twice would be asked forever.
                Some(next) if !seen.insert(next.clone()) => {
                    return Err(self.asked(&call.name()).bad_answer("the next page is the same page again"));
                }
                Some(_) if seen.len() > body::PAGES => {
                    let detail = format!("the list has more than {} pages", body::PAGES);
                    return Err(self.asked(&call.name()).bad_answer(detail));
                }
                next => token = next,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::testing::client_of;
    use axum::Router;
    use axum::extract::Query;
    use axum::response::Json;
    use axum::routing::get;
    use serde_json::{Value, json};
    use std::collections::HashMap;

    fn catalogs(pages: fn(&HashMap<String, String>) -> Value) -> Router {
        let handler = move |Query(query): Query<HashMap<String, String>>| async move { Json(pages(&query)) };
        Router::new().route("/api/2.1/unity-catalog/catalogs", get(handler))
    }

    #[tokio::test]
    async fn names_are_taken_from_every_page_whatever_field_they_are_in() {
        let page = |Query(query): Query<HashMap<String, String>>| async move {
            Json(match query.get("page_token").map(String::as_str) {
                None => json!({"shares": [{"name": "a"}], "next_page_token": "2"}),
                _ => json!({"shares": [{"full_name": "x.y.b", "name": "b"}, {"id": 1}]}),
            })
        };
        let client = client_of(Router::new().route(uc::Leftover::Shares.path(), get(page))).await;
        let names = client.leftovers(uc::Leftover::Shares).await.expect("both pages");
        assert_eq!(names, ["a", "x.y.b"]);
    }

    #[tokio::test]
    async fn only_an_absent_token_ends_a_list() {
        let client = client_of(catalogs(|query| {
            assert_eq!(query.get("max_results").map(String::as_str), Some("0"));
            match query.get("page_token").map(String::as_str) {
                None => json!({"catalogs": [{"name": "a"}], "next_page_token": "1&x=y"}),
                Some("1&x=y") => json!({"next_page_token": "2"}),
                Some("2") => json!({"catalogs": [], "next_page_token": "3"}),
                Some(_) => json!({"catalogs": [{"name": "b"}]}),
            }
        }))
        .await;
        let names: Vec<_> =
            client.catalogs().await.expect("the list ends").into_iter().map(|catalog| catalog.name).collect();
        assert_eq!(names, ["a", "b"]);
    }

    #[tokio::test]
    async fn a_list_that_never_ends_is_an_error() {
        let client = client_of(catalogs(|_| json!({"next_page_token": "again"}))).await;
        assert!(matches!(client.catalogs().await, Err(ConnectError::BadAnswer { .. })));
    }

    #[tokio::test]
    async fn a_list_whose_pages_go_round_is_an_error() {
        let client = client_of(catalogs(|query| {
            let next = if query.get("page_token").map(String::as_str) == Some("a") { "b" } else { "a" };
            json!({"next_page_token": next})
        }))
        .await;
        assert!(matches!(client.catalogs().await, Err(ConnectError::BadAnswer { .. })));
    }

    #[tokio::test]
    async fn a_list_of_ever_new_pages_is_an_error() {
        let client = client_of(catalogs(|query| {
            let at: u64 = query.get("page_token").map_or(0, |token| token.parse().expect("a number"));
            json!({"next_page_token": (at + 1).to_string()})
        }))
        .await;
        let error = client.catalogs().await.expect_err("it never ends");
        assert!(error.to_string().contains("more than 20000 pages"), "{error}");
    }

    #[tokio::test]
    async fn an_empty_token_ends_a_list() {
        let client = client_of(catalogs(|_| json!({"catalogs": [], "next_page_token": ""}))).await;
        assert_eq!(client.catalogs().await, Ok(Vec::new()));
    }
}
