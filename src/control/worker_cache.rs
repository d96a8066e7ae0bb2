//! What a group's worker keeps at hand, and the cycles that it runs with that.

use super::group::{GroupHandle, PendingSalvage};
use super::{Control, ControlError, readiness, regions};
use crate::domain::{AssetName, FailoverGroup, MappingTable};
use crate::replicate::{
    self, Access, Attributes, AttributesRow, Coverage, CycleCache, CycleOutcome, CycleRequest, Endpoint, ReplicaState,
    SalvageHold, TidyRound, run_cycle,
};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// What a worker keeps at hand between cycles; everything in it can be found again.
///
/// It belongs to one epoch: what was found out for one direction must never be used for the other.
#[derive(Default)]
pub struct WorkerCache {
    epoch: u64,
    /// Both ends, while they answer.
    ends: Option<(Endpoint, Endpoint)>,
    /// What replication remembers; None until read from the store.
    pub cycle_cache: Option<CycleCache>,
    /// Failed cycles in a row.
    pub failures: u32,
    /// What the last of them said; the same is not logged twice.
    pub said: String,
    /// Whether the old primary of a provisional failover was fenced by this worker.
    pub is_fenced: bool,
    tidying: Tidying,
    /// When readiness is checked next.
    readiness: Option<Instant>,
}

/// Tidying the store up beside the cycles; it ends with the cache.
#[derive(Default)]
struct Tidying {
    task: Option<tokio::task::JoinHandle<()>>,
    next: Option<Instant>,
}

impl Drop for Tidying {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Pause between two rounds of tidying up, which look at a few tables each.
const TIDY_PAUSE: Duration = Duration::from_secs(30);

impl WorkerCache {
    /// Forgets everything, so that the next cycle finds out again.
    pub fn clear(&mut self) {
        // The epoch stays: a cache of another one is thrown away with the count of failures.
        *self = Self { epoch: self.epoch, ..Self::default() };
    }

    /// Drops from the store what no log holds any more, in the background, once in a while.
    pub fn tidy(&mut self, control: &Control, handle: &GroupHandle) {
        let busy = self.tidying.task.as_ref().is_some_and(|task| !task.is_finished());
        let Some((source, destination)) = self.ends.clone().filter(|_| !busy) else { return };
        let now = Instant::now();
        // Not at once: a process that just started has better things to do.
        let due = *self.tidying.next.get_or_insert(now + TIDY_PAUSE);
        if now < due {
            return;
        }
        self.tidying.next = Some(now + TIDY_PAUSE);
        let (inner, group) = (control.inner.clone(), handle.id.clone());
        self.tidying.task = Some(tokio::spawn(async move {
            let round = TidyRound {
                group: &group,
                source: &source,
                destination: &destination,
                store: &inner.store,
                clock: inner.clock.as_ref(),
            };
            if let Err(error) = round.run().await {
                tracing::debug!(group = %group, %error, "the ledger was not tidied up");
            }
        }));
    }

    /// Checks the group's readiness once in a while, beside the cycles.
    pub fn watch_readiness(&mut self, control: &Control, handle: &Arc<GroupHandle>) {
        let now = Instant::now();
        if self.readiness.is_none_or(|due| now >= due) {
            self.readiness = Some(now + readiness::PAUSE);
            control.check_in_background(handle);
        }
    }

    /// Both ends of the group's replication: source, destination.
    pub async fn ends(
        &mut self,
        control: &Control,
        handle: &GroupHandle,
    ) -> Result<(Endpoint, Endpoint), ControlError> {
        let group = handle.group();
        if self.epoch != group.epoch {
            *self = Self { epoch: group.epoch, ..Self::default() };
        }
        if let Some(ends) = &self.ends {
            return Ok(ends.clone());
        }
        let deployment = &control.inner.deployment;
        let source = deployment.endpoint(&group, &group.effective_primary_region).await?;
        let destination = deployment.endpoint(&group, group.effective_secondary_region()).await?;
        self.ends = Some((source.clone(), destination.clone()));
        Ok((source, destination))
    }

    /// What replication remembers, read from the store where it is not at hand.
    async fn cycle_cache(&mut self, control: &Control, handle: &GroupHandle) -> Result<&mut CycleCache, ControlError> {
        match &mut self.cycle_cache {
            Some(cycle_cache) => Ok(cycle_cache),
            slot => Ok(slot.insert(read_cache(control, handle).await?)),
        }
    }

