//! Clusters and SQL warehouses: what runs, stopping it, starting it again.

use super::RegionClient;
use crate::connect::error::ConnectError;
use crate::connect::http::Call;
use crate::wire::workspace::{
    CLUSTERS_PREFIX, ClusterId, ClusterInfo, ListClusters, ListWarehouses, WAREHOUSES_PREFIX, WarehouseId,
    WarehouseInfo,
};
use reqwest::Method;
use serde_json::Value;

impl RegionClient {
    /// Every all-purpose cluster; those of jobs, warehouses and pipelines are left out.
    pub async fn clusters(&self) -> Result<Vec<ClusterInfo>, ConnectError> {
        let call = Call::get(CLUSTERS_PREFIX, &["list"]).query("page_size", 100);
        let clusters = self.transport.list::<ListClusters>(call).await?;
        Ok(clusters.into_iter().filter(ClusterInfo::is_all_purpose).collect())
    }

    /// Terminates a cluster; one that is terminated already stays so.
    pub async fn terminate_cluster(&self, cluster_id: &str) -> Result<(), ConnectError> {
        let body = ClusterId { cluster_id: cluster_id.to_owned() };
        self.transport.send_for_nothing(Call::post(CLUSTERS_PREFIX, &["delete"]).body(&body)).await
    }

    /// Starts a terminated cluster; one that runs already stays so.
    pub async fn start_cluster(&self, cluster_id: &str) -> Result<(), ConnectError> {
        let body = ClusterId { cluster_id: cluster_id.to_owned() };
        match self.transport.send_for_nothing(Call::post(CLUSTERS_PREFIX, &["start"]).body(&body)).await {
            // The API refuses to start what runs; other reasons for this refusal stand.
            Err(error @ ConnectError::InvalidState { .. }) => {
                let clusters = self.clusters().await?;
                let runs = clusters.iter().any(|c| c.cluster_id == cluster_id && c.is_running());
                if runs { Ok(()) } else { Err(error) }
            }
            answer => answer,
        }
    }

    /// One cluster.
    pub async fn cluster(&self, cluster_id: &str) -> Result<ClusterInfo, ConnectError> {
        self.transport.send(Call::get(CLUSTERS_PREFIX, &["get"]).query("cluster_id", cluster_id)).await
    }

    /// One SQL warehouse.
    pub async fn warehouse(&self, id: &str) -> Result<WarehouseInfo, ConnectError> {
        self.transport.send(Call::get(WAREHOUSES_PREFIX, &[id])).await
    }

    /// Creates a cluster, which starts it where compute may start; its id.
    pub async fn create_cluster(&self, cluster: &Value) -> Result<String, ConnectError> {
        let call = Call::post(CLUSTERS_PREFIX, &["create"]).body(cluster);
        Ok(self.transport.send::<ClusterId>(call).await?.cluster_id)
    }

    /// Replaces a cluster's whole description.
    pub async fn edit_cluster(&self, cluster: &Value) -> Result<(), ConnectError> {
        self.transport.send_for_nothing(Call::post(CLUSTERS_PREFIX, &["edit"]).body(cluster)).await
    }

    /// Removes a cluster for good.
    pub async fn delete_cluster(&self, cluster_id: &str) -> Result<(), ConnectError> {
        let body = ClusterId { cluster_id: cluster_id.to_owned() };
        self.transport.send_for_nothing(Call::post(CLUSTERS_PREFIX, &["permanent-delete"]).body(&body)).await
    }

    /// Keeps a terminated cluster from being removed after 30 days.
    pub async fn pin_cluster(&self, cluster_id: &str) -> Result<(), ConnectError> {
        let body = ClusterId { cluster_id: cluster_id.to_owned() };
        self.transport.send_for_nothing(Call::post(CLUSTERS_PREFIX, &["pin"]).body(&body)).await
    }

    /// Creates a SQL warehouse, which starts it where compute may start; its id.
    pub async fn create_warehouse(&self, warehouse: &Value) -> Result<String, ConnectError> {
        let call = Call::post(WAREHOUSES_PREFIX, &[]).body(warehouse);
        Ok(self.transport.send::<WarehouseId>(call).await?.id)
    }

    /// Changes a SQL warehouse; fields that aren't sent stay.
    pub async fn edit_warehouse(&self, id: &str, warehouse: &Value) -> Result<(), ConnectError> {
        self.transport.send_for_nothing(Call::post(WAREHOUSES_PREFIX, &[id, "edit"]).body(warehouse)).await
    }

    /// Deletes a SQL warehouse.
    pub async fn delete_warehouse(&self, id: &str) -> Result<(), ConnectError> {
        self.transport.send_for_nothing(Call::new(Method::DELETE, WAREHOUSES_PREFIX, &[id])).await
    }

    /// Every SQL warehouse.
    pub async fn warehouses(&self) -> Result<Vec<WarehouseInfo>, ConnectError> {
        self.transport.list::<ListWarehouses>(Call::get(WAREHOUSES_PREFIX, &[])).await
    }

    /// Stops a SQL warehouse; one that is stopped already stays so.
    pub async fn stop_warehouse(&self, id: &str) -> Result<(), ConnectError> {
        self.transport.send_for_nothing(Call::post(WAREHOUSES_PREFIX, &[id, "stop"])).await
    }

    /// Starts a SQL warehouse; one that runs already stays so.
    pub async fn start_warehouse(&self, id: &str) -> Result<(), ConnectError> {
        self.transport.send_for_nothing(Call::post(WAREHOUSES_PREFIX, &[id, "start"])).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::testing::{client_of, refusal};
    use axum::Router;
    use axum::response::Json;
    use axum::routing::{get, post};
    use serde_json::json;

    fn workspace() -> Router {
        let clusters = json!({"clusters": [
            {"cluster_id": "a", "state": "RUNNING", "cluster_source": "UI"},
            {"cluster_id": "b", "state": "TERMINATED"},
            {"cluster_id": "c", "state": "RUNNING", "cluster_source": "JOB"}
        ]});
        Router::new().route("/api/2.1/clusters/list", get(move || async move { Json(clusters) })).route(
            "/api/2.1/clusters/start",
            post(|| async { refusal(400, "INVALID_STATE", "The cluster cannot start in this workspace") }),
        )
    }

    #[tokio::test]
    async fn clusters_of_jobs_are_left_alone() {
        let clusters = client_of(workspace()).await.clusters().await.expect("the list reads");
        let ids: Vec<_> = clusters.iter().map(|c| (c.cluster_id.as_str(), c.is_running())).collect();
        assert_eq!(ids, [("a", true), ("b", false)]);
    }

    #[tokio::test]
    async fn starting_what_runs_is_done_and_any_other_refusal_stands() {
        let client = client_of(workspace()).await;
        client.start_cluster("a").await.expect("it runs already");
        assert!(matches!(client.start_cluster("b").await, Err(ConnectError::InvalidState { .. })));
    }
}
