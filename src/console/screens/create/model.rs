//! What the form makes of half-typed text: a spec, the rules that it breaks, the locations that it must map.

use crate::console::scene::Scene;
use crate::control::view::{CatalogView, RegionView, WorkspaceView};
use crate::domain::validation::Field;
use crate::domain::{
    CatalogName, Facts, FailoverGroup, FailoverGroupSpec, GroupId, LocationMapping, MappingTable, Region, StorageUri,
    Topic, UnityCatalogAssets, Violation, WorkspaceFacts, WorkspaceId, WorkspaceSet, validate_spec,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The name of the one workspace set that the form makes.
const SET: &str = "workspaces";

/// What has been typed and chosen so far. It is kept between starts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    /// The group that is being edited; None for a new one.
    pub of: Option<GroupId>,
    /// The group's name.
    pub name: String,
    /// The workspace that is primary first.
    pub primary: Option<WorkspaceId>,
    /// The workspace that stands for it.
    pub secondary: Option<WorkspaceId>,
    /// Catalogs in scope.
    pub catalogs: BTreeSet<String>,
    /// Storage mappings.
    pub rows: Vec<RowDraft>,
    /// Whether the workspaces' assets replicate too.
    pub assets: bool,
}

/// One storage mapping as typed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RowDraft {
    /// Its name.
    pub name: String,
    /// Region to URI.
    pub uri_by_region: BTreeMap<Region, String>,
}

/// A storage location in scope and what becomes of it.
#[derive(Debug, Clone, PartialEq)]
pub struct LocationRow {
    /// Where it lies in the primary.
    pub uri: String,
    /// Catalogs that keep their tables there.
    pub catalogs: Vec<String>,
    /// The mapping that covers it and where it lands; None while nothing does.
    pub covered: Option<(String, String)>,
}

impl Draft {
    /// What a group is now, to be edited: seen from its effective primary.
    pub fn of_group(scene: &Scene<'_>, group: &FailoverGroup) -> Self {
        let ids = group.spec.data_workspace_set().map_or(&[] as &[WorkspaceId], |set| &set.workspace_ids);
        let side = |region: &Region| {
            let at_secondary =
                |id: &&WorkspaceId| workspace(scene, Some(id)).is_some_and(|found| found.region == *region);
            ids.iter().find(at_secondary).cloned()
        };
        let mappings = group.spec.unity_catalog_assets.as_ref().map(|assets| assets.location_mappings.clone());
        let row = |row: LocationMapping| RowDraft { name: row.name, uri_by_region: row.uri_by_region };
        Self {
            of: Some(group.spec.id.clone()),
            name: group.spec.id.to_string(),
            primary: side(&group.effective_primary_region),
            secondary: side(group.effective_secondary_region()),
            catalogs: group.catalogs().iter().map(CatalogName::to_string).collect(),
            rows: mappings.unwrap_or_default().into_iter().map(row).collect(),
            assets: group.spec.data_workspace_set().is_some_and(|set| set.replicate_workspace_assets),
        }
    }

    /// Whether `catalog` is in the scope of the group that is being edited.
    pub fn has_already(&self, scene: &Scene<'_>, catalog: &str) -> bool {
        let group = self.of.as_ref().and_then(|id| scene.group(id));
        group.is_some_and(|view| view.group.has_catalog(catalog))
    }

    /// Whether anything would be lost by leaving.
    pub fn is_blank(&self) -> bool {
        *self == Self::default()
    }

