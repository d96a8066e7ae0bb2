//! One region: what it knows, who may do what in it, and what runs there.

use super::call::Caller;
use super::clients::Clients;
use super::faults::Switches;
use super::principals;
use super::records::{Kind, Records};
use super::refusal::Refusal;
use crate::domain::Clock;
use crate::wire::sandbox::{DisasterRecoveryRole, ROLE_PRIMARY, ROLE_SECONDARY};
use crate::wire::unity_catalog::{CatalogInfo, ISOLATION_ISOLATED, WorkspaceBindings};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// What is made once and never changes.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Identity {
    pub account_id: String,
    pub region: String,
    pub workspace_id: i64,
    pub workspace_name: String,
    pub metastore_id: String,
    pub admin_token: String,
    pub admin_name: String,
    pub replication_token: String,
    pub replication_name: String,
    /// `file://` URI above every location of the region.
    pub storage_root: String,
}

/// A workspace of the account, as every region lists it.
#[derive(Debug, Clone)]
pub(super) struct Sibling {
    pub region: String,
    pub workspace_id: i64,
    pub workspace_name: String,
}

/// What a workspace may do in a catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    ReadWrite,
    ReadOnly,
    Unbound,
}

/// How long a cluster or warehouse says that it starts. Real ones take minutes.
const START_TIME: Duration = Duration::from_millis(150);

pub(super) struct Region {
    pub identity: Identity,
    pub account: Vec<Sibling>,
    /// The admin's login at the account, which every region takes.
    pub account_token: String,
    pub folder: PathBuf,
    pub records: Records,
    pub clock: Arc<dyn Clock>,
    /// Who calls its workspace.
    pub clients: Clients,
    up: AtomicBool,
    /// Commits of this region's jobs since the process started.
    pub commits: AtomicU64,
    /// Held shared while a job checks its credentials and commits; held alone to make a catalog read-only, so
    /// that no commit that was allowed before lands after.
    pub commit_gate: RwLock<()>,
    /// Job and compute of every commit that is being written.
    in_flight: Mutex<Vec<(i64, String)>>,
    starting: Mutex<HashMap<String, Instant>>,
    withheld: Mutex<Withheld>,
    pub switches: Switches,
}

/// Credentials that a region refuses, as regions of another make do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Withheld {
    /// Those of a table's id: the call isn't served.
    pub by_id: bool,
    /// Those to read a path under a catalog's managed storage.
    pub managed_paths: bool,
}

