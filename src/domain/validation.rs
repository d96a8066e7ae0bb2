//! The rules that a failover group must meet before it is created, each broken one a sentence.
//!
//! The form checks them as the user types, the runtime checks them again with facts of its own.

use super::{
    AssetName, CatalogName, FailoverGroupSpec, MappingTable, Region, StorageUri, UnityCatalogAssets, Unmapped,
    WorkspaceId,
};
use std::collections::{BTreeMap, BTreeSet};

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
    pub catalogs_taken: Vec<(CatalogName, String)>,
    /// Workspaces whose assets a group replicates already: workspace, then group.
    pub assets_taken: Vec<(WorkspaceId, String)>,
    /// Catalogs of the primary; None when its region could not be asked.
    pub primary_catalogs: Option<Vec<CatalogName>>,
    /// Catalogs of the secondary that would be overwritten; None when its region could not be asked.
    pub secondary_catalogs: Option<Vec<CatalogName>>,
    /// Storage locations of the catalogs in scope, in the primary.
    pub locations: Vec<String>,
    /// Where each region's metastore keeps what has no storage root of its own, as far as known.
    pub metastore_roots: BTreeMap<Region, String>,
    /// Places that the secondary's catalog can reach; None when it could not be asked.
    pub secondary_places: Option<Vec<String>>,
    /// The region that was primary first, where the spec names the one that is primary now.
    pub first_primary: Option<Region>,
    /// Full names of the account's stable URLs, each with the group that it is attached to; None when not known.
    pub stable_urls: Option<Vec<(String, Option<String>)>>,
}

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The form's field that it concerns.
    pub field: Field,
    /// The line of the readiness check that it concerns.
    pub topic: Topic,
    /// Whether the request names something that exists already, which the API answers differently.
    pub already_exists: bool,
    /// What is wrong and what to do.
    pub sentence: String,
}

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    Name,
    /// How many groups and catalogs an account may have.
    Limits,
    Regions,
    Workspaces,
    MissionCritical,
    StableUrls,
    /// The catalogs of the scope.
    Catalogs,
    /// Catalogs of the secondary that have their names.
    Clashes,
    Mappings,
    /// What the secondary's catalog can reach.
    ExternalLocations,
}

impl Violation {
    pub fn about(self, topic: Topic) -> Self {
        Self { topic, ..self }
    }
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
    let topic = match field {
        Field::Name => Topic::Name,
        Field::Regions => Topic::Regions,
        Field::Workspaces => Topic::Workspaces,
        Field::Scope => Topic::Catalogs,
        Field::Mappings => Topic::Mappings,
    };
    Violation { field, topic, already_exists: false, sentence: sentence.into() }
}

/// Every rule that `spec` breaks, in the order of the form's fields; empty when it may be created.
pub fn validate_spec(spec: &FailoverGroupSpec, facts: &Facts) -> Vec<Violation> {
    let mut found = Vec::new();
    if facts.group_ids.iter().any(|id| id == spec.id.as_str()) {
        found.push(Violation {
            topic: Topic::Name,
            field: Field::Name,
            already_exists: true,
            sentence: format!("A failover group named {} already exists. Choose another name.", spec.id),
        });
    } else if facts.group_ids.len() >= MAX_GROUPS {
        found.push(
            violation(
                Field::Name,
                format!("The account has reached its limit of {MAX_GROUPS} failover groups. Delete one first."),
            )
            .about(Topic::Limits),
        );
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
        found.push(violation(Field::Regions, "A failover group needs exactly two different regions. Choose two."));
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
                format!("Two workspace sets are named {:?}. Give each a unique name.", set.name),
            ));
        }
        let mut regions_seen: Vec<&str> = Vec::new();
        for id in &set.workspace_ids {
            let Some(workspace) = facts.workspaces.iter().find(|w| &w.id == id) else {
                found.push(violation(
                    Field::Workspaces,
                    format!(
                        "The account has no workspace with the id {:?}. Choose one of its workspaces.",
                        id.as_str()
                    ),
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
                        "Two workspaces of the set {:?} are in {}. Choose one per region.",
                        set.name, workspace.region
                    ),
                ));
            }
            regions_seen.push(workspace.region.as_str());
            if !workspace.mission_critical {
                found.push(
                    violation(
                        Field::Workspaces,
                        format!(
                            "Workspace {} has no Mission Critical add-on. Switch it on under Workspaces › Add-ons.",
                            workspace.name
                        ),
                    )
                    .about(Topic::MissionCritical),
                );
            }
        }
        let taken = |(id, group): &&(WorkspaceId, String)| group != spec.id.as_str() && set.workspace_ids.contains(id);
        if let Some((id, group)) = facts.assets_taken.iter().find(taken).filter(|_| set.replicate_workspace_assets) {
            // Two groups that fail over apart would overwrite each other's jobs and notebooks.
            found.push(violation(
                Field::Workspaces,
                format!("Failover group {group} replicates the assets of workspace {id} already. Turn it off in one of the two groups."),
            ));
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
            found.push(
                violation(
                    Field::Workspaces,
                    format!("The stable URL {name:?} is listed twice. It can follow only one workspace set."),
                )
                .about(Topic::StableUrls),
            );
        }
        let broken = match known.iter().find(|(known, _)| known == name) {
            None => Some(format!(
                "There is no stable URL {name:?}. Create it first, then name it as accounts/<account>/stable-urls/<id>."
            )),
            Some((_, Some(group))) if group != spec.id.as_str() => Some(format!(
                "The stable URL {name:?} is already attached to failover group {group}. Detach it there first."
            )),
            Some(_) => None,
        };
        found.extend(broken.map(|sentence| violation(Field::Workspaces, sentence).about(Topic::StableUrls)));
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
    check_catalogs(&assets.catalogs, spec, facts, found);
    check_rules(spec, assets, found);
    let taken = facts.catalogs_taken.iter().filter(|(_, group)| group != spec.id.as_str()).count();
    if taken + assets.catalogs.len() > MAX_CATALOGS {
        found.push(violation(
            Field::Scope,
            format!(
                "The scope has {} catalogs and other groups have {taken}. The account's limit is {MAX_CATALOGS}. Remove some.",
                assets.catalogs.len()
            ),
        ).about(Topic::Limits));
    }
}

