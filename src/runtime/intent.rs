//! What a click asks of the runtime, and the one answer that it gets.

use super::GroupHistory;
use crate::connect::CapabilitySheet;
use crate::control::view::TokenView;
use crate::control::{AlertsPatch, AsOfReport, GroupPatch, PointReport, SalvageRef, SalvageReport};
use crate::delta::RowsPreview;
use crate::domain::readiness::ReadinessReport;
use crate::domain::{
    ApprovalPolicy, CatalogName, DrillKind, FailoverGroup, FailoverGroupSpec, FailoverKind, GroupId, RecoveryRequest,
    Region, Role, RunBook, Targets, Timestamp, TransferLimit, Violation, WhatIf, WhatIfAnswer, WorkspaceId,
};
use crate::wire::secret::Secret;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Numbers an intent, so that its notice can be matched to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntentId(pub u64);

/// What a user asks for, as plain data.
#[derive(Debug, Clone, PartialEq)]
pub enum Intent {
    /// Creates a failover group, or only checks it.
    CreateGroup {
        /// What is asked for.
        spec: FailoverGroupSpec,
        /// Checks everything and creates nothing.
        validate_only: bool,
    },
    /// Changes a group's scope, mappings or what follows its workspace sets.
    UpdateGroup {
        /// The group.
        id: GroupId,
        /// What is to change.
        patch: GroupPatch,
        /// The etag that the user saw.
        etag: String,
    },
    /// Fails a group over.
    FailOver {
        /// The group.
        id: GroupId,
        /// The region that becomes primary.
        target_primary_region: Region,
        /// Planned or forced.
        kind: FailoverKind,
        /// The etag that the user saw.
        etag: String,
        /// What a planned one may leave behind, by name.
        accept_left_behind: Vec<String>,
        /// The instant to whose versions the tables go back.
        as_of: Option<Timestamp>,
        /// Minutes after which it is undone by itself unless a person keeps it.
        provisional_minutes: Option<u32>,
    },
    /// Finds out what a failover of a group to an earlier instant would do.
    ReadAsOf {
        /// The group.
        id: GroupId,
        /// The instant.
        at: Timestamp,
    },
    /// Keeps a provisional failover.
    KeepFailover {
        /// The group.
        id: GroupId,
    },
    /// Undoes a provisional failover.
    UndoFailover {
        /// The group.
        id: GroupId,
    },
    /// Begins the failover of a group that waits for a second person.
    Approve {
        /// The group.
        id: GroupId,
        /// The request that waits.
        request: String,
    },
    /// Drops the failover of a group that waits for a second person.
    RefuseApproval {
        /// The group.
        id: GroupId,
        /// The request that waits.
        request: String,
    },
    /// Sets whether failovers of a group wait for a second person.
    SetApproval {
        /// The group.
        id: GroupId,
        /// What holds from now on.
        policy: ApprovalPolicy,
    },
    /// Sets what a group should reach.
    SetTargets {
        /// The group.
        id: GroupId,
        /// What holds from now on.
        targets: Targets,
    },
    /// Changes where and of what people are told.
    SetAlerts {
        /// What is to change.
        patch: AlertsPatch,
    },
    /// Sends a test to the webhook.
    TestAlerts,
    /// Makes the window act as the holder of a token.
    SignIn {
        /// The token.
        token: Secret,
    },
    /// Makes the window act as itself again.
    SignOut,
    /// Sets whether the window only shows things until a token is entered.
    SetSignInRequired {
        /// Whether it does.
        required: bool,
    },
    /// Takes what a failover left behind of an object off the group's list.
    ReleaseLeftBehind {
        /// The group.
        id: GroupId,
        /// The object.
        object: String,
    },
    /// Reads the commits of a line of the salvage list.
    ReadSalvage {
        /// The line.
        of: SalvageRef,
    },
    /// Reads rows of salvaged commits.
    PreviewSalvage {
        /// The line.
        of: SalvageRef,
        /// The commits.
        versions: Vec<i64>,
    },
    /// Appends, exports or makes a table of salvaged commits.
    RecoverSalvage {
        /// The line.
        of: SalvageRef,
        /// The commits.
        versions: Vec<i64>,
        /// What to do with them.
        request: RecoveryRequest,
    },
    /// Takes a line of the salvage list off what waits for a person.
    ReleaseSalvage {
        /// The line.
        of: SalvageRef,
    },
    /// Checks what a group needs; the answer is in the group's view.
    CheckReadiness {
        /// The group.
        id: GroupId,
    },
    /// Checks what a group needs that doesn't exist yet.
    CheckReadinessOf {
        /// What would be asked for.
        spec: Box<FailoverGroupSpec>,
    },
    /// Notes that a person looked at what no API tells.
    ConfirmReadiness {
        /// The group.
        id: GroupId,
        /// The line of the check.
        line: String,
    },
    /// Finds out what would fail, cost and wait. Nothing is changed.
    AskWhatIf {
        /// The group.
        id: GroupId,
        /// The question.
        asked: WhatIf,
    },
    /// Finds out what a forced failover of a group would lose now; the answer is in the group's view.
    EstimateLoss {
        /// The group.
        id: GroupId,
    },
    /// Starts a drill.
    StartDrill {
        /// The group.
        id: GroupId,
        /// What is rehearsed.
        kind: DrillKind,
        /// Whether a full one stays in the secondary until a person lets it go on.
        wait: bool,
    },
    /// Lets a drill go on that waits for a person.
    LetDrillGoOn {
        /// The group.
        id: GroupId,
        /// The drill.
        drill: String,
    },
    /// Sets when drills of a group are due: kind, days between two, hour in UTC. None removes the schedule.
    SetDrillSchedule {
        /// The group.
        id: GroupId,
        /// The schedule.
        wanted: Option<(DrillKind, u16, u8)>,
    },
    /// Sets what people wrote about the steps of a group's drills.
    SetRunBook {
        /// The group.
        id: GroupId,
        /// What holds from now on.
        book: RunBook,
    },
    /// Resumes the schedules and starts the compute that ran in the old primary, in the new one.
    ResumeWorkloads {
        /// The group.
        id: GroupId,
    },
    /// Exports and deletes workspace assets that only the group's secondary has.
    DeleteSecondaryOnly {
        /// The group.
        id: GroupId,
        /// Its name, as the user typed it.
        confirm: String,
    },
    /// Compares a group, mends what can be mended in its replica, and compares it again.
    Repair {
        /// The group.
        id: GroupId,
        /// Reads every file of the replica again.
        deep: bool,
        /// The etag that the user saw.
        etag: String,
    },
    /// Reads a replication point back.
    ReadPoint {
        /// The group.
        id: GroupId,
        /// The newest point not after this.
        at: Timestamp,
    },
    /// Reads a group's past from the system table.
    ReadHistory {
        /// The group.
        id: GroupId,
        /// From when on.
        since: Timestamp,
    },
    /// Writes a new text file on this machine.
    SaveText {
        /// Its full path.
        path: String,
        /// What it contains.
        text: String,
    },
    /// Writes a new picture on this machine.
    SavePicture {
        /// Its full path.
        path: String,
        /// A PNG file's bytes.
        png: Arc<Vec<u8>>,
    },
    /// Tries the failed phase of a group again.
    RetryGroup {
        /// The group.
        id: GroupId,
    },
    /// Deletes a group; its replica stays, read-only.
    DeleteGroup {
        /// The group.
        id: GroupId,
        /// The etag that the user saw.
        etag: String,
        /// The region that still had to be put in order, and that the user says is lost for good.
        given_up_region: Option<Region>,
    },
    /// Releases a replica that a deleted group left: its workspace may write to it.
    ReleaseReplica {
        /// The region that holds it.
        region: Region,
        /// The catalog.
        catalog: CatalogName,
    },
    /// Creates a stable URL.
    CreateStableUrl {
        /// Its short id.
        id: String,
        /// The workspace that it leads to first.
        workspace_id: WorkspaceId,
    },
    /// Deletes a stable URL that is attached to no group.
    DeleteStableUrl {
        /// Its short id.
        id: String,
    },
    /// Keeps a token of each of two workspaces for a client of a stable URL, to be exchanged.
    AddTokenPair {
        /// The stable URL's short id.
        url: String,
        /// What people call the client.
        client: String,
        /// A token of each workspace.
        tokens: BTreeMap<WorkspaceId, Secret>,
    },
    /// Forgets the tokens of a client of a stable URL.
    RemoveTokenPair {
        /// The stable URL's short id.
        url: String,
        /// The client.
        client: String,
    },
    /// Makes a token of the account API, or a client that logs in for tokens.
    CreateToken {
        /// Its name, which is the actor in the audit log.
        name: String,
        /// What its holder may do.
        role: Role,
        /// Whether it is a client.
        is_client: bool,
    },
    /// Revokes a token or client.
    RevokeToken {
        /// Its public id.
        id: String,
    },
    /// Asks a region of one's own what it can do; nothing is written there.
    AskCapabilities {
        /// The connection.
        name: String,
    },
    /// Reads what the regions hold again.
    RefreshRegions,
    /// Switches the Mission Critical add-on of a workspace.
    SetMissionCritical {
        /// The workspace.
        workspace_id: WorkspaceId,
        /// On or off.
        on: bool,
    },
    /// Changes what all copies keep to together.
    SetTransferLimit {
        /// The new limits.
        limit: TransferLimit,
    },
    /// Sandbox only: makes a region stop answering, jobs and all.
    TakeRegionDown {
        /// The region.
        region: Region,
    },
    /// Sandbox only: brings a region back.
    BringRegionUp {
        /// The region.
        region: Region,
    },
}

