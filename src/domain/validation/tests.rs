use super::*;
use crate::domain::{CatalogName, GroupId, LocationMapping, Region, UnityCatalogAssets, WorkspaceId, WorkspaceSet};

fn spec(catalogs: &[&str]) -> FailoverGroupSpec {
    let uris = [("east", "s3://e/*"), ("west", "s3://w/*")];
    FailoverGroupSpec {
        rules: Default::default(),
        id: GroupId::new("core").expect("an id"),
        regions: vec![Region::new("east"), Region::new("west")],
        initial_primary_region: Region::new("east"),
        workspace_sets: vec![WorkspaceSet {
            name: "ws".to_owned(),
            workspace_ids: ["1", "2"].map(WorkspaceId::new).to_vec(),
            replicate_workspace_assets: false,
            stable_url_names: Vec::new(),
        }],
        unity_catalog_assets: Some(UnityCatalogAssets {
            catalogs: catalogs.iter().copied().map(CatalogName::new).collect(),
            data_replication_workspace_set: "ws".to_owned(),
            location_mappings: vec![LocationMapping {
                name: "all".to_owned(),
                uri_by_region: uris.map(|(region, uri)| (Region::new(region), uri.to_owned())).into(),
            }],
        }),
    }
}

fn facts() -> Facts {
    let workspace = |id: &str, region: &str| WorkspaceFacts {
        id: WorkspaceId::new(id),
        name: region.to_owned(),
        region: Region::new(region),
        mission_critical: true,
    };
    Facts { workspaces: vec![workspace("1", "east"), workspace("2", "west")], ..Facts::default() }
}

fn sentences(spec: &FailoverGroupSpec, facts: &Facts) -> Vec<String> {
    validate_spec(spec, facts).into_iter().map(|violation| violation.sentence).collect()
}

#[test]
fn catalogs_are_compared_as_the_catalog_compares_them() {
    let mut facts =
        Facts { primary_catalogs: Some(vec![CatalogName::new("one"), CatalogName::new("Zwei")]), ..facts() };
    let mut spelled = spec(&["ONE", "zwei", "Other"]);
    facts.spell_as_known(&mut spelled);
    let spelled = spelled.unity_catalog_assets.map(|assets| CatalogName::list(&assets.catalogs));
    assert_eq!(spelled.as_deref(), Some("one, Zwei, other"));
    assert_eq!(sentences(&spec(&["ONE"]), &facts), Vec::<String>::new());
    facts.catalogs_taken = vec![(CatalogName::new("One"), "hr".to_owned())];
    assert!(sentences(&spec(&["ONE"]), &facts)[0].contains("already belongs to failover group hr"));
    facts.catalogs_taken = vec![(CatalogName::new("One"), "core".to_owned())];
    facts.secondary_catalogs = Some(vec![CatalogName::new("oNE")]);
    assert!(sentences(&spec(&["one"]), &facts)[0].contains("west already has a catalog \"one\""));
}

#[test]
fn a_catalog_named_more_than_once_makes_one_sentence() {
    let facts = Facts { primary_catalogs: Some(vec![CatalogName::new("one")]), ..facts() };
    let said = sentences(&spec(&["one", "ONE", "one"]), &facts);
    assert_eq!(said, ["Catalog \"one\" is in the scope 3 times. Name it once."]);
    assert!(sentences(&spec(&["one", "One"]), &facts)[0].contains("twice"));
}

#[test]
fn a_text_that_no_catalog_can_be_named_is_refused_where_the_primary_cannot_be_asked() {
    assert_eq!(sentences(&spec(&["one"]), &facts()), Vec::<String>::new());
    let said = sentences(&spec(&["main.sales", "", "a b"]), &facts());
    assert_eq!(
        said,
        [
            "\"main.sales\" can't be a catalog's name, because it contains '.'. Correct it.",
            "A catalog in the scope has no name. Name it.",
            "\"a b\" can't be a catalog's name, because it contains ' '. Correct it.",
        ]
    );
    // A region that has such a catalog knows better.
    let facts = Facts { primary_catalogs: Some(vec![CatalogName::new("a b")]), ..facts() };
    assert_eq!(sentences(&spec(&["a b"]), &facts), Vec::<String>::new());
}