    /// Lets the next cycle read both catalogs whole, and owners, grants and tags of all objects, as far as that is quick.
    pub async fn look_at_all(&mut self, control: &Control, handle: &GroupHandle) -> Result<(), ControlError> {
        self.ends(control, handle).await?;
        self.cycle_cache(control, handle).await?.look_at_all();
        Ok(())
    }

    /// The storage that may be reached, for a step that opens much of it.
    pub async fn access(&mut self, control: &Control, handle: &GroupHandle) -> Result<&mut Access, ControlError> {
        // Of this epoch, or the next look at the ends would throw it away.
        self.ends(control, handle).await?;
        Ok(&mut self.cycle_cache(control, handle).await?.access)
    }

    /// Runs one cycle over the whole scope, until `stop` says to end at a commit boundary.
    pub async fn cycle(
        &mut self,
        control: &Control,
        handle: &GroupHandle,
        stop: &Arc<AtomicBool>,
    ) -> Result<CycleOutcome, ControlError> {
        let group = handle.group();
        let (source, destination) = self.ends(control, handle).await?;
        let cycle_cache = self.cycle_cache(control, handle).await?;
        let left = handle.record().left.clone();
        cycle_cache.held = handle.record().pending_salvage.iter().map(PendingSalvage::hold).collect();
        let in_place = left.iter().filter(|left| left.is_in_place() && left.region == destination.region);
        let waits: Vec<SalvageHold> = in_place
            .map(SalvageHold::left_behind)
            .filter(|h| !cycle_cache.holds(&AssetName::parse(&h.error.object)))
            .collect();
        cycle_cache.held.extend(waits);
        let mappings = mappings_of(&group, [&source, &destination]);
        let request = CycleRequest {
            group: &group.spec.id,
            catalogs: group.catalogs(),
            rules: &group.spec.rules,
            mappings: &mappings,
            source: &source,
            destination: &destination,
            store: &control.inner.store,
            clock: control.inner.clock.as_ref(),
            stop: stop.clone(),
            limits: control.inner.limits.clone(),
            bulk: control.bulk(),
            progress: handle.new_progress(),
            coverage: Coverage::default(),
        };
        let mut outcome = run_cycle(&request, cycle_cache).await?;
        regions::compare_storage_clock(control, &destination.region, cycle_cache.storage_clock.skew());
        replicate::list_left_behind(&mut outcome.objects, &left);
        Ok(outcome)
    }
}

/// A group's storage mappings between its two ends.
pub fn mappings_of(group: &FailoverGroup, ends: [&Endpoint; 2]) -> MappingTable {
    let rows = group.spec.unity_catalog_assets.as_ref().map_or(&[][..], |assets| &assets.location_mappings);
    MappingTable::new(rows, &group.spec.regions_in_order())
        // Accepted by an earlier version, or changed in the store: the cycle names it and makes nothing new.
        .unwrap_or_else(|errors| MappingTable::faulty(&errors))
        .with_metastore_roots(ends.map(|endpoint| (&endpoint.region, endpoint.metastore_root.as_deref())))
}

async fn read_cache(control: &Control, handle: &GroupHandle) -> Result<CycleCache, ControlError> {
    let id = handle.id.clone();
    let (rows, owned, attributes) = control
        .inner
        .store
        .run(move |tx| Ok((tx.tables::<ReplicaState>(&id)?, tx.owned(&id)?, tx.attributes::<AttributesRow>(&id)?)))
        .await?;
    // A row that a cycle wrote back while its catalog was taken out of the scope is no one's any more.
    let group = handle.group();
    let in_scope = |name: &AssetName| group.has_catalog(&name.catalog) && !group.spec.rules.excludes(name);
    let rows = rows.into_iter().filter(|row| in_scope(&AssetName::parse(&row.name)));
    let tables = rows.map(|row| (row.name, row.body)).collect();
    let owned = owned.into_iter().filter(|key| in_scope(&key.name)).collect();
    let attributes = attributes.into_iter().filter(|(key, _)| in_scope(&key.name));
    let attributes = Attributes::with_rows(attributes);
    Ok(CycleCache { tables, owned, attributes, ..CycleCache::default() })
}
