//! Tables that could not be set salvage: their siblings go on, they are left as they are and tried again.

use super::match_tables::TablePair;
use super::table::SalvageError;
use crate::control::group_handle::{GroupHandle, lock_record};
use crate::control::{Control, ControlError};
use crate::domain::{GroupId, ObjectError, Timestamp};
use crate::replicate::SalvageHold;
use crate::store::Tx;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A table of the old primary that could not be set aside yet. Until it is, no cycle writes to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PendingSalvage {
    /// Where it lies there.
    pub location: String,
    /// Every name under which a cycle could touch it.
    pub names: BTreeSet<String>,
    /// Why, as it is shown.
    pub error: ObjectError,
}

impl PendingSalvage {
    /// A table that failed now, or since `known` says it did.
    pub fn new(pair: &TablePair, mut error: ObjectError, known: &[Self]) -> Self {
        if let Some(before) = known.iter().find(|u| u.location == pair.location && u.error.class == error.class) {
            error.since = before.error.since;
        }
        Self { location: pair.location.clone(), names: pair.names(), error }
    }

    /// What a cycle has to know of it.
    pub fn held(&self) -> SalvageHold {
        SalvageHold { names: self.names.clone(), error: self.error.clone() }
    }
}

fn key(id: &GroupId) -> String {
    format!("unsalvaged.{id}")
}

/// Forgets a group's list, within a transaction.
pub fn remove(tx: &Tx<'_>, id: &GroupId) -> rusqlite::Result<()> {
    tx.set_value(&key(id), "")
}

/// The list as it is stored.
pub fn recall(tx: &Tx<'_>, id: &GroupId) -> rusqlite::Result<Vec<PendingSalvage>> {
    Ok(tx.value(&key(id))?.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// Keeps the list, in the store first.
pub async fn keep(control: &Control, handle: &GroupHandle, pending: Vec<PendingSalvage>) -> Result<(), ControlError> {
    if *handle.record().pending_salvage == pending {
        return Ok(());
    }
    let text = if pending.is_empty() { String::new() } else { serde_json::to_string(&pending).unwrap_or_default() };
    let (key, record) = (key(&handle.id), handle.shared_record());
    let show = move |control: &Control, ()| {
        lock_record(&record).pending_salvage = Arc::new(pending);
        control.touch();
    };
    control.durably((), move |tx| tx.set_value(&key, &text), show).await?;
    Ok(())
}

/// What a wait looks like from outside.
pub fn flag(
    salvage_error: SalvageError,
    pair: &TablePair,
    region: &str,
    now: Timestamp,
) -> Result<ObjectError, ControlError> {
    match salvage_error {
        SalvageError::Stop(error) => Err(error),
        SalvageError::Wait { class, parameters, why } => {
            Ok(SalvageError::of_table(class, parameters, &why, &pair.name, region, now))
        }
    }
}
