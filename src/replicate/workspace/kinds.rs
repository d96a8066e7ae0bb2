//! What each kind does: its replica is made or changed, removed, and kept.

use super::asset::{AssetState, Found, Info, Made};
use super::references::Resolver;
use super::request::AssetRequest;
use super::tree::{self, Refused};
use super::{compute, dashboards, jobs, keep};
use crate::connect::ConnectError;
use crate::domain::AssetKind;
use crate::wire::objects::ObjectInfo;

/// Makes or changes the replica of `source`. `replica` is its id in the secondary, `at_path` what lies at its path there.
pub async fn make(
    request: &AssetRequest<'_>,
    resolver: &Resolver<'_>,
    source: &Found,
    known: &AssetState,
    replica: Option<&str>,
    at_path: Option<&ObjectInfo>,
) -> Result<Result<Made, Refused>, ConnectError> {
    let made = match &source.info {
        Info::Object(object) => return tree::make(request, source, object, known, at_path).await,
        Info::Job(job) => jobs::make(request, resolver, job, replica).await,
        Info::Cluster(cluster) => compute::make_cluster(request, resolver, cluster, replica).await,
        Info::Warehouse(warehouse) => compute::make_warehouse(request, warehouse, replica).await,
        Info::Dashboard(_) => dashboards::make(request, resolver, source, known, replica).await,
    };
    made.map(Ok)
}

/// Removes an asset from the secondary. One that is gone already counts as removed.
pub async fn remove(request: &AssetRequest<'_>, kind: AssetKind, id: &str, name: &str) -> Result<(), ConnectError> {
    let to = request.to().await;
    let answer = match kind {
        AssetKind::Job => match id.parse() {
            Ok(id) => to.delete_job(id).await,
            Err(_) => Ok(()),
        },
        AssetKind::Cluster => to.delete_cluster(id).await,
        AssetKind::SqlWarehouse => to.delete_warehouse(id).await,
        AssetKind::Dashboard => to.trash_dashboard(id).await,
        _ => to.delete_object(name).await,
    };
    answer.or_else(|error| if error.is_gone() { Ok(()) } else { Err(error) })
}

/// Keeps a copy of an asset of the secondary; a sentence where that fails. A folder is nothing but its name.
pub async fn keep(request: &AssetRequest<'_>, found: &Found) -> Result<(), String> {
    let folder = request.exports;
    let unreadable =
        |error: ConnectError| format!("{} was left as it is, because it can't be exported. {error}", found.name);
    let description = match &found.info {
        Info::Object(_) if found.kind == AssetKind::Folder => return Ok(()),
        Info::Object(object) => {
            request.pace.turn().await;
            let bytes = tree::read(request.destination, object).await.map_err(unreadable)?;
            return keep::object(folder, &object.path, &bytes).await;
        }
        Info::Job(job) => serde_json::to_string_pretty(job),
        Info::Cluster(cluster) => serde_json::to_string_pretty(cluster),
        Info::Warehouse(warehouse) => serde_json::to_string_pretty(warehouse),
        Info::Dashboard(listed) => {
            let whole = request.to().await.dashboard(&found.id).await.map_err(unreadable)?;
            serde_json::to_string_pretty(whole.as_ref().unwrap_or(listed))
        }
    };
    let text = description.map_err(|error| format!("{} was left as it is. {error}", found.name))?;
    let name = found.name.rsplit('/').next().unwrap_or_default();
    keep::description(folder, found.kind.label(), name, &found.id, text).await
}
