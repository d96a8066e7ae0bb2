//! Repairing a replica on request: damaged files are copied again from the source, and commits that someone made there
//! are salvaged. Nothing of the replica is ever removed that is not kept somewhere.

use super::group::{GroupChange, GroupHandle, RepairOrder};
use super::lock::lock;
use super::reclaim::salvage_path;
use super::view::SalvageView;
use super::worker_cache::WorkerCache;
use super::{Control, ControlError, audit};
use crate::connect::TablePlace;
use crate::delta::{
    self, CompareOptions, Comparison, DeltaError, Depth, FileFingerprint, SalvageAbout, TableFault, TableRoot,
};
use crate::domain::{FailoverGroup, GroupId};
use crate::replicate::{CompareReport, CycleError, Damage, Endpoint, ReplicaState, kept_of, root_of};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::oneshot;

/// What a repair did, and how the group compares after it.
#[derive(Debug, Clone, Default)]
pub struct Repair {
    /// What was done to which table, a sentence each; empty where nothing had to be.
    pub done: Vec<String>,
    /// The comparison after it.
    pub report: CompareReport,
}

impl Control {
    /// Compares a group, mends what a repair can mend, and compares it again.
    ///
    /// The group's worker does the mending, so that no cycle runs in the meantime; without workers it is done here.
    pub async fn repair(
        &self,
        actor: &str,
        id: &GroupId,
        depth: impl Into<Depth>,
        etag: Option<&str>,
    ) -> Result<Repair, ControlError> {
        let depth = depth.into();
        let handle = self.handle(id)?;
        let group = handle.group();
        if etag.is_some_and(|etag| etag != group.etag) {
            return Err(ControlError::Stale { id: id.to_string() });
        }
        if !group.state.replicates() || group.salvage_pending {
            return Err(ControlError::Refused {
                sentence: format!(
                    "Failover group {id} is {}, so its replica can't be repaired now. Wait until the group is ACTIVE.",
                    group.state
                ),
            });
        }
        let report = self.verify(id, depth).await?;
        if report.damages.is_empty() {
            return Ok(Repair { done: Vec::new(), report });
        }
        let done = if self.inner.settings.read_only {
            self.repair_here(&handle, report.damages).await?
        } else {
            let (answer, answered) = oneshot::channel();
            lock(&handle.repairs).push(RepairOrder { epoch: group.epoch, damages: report.damages, answer });
            // A group that was deleted has no worker to carry it out.
            if !self.handle(id).is_ok_and(|known| Arc::ptr_eq(&known, &handle)) {
                give_up(&handle);
            }
            handle.wake.notify_one();
            answered.await.map_err(|_| ControlError::Refused {
                sentence: format!("Failover group {id} changed before the repair started. Try again."),
            })??
        };
        let message = format!("{actor} had the replica of {id} repaired. {}", done.join(" "));
        let line = audit::line(self.now(), actor, "failover_group.repair", id.as_str(), message);
        let stored = line.clone();
        self.durably((), move |tx| tx.add_activity(&stored), move |control, ()| control.show_activity(line)).await?;
        self.touch();
        Ok(Repair { done, report: self.verify(id, depth).await? })
    }

    /// Mends without a worker, then brings over what was rewound.
    async fn repair_here(&self, handle: &GroupHandle, damages: Vec<Damage>) -> Result<Vec<String>, ControlError> {
        let mut cache = WorkerCache::default();
        let done = mend_all(self, handle, &mut cache, &damages).await?;
        if damages.iter().any(|damage| damage.strayed) {
            cache.cycle(self, handle, &handle.stop).await?;
        }
        Ok(done)
    }
}

/// Does what was ordered since the last cycle.
pub async fn carry_out(control: &Control, handle: &GroupHandle, cache: &mut WorkerCache) {
    let orders = std::mem::take(&mut *lock(&handle.repairs));
    for order in orders {
        // Damage that was found before a failover isn't damage after it. Dropping the order tells its caller.
        if order.epoch != handle.group().epoch || handle.group().salvage_pending {
            continue;
        }
        let done = mend_all(control, handle, cache, &order.damages).await;
        // The caller may have gone away; the audit log of what was salvaged is in the store.
        let _ = order.answer.send(done);
    }
}

/// Lets go of what was ordered of a group that does not replicate any more.
pub fn give_up(handle: &GroupHandle) {
    lock(&handle.repairs).clear();
}

async fn mend_all(
    control: &Control,
    handle: &GroupHandle,
    cache: &mut WorkerCache,
    damages: &[Damage],
) -> Result<Vec<String>, ControlError> {
    let (source, destination) = cache.ends(control, handle).await?;
    let group = handle.group();
    let mut done = Vec::new();
    for damage in damages {
        let mending = Mending { control, handle, group: &group, source: &source, destination: &destination, damage };
        match mending.run(&mut done).await {
            Ok(()) => {}
            Err(ControlError::Table(fault)) => {
                done.push(format!("Couldn't repair {}: {}", damage.table, fault.message));
            }
            Err(error) => return Err(error),
        }
        if let Some(cycle_cache) = &mut cache.cycle_cache {
            cycle_cache.flagged.remove(&damage.table);
        }
        look_again(control, handle, cache, &damage.table).await?;
    }
    Ok(done)
}

