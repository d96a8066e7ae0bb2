//! The rules that a failover group must meet before it is created, each broken one a sentence.
//!
//! The form checks them as the user types, the runtime checks them again with facts of its own.

use super::{FailoverGroupSpec, MappingTable, Region, WorkspaceId};

/// At most this many catalogs in all failover groups of an account.
pub const MAX_CATALOGS: usize = 300;
/// At most this many failover groups in an account.
pub const MAX_GROUPS: usize = 100;

/// What is known of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceFacts {
    /// Its id.
    pub id: WorkspaceId,
    /// Its display name.
    pub name: String,
    /// Its region.
    pub region: Region,
    /// Whether the Mission Critical add-on is on.
    pub mission_critical: bool,
}

/// What is known of the account when a spec is checked. What isn't known is left empty and not checked.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Every workspace of the account.
    pub workspaces: Vec<WorkspaceFacts>,
    /// Names of the groups that exist.
    pub group_ids: Vec<String>,
    /// Catalogs that belong to a group already: catalog, then group.
    pub catalogs_taken: Vec<(String, String)>,
    /// Catalogs of the primary; None when its region could not be asked.
    pub primary_catalogs: Option<Vec<String>>,
    /// Catalogs of the secondary that would be overwritten; None when its region could not be asked.
    pub secondary_catalogs: Option<Vec<String>>,
    /// Storage locations of the catalogs in scope, in the primary.
    pub locations: Vec<String>,
    /// Full names of the account's stable URLs, each with the group that it is attached to; None when not known.
    pub stable_urls: Option<Vec<(String, Option<String>)>>,
}

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The form's field that it concerns.
    pub field: Field,
    /// Whether the request names something that exists already, which the API answers differently.
    pub already_exists: bool,
    /// What is wrong and what to do.
    pub sentence: String,
}

/// A field of the create form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// Failover group name.
    Name,
    /// Regions and primary region.
    Regions,
    /// Primary and secondary workspace.
    Workspaces,
    /// Replication scope.
    Scope,
    /// Storage mappings.
    Mappings,
}

fn violation(field: Field, sentence: impl Into<String>) -> Violation {
    Violation { field, already_exists: false, sentence: sentence.into() }
}

/// Every rule that `spec` breaks, in the order of the form's fields; empty when it may be created.
pub fn validate_spec(spec: &FailoverGroupSpec, facts: &Facts) -> Vec<Violation> {
    let mut found = Vec::new();
    if facts.group_ids.iter().any(|id| id == spec.id.as_str()) {
        found.push(Violation {
            field: Field::Name,
            already_exists: true,
            sentence: format!("A failover group named {} exists already. Choose another name.", spec.id),
        });
    } else if facts.group_ids.len() >= MAX_GROUPS {
        found.push(violation(
            Field::Name,
            format!("The account has {MAX_GROUPS} failover groups, which is the limit. Delete one first."),
        ));
    }
    check_regions(spec, &mut found);
    check_workspaces(spec, facts, &mut found);
    check_stable_urls(spec, facts, &mut found);
    check_scope(spec, facts, &mut found);
    check_mappings(spec, facts, &mut found);
    found
}

fn check_regions(spec: &FailoverGroupSpec, found: &mut Vec<Violation>) {
    if spec.regions.len() != 2 || spec.regions[0] == spec.regions[1] {
        found.push(violation(Field::Regions, "A failover group spans exactly two different regions. Choose two."));
    } else if !spec.regions.contains(&spec.initial_primary_region) {
        found.push(violation(
            Field::Regions,
            format!(
                "The primary region {:?} is not one of the group's regions. Choose {} or {}.",
                spec.initial_primary_region, spec.regions[0], spec.regions[1]
            ),
        ));
    }
}

fn check_workspaces(spec: &FailoverGroupSpec, facts: &Facts, found: &mut Vec<Violation>) {
    if spec.workspace_sets.is_empty() {
        found.push(violation(Field::Workspaces, "Choose a primary and a secondary workspace."));
    }
    let mut names = std::collections::BTreeSet::new();
    for set in &spec.workspace_sets {
        if set.name.trim().is_empty() {
            found.push(violation(Field::Workspaces, "A workspace set needs a name. Give it one."));
        } else if !names.insert(set.name.as_str()) {
            found.push(violation(
                Field::Workspaces,
                format!("Two workspace sets are named {:?}. Give each a name of its own.", set.name),
            ));
        }
        let mut regions_seen: Vec<&str> = Vec::new();
        for id in &set.workspace_ids {
            let Some(workspace) = facts.workspaces.iter().find(|w| &w.id == id) else {
                found.push(violation(
                    Field::Workspaces,
                    format!("The account has no workspace with the id {id:?}. Choose one of its workspaces."),
                ));
                continue;
            };
            if !spec.regions.contains(&workspace.region) {
                found.push(violation(
                    Field::Workspaces,
                    format!(
                        "Workspace {} is in {}, which is not one of the group's regions.",
                        workspace.name, workspace.region
                    ),
                ));
            }
            if regions_seen.contains(&workspace.region.as_str()) {
                found.push(violation(
                    Field::Workspaces,
                    format!(
                        "Two workspaces of the set {:?} are in {}. Choose one a region.",
                        set.name, workspace.region
                    ),
                ));
            }
            regions_seen.push(&workspace.region);
            if !workspace.mission_critical {
                found.push(violation(
                    Field::Workspaces,
                    format!(
                        "Workspace {} has no Mission Critical add-on. Switch it on under Workspaces › Add-ons.",
                        workspace.name
                    ),
                ));
            }
        }
        if set.workspace_ids.len() != spec.regions.len() {
            found.push(violation(
                Field::Workspaces,
                format!("The workspace set {:?} needs one workspace in each of the two regions.", set.name),
            ));
        }
    }
}

