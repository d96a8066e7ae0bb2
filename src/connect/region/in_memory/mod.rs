//! A region in memory for tests: no HTTP, the rules of the real service, and its refusals.
//!
//! Names are unique, parents must exist, locations don't overlap, what holds something isn't deleted, and bindings decide
//! who gets credentials to write. Table data lies in a folder, as a sandbox region's does. A test can send the region away,
//! make any call fail, or let a call do its work and lose the answer.

mod access;
mod api;
mod assets;
mod catalogs;
mod credentials;
mod faults;
mod in_schema;
mod objects;
mod tables;
mod tests;
mod workspace;

use super::{CredentialModes, RegionApi, RegionCapabilities, WorkspaceRole};
use crate::connect::health::RegionHealth;
use crate::connect::storage::StorageOptions;
use crate::domain::Region;
use crate::wire::dashboards::Dashboard;
use crate::wire::error::{self, ErrorBody};
use crate::wire::jobs::JobInfo;
use crate::wire::permissions::AccessControl;
use crate::wire::unity_catalog as uc;
use crate::wire::workspace::{ClusterInfo, WarehouseInfo};
use faults::Faults;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use url::Url;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    /// A person or a job of the workspace: bindings hold for all that it does.
    User,
    /// The product's own principal, a metastore admin: bindings hold for credentials of a table's id alone.
    Replication,
}

/// Why a call is refused, as the service's answer has it.
#[derive(Debug)]
struct Refusal {
    status: u16,
    body: ErrorBody,
}

impl Refusal {
    fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, body: ErrorBody::new(code, message) }
    }

    fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, error::INVALID_PARAMETER_VALUE, message)
    }

    /// `what` is the kind as the error code spells it, such as `TABLE`.
    fn missing(what: &str, name: &str) -> Self {
        let kind = what.to_lowercase();
        Self::new(404, &format!("{what}_DOES_NOT_EXIST"), format!("The {kind} '{name}' does not exist."))
    }

    fn exists(what: &str, name: &str) -> Self {
        let kind = what.to_lowercase();
        Self::new(409, error::ALREADY_EXISTS, format!("The {kind} '{name}' already exists."))
    }

    fn denied(message: impl Into<String>) -> Self {
        Self::new(403, error::PERMISSION_DENIED, message)
    }

    fn state(message: impl Into<String>) -> Self {
        Self::new(400, error::INVALID_STATE, message)
    }
}

/// What a region knows. Keys are full names in lower case, so that they sort as the service lists them.
#[derive(Debug, Default)]
struct Known {
    catalogs: BTreeMap<String, uc::CatalogInfo>,
    /// By catalog.
    bindings: BTreeMap<String, Vec<uc::WorkspaceBinding>>,
    schemas: BTreeMap<String, uc::SchemaInfo>,
    tables: BTreeMap<String, uc::TableInfo>,
    staged: BTreeMap<String, uc::StagingTableInfo>,
    volumes: BTreeMap<String, uc::VolumeInfo>,
    functions: BTreeMap<String, uc::FunctionInfo>,
    external_locations: Vec<uc::ExternalLocationInfo>,
    guards: access::Guards,
    jobs: BTreeMap<i64, JobInfo>,
    clusters: BTreeMap<String, ClusterInfo>,
    warehouses: BTreeMap<String, WarehouseInfo>,
    tree: objects::Tree,
    dashboards: BTreeMap<String, Dashboard>,
    /// Direct permissions by family and id.
    acls: BTreeMap<(String, String), Vec<AccessControl>>,
    /// By failover group: the role and the epoch that it was given in.
    roles: BTreeMap<String, (WorkspaceRole, u64)>,
    mission_critical: bool,
    /// Numbers new ids, so that runs of a test are alike.
    next_id: u64,
}

/// What all handles of one region share.
#[derive(Debug)]
struct Shared {
    region: Region,
    /// `file://` URI above every location of the region.
    storage_root: String,
    capabilities: Mutex<RegionCapabilities>,
    known: Mutex<Known>,
    faults: Faults,
}

