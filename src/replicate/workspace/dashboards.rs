//! Draft dashboards. What is published of them isn't replicated.

use super::asset::{AssetState, Found, Info, Made};
use super::references::Resolver;
use super::request::AssetRequest;
use crate::connect::ConnectError;
use crate::domain::AssetKind;
use crate::wire::dashboards::Dashboard;
use serde_json::json;

/// A dashboard as its list shows it; `path` is where its file lies, where the tree told.
pub fn found(listed: Dashboard, path: Option<&str>) -> Found {
    let print = print(&listed);
    let name = path.map(str::to_owned).or_else(|| listed.path.clone()).or_else(|| listed.display_name.clone());
    Found {
        kind: AssetKind::Dashboard,
        id: listed.dashboard_id.clone().unwrap_or_default(),
        name: name.unwrap_or_default(),
        print,
        info: Info::Dashboard(Box::new(listed)),
    }
}

fn print(listed: &Dashboard) -> String {
    format!(
        "{} {} {}",
        listed.update_time.as_deref().unwrap_or_default(),
        listed.display_name.as_deref().unwrap_or_default(),
        listed.warehouse_id.as_deref().unwrap_or_default()
    )
}

/// Makes a draft, or changes the one with id `replica`.
pub async fn make(
    request: &AssetRequest<'_>,
    resolver: &Resolver<'_>,
    source: &Found,
    known: &AssetState,
    replica: Option<&str>,
) -> Result<Made, ConnectError> {
    let Some(whole) = request.from().await.dashboard(&source.id).await? else {
        let (region, call) = (request.source.region.clone(), format!("GET dashboard {}", source.id));
        return Err(ConnectError::NotFound { region, call, message: format!("{} is gone.", source.name) });
    };
    let mut warehouse = json!({"warehouse_id": whole.warehouse_id.clone().unwrap_or_default()});
    let resolved = resolver.rewrite(&mut warehouse);
    let folder = |path: &str| path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let is_moved = !known.name.is_empty() && folder(&known.name) != folder(&source.name);
    let wanted = Dashboard {
        display_name: whole.display_name.clone(),
        serialized_dashboard: whole.serialized_dashboard.clone(),
        warehouse_id: warehouse["warehouse_id"].as_str().filter(|id| !id.is_empty()).map(str::to_owned),
        ..Dashboard::default()
    };
    let mut made = None;
    if let Some(id) = replica {
        // No call moves a dashboard to another folder.
        let answer = match is_moved {
            true => request.to().await.trash_dashboard(id).await.map(|()| None),
            false => request.to().await.update_dashboard(id, &wanted).await.map(Some),
        };
        made = match answer {
            Err(error) if error.is_gone() || matches!(error, ConnectError::InvalidState { .. }) => None,
            answer => answer?,
        };
    }
    let made = match made {
        Some(made) => made,
        None => {
            // What is in the trash keeps its id, so only the first one has the primary's.
            let keeps = request.destination.capabilities.keeps_ids && replica.is_none() && known.name.is_empty();
            let parent = whole.parent_path.clone().unwrap_or_else(|| folder(&source.name));
            let new = Dashboard {
                dashboard_id: whole.dashboard_id.clone().filter(|_| keeps),
                parent_path: Some(if parent.is_empty() { "/".to_owned() } else { parent }),
                ..wanted
            };
            request.to().await.create_dashboard(&new).await?
        }
    };
    let mut notes = Vec::new();
    if request.from().await.is_published(&source.id).await.unwrap_or(false) {
        notes
            .push("Its published version isn't replicated. Publish it in the secondary if readers need it.".to_owned());
    }
    Ok(Made {
        id: made.dashboard_id.clone().unwrap_or_default(),
        print: Some(print(&made)),
        links: resolved.links,
        missing: resolved.missing,
        notes,
        ..Made::default()
    })
}
