//! Reclaiming one table: what never arrived of it is salvaged and listed, then it is rewound.

use super::match_tables::{Counterpart, TablePair};
use super::salvage_path::salvage_path;
use crate::connect::{ConnectError, TablePlace};
use crate::control::group::{GroupChange, GroupHandle};
use crate::control::view::SalvageView;
use crate::control::{Control, ControlError};
use crate::delta::{self, DeltaError, SalvageAbout, Salvaged, TableFault};
use crate::domain::same_name;
use crate::domain::{AssetKind, ErrorClass, FailoverGroup, LeftBehind, ObjectError, Region, Shortfall, Timestamp};
use crate::replicate::{self, Endpoint, ReplicaState};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the tables of one reclaim have in common.
pub struct Salvaging<'a> {
    pub control: &'a Control,
    pub handle: &'a GroupHandle,
    pub group: &'a FailoverGroup,
    pub old: &'a Endpoint,
    pub new: &'a Endpoint,
    /// The old primary's external locations.
    pub external_locations: Vec<String>,
    /// Whether the failover was planned: then what never arrived was left behind knowingly, because it cannot replicate.
    pub planned: bool,
}

/// Why a table is not reclaimed.
pub enum SalvageError {
    /// The whole must stop: a region is away, or the store failed.
    Stop(ControlError),
    /// This table waits, and its siblings go on.
    Wait { class: ErrorClass, parameters: BTreeMap<String, String>, why: String },
}

impl From<ConnectError> for SalvageError {
    fn from(error: ConnectError) -> Self {
        if error.is_unreachable() {
            return Self::Stop(error.into());
        }
        let region = error.region().map(|region| ("region".to_owned(), region.to_owned()));
        Self::Wait { class: error.class(), parameters: region.into_iter().collect(), why: error.to_string() }
    }
}

impl From<TableFault> for SalvageError {
    fn from(fault: TableFault) -> Self {
        Self::Wait { class: fault.class, parameters: fault.parameters, why: fault.message }
    }
}

impl SalvageError {
    /// What is shown of a table that waits.
    pub fn of_table(
        class: ErrorClass,
        parameters: BTreeMap<String, String>,
        why: &str,
        name: &str,
        region: &Region,
        now: Timestamp,
    ) -> ObjectError {
        let message = format!(
            "Couldn't salvage the unreplicated commits of {name} in {region}. The table was left unchanged. {why} The console retries by itself."
        );
        ObjectError { class, parameters, message, kind: AssetKind::Table, object: name.to_owned(), since: now }
    }
}

