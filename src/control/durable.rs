//! Changes that go on to their end: the store first, then what is in memory, also where the caller has gone.
//!
//! A future may be dropped at any of its awaits: a client closes its connection, a wait is over. What is stored must then
//! be shown all the same, or store and memory go apart until the next start.

use super::group_handle::{GroupHandle, lock_record};
use super::operation::Operation;
use super::{Control, ControlError};
use crate::domain::{FailoverGroup, Timestamp};
use crate::store::{ActivityRow, StoreError, Tx};

/// A group's write_lock, held by the change and handed on with it.
pub type WriteLock = tokio::sync::OwnedMutexGuard<()>;

/// A group as it is to be written.
pub struct GroupChange {
    /// The group.
    pub group: FailoverGroup,
    /// Its operation; None leaves the one that is there as it is.
    pub operation: Option<Operation>,
    /// When its state last changed.
    pub since: Timestamp,
    /// The line of the audit log.
    pub line: Option<ActivityRow>,
}

impl Control {
    /// Runs `work` in one transaction, then `show`, both to their end; returns what was `held` in between.
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
        write_lock: WriteLock,
        handle: &GroupHandle,
        change: GroupChange,
        also: impl FnOnce(&Tx<'_>) -> rusqlite::Result<()> + Send + 'static,
        then: impl FnOnce(&Self) + Send + 'static,
    ) -> Result<WriteLock, ControlError> {
        let GroupChange { group, operation, since, line } = change;
        let record = handle.shared_record();
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
        Ok(self.durably(write_lock, work, show).await?.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::group_handle::Record;
    use crate::control::view::OperationOutcome;
    use crate::control::{ControlSettings, Deployment};
    use crate::domain::{
        Clock, FailoverGroupSpec, FailoverKind, GroupId, GroupState, ManualClock, WorkspaceSet, replication_point,
    };
    use crate::store::Store;
    use chrono::{TimeDelta, TimeZone, Utc};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    fn noon() -> Timestamp {
        Utc.with_ymd_and_hms(2026, 11, 25, 12, 0, 0).single().expect("a time")
    }

    async fn control(dir: &std::path::Path, clock: Arc<ManualClock>) -> Control {
        let deployment = Deployment { account_id: "acc".to_owned(), workspaces: Vec::new() };
        let store = Store::open(&dir.join("state.db")).expect("a store");
        let settings = ControlSettings { read_only: true, ..ControlSettings::default() };
        Control::start(deployment, store, clock, settings).await.expect("starts")
    }

    fn group(state: GroupState) -> FailoverGroup {
        let set = WorkspaceSet {
            name: "set".to_owned(),
            workspace_ids: vec!["1".to_owned(), "2".to_owned()],
            replicate_workspace_assets: false,
            stable_url_names: Vec::new(),
        };
        FailoverGroup {
            spec: FailoverGroupSpec {
                id: GroupId::new("core").expect("an id"),
                regions: vec!["east".to_owned(), "west".to_owned()],
                initial_primary_region: "east".to_owned(),
                workspace_sets: vec![set],
                unity_catalog_assets: None,
            },
            effective_primary_region: "east".to_owned(),
            state,
            state_message: None,
            epoch: 1,
            bootstrapped: true,
            salvage_pending: false,
            etag: "e".to_owned(),
            create_time: noon(),
            update_time: noon(),
            replication_point: None,
            has_replication_point_blocking_errors: false,
            initial_replication_progress: None,
        }
    }

    fn adopt(control: &Control, group: FailoverGroup, operation: Option<Operation>) -> Arc<GroupHandle> {
        let id = group.spec.id.clone();
        let mut record = Record::new(group, noon());
        record.operation = operation;
        control.adopt(GroupHandle::new(record));
        control.handle(&id).expect("adopted")
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_change_whose_asker_is_gone_is_stored_and_shown_all_the_same_and_keeps_its_turn_until_then() {
        let dir = tempfile::tempdir().expect("a folder");
        let control = control(dir.path(), Arc::new(ManualClock::new(noon()))).await;
        let handle = adopt(&control, group(GroupState::Active), None);
        let (go, goes) = std::sync::mpsc::channel::<()>();
        let change = GroupChange { group: group(GroupState::Deleting), operation: None, since: noon(), line: None };
        let then = Arc::new(AtomicBool::default());
        let ran = then.clone();
        let asked = control.write(
            handle.lock_for_writing().await,
            &handle,
            change,
            move |_| {
                let _ = goes.recv();
                Ok(())
            },
            move |_| ran.store(true, Ordering::SeqCst),
        );
        assert!(tokio::time::timeout(Duration::from_millis(20), asked).await.is_err(), "it waits, and is dropped");
        let next = tokio::spawn({
            let handle = handle.clone();
            async move {
                let _turn = handle.lock_for_writing().await;
                handle.group().state
            }
        });
        assert_eq!(handle.group().state, GroupState::Active, "not shown before it is stored");
        go.send(()).expect("it still runs");
        assert_eq!(next.await.expect("the next write_lock"), GroupState::Deleting, "whoever is next sees it");
        assert!(then.load(Ordering::SeqCst));
        let stored = control.inner.store.run_blocking(|tx| tx.groups()).expect("read");
        assert_eq!(stored[0].0.state, GroupState::Deleting);
    }

    #[tokio::test]
    async fn a_deletion_that_is_tried_again_leaves_an_ended_failover_as_it_is() {
        let dir = tempfile::tempdir().expect("a folder");
        let control = control(dir.path(), Arc::new(ManualClock::new(noon()))).await;
        let mut ended = Operation::new("op".to_owned(), FailoverKind::Planned, "west", "east", "ada", noon());
        (ended.outcome, ended.ended) = (OperationOutcome::Succeeded, Some(noon()));
        let handle = adopt(&control, group(GroupState::DeletionFailed), Some(ended.clone()));
        control.retry("ada", &handle.id).await.expect("tried again");
        assert_eq!((handle.group().state, handle.operation()), (GroupState::Deleting, Some(ended.clone())));
        let id = handle.id.clone();
        let stored = control.inner.store.run_blocking(|tx| tx.operations::<Operation>(&id, 1)).expect("read");
        assert_eq!(stored[0].body, ended);

        let mut failed = ended;
        failed.outcome = OperationOutcome::Failed;
        let handle = adopt(&control, group(GroupState::FailoverFailed), Some(failed));
        control.retry("ada", &handle.id).await.expect("tried again");
        assert_eq!(handle.operation().map(|operation| operation.outcome), Some(OperationOutcome::Running));
    }

    #[tokio::test]
    async fn a_point_that_a_wrong_clock_timed_goes_back_to_what_was_seen_and_the_audit_log_says_so() {
        let dir = tempfile::tempdir().expect("a folder");
        let clock = Arc::new(ManualClock::new(noon()));
        let control = control(dir.path(), clock.clone()).await;
        let ahead = FailoverGroup { replication_point: Some(noon()), ..group(GroupState::Active) };
        let handle = adopt(&control, ahead, None);
        handle.record().whole_at = Some(clock.monotonic());
        let id = handle.id.clone();
        control.inner.store.run_blocking(|tx| tx.add_point(&id, 1, noon())).expect("recorded");
        // It was two hours ahead when everything had arrived last; since then everything is blocked.
        clock.jump(TimeDelta::hours(-2));
        for _ in 0..40 {
            control.now();
            clock.advance(TimeDelta::minutes(5));
        }
        control.withdraw_false_point(&handle).await.expect("looked at");
        let point = handle.group().replication_point.expect("a point");
        assert!((point - (noon() - TimeDelta::hours(2))).abs() <= replication_point::TOLERANCE, "{point}");
        let lines = control.inner.store.run_blocking(|tx| tx.activity(9)).expect("read");
        assert_eq!(lines.iter().filter(|line| line.action == "replication_point.withdraw").count(), 1);
        let left = control.inner.store.run_blocking(|tx| tx.point_at(&id, noon())).expect("read");
        assert_eq!(left, None, "what it recorded is removed");
        control.withdraw_false_point(&handle).await.expect("looked at");
        assert_eq!(handle.group().replication_point, Some(point), "once");
    }
}
