//! What the outside sees of the account: plain, immutable data, published whole.

use crate::delta::{Salvaged, SparkView};
use crate::domain::readiness::ReadinessReport;
use crate::domain::{
    ApprovalPolicy, AssetKind, ClockMove, Drill, DrillKind, DrillSchedule, FailoverGroup, FailoverKind, FailoverStep,
    GroupId, LeftBehind, ObjectError, PendingApproval, Proof, Provisional, Recovery, Region, ReleasedBy, Role, RunBook,
    StepStatus, Targets, Timestamp, TransferLimit, WorkspaceId,
};
use crate::net::TrafficView;
use crate::store::ErrorRow;
use chrono::DateTime;
use serde::Serialize;
use std::sync::Arc;

/// Everything that is known of the account at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AccountView {
    /// The account's id.
    pub account_id: String,
    /// Every workspace.
    pub workspaces: Vec<WorkspaceView>,
    /// What each region holds, as last read; absent catalogs mean it has not been read yet.
    pub regions: Arc<Vec<RegionView>>,
    /// Every failover group, by name.
    pub groups: Vec<Arc<GroupView>>,
    /// What was done and by whom, newest first, at most 200 entries.
    pub activity: Arc<Vec<ActivityEntry>>,
    /// Every stable URL, by id.
    pub stable_urls: Vec<StableUrlView>,
    /// Every token and client of the account API, newest first, those that were revoked too.
    pub tokens: Vec<TokenView>,
    /// How people are told of what happens.
    pub alerts: AlertsView,
    /// What all copies keep to together.
    pub transfer_limit: TransferLimit,
    /// What Spark copies; None where it isn't the copy engine.
    pub spark: Option<SparkView>,
    /// The newest jump of this machine's clock, while it is worth knowing.
    pub clock_move: Option<ClockMove>,
}

/// One stable URL.
#[derive(Debug, Clone, PartialEq)]
pub struct StableUrlView {
    /// The short id.
    pub id: String,
    /// The full resource name.
    pub name: String,
    /// Its own id, which never changes.
    pub stable_workspace_id: String,
    /// The URL, which never changes.
    pub url: String,
    /// The workspace that it leads to now.
    pub effective_workspace_id: WorkspaceId,
    /// The group that it is attached to.
    pub group: Option<GroupId>,
    /// Assets of the group whose ids differ in the workspace that it leads to now.
    pub moved_ids: usize,
    /// Clients whose tokens the gateway exchanges.
    pub token_clients: Vec<TokenClient>,
    /// What went through the gateway; None where none runs.
    pub traffic: Option<TrafficView>,
}

/// A client whose tokens are exchanged, without them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenClient {
    /// What people call it.
    pub client: String,
    /// The workspaces that a token is kept of.
    pub workspace_ids: Vec<WorkspaceId>,
}

/// One token or client of the account API, without its secret.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TokenView {
    /// Its public id; for a client the client id.
    pub id: String,
    /// Its name, which is the actor in the audit log.
    pub name: String,
    /// What its holder may do.
    pub role: Role,
    /// Whether it is a client that logs in for access tokens.
    pub is_client: bool,
    /// When it was made.
    pub created: Timestamp,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
    /// When a call last came with it, or with an access token of the client, since the process started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used: Option<Timestamp>,
}

/// One workspace.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkspaceView {
    /// Its id.
    pub id: WorkspaceId,
    /// Its display name.
    pub name: String,
    /// Its region.
    pub region: Region,
    /// Where its REST API is served.
    pub url: String,
    /// Whether the Mission Critical add-on is on, as last read.
    pub mission_critical: bool,
    /// When the add-on and what runs in the workspace were last read; None before the first reading.
    pub read_at: Option<Timestamp>,
}

/// What a region can do that not every region can, as it was found by asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegionOffers {
    /// It keeps a catalog read-only for a workspace; else a fence there is advisory.
    pub enforces_read_only: bool,
    /// Managed tables take commits by path; else replicas of managed tables are EXTERNAL.
    pub managed_by_path: bool,
}

