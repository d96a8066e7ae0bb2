//! What a cycle works on, and what it found and did.

use super::progress::Progress;
use crate::delta::{BulkCopy, TransferLimits};
use crate::domain::{CatalogName, Clock, GroupId, MappingTable, ObjectError, ScopeRules, Timestamp};
use crate::replicate::coverage::Coverage;
use crate::replicate::{Endpoint, ObjectRecord};
use crate::store::Store;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// What a cycle works on.
pub struct CycleRequest<'a> {
    /// Whose ledger it is.
    pub group: &'a GroupId,
    /// The catalogs in scope.
    pub catalogs: &'a [CatalogName],
    /// What people decided about single objects.
    pub rules: &'a ScopeRules,
    pub mappings: &'a MappingTable,
    /// The primary.
    pub source: &'a Endpoint,
    /// The secondary.
    pub destination: &'a Endpoint,
    pub store: &'a Store,
    pub clock: &'a dyn Clock,
    /// Stops the cycle at the next commit boundary.
    pub stop: Arc<AtomicBool>,
    /// What this cycle's transfers and those of all others keep to together.
    pub limits: Arc<TransferLimits>,
    /// What copies the data of big shipments outside this process.
    pub bulk: Option<Arc<dyn BulkCopy>>,
    pub progress: Arc<Progress>,
    /// What the secondary's catalog can reach; read when something is refused.
    pub coverage: Coverage,
}

/// What a cycle found and did.
#[derive(Debug, Clone)]
pub struct CycleOutcome {
    /// Everything committed at the source up to then has arrived, but for the objects that carry an error.
    pub cut: Timestamp,
    /// The same moment by the monotonic clock.
    pub cut_at: Duration,
    /// Whether every object was looked at; false when it was stopped.
    pub complete: bool,
    /// Every object in scope, by kind and name.
    pub objects: Vec<ObjectRecord>,
    /// Tables that had changed, and objects that were dropped.
    pub changed: u64,
    /// Bytes copied.
    pub bytes_copied: u64,
}

impl CycleOutcome {
    /// Every object's error.
    pub fn errors(&self) -> impl Iterator<Item = &ObjectError> {
        self.objects.iter().filter_map(|o| o.error.as_ref())
    }
}
