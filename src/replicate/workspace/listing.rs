//! What a workspace holds.

use super::asset::Found;
use super::pace::Pace;
use super::{compute, dashboards, jobs, tree};
use crate::connect::ConnectError;
use crate::domain::AssetKind;
use crate::replicate::Endpoint;
use crate::wire::objects::{OBJECT_DASHBOARD, OBJECT_DIRECTORY, OBJECT_REPO, ObjectInfo};
use futures::{StreamExt, stream};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Folders listed at a time.
const PARALLEL_FOLDERS: usize = 5;
/// Folders that tools keep for themselves.
const SKIPPED: [&str; 4] = [".ide", ".bundle", "__pycache__", "Trash"];

/// The tree of a workspace, as far as it is in scope: everything below the folders at its root.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// By path. The folder `/` itself is left out.
    pub objects: BTreeMap<String, ObjectInfo>,
    /// Names at the root, with the slash.
    pub roots: BTreeSet<String>,
    pub git_folders: Vec<String>,
    /// Whether the region serves no such call.
    pub unserved: bool,
}

impl Tree {
    /// Paths of dashboards' files, by the dashboards' ids.
    fn dashboards(&self) -> HashMap<&str, &str> {
        let files = self.objects.values().filter(|object| object.object_type == OBJECT_DASHBOARD);
        files.filter_map(|file| Some((file.resource_id.as_deref()?, file.path.as_str()))).collect()
    }
}

/// Reads the tree; only below `roots` where they are given.
pub async fn read_tree(at: &Endpoint, pace: &Pace, roots: Option<&BTreeSet<String>>) -> Result<Tree, ConnectError> {
    let mut tree = Tree::default();
    let mut level = vec!["/".to_owned()];
    while !level.is_empty() {
        let read = |path: String| async move {
            pace.turn().await;
            let answer = at.client.folder(&path).await;
            (path, answer)
        };
        let answers: Vec<_> =
            stream::iter(std::mem::take(&mut level)).map(read).buffered(PARALLEL_FOLDERS).collect().await;
        for (path, answer) in answers {
            let objects = match answer {
                Err(error) if path == "/" && error.is_not_served() => {
                    tree.unserved = true;
                    return Ok(tree);
                }
                // Removed since its folder was listed.
                Err(error) if path != "/" && error.is_gone() => continue,
                objects => objects?,
            };
            for object in objects {
                let name = object.path.rsplit('/').next().unwrap_or_default();
                if object.object_type == OBJECT_REPO || object.path == "/Repos" {
                    tree.git_folders.push(object.path);
                    continue;
                }
                if SKIPPED.contains(&name) && object.object_type == OBJECT_DIRECTORY {
                    continue;
                }
                if path == "/" {
                    if roots.is_some_and(|roots| !roots.contains(&object.path)) {
                        continue;
                    }
                    tree.roots.insert(object.path.clone());
                }
                if object.object_type == OBJECT_DIRECTORY {
                    level.push(object.path.clone());
                }
                tree.objects.insert(object.path.clone(), object);
            }
        }
    }
    Ok(tree)
}

/// Assets of a workspace that aren't in its tree, and dashboards.
#[derive(Debug, Default)]
pub struct Listed {
    pub assets: Vec<Found>,
    /// Kinds that the region has no call for.
    pub unserved: BTreeSet<AssetKind>,
}

/// Lists compute, dashboards and jobs, in the order in which they are made.
pub async fn list(at: &Endpoint, pace: &Pace, tree: &Tree) -> Result<Listed, ConnectError> {
    let mut listed = Listed::default();
    let client = at.client.as_ref();
    if tree.unserved {
        listed.unserved.extend([AssetKind::Folder, AssetKind::Notebook, AssetKind::File]);
    }
    pace.turn().await;
    let warehouses = served(client.warehouses().await, AssetKind::SqlWarehouse, &mut listed.unserved)?;
    listed.assets.extend(warehouses.into_iter().map(compute::found_warehouse));
    pace.turn().await;
    let clusters = served(client.clusters().await, AssetKind::Cluster, &mut listed.unserved)?;
    listed.assets.extend(clusters.into_iter().map(compute::found_cluster));
    pace.turn().await;
    let drafts = served(client.dashboards().await, AssetKind::Dashboard, &mut listed.unserved)?;
    let paths = tree.dashboards();
    let path_of = |id: Option<&str>| id.and_then(|id| paths.get(id).copied());
    listed.assets.extend(drafts.into_iter().map(|draft| {
        let path = path_of(draft.dashboard_id.as_deref());
        dashboards::found(draft, path)
    }));
    pace.turn().await;
    let jobs = served(client.whole_jobs().await, AssetKind::Job, &mut listed.unserved)?;
    listed.assets.extend(jobs.into_iter().map(jobs::found));
    Ok(listed)
}

fn served<T>(
    answer: Result<Vec<T>, ConnectError>,
    kind: AssetKind,
    unserved: &mut BTreeSet<AssetKind>,
) -> Result<Vec<T>, ConnectError> {
    match answer {
        Err(error) if error.is_not_served() => {
            unserved.insert(kind);
            Ok(Vec::new())
        }
        answer => answer,
    }
}

/// The objects of a tree that replicate by their path; folders before what lies in them.
pub fn objects(tree: &Tree) -> impl Iterator<Item = Found> {
    let all = || tree.objects.values().cloned().filter_map(tree::found);
    let folders = all().filter(|found| found.kind == AssetKind::Folder);
    let rest = all().filter(|found| found.kind != AssetKind::Folder);
    let (folders, rest): (Vec<Found>, Vec<Found>) = (folders.collect(), rest.collect());
    folders.into_iter().chain(rest)
}