/// One region as last read over its API.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionView {
    /// Its name.
    pub name: Region,
    /// Since when it has not answered; None while it does.
    pub unreachable_since: Option<Timestamp>,
    /// By how many seconds its clock is ahead of this machine's, where that is certainly more than one.
    pub clock_skew_s: Option<i64>,
    /// The same of its storage, as the files show that are written there.
    pub storage_skew_s: Option<i64>,
    /// When the catalogs and locations were read.
    pub read_at: Option<Timestamp>,
    /// A `file://` or cloud URI above every location of the region, where known.
    pub storage_root: Option<String>,
    /// Where its metastore keeps tables that have no storage root of their own, where it tells.
    pub metastore_root: Option<String>,
    /// Its catalogs, by name.
    pub catalogs: Vec<CatalogView>,
    /// Its external locations' URIs.
    pub external_locations: Vec<String>,
    /// Jobs, clusters and warehouses of its workspaces.
    pub workloads: Vec<WorkloadView>,
    /// What the region can do, once it was asked.
    pub offers: Option<RegionOffers>,
}

/// One catalog of a region.
#[derive(Debug, Clone, PartialEq)]
pub struct CatalogView {
    /// Its name.
    pub name: String,
    /// Where its managed tables lie, where the catalog says so.
    pub storage_root: Option<String>,
    /// The few places that hold all of its tables: what storage mappings must cover.
    pub locations: Vec<String>,
    /// Whether the region's workspace may only read it.
    pub read_only: bool,
    /// The failover group that it belongs to.
    pub group: Option<GroupId>,
    /// The deleted failover group that left it here as a read-only replica, until an admin releases it.
    pub left_by: Option<String>,
    /// Its schemas, by name.
    pub schemas: Vec<SchemaView>,
}

/// One schema of a catalog.
#[derive(Debug, Clone, PartialEq)]
pub struct SchemaView {
    /// Its name.
    pub name: String,
    /// Its tables and views, by name.
    pub tables: Vec<TableEntry>,
}

/// One table or view, as the scope tree shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct TableEntry {
    /// Its name in its schema.
    pub name: String,
    /// Table or view.
    pub kind: AssetKind,
    /// Why it cannot be replicated, as a sentence; None when it can.
    pub unsupported: Option<String>,
}

/// Something in a workspace that runs or is scheduled.
#[derive(Debug, Clone, PartialEq, Serialize, serde::Deserialize)]
pub struct WorkloadView {
    /// Job, cluster or SQL warehouse.
    pub kind: AssetKind,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it runs, or for a job: whether its schedule is on.
    pub running: bool,
    /// The state as the region's API spells it, such as `RUNNING`, `TERMINATED`, `PAUSED`.
    pub state: String,
}

/// A group's drills, and what they prove.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rehearsals {
    /// Newest first.
    pub drills: Vec<Arc<Drill>>,
    /// When a drill or a deep comparison last showed that the group can fail over.
    pub last_proof: Option<Proof>,
    /// When drills are due, where that is set.
    pub schedule: Option<DrillSchedule>,
    /// Which drill is due next, and when.
    pub next: Option<(DrillKind, Timestamp)>,
    /// What people wrote about the steps.
    pub run_book: Arc<RunBook>,
}

