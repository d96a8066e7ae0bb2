//! Passes over the workspaces of a group, beside its cycles: at a slower rhythm, and never while it fails over.

use super::group::{GroupChange, GroupHandle, sets_of};
use super::{Control, ControlError, audit};
use crate::delta::Depth;
use crate::domain::{AssetKind, FailoverGroup, GroupId, GroupState, ObjectError, Region, WorkspaceSet};
use crate::replicate::workspace::{
    self, AssetProgress, AssetRequest, IdMap, Pace, PassOutcome, delete_extras, run_pass,
};
use crate::replicate::{Endpoint, ObjectRecord};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// A pass takes at most this part of the time: the rest its workspaces have to themselves.
const DUTY: u32 = 10;
/// How long the last pass of a planned failover may take.
const LAST_PASS: Duration = Duration::from_secs(120);

/// Runs passes while the group replicates, until dropped.
pub async fn run(control: &Control, handle: &Arc<GroupHandle>) {
    let mut failures: u32 = 0;
    loop {
        let group = handle.group();
        let mut pause = control.inner.settings.asset_pause;
        if group.state.replicates() && !group.salvage_pending && sets_of(&group).next().is_some() {
            let watch = Instant::now();
            let ended = tokio::select! {
                ended = over_all_sets(control, handle, &group) => ended,
                () = handle.assets.cancel.notified() => true,
            };
            handle.record().assets.stopped();
            failures = if ended { 0 } else { failures.saturating_add(1) };
            pause = pause.max(watch.elapsed() * (DUTY - 1)) * failures.saturating_add(1).min(DUTY);
            // A cycle that found nothing new must still show what the pass found.
            control.touch();
        } else {
            pause = pause.min(Duration::from_secs(1));
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = handle.assets.woken.notified() => {}
        }
    }
}

/// One pass over each workspace set; false where one failed.
async fn over_all_sets(control: &Control, handle: &GroupHandle, group: &FailoverGroup) -> bool {
    let mut ended = true;
    for set in sets_of(group) {
        ended &= over_set(control, handle, group, set).await.is_ok();
    }
    ended
}

async fn over_set(
    control: &Control,
    handle: &GroupHandle,
    group: &FailoverGroup,
    set: &WorkspaceSet,
) -> Result<PassOutcome, ControlError> {
    let mut caches = handle.assets.caches.lock().await;
    let _end = handle.assets.begin();
    handle.assets.stop.store(false, Ordering::Relaxed);
    if caches.0 != group.epoch {
        *caches = (group.epoch, BTreeMap::new());
    }
    let progress = Arc::new(AssetProgress::default());
    handle.record().assets.begin(group.epoch, &set.name, progress.clone(), control.now());
    let watch = Instant::now();
    let mut cache = caches.1.remove(&set.name).unwrap_or_default();
    let outcome = async {
        let ends = Ends::connect(control, group, set).await?;
        let request = ends.request(control, handle, group, set, progress);
        run_pass(&request, &mut cache).await.map_err(ControlError::from)
    };
    let outcome = outcome.await;
    match &outcome {
        Ok(outcome) => {
            caches.1.insert(set.name.clone(), cache);
            handle.record().assets.end(group.epoch, &set.name, outcome.clone(), watch.elapsed());
        }
        Err(error) => {
            tracing::debug!(group = %handle.id, set = %set.name, %error, "a pass over the workspace did not end");
            let message = format!("Couldn't replicate the assets of workspace set {}. {error}", set.name);
            let error = ObjectError {
                class: error.class(),
                parameters: BTreeMap::new(),
                message,
                kind: AssetKind::Folder,
                object: set.name.clone(),
                since: control.now(),
            };
            handle.record().assets.fail(group.epoch, &set.name, error);
        }
    }
    outcome
}

/// Both workspaces of a set.
struct Ends {
    source: Endpoint,
    destination: Endpoint,
    exports: PathBuf,
}

