//! Tables that could not be salvaged: their siblings go on, they are left as they are and tried again.

use super::match_tables::TablePair;
use super::table::SalvageError;
use crate::control::group::{GroupChange, GroupHandle, PendingSalvage};
use crate::control::{Control, ControlError};
use crate::domain::{ObjectError, Region, Timestamp};
use std::sync::Arc;

/// A table that failed now, or since `known` says it did.
pub fn of(pair: &TablePair, mut error: ObjectError, known: &[PendingSalvage]) -> PendingSalvage {
    if let Some(before) = known.iter().find(|u| u.location == pair.location && u.error.class == error.class) {
        error.since = before.error.since;
    }
    PendingSalvage { location: pair.location.clone(), names: pair.names(), error }
}

/// Keeps the list, in the store first.
pub async fn keep(control: &Control, handle: &GroupHandle, pending: Vec<PendingSalvage>) -> Result<(), ControlError> {
    if *handle.record().pending_salvage == pending {
        return Ok(());
    }
    let mut change = GroupChange::of(handle).await;
    change.pending_salvage = Arc::new(pending);
    change.commit(control).await.map(|_| ())
}

/// What a wait looks like from outside.
pub fn flag(
    salvage_error: SalvageError,
    pair: &TablePair,
    region: &Region,
    now: Timestamp,
) -> Result<ObjectError, ControlError> {
    match salvage_error {
        SalvageError::Stop(error) => Err(error),
        SalvageError::Wait { class, parameters, why } => {
            Ok(SalvageError::of_table(class, parameters, &why, &pair.name, region, now))
        }
    }
}