    /// The primary workspace.
    pub fn primary_of<'a>(&self, scene: &Scene<'a>) -> Option<&'a WorkspaceView> {
        workspace(scene, self.primary.as_ref())
    }

    /// The secondary workspace.
    pub fn secondary_of<'a>(&self, scene: &Scene<'a>) -> Option<&'a WorkspaceView> {
        workspace(scene, self.secondary.as_ref())
    }

    /// The region of the primary workspace, as last read.
    pub fn primary_region<'a>(&self, scene: &Scene<'a>) -> Option<&'a RegionView> {
        scene.region(&self.primary_of(scene)?.region)
    }

    /// The region of the secondary workspace, as last read.
    pub fn secondary_region<'a>(&self, scene: &Scene<'a>) -> Option<&'a RegionView> {
        scene.region(&self.secondary_of(scene)?.region)
    }

    /// Both regions, primary first, once two workspaces in different regions are chosen.
    pub fn regions(&self, scene: &Scene<'_>) -> Option<[Region; 2]> {
        let (a, b) = (self.primary_of(scene)?, self.secondary_of(scene)?);
        (a.region != b.region).then(|| [a.region.clone(), b.region.clone()])
    }

    /// Makes `id` the primary workspace; what no longer fits is dropped, and the other side chosen where there is only
    /// one to choose.
    pub fn choose_primary(&mut self, scene: &Scene<'_>, id: WorkspaceId) {
        self.primary = Some(id);
        let Some(primary) = self.primary_of(scene) else { return };
        let elsewhere: Vec<_> = scene.account().workspaces.iter().filter(|w| w.region != primary.region).collect();
        let fits = self.secondary_of(scene).is_some_and(|secondary| secondary.region != primary.region);
        if !fits {
            self.secondary = match elsewhere.as_slice() {
                [only] => Some(only.id.clone()),
                _ => None,
            };
        }
        if let Some(region) = self.primary_region(scene) {
            self.catalogs.retain(|catalog| region.catalogs.iter().any(|at_secondary| &at_secondary.name == catalog));
        }
    }

    /// Turns the direction around.
    pub fn swap(&mut self, scene: &Scene<'_>) {
        std::mem::swap(&mut self.primary, &mut self.secondary);
        if let Some(region) = self.primary_region(scene) {
            self.catalogs.retain(|catalog| region.catalogs.iter().any(|at_secondary| &at_secondary.name == catalog));
        }
    }

    /// The spec as far as it is filled in; None until the name can be one.
    pub fn spec(&self, scene: &Scene<'_>) -> Option<FailoverGroupSpec> {
        Some(self.spec_named(GroupId::new(self.name.trim()).ok()?, scene))
    }

    fn spec_named(&self, id: GroupId, scene: &Scene<'_>) -> FailoverGroupSpec {
        let chosen: Vec<_> = [self.primary_of(scene), self.secondary_of(scene)].into_iter().flatten().collect();
        FailoverGroupSpec {
            rules: Default::default(),
            id,
            regions: chosen.iter().map(|workspace| workspace.region.clone()).collect(),
            initial_primary_region: self.primary_of(scene).map(|w| w.region.clone()).unwrap_or_default(),
            workspace_sets: vec![WorkspaceSet {
                name: SET.to_owned(),
                workspace_ids: chosen.iter().map(|workspace| workspace.id.clone()).collect(),
                replicate_workspace_assets: self.assets,
                stable_url_names: Vec::new(),
            }],
            unity_catalog_assets: Some(UnityCatalogAssets {
                catalogs: self.catalogs.iter().map(CatalogName::new).collect(),
                data_replication_workspace_set: SET.to_owned(),
                location_mappings: self.mappings(),
            }),
        }
    }

    /// The storage mappings as they would be sent.
    pub fn mappings(&self) -> Vec<LocationMapping> {
        let row = |row: &RowDraft| LocationMapping {
            name: row.name.trim().to_owned(),
            uri_by_region: row.uri_by_region.iter().map(|(r, uri)| (r.clone(), uri.trim().to_owned())).collect(),
        };
        self.rows.iter().map(row).collect()
    }

    /// Every rule that the draft breaks.
    pub fn violations(&self, scene: &Scene<'_>) -> Vec<Violation> {
        let mut found = Vec::new();
        let broken = |field, sentence: String| Violation { field, topic: Topic::Name, already_exists: false, sentence };
        let id = GroupId::new(self.name.trim());
        if let Err(error) = &id {
            found.push(broken(Field::Name, error.to_string()));
        }
        let named = id.is_ok();
        let paired = self.primary.is_some() && self.secondary.is_some();
        if self.primary.is_none() {
            found.push(broken(Field::Workspaces, "Choose the workspace that is primary first.".to_owned()));
        } else if self.secondary.is_none() {
            found.push(broken(Field::Workspaces, "Choose a secondary workspace in another region.".to_owned()));
        }
        // A stand-in name lets the other rules be checked while the name is not one yet.
        let Ok(id) = id.or_else(|_| GroupId::new("unnamed")) else { return found };
        let rules = validate_spec(&self.spec_named(id, scene), &self.facts(scene));
        found.extend(rules.into_iter().filter(|violation| match violation.field {
            Field::Name => named,
            Field::Regions | Field::Workspaces => paired,
            Field::Mappings => self.regions(scene).is_some(),
            Field::Scope => true,
        }));
        found
    }

    fn facts(&self, scene: &Scene<'_>) -> Facts {
        let account = scene.account();
        let mut taken: Vec<(CatalogName, String)> = Vec::new();
        for view in &account.groups {
            let group = &view.group;
            taken.extend(group.catalogs().iter().map(|catalog| (catalog.clone(), group.spec.id.to_string())));
        }
        let known = |region: Option<&RegionView>| {
            let region = region.filter(|region| region.read_at.is_some())?;
            Some(region.catalogs.iter().map(|catalog| CatalogName::new(&*catalog.name)).collect::<Vec<_>>())
        };
        // A replica that a deleted group left is compared and taken up again, not overwritten.
        let foreign = self.secondary_region(scene).filter(|region| region.read_at.is_some()).map(|region| {
            let foreign = |catalog: &&CatalogView| catalog.left_by.is_none() && !self.has_already(scene, &catalog.name);
            let theirs = region.catalogs.iter().filter(foreign);
            theirs.map(|catalog| CatalogName::new(&*catalog.name)).collect()
        });
        Facts {
            stable_urls: None,
            workspaces: account
                .workspaces
                .iter()
                .map(|workspace| WorkspaceFacts {
                    id: workspace.id.clone(),
                    name: workspace.name.clone(),
                    region: workspace.region.clone(),
                    mission_critical: workspace.mission_critical,
                })
                .collect(),
            group_ids: account
                .groups
                .iter()
                .filter(|view| Some(&view.group.spec.id) != self.of.as_ref())
                .map(|view| view.group.spec.id.to_string())
                .collect(),
            catalogs_taken: taken,
            assets_taken: account
                .groups
                .iter()
                .map(|view| &view.group.spec)
                .flat_map(|spec| spec.asset_workspaces().map(|id| (id.clone(), spec.id.to_string())))
                .collect(),
            primary_catalogs: known(self.primary_region(scene)),
            secondary_catalogs: foreign,
            locations: self.chosen_catalogs(scene).flat_map(|catalog| catalog.locations.iter().cloned()).collect(),
            metastore_roots: [self.primary_region(scene), self.secondary_region(scene)]
                .into_iter()
                .flatten()
                .filter_map(|region| Some((region.name.clone(), region.metastore_root.clone()?)))
                .collect(),
            secondary_places: self
                .secondary_region(scene)
                .filter(|region| region.read_at.is_some())
                .map(|region| region.external_locations.iter().chain(&region.metastore_root).cloned().collect()),
            first_primary: self.first_primary(scene),
        }
    }

    /// The region that was primary first, of a group that is edited.
    fn first_primary(&self, scene: &Scene<'_>) -> Option<Region> {
        let group = self.of.as_ref().and_then(|id| scene.group(id))?;
        Some(group.group.spec.initial_primary_region.clone())
    }

    fn chosen_catalogs<'a>(&'a self, scene: &Scene<'a>) -> impl Iterator<Item = &'a CatalogView> {
        let all = self.primary_region(scene).map_or(&[] as &[CatalogView], |region| &region.catalogs);
        all.iter().filter(|catalog| self.catalogs.contains(&catalog.name))
    }

    /// Locations in scope, those that no mapping covers first.
    pub fn locations(&self, scene: &Scene<'_>) -> Vec<LocationRow> {
        let Some([from, to]) = self.regions(scene) else { return Vec::new() };
        let mut regions = [from.clone(), to.clone()];
        if self.first_primary(scene).as_ref() == Some(&to) {
            regions.reverse();
        }
        let root = |region: Option<&'_ RegionView>| region.and_then(|region| region.metastore_root.clone());
        let (primary_root, secondary_root) = (root(self.primary_region(scene)), root(self.secondary_region(scene)));
        let roots = [(&from, primary_root.as_deref()), (&to, secondary_root.as_deref())];
        let table = self.sound_mappings(&regions).with_metastore_roots(roots);
        let mut by_uri: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for catalog in self.chosen_catalogs(scene) {
            for location in &catalog.locations {
                by_uri.entry(location.clone()).or_default().push(catalog.name.clone());
            }
        }
        let mut found: Vec<_> = by_uri
            .into_iter()
            .map(|(uri, catalogs)| {
                let row = table.covering(&uri, &from).map(|row| row.name.clone());
                let covered = row.zip(table.map(&uri, &from, &to).ok());
                LocationRow { uri, catalogs, covered }
            })
            .collect();
        found.sort_by_key(|row| row.covered.is_some());
        found
    }

    /// The mappings that hold by themselves, so that one half-typed row does not uncover everything else.
    fn sound_mappings(&self, regions: &[Region]) -> MappingTable {
        let mut sound: Vec<LocationMapping> = Vec::new();
        for row in self.mappings() {
            sound.push(row);
            if MappingTable::new(&sound, regions).is_err() {
                sound.pop();
            }
        }
        MappingTable::new(&sound, regions).unwrap_or_default()
    }

    /// Adds a mapping for `location` that leads to its mirror in the other region, as far as that can be told.
    pub fn add_mapping(&mut self, scene: &Scene<'_>, location: &str) {
        let (Some(from), Some(to)) = (self.primary_region(scene), self.secondary_region(scene)) else { return };
        let source = enclosing_location(location, from);
        let target = mirror(&source, from, to);
        let tail = source.trim_end_matches('/').rsplit('/').next().unwrap_or("lake");
        let mut name = if tail.is_empty() || tail.ends_with(':') { "lake".to_owned() } else { tail.to_owned() };
        let stem = name.clone();
        let mut number = 2;
        while self.rows.iter().any(|row| row.name == name) {
            name = format!("{stem}-{number}");
            number += 1;
        }
        let starred = |uri: &str| format!("{}/*", uri.trim_end_matches('/'));
        let uris = [
            (from.name.clone(), starred(&source)),
            (to.name.clone(), target.map(|uri| starred(&uri)).unwrap_or_default()),
        ];
        self.rows.push(RowDraft { name, uri_by_region: uris.into() });
    }

    /// Adds a mapping for each external location that holds something without one.
    pub fn add_missing_mappings(&mut self, scene: &Scene<'_>) {
        let Some(from) = self.primary_region(scene) else { return };
        let open = self.locations(scene).into_iter().filter(|row| row.covered.is_none());
        let mut taken = BTreeSet::new();
        for row in open {
            // One mapping covers all that lies in the same external location.
            if taken.insert(enclosing_location(&row.uri, from)) {
                self.add_mapping(scene, &row.uri);
            }
        }
    }
}