impl Ends {
    async fn connect(control: &Control, group: &FailoverGroup, set: &WorkspaceSet) -> Result<Self, ControlError> {
        let deployment = &control.inner.deployment;
        Ok(Self {
            source: deployment.endpoint_of_set(set, &group.effective_primary_region).await?,
            destination: deployment.endpoint_of_set(set, group.effective_secondary_region()).await?,
            exports: control.export_folder(group),
        })
    }

    fn request<'a>(
        &'a self,
        control: &'a Control,
        handle: &'a GroupHandle,
        group: &'a FailoverGroup,
        set: &'a WorkspaceSet,
        progress: Arc<AssetProgress>,
    ) -> AssetRequest<'a> {
        AssetRequest {
            group: &group.spec.id,
            set: &set.name,
            source_side: side_of(group, &group.effective_primary_region),
            source: &self.source,
            destination: &self.destination,
            store: &control.inner.store,
            clock: control.inner.clock.as_ref(),
            stop: handle.assets.stop.clone(),
            pace: Arc::new(Pace::new(control.inner.settings.asset_calls_per_second)),
            exports: &self.exports,
            progress,
        }
    }
}

/// Which of the group's regions it is, in their order, which never changes.
pub fn side_of(group: &FailoverGroup, region: &Region) -> usize {
    usize::from(group.spec.regions.first().is_none_or(|first| first != region))
}

/// The last pass of a planned failover, over all sets; a sentence for its step, nothing where no assets replicate.
pub async fn catch_up(control: &Control, handle: &GroupHandle) -> Result<String, ControlError> {
    let group = handle.group();
    let (mut arrived, mut all, mut late) = (0, 0, false);
    for set in sets_of(&group) {
        match tokio::time::timeout(LAST_PASS, over_set(control, handle, &group, set)).await {
            Ok(outcome) => {
                let outcome = outcome?;
                all += outcome.objects.iter().filter(|object| object.source_id.is_some()).count();
                arrived += outcome.objects.iter().filter(|o| o.source_id.is_some() && o.replica_id.is_some()).count();
            }
            Err(_) => late = true,
        }
    }
    Ok(match (all, late) {
        (_, true) => {
            " Not all workspace assets could be brought up to date in time. The rest stays in the old primary."
                .to_owned()
        }
        (0, false) => String::new(),
        (all, false) => format!(" {arrived} of {all} workspace assets have arrived."),
    })
}

/// Compares the assets of every workspace set with their replicas. Passes wait meanwhile, so that none changes what is
/// compared; a failover doesn't wait.
pub async fn compare(
    control: &Control,
    handle: &GroupHandle,
    group: &FailoverGroup,
    depth: Depth,
) -> Result<Vec<ObjectRecord>, ControlError> {
    if sets_of(group).next().is_none() {
        return Ok(Vec::new());
    }
    let _passes_wait = handle.assets.caches.lock().await;
    handle.assets.stop.store(false, Ordering::Relaxed);
    let failed_over = || ControlError::Refused {
        sentence: format!("Failover group {} began to fail over. Verify it when that has finished.", handle.id),
    };
    let now = handle.group();
    if now.state == GroupState::FailingOver || now.epoch != group.epoch {
        return Err(failed_over());
    }
    let compared = async {
        let mut objects = Vec::new();
        for set in sets_of(group) {
            let ends = Ends::connect(control, group, set).await?;
            let request = ends.request(control, handle, group, set, Arc::default());
            objects.extend(workspace::compare(&request, depth).await?);
        }
        Ok(objects)
    };
    tokio::select! {
        compared = compared => compared,
        () = handle.assets.cancel.notified() => Err(failed_over()),
    }
}

