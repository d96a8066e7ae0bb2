//! The engine over the kinds that replicate.

use super::engine::{self, AssetType, CompareReport, Comparison, CycleOutcome, CycleRequest};
use super::followers::FOLLOWERS;
use super::{CycleCache, CycleError, Endpoint, Inventory, assets::REPLICATED};
use crate::domain::CatalogName;

/// Runs one cycle. Whatever goes wrong, what has arrived stays and the next cycle reads the rest again.
pub async fn run_cycle(request: &CycleRequest<'_>, cache: &mut CycleCache) -> Result<CycleOutcome, CycleError> {
    run_cycle_over(&REPLICATED, request, cache).await
}

/// [`run_cycle`] over other kinds than those that the product replicates.
pub(super) async fn run_cycle_over(
    kinds: &[&dyn AssetType],
    request: &CycleRequest<'_>,
    cache: &mut CycleCache,
) -> Result<CycleOutcome, CycleError> {
    engine::run_cycle(kinds, &FOLLOWERS, request, cache).await
}

/// Compares every object in `catalogs` with its replica: of tables version, commits, file list, sizes, and the sha256 kept
/// when copied. A region that can't be reached ends it, so that nothing is claimed of what that has.
///
/// Owners, grants and tags are left out: a failover waits for this.
pub async fn compare_data(catalogs: &[CatalogName], comparison: &Comparison<'_>) -> Result<CompareReport, CycleError> {
    engine::compare(&REPLICATED, &[], catalogs, comparison).await
}

/// [`compare_data`], and owners, grants and tags.
pub async fn compare_all(catalogs: &[CatalogName], comparison: &Comparison<'_>) -> Result<CompareReport, CycleError> {
    engine::compare(&REPLICATED, &FOLLOWERS, catalogs, comparison).await
}

/// Reads the catalogs named by `names` that are there, whole; those that are not there are left out.
pub async fn read_inventory(endpoint: &Endpoint, names: &[CatalogName]) -> Result<Inventory, CycleError> {
    engine::read_inventory(&REPLICATED, endpoint, names).await
}
