//! Changes that go on to their end: the store first, then what is in memory, also where whoever asked has gone.
//!
//! A future may be dropped at any of its awaits: a client closes its connection, a wait is over. What is stored must then
//! be shown all the same, or store and memory go apart until the next start.

use super::cell::{Cell, lock_record};
use super::operation::Operation;
use super::{Control, ControlError};
use crate::domain::{FailoverGroup, Instant};
use crate::store::{ActivityRow, StoreError, Tx};

/// A group's turn, held by whoever changes it and given along with the change.
pub type Turn = tokio::sync::OwnedMutexGuard<()>;

/// A group as it is to be written.
pub struct GroupChange {
    /// The group.
    pub group: FailoverGroup,
    /// Its operation; None leaves the one that is there as it is.
    pub operation: Option<Operation>,
    /// When its state last changed.
    pub since: Instant,
    /// The line of the audit log.
    pub line: Option<ActivityRow>,
}

impl Control {
    /// Runs `work` in one transaction, then `show`, both to their end; gives back what was `held` meanwhile.
    pub(super) async fn durably<H, T, R>(
        &self,
        held: H,
        work: impl FnOnce(&Tx<'_>) -> rusqlite::Result<T> + Send + 'static,
        show: impl FnOnce(&Self, T) -> R + Send + 'static,
    ) -> Result<(H, R), ControlError>
    where
        H: Send + 'static,
        T: Send + 'static,
        R: Send + 'static,
    {
        let control = self.clone();
        // A task of its own is not dropped with the future that waits for it.
        let whole = tokio::spawn(async move {
            let stored = control.inner.store.run(work).await?;
            Ok((held, show(&control, stored)))
        });
        match whole.await {
            Ok(done) => done,
            Err(_) => Err(StoreError::Interrupted { path: self.inner.store.path().to_owned() }.into()),
        }
    }

    /// Writes a group, its operation and a line of the audit log in one transaction with `also`; then shows them, and runs
    /// `then`.
    pub(super) async fn write(
        &self,
        turn: Turn,
        cell: &Cell,
        change: GroupChange,
        also: impl FnOnce(&Tx<'_>) -> rusqlite::Result<()> + Send + 'static,
        then: impl FnOnce(&Self) + Send + 'static,
    ) -> Result<Turn, ControlError> {
        let GroupChange { group, operation, since, line } = change;
        let record = cell.shared_record();
        let (stored, operation_stored, stored_line) = (group.clone(), operation.clone(), line.clone());
        let work = move |tx: &Tx<'_>| {
            tx.put_group(&stored, since)?;
            if let Some(operation) = &operation_stored {
                tx.put_operation(&operation.id, &stored.spec.id, operation.started, operation)?;
            }
            if let Some(line) = &stored_line {
                tx.add_activity(line)?;
            }
            also(tx)
        };
        let show = move |control: &Self, ()| {
            {
                let mut record = lock_record(&record);
                if record.group.state != group.state {
                    tracing::info!(group = %group.spec.id, state = %group.state, "state changed");
                }
                record.group = group;
                record.state_since = since;
                if operation.is_some() {
                    record.operation = operation;
                }
            }
            if let Some(line) = line {
                control.show_activity(line);
            }
            then(control);
            control.touch();
        };
        Ok(self.durably(turn, work, show).await?.0)
    }
}
