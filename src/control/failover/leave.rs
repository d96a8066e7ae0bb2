//! What a planned failover leaves behind: only what its caller named, and journaled before anything is irrevocable.

use super::Failover;
use crate::control::ControlError;
use crate::control::left_behind::would_lose;
use crate::domain::left_behind::{names_it, not_accepted};
use crate::domain::{AssetKind, Shortfall};
use crate::replicate::{ObjectRecord, shortfalls};

/// What the cycle's `objects` say that the secondary does not have and that the caller did not accept.
pub fn unasked(failover: &Failover, objects: &[ObjectRecord]) -> Result<Vec<Shortfall>, ControlError> {
    Ok(not_accepted(&shortfalls(objects), &failover.operation()?.accepted))
}

/// Journals what `objects` say is left behind, each with how much it is; an error names what was not accepted.
pub async fn journal(failover: &mut Failover, objects: &[ObjectRecord]) -> Result<Vec<Shortfall>, ControlError> {
    let (group, unasked) = (failover.group(), unasked(failover, objects)?);
    let (source, _) = failover.ends().await?;
    if !unasked.is_empty() {
        let lost = failover.control.measure(&group.spec.id, &source, unasked).await?;
        return Err(would_lose(&group, &lost));
    }
    let mut lost = shortfalls(objects);
    // Nothing of a catalog that is not shown can be listed as left.
    lost.retain(|lost| lost.kind == AssetKind::Table);
    let lost = failover.control.measure(&group.spec.id, &source, lost).await?;
    let kept = lost.clone();
    failover
        .journal(|operation| {
            operation.left_behind = kept.iter().map(|lost| lost.object.clone()).collect();
            operation.shortfalls = kept;
        })
        .await?;
    Ok(lost)
}

/// Whether the journal lists the object as left behind.
pub fn is_left(left: &[String], object: &str) -> bool {
    names_it(left, object)
}