/// A region in memory, as one caller in one workspace sees it. Further handles see the same region.
pub struct InMemoryRegion {
    shared: Arc<Shared>,
    workspace_id: i64,
    caller: Caller,
    health: RegionHealth,
    storage: StorageOptions,
    modes: CredentialModes,
}

impl fmt::Debug for InMemoryRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemoryRegion").field("region", &self.shared.region).finish_non_exhaustive()
    }
}

impl InMemoryRegion {
    /// An empty region whose storage lies below `folder`, with the external location `lake` in it. It offers all that a
    /// region can, and its caller is the product's own principal.
    pub fn new(region: &str, workspace_id: i64, folder: &Path) -> Arc<Self> {
        let url = Url::from_directory_path(folder.join(region)).expect("an absolute folder");
        let storage_root = url.as_str().trim_end_matches('/').to_owned();
        let lake = uc::ExternalLocationInfo {
            name: "lake".to_owned(),
            url: format!("{storage_root}/lake"),
            ..uc::ExternalLocationInfo::default()
        };
        let known = Known {
            external_locations: vec![lake],
            guards: access::Guards::of(region),
            mission_critical: true,
            tree: objects::new_tree(),
            // An id of one region means nothing in another.
            next_id: workspace_id.unsigned_abs() * 10_000,
            ..Known::default()
        };
        let capabilities =
            RegionCapabilities { staging_tables: true, keeps_ids: true, disaster_recovery_role: true, bindings: true };
        let shared = Shared {
            region: Region::new(region),
            storage_root,
            capabilities: Mutex::new(capabilities),
            known: Mutex::new(known),
            faults: Faults::default(),
        };
        Arc::new(Self::of(Arc::new(shared), workspace_id, Caller::Replication))
    }

    fn of(shared: Arc<Shared>, workspace_id: i64, caller: Caller) -> Self {
        Self {
            shared,
            workspace_id,
            caller,
            health: RegionHealth::default(),
            storage: StorageOptions::default(),
            modes: CredentialModes::default(),
        }
    }

    /// The same region as the layers above take it.
    pub fn api(self: &Arc<Self>) -> Arc<dyn RegionApi> {
        self.clone()
    }

    /// The same region as a person or a job of this workspace sees it.
    pub fn as_user(&self) -> Arc<Self> {
        Arc::new(Self::of(self.shared.clone(), self.workspace_id, Caller::User))
    }

    /// The same region through another workspace of it.
    pub fn through_workspace(&self, workspace_id: i64) -> Arc<Self> {
        Arc::new(Self::of(self.shared.clone(), workspace_id, self.caller))
    }

    /// `file://` URI of the external location `lake`.
    pub fn lake(&self) -> String {
        format!("{}/lake", self.shared.storage_root)
    }

    /// What the region offers from now on. Without `disaster_recovery_role` it has no Mission Critical add-on either.
    pub fn offer(&self, capabilities: RegionCapabilities) {
        *lock(&self.shared.capabilities) = capabilities;
    }

    fn offered(&self) -> RegionCapabilities {
        *lock(&self.shared.capabilities)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        lock(&self.shared.known)
    }
}

impl Known {
    /// A new id that looks like one.
    fn new_id(&mut self) -> String {
        self.next_id += 1;
        format!("00000000-0000-4000-8000-{:012x}", self.next_id)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A name as the service keeps it: in lower case, without the characters that paths and full names need.
fn checked_name(name: &str) -> Result<String, Refusal> {
    let bad = |c: char| c == '.' || c == '/' || c.is_whitespace() || c.is_control();
    if name.is_empty() || name.chars().count() > 255 || name.contains(bad) {
        return Err(Refusal::invalid(format!("{name:?} is not a valid name.")));
    }
    Ok(name.to_lowercase())
}

/// The parts of a full name of `N` parts, in lower case.
fn split<const N: usize>(full_name: &str) -> Result<[String; N], Refusal> {
    let parts: Vec<String> = full_name.to_lowercase().split('.').map(str::to_owned).collect();
    parts.try_into().map_err(|_| Refusal::invalid(format!("'{full_name}' is not a full name of {N} parts.")))
}