/// One failover group with all that its screens show.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupView {
    /// The group itself.
    pub group: FailoverGroup,
    /// When the state last changed.
    pub state_since: Timestamp,
    /// Milliseconds since everything in scope was last at the secondary, when the view was made; None until bootstrap ends.
    pub lag_ms: Option<u64>,
    /// The replication point without the objects that fail; equals the group's own when nothing fails.
    pub point_without_failing: Option<Timestamp>,
    /// The object furthest behind, with its lag in milliseconds.
    pub worst_object: Option<(String, u64)>,
    /// Lag over the last hour, oldest first, at most one sample a second.
    pub lag_history: Arc<Vec<LagSample>>,
    /// Marks on the chart: failovers and changes.
    pub marks: Arc<Vec<Mark>>,
    /// Every object in scope, by kind and name.
    pub objects: Arc<Vec<ObjectView>>,
    /// When the objects were last looked at, where a region is away or the look is old; None while cycles go on.
    pub as_of: Option<Timestamp>,
    /// Every error, blocking ones first.
    pub errors: Arc<Vec<ObjectError>>,
    /// Which of the errors holds up the group as a whole, such as a region that does not answer; it isn't an object's.
    pub blocking_error: Option<ObjectError>,
    /// The cycle that runs or ran last.
    pub cycle: CycleView,
    /// The operation that runs, or the last one.
    pub operation: Option<Arc<OperationView>>,
    /// Operations that ended, newest first, at most 20.
    pub history: Arc<Vec<OperationView>>,
    /// What forced failovers left behind, newest first.
    pub salvage: Arc<Vec<SalvageView>>,
    /// What failovers left behind in an old primary, until a person releases it.
    pub left_behind: Arc<Vec<LeftBehind>>,
    /// The region that still has to be put in order after the last failover; deleting the group before means giving it up.
    pub unsettled_region: Option<Region>,
    /// The last failover, while it goes back unless a person keeps it.
    pub provisional: Option<Provisional>,
    /// What it should reach.
    pub targets: Targets,
    /// Whether failovers wait for a second person.
    pub approval: ApprovalPolicy,
    /// The failover that waits for one.
    pub pending_approval: Option<PendingApproval>,
    /// What ran in the old primary before the last failover and does not run in the new one yet.
    pub to_resume: Vec<WorkloadView>,
    /// Errors over time: those that last, then those that ended within a year, newest first, at most 500.
    pub error_history: Arc<Vec<ErrorRow>>,
    /// What the last readiness check found; None before the first one.
    pub readiness: Option<Arc<ReadinessReport>>,
    /// Its workspace assets; None where no workspace set replicates them.
    pub assets: Option<AssetsView>,
    /// What a forced failover to the secondary would lose, as last asked.
    pub loss_estimate: LossEstimate,
    /// Its drills, and what they prove.
    pub rehearsals: Rehearsals,
}

/// How the replication of workspace assets stands.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AssetsView {
    /// Whether every asset has arrived, or been flagged, once.
    pub arrived: bool,
    /// Assets that the running pass has looked at.
    pub done: u64,
    /// Assets that it looks at in all; 0 while none runs or the workspace is being listed.
    pub total: u64,
    /// When the running pass began.
    pub started: Option<Timestamp>,
    /// When the primary's workspaces were last listed by a pass that ended.
    pub looked_at: Option<Timestamp>,
    /// How long that pass took, in seconds.
    pub seconds: f64,
    /// Assets that only the secondary has and a person must confirm to be deleted.
    pub secondary_only: usize,
}

/// Lag at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LagSample {
    /// When.
    pub at: Timestamp,
    /// Milliseconds; None when it was not known.
    pub lag_ms: Option<u64>,
}

/// A mark on the RPO chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// When.
    pub at: Timestamp,
    /// What happened, in a few words.
    pub label: String,
}

pub use super::alerts_view::{AlertDelivery, AlertsView};
pub use super::loss_estimate::{LikelyLoss, LossEstimate};
pub use crate::replicate::ObjectRecord as ObjectView;

/// The cycle that runs or ran last.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CycleView {
    /// Cycles since the process started.
    pub iteration: u64,
    /// Whether one runs now.
    pub running: bool,
    /// When it began.
    pub started: Option<Timestamp>,
    /// How long the last whole one took, in seconds.
    pub seconds: Option<f64>,
    /// Tables that the last whole one found changed.
    pub changed: u64,
    /// Bytes copied since the bootstrap or cycle began.
    pub bytes_copied: u64,
    /// Bytes to copy in all, as far as planned.
    pub bytes_total: u64,
}