fn check_stable_urls(spec: &FailoverGroupSpec, facts: &Facts, found: &mut Vec<Violation>) {
    let Some(known) = &facts.stable_urls else { return };
    let mut seen = std::collections::BTreeSet::new();
    for name in spec.workspace_sets.iter().flat_map(|set| &set.stable_url_names) {
        if !seen.insert(name) {
            found.push(violation(
                Field::Workspaces,
                format!("The stable URL {name:?} is named twice. It can follow one workspace set only."),
            ));
        }
        let broken = match known.iter().find(|(known, _)| known == name) {
            None => Some(format!(
                "There is no stable URL {name:?}. Create it first, then name it as accounts/<account>/stable-urls/<id>."
            )),
            Some((_, Some(group))) if group != spec.id.as_str() => Some(format!(
                "The stable URL {name:?} is attached to failover group {group} already. Detach it there first."
            )),
            Some(_) => None,
        };
        found.extend(broken.map(|sentence| violation(Field::Workspaces, sentence)));
    }
}

fn check_scope(spec: &FailoverGroupSpec, facts: &Facts, found: &mut Vec<Violation>) {
    let Some(assets) = &spec.unity_catalog_assets else {
        if !spec.workspace_sets.iter().any(|set| set.replicate_workspace_assets) {
            found.push(violation(
                Field::Scope,
                "The group would replicate nothing. Choose at least one catalog for the replication scope.",
            ));
        }
        return;
    };
    if assets.catalogs.is_empty() {
        found.push(violation(Field::Scope, "Choose at least one catalog for the replication scope."));
    }
    if !spec.workspace_sets.iter().any(|set| set.name == assets.data_replication_workspace_set) {
        found.push(violation(
            Field::Scope,
            format!(
                "The data replication workspace set {:?} is not one of the group's workspace sets. Name one of them.",
                assets.data_replication_workspace_set
            ),
        ));
    }
    let mut seen = std::collections::BTreeSet::new();
    for catalog in &assets.catalogs {
        if !seen.insert(catalog) {
            found.push(violation(Field::Scope, format!("Catalog {catalog:?} is in the scope twice. Name it once.")));
        }
        if let Some((_, group)) =
            facts.catalogs_taken.iter().find(|(taken, group)| taken == catalog && group != spec.id.as_str())
        {
            found.push(violation(
                Field::Scope,
                format!("Catalog {catalog:?} belongs to failover group {group} already. A catalog belongs to at most one group."),
            ));
        }
        if facts.primary_catalogs.as_ref().is_some_and(|there| !there.contains(catalog)) {
            found.push(violation(
                Field::Scope,
                format!(
                    "There is no catalog {catalog:?} in {}. Choose one that is there.",
                    spec.initial_primary_region
                ),
            ));
        }
        if facts.secondary_catalogs.as_ref().is_some_and(|there| there.contains(catalog)) {
            found.push(violation(
                Field::Scope,
                format!(
                    "{} has a catalog {catalog:?} already, and replication would overwrite it. Rename or drop one of them.",
                    spec.other_region(&spec.initial_primary_region)
                ),
            ));
        }
    }
    let taken = facts.catalogs_taken.iter().filter(|(_, group)| group != spec.id.as_str()).count();
    if taken + assets.catalogs.len() > MAX_CATALOGS {
        found.push(violation(
            Field::Scope,
            format!(
                "The scope has {} catalogs and other groups have {taken}; the account's limit is {MAX_CATALOGS}. Take some out.",
                assets.catalogs.len()
            ),
        ));
    }
}

fn check_mappings(spec: &FailoverGroupSpec, facts: &Facts, found: &mut Vec<Violation>) {
    let Some(assets) = &spec.unity_catalog_assets else { return };
    match MappingTable::new(&assets.location_mappings, &spec.regions) {
        Err(errors) => found.extend(errors.into_iter().map(|e| violation(Field::Mappings, e.to_string()))),
        Ok(table) => {
            let uncovered: Vec<_> = facts
                .locations
                .iter()
                .filter(|location| table.covering(location, &spec.initial_primary_region).is_none())
                .collect();
            if let Some(first) = uncovered.first() {
                let more =
                    if uncovered.len() > 1 { format!(" and {} more", uncovered.len() - 1) } else { String::new() };
                found.push(violation(
                    Field::Mappings,
                    format!(
                        "No storage mapping covers {first}{more}. Add a row whose URI for {} is a prefix of it.",
                        spec.initial_primary_region
                    ),
                ));
            }
        }
    }
}
