//! Pure types and rules: no tokio, egui, HTTP or disk in here.

mod alert;
pub mod approval;
pub mod asset_key;
pub mod asset_kind;
mod catalog_name;
pub mod clock;
pub mod clock_skew;
pub mod drill;
pub mod error_class;
pub mod failover;
pub mod failover_group;
pub mod group_state;
mod hex;
pub mod left_behind;
pub mod location_mapping;
pub mod names;
pub mod object_status;
pub mod readiness;
pub mod recovery;
pub mod region;
pub mod replication_point;
pub mod role;
mod run_book;
mod scope_rules;
pub mod stable_url;
pub mod steady_clock;
pub mod storage_uri;
mod targets;
pub mod transfer_limit;
pub mod validation;
mod what_if;
pub mod workspace_id;

pub use alert::{Alert, AlertEvent, AlertTopic, Severity, WebhookFormat};
pub use approval::{ApprovalPolicy, Asker, PendingApproval};
pub use asset_key::AssetKey;
pub use asset_kind::AssetKind;
pub use catalog_name::{CatalogName, InvalidCatalogName};
pub use clock::{Clock, ManualClock, SystemClock};
pub use clock_skew::ClockSkew;
pub use drill::{Drill, DrillKind, DrillOutcome, DrillSchedule, DrillStep, DrillStepRecord, DrilledTable, Proof};
pub use error_class::{ErrorClass, ObjectError};
pub use failover::{AsOfTable, FailoverKind, FailoverOrder, FailoverStep, Provisional, StepStatus};
pub use failover_group::{FailoverGroup, FailoverGroupSpec, UnityCatalogAssets, WorkspaceSet};
pub use group_state::{Effect, Event, GroupState, InvalidTransition};
pub use hex::hex;
pub use left_behind::{LeftBehind, Shortfall};
pub use location_mapping::{LocationMapping, MappingError, MappingTable, Unmapped};
pub use names::{AssetName, GroupId, InvalidGroupId, folded, same_name};
pub use object_status::ObjectStatus;
pub use recovery::{Recovery, RecoveryOutcome, RecoveryRequest, ReleasedBy};
pub use region::Region;
pub use replication_point::{ReplicationPoint, TableVersion};
pub use role::{Right, Role};
pub use run_book::{RunBook, RunBookStep, StepApproval, TIMEOUT_MINUTES};
pub use scope_rules::{RENAME_LIMIT_BYTES, ScopeRules};
pub use stable_url::{InvalidStableUrlId, StableUrl};
pub use steady_clock::{ClockMove, MoveEnd, SteadyClock};
pub use storage_uri::{StorageUri, StorageUriError};
pub use targets::{LONGEST_TARGET_S, Targets};
pub use transfer_limit::{
    BULK_FROM, BadTransferLimit, Bandwidth, PARALLEL, TransferLimit, parse_parallel, parse_size, size_text,
};
pub use validation::{Facts, Field, Topic, Violation, WorkspaceFacts, validate_spec};
pub use what_if::{Consequence, Weight, WhatIf, WhatIfAnswer};
pub use workspace_id::{InvalidWorkspaceId, WorkspaceId};

/// An instant in UTC.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
