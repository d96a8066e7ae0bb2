//! SQL warehouses and clusters: they arrive at rest, and a cluster pinned, so that it isn't removed after 30 days.

use super::asset::{Found, Info, Made, sha256};
use super::references::Resolver;
use super::request::AssetRequest;
use crate::connect::ConnectError;
use crate::domain::AssetKind;
use crate::wire::workspace::{ClusterInfo, WarehouseInfo};
use serde_json::{Map, Value};

/// What a cluster is, as a create call takes it. All else is a state, or the region's own.
const CLUSTER: [&str; 37] = [
    "apply_policy_default_values",
    "autoscale",
    "autotermination_minutes",
    "aws_attributes",
    "azure_attributes",
    "cluster_log_conf",
    "cluster_name",
    "custom_tags",
    "data_security_mode",
    "docker_image",
    "driver_instance_pool_id",
    "driver_node_type_flexibility",
    "driver_node_type_id",
    "enable_elastic_disk",
    "enable_local_disk_encryption",
    "gcp_attributes",
    "init_scripts",
    "instance_pool_id",
    "is_single_node",
    "kind",
    "node_type_id",
    "num_workers",
    "policy_id",
    "remote_disk_throughput",
    "runtime_engine",
    "single_user_name",
    "spark_conf",
    "spark_env_vars",
    "spark_version",
    "ssh_public_keys",
    "total_initial_remote_disk_size",
    "use_ml_runtime",
    "worker_node_type_flexibility",
    "workload_type",
    "dependencies",
    "confidential_compute_type",
    "network_policy_id",
];
/// What a SQL warehouse is, as a create call takes it.
const WAREHOUSE: [&str; 12] = [
    "auto_stop_mins",
    "channel",
    "cluster_size",
    "enable_photon",
    "enable_serverless_compute",
    "instance_profile_arn",
    "max_num_clusters",
    "min_num_clusters",
    "name",
    "spot_instance_policy",
    "tags",
    "warehouse_type",
];
/// What a cluster can do without where the secondary doesn't have it.
const DISPENSABLE: [&str; 3] = ["instance_pool_id", "driver_instance_pool_id", "policy_id"];

fn described(info: impl serde::Serialize, fields: &[&str]) -> Value {
    let all = serde_json::to_value(info).unwrap_or_default();
    let kept = all.as_object().into_iter().flatten().filter(|(field, _)| fields.contains(&field.as_str()));
    Value::Object(kept.map(|(field, value)| (field.clone(), value.clone())).collect::<Map<_, _>>())
}

pub fn found_cluster(info: ClusterInfo) -> Found {
    let print = sha256(described(&info, &CLUSTER).to_string().as_bytes());
    let (id, name) = (info.cluster_id.clone(), info.cluster_name.clone());
    Found { kind: AssetKind::Cluster, id, name, print, info: Info::Cluster(Box::new(info)) }
}

pub fn found_warehouse(info: WarehouseInfo) -> Found {
    let print = sha256(described(&info, &WAREHOUSE).to_string().as_bytes());
    let (id, name) = (info.id.clone(), info.name.clone());
    Found { kind: AssetKind::SqlWarehouse, id, name, print, info: Info::Warehouse(Box::new(info)) }
}

/// Makes a cluster, or changes the one with id `replica`.
pub async fn make_cluster(
    request: &AssetRequest<'_>,
    resolver: &Resolver<'_>,
    source: &ClusterInfo,
    replica: Option<&str>,
) -> Result<Made, ConnectError> {
    let mut wanted = described(source, &CLUSTER);
    let resolved = resolver.rewrite(&mut wanted);
    let id = match put_cluster(request, &mut wanted, source, replica).await {
        // A region that wants to know the pool or the policy gets the cluster without them.
        Err(ConnectError::Refused { .. } | ConnectError::NotFound { .. }) if !resolved.missing.is_empty() => {
            if let Some(fields) = wanted.as_object_mut() {
                fields.retain(|field, _| !DISPENSABLE.contains(&field.as_str()));
            }
            put_cluster(request, &mut wanted, source, replica).await?
        }
        id => id?,
    };
    let to = request.to().await;
    let made = to.cluster(&id).await?;
    let print = made.map(|made| found_cluster(made).print);
    Ok(Made { id, print, links: resolved.links, missing: resolved.missing, ..Made::default() })
}

async fn put_cluster(
    request: &AssetRequest<'_>,
    wanted: &mut Value,
    source: &ClusterInfo,
    replica: Option<&str>,
) -> Result<String, ConnectError> {
    if let Some(id) = replica {
        wanted["cluster_id"] = id.into();
        match request.to().await.edit_cluster(wanted).await {
            Err(error) if error.is_gone() => {}
            answer => return answer.map(|()| id.to_owned()),
        }
    }
    if let Some(fields) = wanted.as_object_mut() {
        fields.remove("cluster_id");
    }
    if request.destination.capabilities.keeps_ids {
        wanted["cluster_id"] = source.cluster_id.clone().into();
    }
    let id = request.to().await.create_cluster(wanted).await?;
    // A new cluster starts by itself.
    request.to().await.terminate_cluster(&id).await?;
    request.to().await.pin_cluster(&id).await?;
    Ok(id)
}

/// Makes a SQL warehouse, or changes the one with id `replica`. A name is free once only, so one that the secondary has
/// under it becomes the replica.
pub async fn make_warehouse(
    request: &AssetRequest<'_>,
    source: &WarehouseInfo,
    replica: Option<&str>,
) -> Result<Made, ConnectError> {
    let mut wanted = described(source, &WAREHOUSE);
    let replica = match replica {
        Some(id) => edit_warehouse(request, id, &wanted).await?,
        None => None,
    };
    let id = match replica {
        Some(id) => id,
        None => {
            if request.destination.capabilities.keeps_ids {
                wanted["id"] = source.id.clone().into();
            }
            let id = request.to().await.create_warehouse(&wanted).await?;
            // A new warehouse starts by itself.
            request.to().await.stop_warehouse(&id).await?;
            id
        }
    };
    let made = request.to().await.warehouse(&id).await?;
    Ok(Made { id, print: made.map(|made| found_warehouse(made).print), ..Made::default() })
}

async fn edit_warehouse(request: &AssetRequest<'_>, id: &str, wanted: &Value) -> Result<Option<String>, ConnectError> {
    match request.to().await.edit_warehouse(id, wanted).await {
        Err(error) if error.is_gone() => Ok(None),
        answer => answer.map(|()| Some(id.to_owned())),
    }
}