fn workspace<'a>(scene: &Scene<'a>, id: Option<&WorkspaceId>) -> Option<&'a WorkspaceView> {
    scene.account().workspaces.iter().find(|workspace| Some(&workspace.id) == id)
}

fn is_below(location: &str, prefix: &str) -> bool {
    let parsed = (StorageUri::parse(location), StorageUri::parse(prefix));
    matches!(parsed, (Ok(location), Ok(prefix)) if location.is_within(&prefix))
}

/// The shortest external location that holds `location`, so that one mapping covers as much as it can.
fn enclosing_location(location: &str, region: &RegionView) -> String {
    let holding = region.external_locations.iter().filter(|uri| is_below(location, uri));
    let shortest = holding.min_by_key(|uri| uri.trim_end_matches('/').len());
    shortest.map_or(location, String::as_str).trim_end_matches('/').to_owned()
}

/// The same place in the other region: an external location with the same path below the region's root, or with the
/// region's name in place of the other's.
fn mirror(source: &str, from: &RegionView, to: &RegionView) -> Option<String> {
    let by_root = from.storage_root.as_deref().zip(to.storage_root.as_deref()).and_then(|(a, b)| {
        let rest = source.strip_prefix(a.trim_end_matches('/'))?;
        (rest.is_empty() || rest.starts_with('/')).then(|| format!("{}{rest}", b.trim_end_matches('/')))
    });
    let by_name = source.contains(from.name.as_str()).then(|| source.replace(from.name.as_str(), to.name.as_str()));
    let at_secondary =
        |uri: &String| to.external_locations.iter().any(|known| StorageUri::parse(known) == StorageUri::parse(uri));
    let candidates = [by_root, by_name];
    let known = candidates.iter().flatten().find(|uri| at_secondary(uri)).cloned();
    let only = match (from.external_locations.as_slice(), to.external_locations.as_slice()) {
        ([_], [only]) => Some(only.trim_end_matches('/').to_owned()),
        _ => None,
    };
    known.or(only).or_else(|| candidates.into_iter().flatten().next())
}