/// Makes the next cycle look at both logs of a table: no file has a stamp of nothing.
async fn look_again(
    control: &Control,
    handle: &GroupHandle,
    cache: &mut WorkerCache,
    table: &str,
) -> Result<(), ControlError> {
    if let Some(known) = cache.cycle_cache.as_mut().and_then(|cycle_cache| cycle_cache.tables.get_mut(table)) {
        known.position.stamp = FileFingerprint::default();
    }
    let (id, table) = (handle.id.clone(), table.to_owned());
    let forget = move |tx: &crate::store::Tx<'_>| {
        let Some(mut known) = tx.table::<ReplicaState>(&id, &table)? else { return Ok(()) };
        known.position.stamp = FileFingerprint::default();
        tx.put_table(&id, &table, &known)
    };
    Ok(control.inner.store.run(forget).await?)
}

/// One table that is mended.
struct Mending<'a> {
    control: &'a Control,
    handle: &'a GroupHandle,
    group: &'a FailoverGroup,
    source: &'a Endpoint,
    destination: &'a Endpoint,
    damage: &'a Damage,
}

impl Mending<'_> {
    async fn run(&self, done: &mut Vec<String>) -> Result<(), ControlError> {
        let from = self.root(self.source, &self.damage.source, false).await?;
        let to = self.root(self.destination, &self.damage.replica, true).await?;
        // The world may have moved since the comparison that was asked for.
        let now = self.compare(&from, &to).await?;
        let mut files: BTreeSet<String> = self.damage.files.iter().cloned().collect();
        files.extend(now.damaged.iter().cloned());
        let mut strayed = now.strayed;
        if !files.is_empty() {
            let files: Vec<String> = files.into_iter().collect();
            let kept = kept_of(&self.control.inner.store, &self.group.spec.id, &self.damage.table).await;
            let repaired = delta::repair(&from, &to, &files, &kept?).await?;
            done.extend(self.copied_sentence(&repaired.mended));
            done.extend(self.unmendable_sentence(&repaired.unmendable));
            strayed = self.compare(&from, &to).await?.strayed;
        }
        if strayed {
            done.push(self.salvage(&from, &to).await?);
        }
        Ok(())
    }

    async fn root(&self, endpoint: &Endpoint, place: &TablePlace, write: bool) -> Result<TableRoot, ControlError> {
        match root_of(endpoint, place, write, self.control.inner.clock.as_ref()).await {
            Ok(granted) => Ok(granted.root),
            Err(source) => Err(CycleError::at(&endpoint.region, source).into()),
        }
    }

    async fn compare(&self, from: &TableRoot, to: &TableRoot) -> Result<Comparison, ControlError> {
        let kept = kept_of(&self.control.inner.store, &self.group.spec.id, &self.damage.table).await?;
        Ok(delta::compare(from, to, &kept, CompareOptions::default()).await)
    }

    fn copied_sentence(&self, files: &[String]) -> Option<String> {
        let first = files.first()?;
        let more = if files.len() > 1 { format!(" and {} more", files.len() - 1) } else { String::new() };
        Some(format!("{}: {first}{more} copied again from {}.", self.damage.table, self.source.region))
    }

    fn unmendable_sentence(&self, files: &[String]) -> Option<String> {
        let first = files.first()?;
        let more = if files.len() > 1 { format!(" and {} more", files.len() - 1) } else { String::new() };
        Some(format!(
            "{}: {first}{more} left unchanged, because the source file in {} has also changed since it was copied. Restore it there, then repair again.",
            self.damage.table, self.source.region
        ))
    }

    /// Salvages what someone committed to the replica, then rewinds it to what its source has.
    async fn salvage(&self, from: &TableRoot, to: &TableRoot) -> Result<String, ControlError> {
        let (control, table, now) = (self.control, &self.damage.table, self.control.now());
        let locations: Vec<String> = self.destination.external_places().await?;
        let salvage_path = salvage_path(&locations, &self.damage.replica.uri, self.group, table);
        let salvage_uri = format!("{salvage_path}-drift-{}", now.timestamp_millis());
        let salvage_path = self.root(self.destination, &TablePlace::path(&salvage_uri), true).await?;
        let about = SalvageAbout {
            table: table.clone(),
            group: self.group.spec.id.to_string(),
            epoch: self.group.epoch,
            now_ms: now.timestamp_millis(),
            arrived: None,
        };
        let whole = |fault: &TableFault| matches!(fault.error(), DeltaError::NoCommonVersion { .. });
        let salvaged = match delta::salvage(to, from, &salvage_path, about.clone()).await {
            // Nothing to go back to: all of it is kept, and the next cycle makes the replica again.
            Err(fault) if whole(&fault) => delta::salvage_whole(to, &salvage_path, about).await?,
            salvaged => salvaged?,
        };
        let folder = salvaged.folder.clone().unwrap_or(salvage_uri);
        let view = SalvageView::new(table.clone(), self.group.epoch, &salvaged, folder, now);
        let mut change = GroupChange::of(self.handle).await;
        // Under its folder's name: a table can be written to more than once in an epoch.
        change.add_salvage(&view.folder, view.clone());
        change.commit(control).await?;
        let sentence = format!(
            "{table}: salvaged {} that {} never had to {}. The replica continues from version {}.",
            if view.commits == 1 { "1 commit".to_owned() } else { format!("{} commits", view.commits) },
            self.source.region,
            view.folder,
            salvaged.common_version.map_or_else(|| "0".to_owned(), |version| version.to_string())
        );
        Ok(sentence)
    }
}
