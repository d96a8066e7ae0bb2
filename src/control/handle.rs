//! The control handle: every call enters here.

use super::ControlError;
use super::alerts::AlertSink;
use super::deployment::Deployment;
use super::drills::Drills;
use super::group::GroupHandle;
use super::keyring::Keyring;
use super::lock::lock;
use super::routing::Routing;
use super::settings::ControlSettings;
use super::shown_regions::ShownRegions;
use super::view::{ActivityEntry, RegionView, WorkloadView};
use crate::delta::{BulkCopy, CopyEngine, Spark, TransferLimits};
use crate::domain::{
    Clock, DrillSchedule, FailoverGroup, GroupId, Proof, StableUrl, SteadyClock, Timestamp, WorkspaceId,
};
use crate::store::{ActivityRow, Store};
use futures::future::BoxFuture;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How many lines of the audit log are shown.
pub const ACTIVITY_SHOWN: usize = 200;

/// What a group's task does; it stands above this handle, so the caller that starts the handle brings it.
pub type Worker = fn(Control, Arc<GroupHandle>) -> BoxFuture<'static, ()>;

/// The control handle; cheap to clone.
#[derive(Clone)]
pub struct Control {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub deployment: Deployment,
    pub store: Store,
    pub clock: Arc<SteadyClock>,
    pub settings: ControlSettings,
    pub limits: Arc<TransferLimits>,
    /// Copies the data of big shipments, where it is the copy engine.
    pub spark: Option<Arc<Spark>>,
    /// Serialises what the account's rules are checked for, so that two groups cannot take one catalog or stable URL.
    pub creating: Arc<tokio::sync::Mutex<()>>,
    pub stable_urls: Mutex<BTreeMap<String, StableUrl>>,
    /// The gates of the stable URLs.
    pub routing: Routing,
    pub keyring: Keyring,
    pub regions: Mutex<Arc<Vec<RegionView>>>,
    pub shown_regions: Mutex<ShownRegions>,
    /// Whether the add-on is on in each workspace, and when that was read.
    pub mission_critical: Mutex<BTreeMap<WorkspaceId, (bool, Timestamp)>>,
    /// What runs in each workspace, as last heard of.
    pub workloads: Mutex<BTreeMap<WorkspaceId, Vec<WorkloadView>>>,
    /// Makes the readers of the regions read everything again.
    pub refresh: watch::Sender<u64>,
    pub activity: Mutex<Arc<Vec<ActivityEntry>>>,
    api_url: Mutex<Option<String>>,
    pub alerts: AlertSink,
    pub drills: Mutex<Drills>,
    /// Held while a drill is read, changed and stored: its runner and a person may do so at the same moment.
    pub writing_drills: Arc<tokio::sync::Mutex<()>>,
    /// When a comparison last showed a group whole.
    pub proofs: Mutex<BTreeMap<GroupId, Proof>>,
    pub drill_schedules: Mutex<BTreeMap<GroupId, DrillSchedule>>,
    handles: Mutex<BTreeMap<GroupId, Arc<GroupHandle>>>,
    changed: watch::Sender<u64>,
    stopping: watch::Sender<bool>,
    workers: Mutex<JoinSet<()>>,
    worker: Worker,
}

/// What a start finds in the store and what it is given.
pub(super) struct Start {
    pub deployment: Deployment,
    pub store: Store,
    pub clock: Arc<SteadyClock>,
    pub settings: ControlSettings,
    pub stable_urls: Vec<StableUrl>,
    pub keyring: Keyring,
    pub regions: Vec<RegionView>,
    pub drills: Drills,
    /// The newest lines of the audit log, newest first.
    pub activity: Vec<ActivityRow>,
    pub worker: Worker,
}

impl Control {
    /// A handle without groups and without tasks.
    pub(super) fn new(start: Start) -> Self {
        let urls = start.stable_urls.into_iter().map(|url| (url.id.clone(), url)).collect();
        let spark = match &start.settings.copy_engine {
            CopyEngine::Spark(options) if !start.settings.read_only => {
                Some(Arc::new(Spark::new(options.clone(), &start.settings.copy_jobs)))
            }
            CopyEngine::Spark(_) | CopyEngine::Own => None,
        };
        Self {
            inner: Arc::new(Inner {
                spark,
                regions: Mutex::new(Arc::new(start.regions)),
                shown_regions: Mutex::default(),
                stable_urls: Mutex::new(urls),
                routing: Routing::default(),
                keyring: start.keyring,
                deployment: start.deployment,
                store: start.store,
                clock: start.clock,
                settings: start.settings,
                limits: Arc::default(),
                creating: Arc::default(),
                mission_critical: Mutex::default(),
                workloads: Mutex::default(),
                refresh: watch::Sender::new(0),
                activity: Mutex::new(Arc::new(start.activity.into_iter().map(entry).collect())),
                api_url: Mutex::default(),
                alerts: AlertSink::default(),
                drills: Mutex::new(start.drills),
                writing_drills: Arc::default(),
                proofs: Mutex::default(),
                drill_schedules: Mutex::default(),
                handles: Mutex::default(),
                changed: watch::Sender::new(0),
                stopping: watch::Sender::new(false),
                workers: Mutex::default(),
                worker: start.worker,
            }),
        }
    }