/// How a requirement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Met.
    Met,
    /// Not filled in yet.
    Open,
    /// Broken.
    Broken,
}

/// One line of the list of requirements.
#[derive(Debug, Clone, PartialEq)]
pub struct Requirement {
    /// What must hold.
    pub words: &'static str,
    /// Whether it does.
    pub standing: Standing,
}

/// Everything that must hold before the group can be created.
pub fn requirements(draft: &Draft, scene: &Scene<'_>, violations: &[Violation]) -> Vec<Requirement> {
    let broken = |fields: &[Field]| violations.iter().any(|violation| fields.contains(&violation.field));
    let standing = |blank: bool, broken: bool| match (blank, broken) {
        (true, _) => Standing::Open,
        (false, true) => Standing::Broken,
        (false, false) => Standing::Met,
    };
    let chosen = [draft.primary_of(scene), draft.secondary_of(scene)];
    let both = chosen.iter().all(Option::is_some);
    let critical = chosen.iter().flatten().all(|workspace| workspace.mission_critical);
    let no_catalog = draft.catalogs.is_empty();
    vec![
        Requirement {
            words: "The name is free",
            standing: standing(draft.name.trim().is_empty(), broken(&[Field::Name])),
        },
        Requirement {
            words: "Two workspaces in different regions",
            standing: standing(!both, draft.regions(scene).is_none() || broken(&[Field::Regions])),
        },
        Requirement { words: "Mission Critical on both", standing: standing(!both, !critical) },
        Requirement {
            words: "Catalogs chosen, free, and no clash in the secondary",
            standing: standing(no_catalog, broken(&[Field::Scope])),
        },
        Requirement {
            words: "Every storage location maps to a place the secondary can reach",
            standing: standing(no_catalog || !both, broken(&[Field::Mappings])),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(name: &str, root: Option<&str>, external: &[&str]) -> RegionView {
        RegionView {
            name: Region::new(name),
            unreachable_since: None,
            clock_skew_s: None,
            storage_skew_s: None,
            read_at: None,
            storage_root: root.map(str::to_owned),
            offers: None,
            metastore_root: None,
            catalogs: Vec::new(),
            external_locations: external.iter().map(|uri| (*uri).to_owned()).collect(),
            workloads: Vec::new(),
        }
    }

    #[test]
    fn one_mapping_covers_the_whole_external_location() {
        let east = region("us-east-1", None, &["s3://lake/a/b", "s3://lake/a/", "s3://lake/ab"]);
        assert_eq!(enclosing_location("s3://lake/a/b/main", &east), "s3://lake/a");
        assert_eq!(enclosing_location("s3://lake/abc", &east), "s3://lake/abc");
    }

    #[test]
    fn the_mirror_is_a_known_location_where_there_is_one() {
        let east = region("us-east-1", Some("file:///d/east"), &["file:///d/east/lake"]);
        let west = region("us-west-2", Some("file:///d/west"), &["file:///d/west/lake"]);
        assert_eq!(mirror("file:///d/east/lake", &east, &west).as_deref(), Some("file:///d/west/lake"));
        let east = region("us-east-1", None, &["s3://lake-us-east-1/x"]);
        let west = region("us-west-2", None, &["s3://lake-us-west-2/y", "s3://lake-us-west-2/x"]);
        assert_eq!(mirror("s3://lake-us-east-1/x", &east, &west).as_deref(), Some("s3://lake-us-west-2/x"));
        let nameless = region("us-west-2", None, &["s3://a", "s3://b"]);
        assert_eq!(mirror("s3://lake/x", &region("us-east-1", None, &["s3://lake/x"]), &nameless), None);
    }
}