/// What is taken out by name must be an object or a schema of the group's catalogs.
fn check_rules(spec: &FailoverGroupSpec, assets: &UnityCatalogAssets, found: &mut Vec<Violation>) {
    for (field, names) in [("excluded", &spec.rules.excluded), ("approved_renames", &spec.rules.approved_renames)] {
        let is_wrong = |name: &&String| {
            let parsed = AssetName::parse(name);
            parsed.schema.is_none() || !assets.catalogs.iter().any(|catalog| catalog.holds(&parsed))
        };
        if let Some(name) = names.iter().find(is_wrong) {
            let sentence = format!(
                "{field} names {name:?}, which isn't in one of the group's catalogs. Write catalog.schema or catalog.schema.object."
            );
            found.push(violation(Field::Scope, sentence));
        }
    }
}

/// One sentence a broken rule, however many catalogs break it.
fn check_catalogs(catalogs: &[CatalogName], spec: &FailoverGroupSpec, facts: &Facts, found: &mut Vec<Violation>) {
    let (mut bad, mut unknown, mut clashing) = (Vec::new(), Vec::new(), Vec::new());
    let mut times: BTreeMap<&CatalogName, usize> = BTreeMap::new();
    let mut taken: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let primary: Option<BTreeSet<_>> = facts.primary_catalogs.as_ref().map(|names| names.iter().collect());
    let secondary: Option<BTreeSet<_>> = facts.secondary_catalogs.as_ref().map(|names| names.iter().collect());
    for catalog in catalogs {
        let count = times.entry(catalog).or_default();
        *count += 1;
        if *count > 1 {
            continue;
        }
        let other = |(known, group): &&(CatalogName, String)| known == catalog && group != spec.id.as_str();
        if let Some((_, group)) = facts.catalogs_taken.iter().find(other) {
            taken.entry(group).or_default().push(catalog.as_str());
        }
        // What the primary lists is a name, whatever it looks like.
        let is_there = primary.as_ref().map(|there| there.contains(catalog));
        match catalog.check() {
            Err(error) if is_there != Some(true) => bad.push(error),
            _ if is_there == Some(false) => unknown.push(catalog.as_str()),
            _ => {}
        }
        if secondary.as_ref().is_some_and(|there| there.contains(catalog)) {
            clashing.push(catalog.as_str());
        }
    }
    let scope = |sentence: String| violation(Field::Scope, sentence);
    found.extend(bad.into_iter().take(NAMED).map(|error| scope(error.to_string())));
    let twice: Vec<(&str, usize)> =
        times.iter().filter(|(_, count)| **count > 1).map(|(name, count)| (name.as_str(), *count)).collect();
    match twice.as_slice() {
        [] => {}
        [(one, count)] => {
            let count = *count;
            let count = if count == 2 { "twice".to_owned() } else { format!("{count} times") };
            found.push(scope(format!("Catalog {} is in the scope {count}. Name it once.", few(&[one]))));
        }
        many => {
            let names: Vec<&str> = many.iter().map(|(name, _)| *name).collect();
            found.push(scope(format!("Catalogs {} are in the scope twice. Name each once.", few(&names))));
        }
    }
    for (group, catalogs) in taken.iter().take(NAMED) {
        let (noun, verb) = if catalogs.len() == 1 { ("Catalog", "belongs") } else { ("Catalogs", "belong") };
        found.push(scope(format!(
            "{noun} {} already {verb} to failover group {group}. A catalog can be in only one group.",
            few(catalogs)
        )));
    }
    let primary = &spec.initial_primary_region;
    match unknown.as_slice() {
        [] => {}
        [one] => {
            found.push(scope(format!("There is no catalog {} in {primary}. Choose one that is there.", few(&[one]))));
        }
        many => found.push(scope(format!("There are no catalogs {} in {primary}. Take them out.", few(many)))),
    }
    if !clashing.is_empty() {
        let (noun, it) = if clashing.len() == 1 { ("a catalog", "it") } else { ("catalogs", "them") };
        found.push(
            scope(format!(
                "{} already has {noun} {}, and replication would overwrite {it}. Rename or drop one of them.",
                spec.other_region(primary),
                few(&clashing)
            ))
            .about(Topic::Clashes),
        );
    }
}