/// The one answer to an intent.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// The intent that it answers.
    pub intent: IntentId,
    /// How it went.
    pub outcome: Result<NoticeDetail, IntentError>,
}

/// What a successful intent brought about.
#[derive(Debug, Clone, PartialEq)]
pub enum NoticeDetail {
    /// Done, in a sentence.
    Done(String),
    /// A group was accepted, checked or changed.
    Group(Box<FailoverGroup>),
    /// A replication point that was read back.
    Point(Box<PointReport>),
    /// What a group needs, line by line.
    Readiness(Box<ReadinessReport>),
    /// What a failover to an earlier instant would do.
    AsOf(Box<AsOfReport>),
    /// What would fail, cost and wait.
    WhatIf(Box<WhatIfAnswer>),
    /// Salvaged commits.
    Salvage(Box<SalvageReport>),
    /// Rows of salvaged commits.
    Rows(Box<RowsPreview>),
    /// A group's past.
    History(Box<GroupHistory>),
    /// What a region can do.
    Capabilities(Box<CapabilitySheet>),
    /// A token or client was made. Its secret is nowhere else, so whoever asked must be shown it now.
    NewToken {
        /// What is known of it.
        token: TokenView,
        /// What its holder sends.
        secret: Secret,
    },
}

/// Why an intent was refused.
#[derive(Debug, Clone, PartialEq)]
pub struct IntentError {
    /// What happened and what to do.
    pub sentence: String,
    /// Broken rules by form field, for CreateGroup.
    pub violations: Vec<Violation>,
    /// The world moved since the user looked: ask again with what is true now.
    pub stale: bool,
}