    /// Takes a handle in and starts its worker.
    pub(super) fn adopt(&self, handle: GroupHandle) {
        let handle = Arc::new(handle);
        lock(&self.inner.handles).insert(handle.id.clone(), handle.clone());
        if self.inner.settings.read_only {
            return;
        }
        self.spawn((self.inner.worker)(self.clone(), handle));
        self.touch();
    }

    /// Runs a task until the runtime stops, which waits for it.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        lock(&self.inner.workers).spawn(task);
    }

    /// Lets a group that is gone go.
    pub(super) fn release(&self, id: &GroupId) {
        lock(&self.inner.handles).remove(id);
        self.touch();
    }

    /// Stops every worker at a commit boundary and waits for them.
    pub async fn stop(&self) {
        self.inner.stopping.send_replace(true);
        for handle in self.handles() {
            handle.stop.store(true, Ordering::Relaxed);
            handle.quit.store(true, Ordering::Relaxed);
        }
        let mut workers = std::mem::take(&mut *lock(&self.inner.workers));
        while workers.join_next().await.is_some() {}
    }

    /// Drops every task where it stands, as a kill does.
    #[cfg(test)]
    pub(super) async fn abort(&self) {
        let mut workers = std::mem::take(&mut *lock(&self.inner.workers));
        workers.shutdown().await;
    }

    /// What copies the data of big shipments outside this process.
    pub(super) fn bulk(&self) -> Option<Arc<dyn BulkCopy>> {
        self.inner.spark.clone().map(|spark| spark as Arc<dyn BulkCopy>)
    }

    /// Whether the runtime is stopping; waits for it when asked to.
    pub(super) fn stopping(&self) -> watch::Receiver<bool> {
        self.inner.stopping.subscribe()
    }

    /// Says that a view changed.
    pub(super) fn touch(&self) {
        self.inner.changed.send_modify(|n| *n += 1);
    }

    /// Ticks whenever a view changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changed.subscribe()
    }

    /// Where the account API is served, for links in messages.
    pub fn set_api_url(&self, url: &str) {
        *lock(&self.inner.api_url) = Some(url.to_owned());
    }

    /// Where the account API is served; None where it isn't.
    pub(super) fn api_url(&self) -> Option<String> {
        lock(&self.inner.api_url).clone()
    }

    /// The time; a wall clock that jumps does not move it.
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// The account's id.
    pub fn account_id(&self) -> &str {
        &self.inner.deployment.account_id
    }

    pub(super) fn handles(&self) -> Vec<Arc<GroupHandle>> {
        lock(&self.inner.handles).values().cloned().collect()
    }

    pub(super) fn handle(&self, id: &GroupId) -> Result<Arc<GroupHandle>, ControlError> {
        lock(&self.inner.handles).get(id).cloned().ok_or_else(|| ControlError::UnknownGroup { id: id.to_string() })
    }

    /// One group.
    pub fn group(&self, id: &GroupId) -> Result<FailoverGroup, ControlError> {
        Ok(self.handle(id)?.shown())
    }

    /// Every group, by id.
    pub fn groups(&self) -> Vec<FailoverGroup> {
        self.handles().iter().map(|handle| handle.shown()).collect()
    }

    /// Shows a line of the audit log that is stored already.
    pub(super) fn show_activity(&self, line: ActivityRow) {
        let mut shown = lock(&self.inner.activity);
        let shown = Arc::make_mut(&mut shown);
        shown.insert(0, entry(line));
        shown.truncate(ACTIVITY_SHOWN);
    }
}

fn entry(line: ActivityRow) -> ActivityEntry {
    ActivityEntry {
        at: line.at,
        actor: line.actor,
        action: line.action,
        target: line.target,
        message: line.message,
        before: line.before,
        after: line.after,
    }
}