impl Salvaging<'_> {
    /// Does all for one table; every part of it may be done twice.
    pub async fn reclaim(&self, pair: &TablePair) -> Result<(), SalvageError> {
        // A planned failover left it behind, and no table of the new primary needs its place: it stays, and is listed.
        if self.planned && pair.counterpart == Counterpart::Never {
            return Ok(());
        }
        if matches!(pair.counterpart, Counterpart::Dropped(_)) && self.is_left(pair) {
            return self.remove_row(pair).await.map_err(SalvageError::Stop);
        }
        let salvage_path = salvage_path(&self.external_locations, &pair.location, self.group, &pair.label);
        let Some((salvaged, whole)) = self.salvage(pair, &salvage_path).await? else { return Ok(()) };
        // Listed before it leaves the catalog, or a crash in between would lose the list's line.
        self.list(pair, salvaged).await.map_err(SalvageError::Stop)?;
        fail::fail_point!("reclaim.after_listing");
        if let Some(here) = pair.old_name.as_ref().filter(|_| whole || pair.leaves_catalog()) {
            match self.old.client.delete_table(here).await {
                Err(error) if !error.is_not_found() => return Err(error.into()),
                _ => {}
            }
        }
        if whole || matches!(pair.counterpart, Counterpart::Dropped(_)) {
            self.remove_row(pair).await.map_err(SalvageError::Stop)?;
        }
        fail::fail_point!("reclaim.between_tables");
        Ok(())
    }

    /// Whether the table is listed as left behind where it lies.
    fn is_left(&self, pair: &TablePair) -> bool {
        let names = pair.names();
        let of_this = |left: &&LeftBehind| left.epoch == self.group.epoch && left.is_in_place();
        let left = self.handle.record().left.clone();
        left.iter().filter(of_this).any(|left| names.iter().any(|name| same_name(name, &left.lost.object)))
    }

    /// Forgets what the ledger holds of the table: replication has nothing to go on from.
    async fn remove_row(&self, pair: &TablePair) -> Result<(), ControlError> {
        let Some(known) = pair.ledger.clone() else { return Ok(()) };
        let id = self.handle.id.clone();
        Ok(self.control.inner.store.run(move |tx| tx.remove_table(&id, &known)).await?)
    }

    /// The list of what was left behind once this table's remains are in `view`'s folder.
    ///
    /// A table of which nothing had to be salvaged lost nothing; one that never arrived joins the list.
    fn left_now(&self, pair: &TablePair, view: Option<&SalvageView>, before: &[LeftBehind]) -> Option<Vec<LeftBehind>> {
        let names = pair.names();
        let is_this = |left: &LeftBehind| {
            left.epoch == self.group.epoch && names.iter().any(|name| same_name(name, &left.lost.object))
        };
        let mut list: Vec<LeftBehind> = before.to_vec();
        match view {
            None => list.retain(|left| !is_this(left)),
            Some(view) => {
                if pair.counterpart == Counterpart::Never && !list.iter().any(is_this) {
                    list.push(never_arrived(pair, self.group.epoch, &self.old.region, view));
                }
                for left in list.iter_mut().filter(|left| is_this(left)) {
                    left.folder = Some(view.folder.clone());
                    left.lost.first_version = view.first_version.or(left.lost.first_version);
                    left.lost.last_version = Some(view.last_version);
                    left.lost.commits = Some(view.commits);
                    (left.lost.rows, left.lost.bytes) = (view.rows, Some(view.bytes));
                }
            }
        }
        (before != list).then_some(list)
    }

    /// Salvages what never arrived, and says whether that was the whole table; None when there is nothing to lose.
    async fn salvage(&self, pair: &TablePair, salvage_path: &str) -> Result<Option<(Salvaged, bool)>, SalvageError> {
        let clock = self.control.inner.clock.as_ref();
        let place = TablePlace::new(&pair.location, pair.table_id.as_deref());
        let root = replicate::root_of(self.old, &place, true, clock).await?.root;
        let salvage_path = replicate::root_of(self.old, &TablePlace::path(salvage_path), true, clock).await?.root;
        let about = SalvageAbout {
            table: pair.label.clone(),
            group: self.group.spec.id.to_string(),
            epoch: self.group.epoch,
            now_ms: self.control.now().timestamp_millis(),
            arrived: pair.arrived,
        };
        let attempt = match &pair.counterpart {
            Counterpart::Lives(at) => {
                let promoted = replicate::root_of(self.new, at, false, clock).await?.root;
                delta::salvage(&root, &promoted, &salvage_path, about.clone()).await
            }
            Counterpart::Dropped(known) => delta::salvage_dropped(&root, known, &salvage_path, about.clone()).await,
            Counterpart::Never => return whole(delta::salvage_whole(&root, &salvage_path, about).await),
        };
        match attempt {
            Ok(salvaged) => Ok(Some((salvaged, false))),
            // A table without a log holds nothing to lose.
            Err(fault) if matches!(fault.error(), DeltaError::NoLog { .. }) => Ok(None),
            // No common version to go back to: all of it is kept, and the replica is made again.
            Err(fault) if !fault.class.is_transient() => {
                tracing::warn!(table = %pair.label, error = %fault.message, "the table is salvaged whole");
                whole(delta::salvage_whole(&root, &salvage_path, about).await)
            }
            Err(fault) => Err(fault.into()),
        }
    }

    /// Lists what was salvaged of one table, in the store first.
    async fn list(&self, pair: &TablePair, salvaged: Salvaged) -> Result<(), ControlError> {
        let position = salvaged.position.clone().filter(|_| matches!(pair.counterpart, Counterpart::Lives(_)));
        let view = self.line(pair, &salvaged);
        // One table's line is read, changed and written before another's.
        let mut change = GroupChange::of(self.handle).await;
        if let Some(left) = self.left_now(pair, view.as_ref(), &change.left) {
            change.left = Arc::new(left);
        }
        if let Some(view) = view {
            change.keep_salvage(view);
        }
        if let (Some(position), Some(name)) = (position, pair.ledger.clone()) {
            let id = self.handle.id.clone();
            change.also(move |tx| match tx.table::<ReplicaState>(&id, &name)? {
                Some(known) => tx.put_table(&id, &name, &ReplicaState { position, ..known }),
                None => Ok(()),
            });
        }
        change.commit(self.control).await.map(|_| ())
    }

    /// The list's line; None when nothing had to be salvaged.
    fn line(&self, pair: &TablePair, salvaged: &Salvaged) -> Option<SalvageView> {
        let folder = salvaged.folder.clone()?;
        Some(SalvageView::new(pair.label.clone(), self.group.epoch, salvaged, folder, self.control.now()))
    }
}

/// A table that never arrived and was salvaged whole.
fn never_arrived(pair: &TablePair, epoch: u64, region: &Region, view: &SalvageView) -> LeftBehind {
    let lost = Shortfall {
        object: pair.label.clone(),
        kind: AssetKind::Table,
        class: ErrorClass::LeftBehind,
        why: "It never arrived before the failover.".to_owned(),
        location: Some(pair.location.clone()),
        first_version: Some(view.first_version.unwrap_or(0)),
        last_version: Some(view.last_version),
        commits: Some(view.commits),
        rows: view.rows,
        bytes: Some(view.bytes),
    };
    LeftBehind { lost, region: region.clone(), epoch, at: view.at, folder: Some(view.folder.clone()) }
}

fn whole(attempt: Result<Salvaged, TableFault>) -> Result<Option<(Salvaged, bool)>, SalvageError> {
    match attempt {
        Ok(salvaged) => Ok(Some((salvaged, true))),
        Err(fault) if matches!(fault.error(), DeltaError::NoLog { .. }) => Ok(None),
        Err(fault) => Err(fault.into()),
    }
}
