//! What one click does about an error: takes its object out of the scope, adds a catalog, approves a rename; and undoes that.

use crate::control::view::GroupView;
use crate::control::{GroupPatch, RulesPatch};
use crate::domain::{AssetKind, CatalogName, ErrorClass, ObjectError, same_name};
use crate::runtime::Intent;

/// A button.
pub struct Remedy {
    pub label: &'static str,
    pub hint: String,
}

/// The remedy for an error that one click brings, and what the click asks for.
pub fn remedy(view: &GroupView, error: &ObjectError) -> Option<(Remedy, Intent)> {
    let group = &view.group;
    if !group.state.replicates() || group.salvage_pending {
        return None;
    }
    let known = &group.spec.rules;
    if let (ErrorClass::MissingDependency, Some(catalog)) = (error.class, error.parameters.get("catalog")) {
        let catalogs = group.catalogs().iter().cloned().chain([CatalogName::new(catalog)]).collect();
        let hint = format!("Adds catalog {catalog} to the group's scope");
        return Some((
            Remedy { label: "Add catalog", hint },
            change(view, GroupPatch { catalogs: Some(catalogs), ..GroupPatch::default() }),
        ));
    }
    if error.class == ErrorClass::RenameWaits {
        // The renames that wait go together: their sizes were added up.
        let waiting = view.errors.iter().filter(|e| e.class == ErrorClass::RenameWaits).map(|e| e.object.clone());
        let approved = known.approved_renames.iter().cloned().chain(waiting).collect();
        let hint = "Ships every renamed table that waits again, under its new name".to_owned();
        return Some((
            Remedy { label: "Approve renames", hint },
            change(view, rules(RulesPatch { approved_renames: Some(approved), ..RulesPatch::default() })),
        ));
    }
    let is_single =
        !matches!(error.kind, AssetKind::Catalog | AssetKind::Schema) && error.object.matches('.').count() == 2;
    let offers = error.blocks_replication_point() && error.class != ErrorClass::LeftBehind;
    if !is_single || !offers {
        return None;
    }
    let excluded = known.excluded.iter().cloned().chain([error.object.clone()]).collect();
    let hint = format!("Takes {} out of the scope by name. The replication point moves on without it", error.object);
    Some((
        Remedy { label: "Take out of scope", hint },
        change(view, rules(RulesPatch { excluded: Some(excluded), ..RulesPatch::default() })),
    ))
}

/// Puts back what was taken out of the scope by name.
pub fn put_back(view: &GroupView, name: &str) -> Intent {
    let excluded = view.group.spec.rules.excluded.iter().filter(|known| !same_name(known, name)).cloned().collect();
    change(view, rules(RulesPatch { excluded: Some(excluded), ..RulesPatch::default() }))
}

fn rules(patch: RulesPatch) -> GroupPatch {
    GroupPatch { rules: Box::new(patch), ..GroupPatch::default() }
}

fn change(view: &GroupView, patch: GroupPatch) -> Intent {
    Intent::UpdateGroup { id: view.group.spec.id.clone(), patch, etag: view.group.etag.clone() }
}
