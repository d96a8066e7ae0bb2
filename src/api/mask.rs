//! Update masks: which fields of a body are to be taken.

use super::body::{assets_of, catalogs_of, mappings_of, set_of};
use super::reply::{Rejection, bad};
use crate::control::{GroupPatch, SetPatch};
use crate::domain::FailoverGroupSpec;
use crate::domain::Region;
use crate::wire::disaster_recovery::{FailoverGroupBody, UnityCatalogAssetsBody, WorkspaceSetBody};
use std::collections::BTreeSet;

/// Fields that never change after creation.
const IMMUTABLE: [&str; 3] = ["name", "regions", "initial_primary_region"];
/// Fields that the server sets.
const OUTPUT_ONLY: [&str; 10] = [
    "effective_primary_region",
    "state",
    "replication_point",
    "has_replication_point_blocking_errors",
    "initial_replication_progress",
    "rpo_target_seconds",
    "rto_target_seconds",
    "etag",
    "create_time",
    "update_time",
];

/// What the fields of the group `spec` that `mask` names are to become. A field that it names and the body doesn't have is
/// emptied.
pub fn patch_of(
    mask: &str,
    body: &FailoverGroupBody,
    spec: &FailoverGroupSpec,
    account_id: &str,
) -> Result<GroupPatch, Rejection> {
    let mut patch = GroupPatch::default();
    if mask.trim().is_empty() {
        return Err(bad(
            "update_mask is missing. Name the fields to change, such as ?update_mask=unity_catalog_assets.catalogs.",
        ));
    }
    let assets = || body.unity_catalog_assets.clone().unwrap_or_default();
    for path in mask.split(',').map(str::trim) {
        match path {
            "*" => {
                same_identity(body, spec, account_id)?;
                whole_assets(&mut patch, &body.unity_catalog_assets)?;
                patch.workspace_sets = Some(body.workspace_sets.iter().cloned().map(set_of).collect());
                // A client that doesn't know these fields leaves them alone.
                patch.rules.excluded.clone_from(&body.excluded);
                patch.rules.approved_renames.clone_from(&body.approved_renames);
                patch.rules.rename_limit_bytes = body.rename_limit_bytes.map(Some);
            }
            "excluded" => patch.rules.excluded = Some(body.excluded.clone().unwrap_or_default()),
            "approved_renames" => {
                patch.rules.approved_renames = Some(body.approved_renames.clone().unwrap_or_default())
            }
            "rename_limit_bytes" => patch.rules.rename_limit_bytes = Some(body.rename_limit_bytes),
            "unity_catalog_assets" => whole_assets(&mut patch, &body.unity_catalog_assets)?,
            "unity_catalog_assets.catalogs" => patch.catalogs = Some(catalogs_of(assets().catalogs)),
            "unity_catalog_assets.location_mappings" => {
                patch.location_mappings = Some(mappings_of(assets().location_mappings)?);
            }
            "unity_catalog_assets.data_replication_workspace_set" => {
                patch.data_replication_workspace_set = Some(assets().data_replication_workspace_set);
            }
            "workspace_sets" => {
                patch.workspace_sets = Some(body.workspace_sets.iter().cloned().map(set_of).collect());
            }
            "workspace_sets.replicate_workspace_assets" => each_set(&mut patch, body, |set, from| {
                set.replicate_workspace_assets = Some(from.replicate_workspace_assets);
            })?,
            "workspace_sets.stable_url_names" => each_set(&mut patch, body, |set, from| {
                set.stable_url_names = Some(from.stable_url_names.clone());
            })?,
            "" => return Err(bad("update_mask has an empty field. Separate field names with single commas.")),
            other => return Err(refuse(other)),
        }
    }
    Ok(patch)
}

/// `*` names what cannot change too, so a body that has it otherwise asks for something that is not done.
fn same_identity(body: &FailoverGroupBody, spec: &FailoverGroupSpec, account_id: &str) -> Result<(), Rejection> {
    let named: BTreeSet<&str> = body.regions.iter().map(String::as_str).collect();
    let known: BTreeSet<&str> = spec.regions.iter().map(Region::as_str).collect();
    if body.name.as_ref().is_some_and(|name| *name != spec.id.resource_name(account_id)) {
        return Err(refuse("name"));
    }
    if !named.is_empty() && (named != known || body.regions.len() != spec.regions.len()) {
        return Err(refuse("regions"));
    }
    Ok(())
}

fn whole_assets(patch: &mut GroupPatch, body: &Option<UnityCatalogAssetsBody>) -> Result<(), Rejection> {
    patch.unity_catalog_assets = Some(body.clone().map(assets_of).transpose()?);
    Ok(())
}

