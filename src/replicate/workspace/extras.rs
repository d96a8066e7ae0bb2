//! What only the secondary's workspace has, in the part of it that replicates: listed, and deleted once a person confirms it.

use super::asset::Found;
use super::ids::IdMap;
use super::listing::{self, Tree};
use super::request::AssetRequest;
use super::{kinds, tree};
use crate::domain::AssetKind;
use crate::replicate::CycleError;
use std::collections::BTreeSet;

/// What became of a deletion that a person confirmed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Kind and name of what was exported and deleted.
    pub deleted: Vec<(AssetKind, String)>,
    /// What was left, each as a sentence that says why.
    pub left: Vec<String>,
}

/// Assets of the secondary that no asset of the primary stands for.
pub fn of(destination: &Tree, others: &[Found], ids: &IdMap, side: usize) -> Vec<Found> {
    let is_known = |found: &Found| ids.find(side, found.kind, &found.id).is_some();
    let objects = listing::objects(destination)
        .filter(|found| !tree::ROOTS.contains(&found.name.as_str()) && !tree::is_home(&found.name))
        // A folder at the root that both have.
        .filter(|found| !(found.kind == AssetKind::Folder && destination.roots.contains(&found.name)));
    let in_scope = |found: &&Found| match found.kind {
        // Its path says whether it is in scope; where none is known, it isn't said to be.
        AssetKind::Dashboard => destination.objects.contains_key(&found.name),
        _ => true,
    };
    let rest = others.iter().filter(in_scope).cloned();
    objects.chain(rest).filter(|found| !is_known(found)).collect()
}

/// Exports and deletes what only the secondary has, as far as `confirmed` names it by kind and id. Everything is exported
/// before anything is deleted; what can't be exported stays.
pub async fn delete_extras(
    request: &AssetRequest<'_>,
    confirmed: &BTreeSet<(AssetKind, String)>,
) -> Result<Deleted, CycleError> {
    let at = |error| CycleError::at(&request.destination.region, error);
    let ids = IdMap::read(request.store, request.group, request.set).await?;
    request.pace.turn().await;
    let source =
        request.source.client.folder("/").await.map_err(|error| CycleError::at(&request.source.region, error))?;
    let roots: BTreeSet<String> = source.into_iter().map(|object| object.path).collect();
    let tree = listing::read_tree(request.destination, &request.pace, Some(&roots)).await.map_err(at)?;
    let others = listing::list(request.destination, &request.pace, &tree).await.map_err(at)?;
    let extras = of(&tree, &others.assets, &ids, request.destination_side());
    let mut due: Vec<Found> =
        extras.into_iter().filter(|found| confirmed.contains(&(found.kind, found.id.clone()))).collect();
    let mut outcome = Deleted::default();
    let mut kept = Vec::new();
    for found in due.drain(..) {
        match kinds::keep(request, &found).await {
            Ok(()) => kept.push(found),
            Err(sentence) => outcome.left.push(sentence),
        }
    }
    // Jobs before what they use, and what lies in a folder before the folder.
    kept.sort_by(|a, b| (a.kind == AssetKind::Folder, &b.name).cmp(&(b.kind == AssetKind::Folder, &a.name)));
    for found in kept {
        if request.stopped() {
            outcome
                .left
                .push(format!("{} was left, because a failover or the end of the program came first.", found.name));
            continue;
        }
        match kinds::remove(request, found.kind, &found.id, &found.name).await {
            Ok(()) => outcome.deleted.push((found.kind, found.name)),
            Err(error) => {
                let error = request.one_assets(error)?;
                outcome.left.push(format!("{} was exported and left. {error}", found.name));
            }
        }
    }
    Ok(outcome)
}