impl Region {
    pub fn new(
        identity: Identity,
        account: Vec<Sibling>,
        account_token: String,
        folder: PathBuf,
        records: Records,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            switches: Switches::kept(&records),
            identity,
            account,
            account_token,
            folder,
            records,
            clock,
            clients: Clients::default(),
            up: AtomicBool::new(false),
            commits: AtomicU64::new(0),
            commit_gate: RwLock::new(()),
            in_flight: Mutex::default(),
            starting: Mutex::default(),
            withheld: Mutex::default(),
        }
    }

    pub fn name(&self) -> &str {
        &self.identity.region
    }

    /// Whether it answers and its jobs may run.
    pub fn is_up(&self) -> bool {
        self.up.load(Ordering::SeqCst)
    }

    pub fn set_up(&self, up: bool) {
        self.up.store(up, Ordering::SeqCst);
    }

    /// Which credentials it refuses.
    pub fn withheld(&self) -> Withheld {
        *self.withheld.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn withhold(&self, withheld: Withheld) {
        *self.withheld.lock().unwrap_or_else(PoisonError::into_inner) = withheld;
    }

    pub fn now(&self) -> crate::domain::Timestamp {
        self.clock.now()
    }

    pub fn now_ms(&self) -> i64 {
        self.now().timestamp_millis()
    }

    /// The name of the user or service principal behind a caller; empty where that was removed.
    pub fn user(&self, caller: Caller) -> String {
        match caller {
            Caller::Admin => self.identity.admin_name.clone(),
            Caller::Replication => self.identity.replication_name.clone(),
            Caller::Principal(id) => {
                principals::with_id(&self.records, &id.to_string()).map(|p| p.name).unwrap_or_default()
            }
        }
    }

    /// What this workspace may do in a catalog.
    pub fn access(&self, catalog: &CatalogInfo) -> Access {
        if catalog.isolation_mode.as_deref() != Some(ISOLATION_ISOLATED) {
            return Access::ReadWrite;
        }
        let bindings: WorkspaceBindings =
            self.records.get(Kind::Bindings, &format!("catalog/{}", catalog.name)).unwrap_or_default();
        match bindings.bindings.iter().find(|b| b.workspace_id == self.identity.workspace_id) {
            None => Access::Unbound,
            Some(binding) if binding.is_read_only() => Access::ReadOnly,
            Some(_) => Access::ReadWrite,
        }
    }

    /// A catalog that the caller may see.
    pub fn catalog(&self, caller: Caller, name: &str) -> Result<CatalogInfo, Refusal> {
        let catalog: CatalogInfo =
            self.records.get(Kind::Catalog, name).ok_or_else(|| Refusal::missing("CATALOG", name))?;
        // A metastore admin manages catalogs that his workspace can't use.
        if caller != Caller::Replication && self.access(&catalog) == Access::Unbound {
            return Err(self.unbound(name));
        }
        Ok(catalog)
    }

    /// A catalog whose metadata the caller may change.
    pub fn writable_catalog(&self, caller: Caller, name: &str) -> Result<CatalogInfo, Refusal> {
        let catalog = self.catalog(caller, name)?;
        if caller != Caller::Replication && self.access(&catalog) == Access::ReadOnly {
            return Err(self.read_only(name, "nothing in it can be created, changed or dropped"));
        }
        Ok(catalog)
    }

    pub fn unbound(&self, catalog: &str) -> Refusal {
        Refusal::denied(format!(
            "Catalog '{catalog}' is not accessible in workspace {}. Ask its owner to bind it to this workspace.",
            self.identity.workspace_id
        ))
    }

    pub fn read_only(&self, catalog: &str, consequence: &str) -> Refusal {
        Refusal::denied(format!(
            "Catalog '{catalog}' is bound to workspace {} as read-only, so {consequence} from here.",
            self.identity.workspace_id
        ))
    }

    /// Whether compute may start here; a sentence where it may not.
    pub fn compute_allowed(&self) -> Result<(), Refusal> {
        let roles: Vec<DisasterRecoveryRole> = self.records.all(Kind::Role, "");
        let secondary = roles.iter().find(|role| role.role == ROLE_SECONDARY);
        match secondary {
            Some(role) if !roles.iter().any(|role| role.role == ROLE_PRIMARY) => Err(Refusal::state(format!(
                "Compute can't start in workspace {}, because it is the secondary of failover group {}. Start it in the primary's workspace.",
                self.identity.workspace_name, role.failover_group
            ))),
            _ => Ok(()),
        }
    }

    fn in_flight(&self) -> std::sync::MutexGuard<'_, Vec<(i64, String)>> {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a job is about to commit on a cluster or warehouse.
    pub fn commit_begins(&self, job_id: i64, compute: &str) {
        self.in_flight().push((job_id, compute.to_owned()));
    }

    pub fn commit_ended(&self, job_id: i64, compute: &str) {
        let mut in_flight = self.in_flight();
        if let Some(at) = in_flight.iter().position(|(job, on)| *job == job_id && on == compute) {
            in_flight.swap_remove(at);
        }
    }

    /// Whether a job commits right now.
    pub fn job_commits(&self, job_id: i64) -> bool {
        self.in_flight().iter().any(|(job, _)| *job == job_id)
    }

    /// Whether a commit on this cluster or warehouse is still being written.
    pub fn in_use(&self, compute: &str) -> bool {
        self.in_flight().iter().any(|(_, on)| on == compute)
    }

    pub fn note_start(&self, compute: &str) {
        self.starting.lock().unwrap_or_else(PoisonError::into_inner).insert(compute.to_owned(), Instant::now());
    }

    /// Whether a cluster or warehouse was started only just now.
    pub fn is_starting(&self, compute: &str) -> bool {
        let mut starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        starting.retain(|_, since| since.elapsed() < START_TIME);
        starting.contains_key(compute)
    }
}