fn each_set(
    patch: &mut GroupPatch,
    body: &FailoverGroupBody,
    take: impl Fn(&mut SetPatch, &WorkspaceSetBody),
) -> Result<(), Rejection> {
    if body.workspace_sets.is_empty() {
        return Err(bad("update_mask names a field of workspace_sets, but the body has none. Add them by name."));
    }
    for from in &body.workspace_sets {
        match patch.sets.iter_mut().find(|set| set.name == from.name) {
            Some(set) => take(set, from),
            None => {
                let mut set = SetPatch { name: from.name.clone(), ..SetPatch::default() };
                take(&mut set, from);
                patch.sets.push(set);
            }
        }
    }
    Ok(())
}

fn refuse(path: &str) -> Rejection {
    let top = path.split('.').next().unwrap_or(path);
    if IMMUTABLE.contains(&top) || matches!(path, "workspace_sets.name" | "workspace_sets.workspace_ids") {
        bad(format!("{path} can't be changed after creation. Remove it from update_mask, or send its current value."))
    } else if OUTPUT_ONLY.contains(&top) {
        bad(format!("{path} is set by the server. Remove it from update_mask."))
    } else {
        bad(format!(
            "update_mask names {path:?}, which isn't a field of a failover group. Field names are in snake_case, such as unity_catalog_assets.catalogs."
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::CatalogName;
    use crate::wire::disaster_recovery::CatalogBody;

    fn body() -> FailoverGroupBody {
        FailoverGroupBody {
            regions: vec!["mars".to_owned()],
            unity_catalog_assets: Some(UnityCatalogAssetsBody {
                catalogs: vec![CatalogBody { name: "main".to_owned() }],
                ..UnityCatalogAssetsBody::default()
            }),
            workspace_sets: vec![WorkspaceSetBody {
                name: "set".to_owned(),
                replicate_workspace_assets: true,
                ..WorkspaceSetBody::default()
            }],
            ..FailoverGroupBody::default()
        }
    }

    fn patch_of(mask: &str, body: &FailoverGroupBody) -> Result<GroupPatch, Rejection> {
        let spec = FailoverGroupSpec {
            rules: Default::default(),
            id: crate::domain::GroupId::new("core").expect("an id"),
            regions: vec![Region::new("mars"), Region::new("venus")],
            initial_primary_region: Region::new("mars"),
            workspace_sets: Vec::new(),
            unity_catalog_assets: None,
        };
        super::patch_of(mask, body, &spec, "acc-1")
    }

    #[test]
    fn a_mask_of_everything_takes_a_whole_body_and_none_of_another_group() {
        let whole = |name: &str, regions: &[&str]| FailoverGroupBody {
            name: Some(name.to_owned()),
            regions: regions.iter().map(|&region| region.to_owned()).collect(),
            ..body()
        };
        let patch = patch_of("*", &whole("accounts/acc-1/failover-groups/core", &["venus", "mars"])).expect("taken");
        assert!(patch.unity_catalog_assets.is_some() && patch.workspace_sets.is_some());
        assert!(patch_of("*", &whole("accounts/acc-1/failover-groups/core", &[])).is_ok());
        for other in [
            whole("accounts/acc-1/failover-groups/other", &["mars", "venus"]),
            whole("accounts/acc-1/failover-groups/core", &["mars", "pluto"]),
        ] {
            let Err(Rejection::BadRequest { sentence }) = patch_of("*", &other) else { panic!("it was taken") };
            assert!(sentence.contains("can't be changed"), "{sentence}");
        }
    }

    #[test]
    fn only_what_the_mask_names_is_taken() {
        let patch = patch_of("unity_catalog_assets.catalogs", &body()).expect("taken");
        assert_eq!(patch.catalogs, Some(vec![CatalogName::new("main")]));
        assert_eq!((patch.location_mappings, patch.workspace_sets, patch.sets), (None, None, Vec::new()));
        let mask = "workspace_sets.replicate_workspace_assets, workspace_sets.stable_url_names";
        let patch = patch_of(mask, &body()).expect("taken");
        assert_eq!(patch.sets.len(), 1);
        assert_eq!(patch.sets[0].replicate_workspace_assets, Some(true));
        assert_eq!(patch.sets[0].stable_url_names, Some(Vec::new()));
    }

    #[test]
    fn what_the_mask_names_and_the_body_lacks_is_emptied() {
        let patch = patch_of("unity_catalog_assets", &FailoverGroupBody::default()).expect("taken");
        assert_eq!(patch.unity_catalog_assets, Some(None));
    }

    #[test]
    fn a_mask_that_names_something_else_is_refused_with_its_reason() {
        for (mask, word) in [
            ("", "missing"),
            ("regions", "can't be changed"),
            ("workspace_sets.workspace_ids", "can't be changed"),
            ("state", "set by the server"),
            ("initial_replication_progress.completed", "set by the server"),
            ("unityCatalogAssets", "snake_case"),
            ("unity_catalog_assets.catalogs,,", "empty field"),
        ] {
            let Err(Rejection::BadRequest { sentence }) = patch_of(mask, &body()) else { panic!("{mask} was taken") };
            assert!(sentence.contains(word), "{mask}: {sentence}");
        }
    }
}