/// How many of many a sentence names.
const NAMED: usize = 3;
/// A longer name or location is cut in a sentence.
const SHOWN: usize = 200;

/// The first of many, and how many more there are.
fn few(all: &[&str]) -> String {
    let named: Vec<String> = all.iter().take(NAMED).map(|name| format!("{:?}", cut(name))).collect();
    match all.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or(text)),
        None => text.to_owned(),
    }
}

fn check_mappings(spec: &FailoverGroupSpec, facts: &Facts, found: &mut Vec<Violation>) {
    let Some(assets) = &spec.unity_catalog_assets else { return };
    let broken = |sentence: String| violation(Field::Mappings, sentence);
    let (from, to) = (&spec.initial_primary_region, spec.other_region(&spec.initial_primary_region));
    let first = facts.first_primary.clone().unwrap_or_else(|| from.clone());
    let ordered = FailoverGroupSpec { initial_primary_region: first, ..spec.clone() }.regions_in_order();
    let table = match MappingTable::new(&assets.location_mappings, &ordered) {
        Ok(table) => table,
        Err(errors) => {
            let more = errors.len().saturating_sub(NAMED);
            found.extend(errors.into_iter().take(NAMED).map(|error| broken(error.to_string())));
            if more > 0 {
                found.push(broken(format!("{more} more storage mappings are wrong. Correct these first.")));
            }
            return;
        }
    };
    let root = |region: &Region| facts.metastore_roots.get(region).map(String::as_str);
    let table = table.with_metastore_roots(spec.regions.iter().map(|region| (region, root(region))));
    let (mut uncovered, mut outside, mut others): (Vec<&str>, Vec<String>, Vec<Unmapped>) = Default::default();
    let parse = |uri: &String| StorageUri::parse(uri).ok();
    let reachable: Option<Vec<StorageUri>> =
        facts.secondary_places.as_ref().map(|places| places.iter().filter_map(parse).collect());
    for location in &facts.locations {
        match table.map(location, from, to) {
            Ok(mapped) => {
                let place = parse(&mapped);
                let within = |outer: &StorageUri| place.as_ref().is_some_and(|place| place.is_within(outer));
                if reachable.as_ref().is_some_and(|places| !places.iter().any(within)) {
                    outside.push(mapped);
                }
            }
            Err(Unmapped::NotCovered { .. }) => uncovered.push(location),
            Err(other) => others.push(other),
        }
    }
    let more = |count: usize| if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
    if let Some(location) = uncovered.first() {
        found.push(broken(format!(
            "No storage mapping covers {}{}. Add a row whose URI for {from} is a prefix of it.",
            cut(location),
            more(uncovered.len())
        )));
    }
    found.extend(others.into_iter().take(NAMED).map(|why| broken(why.to_string())));
    if let Some(place) = outside.first() {
        found.push(broken(format!(
            "No external location of {to} covers {}{} (MISSING_EXTERNAL_LOCATION). Create one there, with a storage credential that can write.",
            cut(place),
            more(outside.len())
        ))
        .about(Topic::ExternalLocations));
    }
}

impl Facts {
    /// Spells the catalogs of `spec` as the catalog spells them, for it takes names in capitals for the same ones.
    pub fn spell_as_known(&self, spec: &mut FailoverGroupSpec) {
        let Some(assets) = &mut spec.unity_catalog_assets else { return };
        let known: BTreeSet<&CatalogName> = self.primary_catalogs.iter().flatten().collect();
        for catalog in &mut assets.catalogs {
            *catalog = known.get(catalog).map_or_else(|| catalog.in_small_letters(), |name| (*name).clone());
        }
    }
}

#[cfg(test)]
mod tests;
