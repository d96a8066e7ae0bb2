//! The one way to change a group: lock, copy, edit, audit line, one transaction, then memory, then the watchers.

use super::handle::WriteLock;
use super::stored::{self, Stored};
use super::{GroupHandle, Record};
use crate::control::lock::lock;
use crate::control::operation::Operation;
use crate::control::view::SalvageView;
use crate::control::{Control, ControlError, audit};
use crate::domain::{Event, FailoverGroup, Timestamp, group_state};
use crate::store::{ActivityRow, Tx};
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

type Also = Box<dyn FnOnce(&Tx<'_>) -> rusqlite::Result<()> + Send>;
type Show = Box<dyn FnOnce(&mut Record) + Send>;
type Then = Box<dyn FnOnce(&Control) + Send>;

/// A change of one group: it holds the group's lock and a copy of what the store keeps, for its caller to edit.
///
/// [`Self::commit`] writes the copy whole and shows it; dropping the change leaves everything as it was.
#[must_use = "a change does nothing until it is committed"]
pub struct GroupChange {
    lock: Option<WriteLock>,
    target: Target,
    before: Option<Stored>,
    draft: Stored,
    /// Whether the group gets a new etag: everybody who looks at the group sees the change.
    renews_etag: bool,
    stops: bool,
    line: Option<ActivityRow>,
    salvage: Vec<(String, SalvageView)>,
    also: Vec<Also>,
    shows: Vec<Show>,
    then: Vec<Then>,
}

/// What a committed change takes effect on.
enum Target {
    There { record: Arc<Mutex<Record>>, wake: Arc<Notify>, stop: Arc<AtomicBool> },
    New,
    Gone,
}

impl Deref for GroupChange {
    type Target = Stored;

    fn deref(&self) -> &Stored {
        &self.draft
    }
}

impl DerefMut for GroupChange {
    fn deref_mut(&mut self) -> &mut Stored {
        &mut self.draft
    }
}

impl GroupChange {
    /// Waits for the group's lock, and copies what is stored of it.
    pub async fn of(handle: &GroupHandle) -> Self {
        let lock = handle.lock_for_writing().await;
        let before = Stored::clone(&handle.record());
        let target =
            Target::There { record: handle.shared_record(), wake: handle.wake.clone(), stop: handle.stop.clone() };
        Self { before: Some(before.clone()), ..Self::new(Some(lock), target, before) }
    }

    /// A group that comes into being. Its caller makes sure that no other takes its name or its catalogs in the meantime.
    pub fn creation(group: FailoverGroup, now: Timestamp) -> Self {
        Self { renews_etag: true, ..Self::new(None, Target::New, Stored::new(group, now)) }
    }

    fn new(lock: Option<WriteLock>, target: Target, draft: Stored) -> Self {
        Self {
            lock,
            target,
            before: None,
            draft,
            renews_etag: false,
            stops: false,
            line: None,
            salvage: Vec::new(),
            also: Vec::new(),
            shows: Vec::new(),
            then: Vec::new(),
        }
    }

    /// Moves the group's state, which everybody sees.
    pub fn apply(&mut self, event: Event, now: Timestamp) -> Result<(), ControlError> {
        let (state, effects) = group_state::apply(self.draft.group.state, event)?;
        if state != self.draft.group.state {
            self.draft.state_since = now;
        }
        self.draft.group.state = state;
        self.draft.group.state_message = None;
        self.stops |= effects.contains(&group_state::Effect::StopReplicating);
        self.renews_etag = true;
        Ok(())
    }

    /// Gives the group a new etag, and wakes its worker: others see the change.
    pub fn renew_etag(&mut self) {
        self.renews_etag = true;
    }

    /// Adds the line of the audit log. With a new etag and no before and after of its own it shows the group's.
    pub fn log(&mut self, line: ActivityRow) {
        self.line = Some(line);
    }

    /// Puts a row into the list of what was salvaged, in the place of the one of its epoch with the same `key`.
    pub fn add_salvage(&mut self, key: &str, row: SalvageView) {
        self.salvage.push((key.to_owned(), row.clone()));
        Arc::make_mut(&mut self.draft.salvage).insert(0, row);
    }

    /// Puts a row into the list of what was salvaged. One that is there stays where it is, with what people did with it.
    pub fn keep_salvage(&mut self, row: SalvageView) {
        let before = self.draft.salvage.iter().find(|known| known.epoch == row.epoch && known.table == row.table);
        match before.cloned() {
            None => self.add_salvage(&row.table.clone(), row),
            Some(SalvageView { recovered, released, .. }) => {
                self.replace_salvage(SalvageView { recovered, released, ..row });
            }
        }
    }

    /// Puts a changed row where the row of its table and epoch is.
    pub fn replace_salvage(&mut self, row: SalvageView) {
        self.salvage.push((row.table.clone(), row.clone()));
        let same = |known: &&mut SalvageView| known.epoch == row.epoch && known.table == row.table;
        if let Some(known) = Arc::make_mut(&mut self.draft.salvage).iter_mut().find(same) {
            *known = row;
        }
    }

    /// Removes the group: its replica stays, and so does the evidence of what was salvaged and done.
    pub fn remove(&mut self) {
        self.target = Target::Gone;
    }

    /// Writes `also` in the same transaction.
    pub fn also(&mut self, also: impl FnOnce(&Tx<'_>) -> rusqlite::Result<()> + Send + 'static) {
        self.also.push(Box::new(also));
    }

    /// Runs `show` once the change is stored, on the record of which the copy takes the place right after.
    pub fn show(&mut self, show: impl FnOnce(&mut Record) + Send + 'static) {
        self.shows.push(Box::new(show));
    }

    /// Runs `then` once the change is stored and shown.
    pub fn then(&mut self, then: impl FnOnce(&Control) + Send + 'static) {
        self.then.push(Box::new(then));
    }

    /// Writes the copy, the line of the audit log and everything else in one transaction, then shows them; the group as
    /// it is stored. After an error nothing has changed.
    ///
    /// It goes on to its end also where its caller is dropped: what is stored must be shown.
    pub async fn commit(self, control: &Control) -> Result<FailoverGroup, ControlError> {
        let Self { lock: held, target, before, mut draft, renews_etag, stops, mut line, .. } = self;
        let (salvage, also, shows, then) = (self.salvage, self.also, self.shows, self.then);
        if renews_etag {
            audit::renew_etag(&mut draft.group, control.now());
            if let Some(line) = line.as_mut().filter(|line| line.before.is_none() && line.after.is_none()) {
                audit::show_change(line, before.as_ref().map(|before| &before.group), Some(&draft.group));
            }
        }
        let (id, answer) = (draft.group.spec.id.clone(), draft.group.clone());
        let is_gone = matches!(target, Target::Gone);
        let (stored, logged) = (draft.clone(), line.clone());
        let work = move |tx: &Tx<'_>| {
            match is_gone {
                true => stored::remove(tx, &id)?,
                false => stored.write(tx, before.as_ref())?,
            }
            for (key, row) in &salvage {
                tx.put_salvage(&stored.group.spec.id, row.epoch, key, row)?;
            }
            logged.map_or(Ok(()), |line| tx.add_activity(&line))?;
            also.into_iter().try_for_each(|also| also(tx))
        };
        let show = move |control: &Control, ()| {
            if let Some(line) = line {
                control.show_activity(line);
            }
            match target {
                Target::There { record, wake, stop } => {
                    let mut record = lock(&record);
                    shows.into_iter().for_each(|show| show(&mut record));
                    record.put(draft);
                    drop(record);
                    if stops {
                        stop.store(true, Ordering::Relaxed);
                    }
                    if renews_etag {
                        wake.notify_one();
                    }
                }
                Target::New => {
                    let mut record = Record::new(draft, &[]);
                    shows.into_iter().for_each(|show| show(&mut record));
                    control.adopt(GroupHandle::new(record));
                }
                Target::Gone => control.release(&draft.group.spec.id),
            }
            then.into_iter().for_each(|then| then(control));
            control.touch();
        };
        control.durably(held, work, show).await?;
        Ok(answer)
    }
}

impl Control {
    /// Edits a group's operation; nothing where it has none.
    pub(in crate::control) async fn edit_operation(
        &self,
        handle: &GroupHandle,
        edit: impl FnOnce(&mut Operation),
    ) -> Result<(), ControlError> {
        let mut change = GroupChange::of(handle).await;
        match &mut change.operation {
            Some(operation) => edit(operation),
            None => return Ok(()),
        }
        change.commit(self).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::view::OperationOutcome;
    use crate::control::{ControlSettings, Deployment};
    use crate::domain::Region;
    use crate::domain::{
        Clock, FailoverGroupSpec, FailoverKind, GroupId, GroupState, ManualClock, WorkspaceId, WorkspaceSet,
        replication_point,
    };
    use crate::store::Store;
    use chrono::{TimeDelta, TimeZone, Utc};
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
            workspace_ids: ["1", "2"].map(WorkspaceId::new).to_vec(),
            replicate_workspace_assets: false,
            stable_url_names: Vec::new(),
        };
        FailoverGroup {
            spec: FailoverGroupSpec {
                rules: Default::default(),
                id: GroupId::new("core").expect("an id"),
                regions: vec![Region::new("east"), Region::new("west")],
                initial_primary_region: Region::new("east"),
                workspace_sets: vec![set],
                unity_catalog_assets: None,
            },
            effective_primary_region: Region::new("east"),
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

    async fn create(control: &Control, group: FailoverGroup, operation: Option<Operation>) -> Arc<GroupHandle> {
        let id = group.spec.id.clone();
        let mut change = GroupChange::creation(group, noon());
        change.operation = operation;
        change.commit(control).await.expect("stored");
        control.handle(&id).expect("adopted")
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_change_whose_asker_is_gone_is_stored_and_shown_all_the_same_and_keeps_its_turn_until_then() {
        let dir = tempfile::tempdir().expect("a folder");
        let control = control(dir.path(), Arc::new(ManualClock::new(noon()))).await;
        let handle = create(&control, group(GroupState::Active), None).await;
        let (go, goes) = std::sync::mpsc::channel::<()>();
        let then = Arc::new(AtomicBool::default());
        let ran = then.clone();
        let mut change = GroupChange::of(&handle).await;
        change.group.state = GroupState::Deleting;
        change.also(move |_| {
            let _ = goes.recv();
            Ok(())
        });
        change.then(move |_| ran.store(true, Ordering::SeqCst));
        let asked = change.commit(&control);
        assert!(tokio::time::timeout(Duration::from_millis(20), asked).await.is_err(), "it waits, and is dropped");
        let next = tokio::spawn({
            let handle = handle.clone();
            async move { GroupChange::of(&handle).await.group.state }
        });
        assert_eq!(handle.group().state, GroupState::Active, "not shown before it is stored");
        go.send(()).expect("it still runs");
        assert_eq!(next.await.expect("the next change"), GroupState::Deleting, "whoever is next sees it");
        assert!(then.load(Ordering::SeqCst));
        let stored = control.inner.store.run_blocking(|tx| tx.groups()).expect("read");
        assert_eq!(stored[0].0.state, GroupState::Deleting);
    }

    #[tokio::test]
    async fn a_deletion_that_is_tried_again_leaves_an_ended_failover_as_it_is() {
        let dir = tempfile::tempdir().expect("a folder");
        let control = control(dir.path(), Arc::new(ManualClock::new(noon()))).await;
        let mut ended = Operation::new(
            "op".to_owned(),
            FailoverKind::Planned,
            &Region::new("west"),
            &Region::new("east"),
            "ada",
            noon(),
        );
        (ended.outcome, ended.ended) = (OperationOutcome::Succeeded, Some(noon()));
        let handle = create(&control, group(GroupState::DeletionFailed), Some(ended.clone())).await;
        control.retry("ada", &handle.id).await.expect("tried again");
        assert_eq!((handle.group().state, handle.operation()), (GroupState::Deleting, Some(ended.clone())));
        let id = handle.id.clone();
        let stored = control.inner.store.run_blocking(|tx| tx.operations::<Operation>(&id, 1)).expect("read");
        assert_eq!(stored[0].body, ended);

        let mut failed = ended;
        failed.outcome = OperationOutcome::Failed;
        let handle = create(&control, group(GroupState::FailoverFailed), Some(failed)).await;
        control.retry("ada", &handle.id).await.expect("tried again");
        assert_eq!(handle.operation().map(|operation| operation.outcome), Some(OperationOutcome::Running));
    }

    #[tokio::test]
    async fn a_point_that_a_wrong_clock_timed_goes_back_to_what_was_seen_and_the_audit_log_says_so() {
        let dir = tempfile::tempdir().expect("a folder");
        let clock = Arc::new(ManualClock::new(noon()));
        let control = control(dir.path(), clock.clone()).await;
        let ahead = FailoverGroup { replication_point: Some(noon()), ..group(GroupState::Active) };
        let handle = create(&control, ahead, None).await;
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

    #[tokio::test]
    async fn a_change_that_is_dropped_or_fails_leaves_everything_as_it_was_and_the_lock_free() {
        let dir = tempfile::tempdir().expect("a folder");
        let control = control(dir.path(), Arc::new(ManualClock::new(noon()))).await;
        let handle = create(&control, group(GroupState::Active), None).await;
        let before = handle.group();
        let mut dropped = GroupChange::of(&handle).await;
        dropped.group.epoch = 7;
        drop(dropped);
        let mut refused = GroupChange::of(&handle).await;
        refused.group.epoch = 8;
        refused.renew_etag();
        refused.show(|record| record.mark(noon(), "never"));
        refused.also(|_| Err(rusqlite::Error::InvalidQuery));
        refused.commit(&control).await.expect_err("its transaction fails");
        assert_eq!(handle.group(), before);
        assert!(handle.record().marks.is_empty());
        let stored = control.inner.store.run_blocking(|tx| tx.groups()).expect("read");
        assert_eq!(stored[0].0, before);
        let illegal = GroupChange::of(&handle).await.apply(Event::FailedOver, noon());
        assert!(matches!(illegal, Err(ControlError::State(_))), "{illegal:?}");
    }

    #[tokio::test]
    async fn what_a_change_edits_is_what_the_next_start_reads() {
        let dir = tempfile::tempdir().expect("a folder");
        let clock = Arc::new(ManualClock::new(noon()));
        let first = control(dir.path(), clock.clone()).await;
        let ran = Operation::new(
            "op".to_owned(),
            FailoverKind::Planned,
            &Region::new("west"),
            &Region::new("east"),
            "ada",
            noon(),
        );
        let handle = create(&first, group(GroupState::Active), Some(ran)).await;
        first
            .edit_operation(&handle, |operation| operation.outcome = OperationOutcome::RolledBack)
            .await
            .expect("kept");
        let history = handle.record().history.clone();
        assert_eq!(history.len(), 1, "an operation that ended is in the history");
        let second = control(dir.path(), clock).await;
        let again = second.handle(&handle.id).expect("it is there");
        assert_eq!((again.group(), again.operation()), (handle.group(), handle.operation()));
        assert_eq!(again.record().history, history);
        let mut change = GroupChange::of(&again).await;
        change.remove();
        change.commit(&second).await.expect("removed");
        assert!(second.groups().is_empty());
        assert!(control(dir.path(), Arc::new(ManualClock::new(noon()))).await.groups().is_empty());
    }
}