#[test]
fn hundreds_of_unknown_catalogs_make_one_short_sentence_that_names_the_limit() {
    let names: Vec<String> = (0..301).map(|n| format!("c{n}{}", "x".repeat(250))).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let facts = Facts { primary_catalogs: Some(Vec::new()), secondary_catalogs: Some(Vec::new()), ..facts() };
    let said = sentences(&spec(&names), &facts).join(" ");
    assert!(said.len() < 1500 && said.contains("298 more") && said.contains("300"), "{said}");
}

#[test]
fn many_rows_that_do_not_hold_make_a_short_answer() {
    let mut spec = spec(&["one"]);
    if let Some(assets) = &mut spec.unity_catalog_assets {
        assets.location_mappings =
            (0..150).map(|n| LocationMapping { name: format!("row-{n}"), uri_by_region: Default::default() }).collect();
    }
    let said = sentences(&spec, &facts());
    assert!(said.len() == 4 && said[3].starts_with("147 more"), "{said:?}");
}

#[test]
fn a_mapped_place_that_the_secondary_cannot_reach_is_named() {
    let known = Facts {
        locations: vec!["s3://e/a/t".to_owned(), "s3://e/b/t".to_owned(), "s3://meta/east/t".to_owned()],
        metastore_roots: [("east", "s3://meta/east"), ("west", "s3://meta/west")]
            .map(|(region, root)| (Region::new(region), root.to_owned()))
            .into(),
        secondary_places: Some(vec!["s3://w/a".to_owned(), "s3://meta/west".to_owned()]),
        ..facts()
    };
    let said = sentences(&spec(&["one"]), &known);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("s3://w/b/t (MISSING_EXTERNAL_LOCATION)"), "{said:?}");
    let unknown = Facts { secondary_places: None, ..known };
    assert_eq!(sentences(&spec(&["one"]), &unknown), Vec::<String>::new());
}

#[test]
fn what_lies_under_the_metastores_root_needs_both_roots_or_a_row() {
    let known = Facts { locations: vec!["s3://meta/east/t".to_owned()], ..facts() };
    assert!(sentences(&spec(&["one"]), &known)[0].contains("No storage mapping covers s3://meta/east/t"));
}

#[test]
fn a_nested_row_stays_accepted_after_a_failover() {
    let mut spec = spec(&["one"]);
    let row = |name: &str, east: &str, west: &str| LocationMapping {
        name: name.to_owned(),
        uri_by_region: [(Region::new("east"), east.to_owned()), (Region::new("west"), west.to_owned())].into(),
    };
    if let Some(assets) = &mut spec.unity_catalog_assets {
        assets.location_mappings = vec![row("all", "s3://e/*", "s3://w/*"), row("hot", "s3://e/hot/*", "s3://h/*")];
    }
    assert_eq!(sentences(&spec, &facts()), Vec::<String>::new());
    spec.initial_primary_region = Region::new("west");
    assert!(!sentences(&spec, &facts()).is_empty(), "seen from the west, two places would meet");
    let facts = Facts { first_primary: Some(Region::new("east")), ..facts() };
    assert_eq!(sentences(&spec, &facts), Vec::<String>::new());
}

#[test]
fn a_workspaces_assets_replicate_in_one_group_only() {
    let mut wanted = spec(&[]);
    let mut facts = Facts { assets_taken: vec![(WorkspaceId::new("2"), "other".to_owned())], ..facts() };
    let broken = |spec: &FailoverGroupSpec, facts: &Facts| {
        sentences(spec, facts).iter().any(|sentence| sentence.contains("Failover group other replicates the assets"))
    };
    assert!(!broken(&wanted, &facts), "it doesn't ask for them");
    wanted.workspace_sets[0].replicate_workspace_assets = true;
    assert!(broken(&wanted, &facts));
    facts.assets_taken[0].1 = "core".to_owned();
    assert!(!broken(&wanted, &facts), "they are its own");
}
