//! What hangs on an object beside its description: its owner, what is granted on it, and its tags.
//!
//! No list of a region tells grants and tags, so each object costs calls of its own. Objects that a cycle made or changed
//! are looked at in that cycle. All others take turns, so that a quiet cycle asks little and a round ends all the same.

mod compare;
mod follow;
mod grants;
mod look;
mod owner;
mod place_state;
mod places;
mod state;
mod tags;

pub use follow::FollowAttributes;
pub use place_state::PlaceGrants;
pub use places::FollowPlaces;
pub use state::{Attributes, AttributesRow};

use crate::domain::AssetKind;
use crate::replicate::Asset;
use crate::wire::unity_catalog::{CatalogInfo, FunctionInfo, SchemaInfo, Securable, TableInfo, VolumeInfo};

/// How the catalog guards a kind; None for what it doesn't guard.
fn securable(kind: AssetKind) -> Option<Securable> {
    match kind {
        AssetKind::Catalog => Some(Securable::Catalog),
        AssetKind::Schema => Some(Securable::Schema),
        AssetKind::Table | AssetKind::View => Some(Securable::Table),
        AssetKind::Volume => Some(Securable::Volume),
        AssetKind::Function => Some(Securable::Function),
        _ => None,
    }
}

/// The owner that a region's list tells.
fn owner_of(asset: &Asset) -> Option<&str> {
    let catalog = asset.info::<CatalogInfo>().and_then(|info| info.owner.as_deref());
    let schema = || asset.info::<SchemaInfo>().and_then(|info| info.owner.as_deref());
    let table = || asset.info::<TableInfo>().and_then(|info| info.owner.as_deref());
    let volume = || asset.info::<VolumeInfo>().and_then(|info| info.owner.as_deref());
    let function = || asset.info::<FunctionInfo>().and_then(|info| info.other.get("owner")?.as_str());
    catalog.or_else(schema).or_else(table).or_else(volume).or_else(function)
}

/// Whether two names mean one principal: user names are the same in any case.
fn same_principal(a: &str, b: &str) -> bool {
    if a.contains('@') { a.eq_ignore_ascii_case(b) } else { a == b }
}
