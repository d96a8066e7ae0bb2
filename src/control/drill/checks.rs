//! What an isolated drill asks of its copy.

use super::copies::{endpoint, root};
use super::run::End;
use crate::control::{Control, ControlError};
use crate::delta;
use crate::domain::{AssetKind, AssetName, Drill};
use crate::replicate;
use crate::wire::unity_catalog as uc;

/// Checks every file's size and footer, and counts rows.
pub async fn check_files(control: &Control, drill: &mut Drill) -> Result<End, ControlError> {
    let end = endpoint(control, drill).await?;
    let (mut files, mut rows, mut unfit) = (0, 0, Vec::new());
    for table in &mut drill.tables {
        let copy = root(control, &end, table, false).await?;
        let found = delta::check_version(&copy, table.version).await?;
        (files, rows) = (files + found.files, rows + found.rows);
        table.rows = Some(found.rows);
        unfit.extend(found.problems.iter().map(|problem| format!("{}: {problem}", table.name)));
    }
    drill.tables_verified = drill.tables.len() as u64;
    let note = format!(
        "{files} files of {} tables have the size that the log says and a Parquet footer, {rows} rows.",
        drill.tables.len()
    );
    if unfit.is_empty() {
        return Ok(End::Done(note));
    }
    let found = unfit.len();
    drill.problems.extend(unfit);
    Ok(End::Done(format!(
        "{files} files of {} tables were checked. {found} aren't as their log says.",
        drill.tables.len()
    )))
}

/// Looks whether every table that a view of the replica names is in the group, or in the secondary.
pub async fn check_views(control: &Control, drill: &mut Drill) -> Result<End, ControlError> {
    let end = endpoint(control, drill).await?;
    let catalogs = control.group(&drill.group)?.catalogs().to_vec();
    let inventory = replicate::read_inventory(&end, &catalogs).await?;
    let views: Vec<String> =
        inventory.keys().filter(|key| key.kind == AssetKind::View).map(|key| key.to_string()).collect();
    let mut unresolved = Vec::new();
    for name in &views {
        let Some(view) = end.client.table(name).await? else { continue };
        for needed in names_in(&view) {
            if end.client.table(&needed).await?.is_none() {
                let catalog = AssetName::parse(&needed).catalog;
                unresolved.push(format!(
                    "The view {name} needs {needed}, which {} doesn't have. Add the catalog {catalog} to the group.",
                    drill.secondary
                ));
            }
        }
    }
    let found = unresolved.len();
    drill.problems.extend(unresolved);
    Ok(match (views.len(), found) {
        (0, _) => End::Skipped("The group has no views.".to_owned()),
        (views, 0) => End::Done(format!("{views} views have all tables that they name.")),
        (views, found) => End::Done(format!("{views} views name {found} tables that aren't there.")),
    })
}

/// The tables and views that a view says it depends on.
fn names_in(view: &uc::TableInfo) -> Vec<String> {
    let dependencies = view.view_dependencies.as_ref().and_then(|all| all["dependencies"].as_array());
    let name = |one: &serde_json::Value| one["table"]["table_full_name"].as_str().map(str::to_owned);
    dependencies.into_iter().flatten().filter_map(name).collect()
}

/// Commits to each copy as a writer would.
pub async fn write_to_copies(control: &Control, drill: &mut Drill) -> Result<End, ControlError> {
    let end = endpoint(control, drill).await?;
    let now_ms = control.now().timestamp_millis();
    for table in &drill.tables {
        let copy = root(control, &end, table, true).await?;
        delta::prove_writable(&copy, table.version, now_ms).await?;
    }
    Ok(End::Done(format!("{} tables took a commit.", drill.tables.len())))
}
