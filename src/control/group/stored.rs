//! What the store keeps of a group: read at a start, and written by a change of the group alone.

use super::PendingSalvage;
use crate::control::operation::Operation;
use crate::control::view::SalvageView;
use crate::domain::{
    ApprovalPolicy, FailoverGroup, GroupId, LeftBehind, ObjectError, PendingApproval, RunBook, Targets, Timestamp,
};
use crate::store::Tx;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The part of a group's record that the store keeps.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The group.
    pub group: FailoverGroup,
    /// When its state last changed.
    pub state_since: Timestamp,
    /// The operation that runs, or the last one.
    pub operation: Option<Operation>,
    /// Every error of the last cycle, blocking ones first. A start that replicates finds them again.
    pub errors: Arc<Vec<ObjectError>>,
    /// What failovers left behind and was salvaged, newest first.
    pub salvage: Arc<Vec<SalvageView>>,
    /// Tables of the old primary that could not be salvaged yet.
    pub pending_salvage: Arc<Vec<PendingSalvage>>,
    /// What failovers left behind, until a person releases it.
    pub left: Arc<Vec<LeftBehind>>,
    /// Whether failovers wait for a second person, and the one that waits.
    pub approval: Approval,
    /// What the group should reach.
    pub targets: Targets,
    /// What people wrote about the steps of its drills.
    pub run_book: Arc<RunBook>,
}

/// Whether failovers of a group wait for a second person, and the one that waits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// What the group asks.
    #[serde(default)]
    pub policy: ApprovalPolicy,
    /// What waits.
    #[serde(default)]
    pub pending: Option<PendingApproval>,
}

impl Stored {
    /// A group of which nothing but its own record is known.
    pub fn new(group: FailoverGroup, state_since: Timestamp) -> Self {
        Self {
            group,
            state_since,
            operation: None,
            errors: Arc::default(),
            salvage: Arc::default(),
            pending_salvage: Arc::default(),
            left: Arc::default(),
            approval: Approval::default(),
            targets: Targets::default(),
            run_book: Arc::default(),
        }
    }

    /// What the store keeps of `group`, and its latest operations, newest first.
    ///
    /// The errors are for one who runs no cycle. An unreadable list of what was left behind is an error, because it says
    /// where the only copies lie.
    pub fn read(
        tx: &Tx<'_>,
        group: FailoverGroup,
        state_since: Timestamp,
        read_only: bool,
    ) -> rusqlite::Result<(Self, Vec<Operation>)> {
        let id = group.spec.id.clone();
        let operations: Vec<Operation> = tx.operations(&id, 20)?.into_iter().map(|row| row.body).collect();
        // A comparison finds most of the errors again, so an unreadable list is only empty.
        let errors = if read_only { text(tx, &errors_key(&id))? } else { None };
        let left = strict(tx, &left_key(&id))?.unwrap_or_default();
        // Read as if there were none, a failover could begin that someone must still approve.
        let approval = strict(tx, &approval_key(&id))?.unwrap_or_default();
        let targets = text(tx, &targets_key(&id))?.and_then(|text| serde_json::from_str(&text).ok());
        let run_book = text(tx, &run_book_key(&id))?.and_then(|text| serde_json::from_str(&text).ok());
        let pending = text(tx, &pending_key(&id))?.and_then(|text| serde_json::from_str(&text).ok());
        let stored = Self {
            operation: operations.first().cloned(),
            errors: Arc::new(errors.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()),
            salvage: Arc::new(tx.salvage(&id)?),
            pending_salvage: Arc::new(pending.unwrap_or_default()),
            left: Arc::new(left),
            approval,
            targets: targets.unwrap_or_default(),
            run_book: Arc::new(run_book.unwrap_or_default()),
            ..Self::new(group, state_since)
        };
        Ok((stored, operations))
    }

    /// Writes what differs from `before`; everything where there is no before.
    ///
    /// Rows of the salvage list are evidence that outlives the group, and are put one by one by the change.
    pub(super) fn write(&self, tx: &Tx<'_>, before: Option<&Self>) -> rusqlite::Result<()> {
        let id = &self.group.spec.id;
        if before.is_none_or(|b| b.group != self.group || b.state_since != self.state_since) {
            tx.put_group(&self.group, self.state_since)?;
        }
        if let Some(operation) = &self.operation
            && before.is_none_or(|b| b.operation.as_ref() != Some(operation))
        {
            tx.put_operation(&operation.id, id, operation.started, operation)?;
        }
        put_list(tx, &errors_key(id), before.map(|b| &b.errors), &self.errors)?;
        put_list(tx, &pending_key(id), before.map(|b| &b.pending_salvage), &self.pending_salvage)?;
        put_list(tx, &left_key(id), before.map(|b| &b.left), &self.left)?;
        if before.map_or(self.approval != Approval::default(), |before| before.approval != self.approval) {
            let text = serde_json::to_string(&self.approval);
            let text = text.map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
            tx.set_value(&approval_key(id), &text)?;
        }
        if before.map_or(self.targets != Targets::default(), |before| before.targets != self.targets) {
            let text = serde_json::to_string(&self.targets);
            let text = text.map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
            tx.set_value(&targets_key(id), &text)?;
        }
        if before.map_or(!self.run_book.steps.is_empty(), |before| before.run_book != self.run_book) {
            let text = serde_json::to_string(self.run_book.as_ref());
            let text = text.map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
            tx.set_value(&run_book_key(id), &text)?;
        }
        Ok(())
    }
}

/// Removes a group with everything that is kept of it.
pub(super) fn remove(tx: &Tx<'_>, id: &GroupId) -> rusqlite::Result<()> {
    for key in [errors_key(id), pending_key(id), left_key(id), approval_key(id), targets_key(id), run_book_key(id)] {
        tx.set_value(&key, "")?;
    }
    tx.remove_group(id)
}

fn put_list<T: Serialize + PartialEq>(
    tx: &Tx<'_>,
    key: &str,
    before: Option<&Arc<Vec<T>>>,
    after: &Arc<Vec<T>>,
) -> rusqlite::Result<()> {
    if before.map_or(after.is_empty(), |before| Arc::ptr_eq(before, after) || before == after) {
        return Ok(());
    }
    let text = match after.as_slice() {
        [] => String::new(),
        list => serde_json::to_string(list).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?,
    };
    tx.set_value(key, &text)
}

fn text(tx: &Tx<'_>, key: &str) -> rusqlite::Result<Option<String>> {
    Ok(tx.value(key)?.filter(|text| !text.is_empty()))
}

/// What is stored under a key; an error where it can't be read.
fn strict<T: DeserializeOwned>(tx: &Tx<'_>, key: &str) -> rusqlite::Result<Option<T>> {
    let Some(text) = text(tx, key)? else { return Ok(None) };
    let wrong = |e| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(e));
    serde_json::from_str(&text).map(Some).map_err(wrong)
}

fn approval_key(id: &GroupId) -> String {
    format!("approval.{id}")
}

fn run_book_key(id: &GroupId) -> String {
    format!("run_book.{id}")
}

fn targets_key(id: &GroupId) -> String {
    format!("targets.{id}")
}

fn errors_key(id: &GroupId) -> String {
    format!("findings.{id}")
}

fn pending_key(id: &GroupId) -> String {
    format!("unsalvaged.{id}")
}

fn left_key(id: &GroupId) -> String {
    format!("left_behind.{id}")
}