/// One failover, with its steps.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OperationView {
    /// Its id.
    pub id: String,
    /// Planned or forced.
    pub kind: FailoverKind,
    /// The region that becomes secondary.
    pub from_region: Region,
    /// The region that becomes primary.
    pub to_region: Region,
    /// Who asked for it.
    pub requested_by: String,
    /// When it was confirmed.
    pub started: Timestamp,
    /// When it ended, either way.
    pub ended: Option<Timestamp>,
    /// How it stands.
    pub outcome: OperationOutcome,
    /// Why it was rolled back or failed, as a sentence.
    pub message: Option<String>,
    /// Seconds from confirmation to the new primary accepting writes.
    pub rto_seconds: Option<f64>,
    /// Seconds of writes that a forced failover lost, as measured; None while unknown.
    pub rpo_seconds: Option<f64>,
    /// Commits that never arrived; None while the old primary has not answered.
    pub commits_lost: Option<u64>,
    /// The instant to whose versions the tables go back.
    pub as_of: Option<Timestamp>,
    /// Whether it undoes a provisional failover.
    pub undoes: bool,
    /// Steps in their order.
    pub steps: Vec<StepView>,
}

/// How an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationOutcome {
    /// It runs.
    Running,
    /// Every step is done.
    Succeeded,
    /// It was undone before the point of no return.
    RolledBack,
    /// It stopped after the point of no return and waits for a retry.
    Failed,
}

/// One step of an operation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepView {
    /// Which.
    pub step: FailoverStep,
    /// Where it stands.
    pub status: StepStatus,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// What it does now or did: counts, or why it was skipped or failed.
    pub note: Option<String>,
}

impl StepView {
    /// Seconds that the step took; None while it has not ended.
    pub fn seconds(&self) -> Option<f64> {
        let (started, ended) = (self.started?, self.ended?);
        Some((ended - started).num_milliseconds() as f64 / 1000.0)
    }
}

/// What one forced failover left behind on one table.
#[derive(Debug, Clone, PartialEq, Serialize, serde::Deserialize)]
pub struct SalvageView {
    /// The table.
    pub table: String,
    /// The epoch that the failover began.
    pub epoch: u64,
    /// First version that never arrived; None when the whole table never did.
    pub first_version: Option<i64>,
    /// Last version that never arrived.
    pub last_version: i64,
    /// Commits salvaged.
    pub commits: u64,
    /// Rows in the data files that they added, where the log's statistics tell.
    pub rows: Option<u64>,
    /// Bytes of the data files that they added.
    pub bytes: u64,
    /// When the first and the last of the commits were made; None where that is not known.
    #[serde(default)]
    pub committed: Option<(Timestamp, Timestamp)>,
    /// The folder that holds commits, files and the list.
    pub folder: String,
    /// When it was salvaged.
    pub at: Timestamp,
    /// The table's full name, where the line is called something else.
    #[serde(default)]
    pub of: Option<String>,
    /// The instant after which an as-of failover took the commits back; None where they never arrived.
    #[serde(default)]
    pub after: Option<Timestamp>,
    /// What people did with the commits, oldest first.
    #[serde(default)]
    pub recovered: Vec<Recovery>,
    /// Who took the line off the list of what waits for a person.
    #[serde(default)]
    pub released: Option<ReleasedBy>,
}

impl SalvageView {
    /// The table's full name.
    pub fn table_name(&self) -> &str {
        self.of.as_deref().unwrap_or(&self.table)
    }

    /// A line about what `salvaged` put into `folder`.
    pub(super) fn new(table: String, epoch: u64, salvaged: &Salvaged, folder: String, at: Timestamp) -> Self {
        let time = DateTime::from_timestamp_millis;
        Self {
            table,
            epoch,
            first_version: salvaged.first_version,
            last_version: salvaged.last_version.or(salvaged.common_version).unwrap_or_default(),
            commits: salvaged.commits,
            rows: salvaged.rows,
            bytes: salvaged.bytes,
            committed: salvaged.committed_ms.and_then(|(first, last)| time(first).zip(time(last))),
            folder,
            at,
            of: None,
            after: None,
            recovered: Vec::new(),
            released: None,
        }
    }
}

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ActivityEntry {
    /// When.
    pub at: Timestamp,
    /// Who: a token's name, or `console`.
    pub actor: String,
    /// What was done, such as `failover_group.create`.
    pub action: String,
    /// To what.
    pub target: String,
    /// The whole story as a sentence.
    pub message: String,
    /// The target before, as JSON.
    pub before: Option<String>,
    /// The target after, as JSON.
    pub after: Option<String>,
}
