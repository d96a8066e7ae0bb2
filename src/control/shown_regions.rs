//! The regions as they were shown last.

use super::view::RegionView;
use crate::domain::{CatalogName, GroupId};
use std::sync::Arc;

/// The regions as last shown, and what they were made of.
#[derive(Default)]
pub struct ShownRegions {
    pub of: Arc<Vec<RegionView>>,
    pub scopes: Vec<(GroupId, Vec<CatalogName>)>,
    pub regions: Arc<Vec<RegionView>>,
}
