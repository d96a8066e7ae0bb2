//! What one direction of replication remembers between cycles.

use super::attributes::{Attributes, PlaceGrants};
use super::dependencies::Dependencies;
use super::policies::Policies;
use super::rhythm::Rhythm;
use super::same_place::ReplicaFolders;
use super::{Access, Inventory, ObjectRecord};
use crate::connect::TablePlace;
use crate::delta::{Position, StorageClock};
use crate::domain::Region;
use crate::domain::{AssetKey, AssetName, LeftBehind, ObjectError, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// What is remembered of one table; kept in the store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplicaState {
    /// The table's id in the catalog: a dropped and re-created table has another.
    pub table_id: String,
    /// The region that was the source.
    pub source_region: Region,
    /// Where the source lies.
    pub source_location: String,
    /// Where the replica lies.
    pub destination_location: String,
    /// The replica's id in its own catalog, where that told one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_id: Option<String>,
    /// The newest commit that both sides hold.
    pub position: Position,
    /// The print of what lay beside the source's commits when they were looked at last; see [`crate::delta::Look`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<u64>,
    /// Bytes of the files shipped so far.
    pub bytes: u64,
}

impl ReplicaState {
    /// The source, with the id under which it was last listed.
    pub fn source(&self) -> TablePlace {
        TablePlace::new(&self.source_location, Some(&self.table_id))
    }

    pub fn replica_location(&self) -> &str {
        &self.destination_location
    }

    /// The replica.
    pub fn replica(&self) -> TablePlace {
        TablePlace::new(&self.destination_location, self.destination_id.as_deref())
    }
}

/// A table that nothing may be written to for now, because the destination holds what is nowhere else.
#[derive(Debug, Clone, PartialEq)]
pub struct SalvageHold {
    /// The names by which source, destination and ledger know it.
    pub names: BTreeSet<AssetName>,
    /// Why, as the cycle reports it.
    pub error: ObjectError,
}

impl SalvageHold {
    /// A table that a failover left behind in the destination, in its own place.
    pub fn left_behind(left: &LeftBehind) -> Self {
        Self { names: [AssetName::parse(&left.lost.object)].into(), error: left.error() }
    }
}

/// What is remembered of a table that was refused.
#[derive(Debug, Clone)]
pub struct Flagged {
    pub(super) record: ObjectRecord,
    pub(super) location: String,
    pub(super) table_id: Option<String>,
    /// What its log looked like then; None where no one could tell.
    pub(super) print: Option<String>,
    pub(super) pause: Duration,
    /// By the monotonic clock.
    pub(super) again: Duration,
}

/// What one direction of replication remembers; the store holds what must survive, the rest is found again.
#[derive(Debug, Default)]
pub struct CycleCache {
    /// Tables that have arrived, by full name: text, because every cycle looks each of thousands up by the one spelling
    /// that the ledger keeps.
    pub tables: BTreeMap<String, ReplicaState>,
    /// What replication made, but for tables; kept in the store.
    pub owned: BTreeSet<AssetKey>,
    /// Tables that were refused for what their log holds, by full name.
    pub flagged: BTreeMap<String, Flagged>,
    /// The destination's catalog as last read, and when by the monotonic clock; dropped whenever anything goes wrong, so that it is read again.
    pub destination: Option<(Inventory, Duration)>,
    /// The cut of the cycle that runs: what it finds was there by then, whatever a writer's clock says.
    pub cut: Option<Timestamp>,
    /// What is found out about the clock of the destination's storage.
    pub storage_clock: Arc<StorageClock>,
    pub folders: ReplicaFolders,
    /// Storage that may be reached, and until when.
    pub access: Access,
    /// The source's catalog as last read.
    pub source: Option<Inventory>,
    /// When what changes rarely was listed in a schema of the source.
    pub slow_source: Rhythm<AssetKey>,
    pub slow_destination: Rhythm<AssetKey>,
    pub policies: Policies,
    pub dependencies: Dependencies,
    /// What is known of owners, grants and tags.
    pub attributes: Attributes,
    /// What is known of grants on external locations.
    pub places: PlaceGrants,
    /// Tables that a cycle reports and leaves alone.
    pub held: Vec<SalvageHold>,
}

impl CycleCache {
    /// Lets the next cycle read both catalogs whole, and owners, grants and tags of all objects, unless they are too many.
    pub fn look_at_all(&mut self) {
        (self.source, self.destination) = (None, None);
        self.attributes.look_at_all();
    }

    /// Whether a cycle leaves the table alone.
    pub fn holds(&self, name: &AssetName) -> bool {
        self.held.iter().any(|held| held.names.contains(name))
    }
}