/// The id map of the workspace set that data replicates through; None where its assets don't replicate.
pub async fn ids_of(control: &Control, group: &FailoverGroup) -> Result<Option<IdMap>, ControlError> {
    match group.spec.data_workspace_set().filter(|set| set.replicate_workspace_assets) {
        None => Ok(None),
        Some(set) => Ok(Some(IdMap::read(&control.inner.store, &group.spec.id, &set.name).await?)),
    }
}

impl Control {
    /// Where copies are kept of what replication overwrites or deletes in a secondary and did not make.
    pub fn export_folder(&self, group: &FailoverGroup) -> PathBuf {
        let data_dir = self.inner.store.path().parent().map(PathBuf::from).unwrap_or_default();
        data_dir.join("exports").join(group.spec.id.as_str()).join(group.effective_secondary_region().as_str())
    }

    /// Deletes in the secondary's workspaces what only they have, in the part that replicates, as the last passes listed it.
    ///
    /// `confirm` must be the group's id, which a person typed. Each asset is exported first; the answer says where, and
    /// what was left and why.
    pub async fn delete_secondary_only(
        &self,
        actor: &str,
        id: &GroupId,
        confirm: &str,
    ) -> Result<SecondaryOnlyDeleted, ControlError> {
        let handle = self.handle(id)?;
        if confirm != id.as_str() {
            return Err(ControlError::BadArgument {
                sentence: format!("To confirm the deletion, write the failover group's name, {id}."),
            });
        }
        let group = handle.group();
        let listed = handle.record().assets.secondary_only(&group);
        if listed.values().all(|set| set.is_empty()) {
            return Err(ControlError::Refused {
                sentence: format!(
                    "Nothing is listed that exists only in {}. Wait for the next pass over the workspace.",
                    group.effective_secondary_region()
                ),
            });
        }
        let mut outcome =
            SecondaryOnlyDeleted { folder: self.export_folder(&group).display().to_string(), ..Default::default() };
        let mut caches = handle.assets.caches.lock().await;
        handle.assets.stop.store(false, Ordering::Relaxed);
        let now = handle.group();
        if !now.state.replicates() || now.epoch != group.epoch {
            return Err(ControlError::Refused {
                sentence: format!("Failover group {id} failed over in the meantime, so nothing was deleted."),
            });
        }
        for set in sets_of(&group) {
            let Some(confirmed) = listed.get(&set.name).filter(|confirmed| !confirmed.is_empty()) else { continue };
            let ends = Ends::connect(self, &group, set).await?;
            let request = ends.request(self, &handle, &group, set, Arc::default());
            let deleted = delete_extras(&request, confirmed).await?;
            outcome.deleted.extend(deleted.deleted);
            outcome.left.extend(deleted.left);
            // What was read of the secondary's tree is no longer so.
            caches.1.remove(&set.name);
        }
        drop(caches);
        let message = format!(
            "{actor} deleted {} workspace assets that existed only in {}. Copies are in {}.",
            outcome.deleted.len(),
            group.effective_secondary_region(),
            outcome.folder
        );
        let line = audit::line(self.now(), actor, "failover_group.delete_secondary_only", id.as_str(), message);
        let mut change = GroupChange::of(&handle).await;
        change.log(line);
        change.commit(self).await?;
        handle.assets.wake();
        Ok(outcome)
    }
}

impl SecondaryOnlyDeleted {
    /// What became of it, in words.
    pub fn sentence(&self) -> String {
        let mut sentence = format!("Deleted {} workspace assets. Copies are in {}.", self.deleted.len(), self.folder);
        if let Some(first) = self.left.first() {
            sentence.push_str(&format!(" {} were left. {first}", self.left.len()));
        }
        sentence
    }
}

/// What became of a confirmed deletion.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecondaryOnlyDeleted {
    /// Kind and name of what was exported and deleted.
    pub deleted: Vec<(AssetKind, String)>,
    /// What was left, each as a sentence that says why.
    pub left: Vec<String>,
    /// The folder with the copies.
    pub folder: String,
}
