//! Why an object does not replicate, and what a person can do about it.

use super::{AssetKind, ObjectStatus, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The cause of an object's failure. Spelled in `SCREAMING_SNAKE_CASE` outside the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorClass {
    /// A file path in the log is absolute, so a copied log would point back at the source.
    AbsolutePath,
    /// A shallow clone names files of another table.
    ShallowClone,
    /// Commits are managed by the catalog and this catalog does not serve them.
    CatalogManagedCommits,
    /// A version is missing between two that are there.
    LogGap,
    /// A commit or checkpoint cannot be read.
    CorruptLog,
    /// The log names a live file that the source's storage does not hold.
    MissingDataFile,
    /// The replica holds another commit under the same version.
    SplitBrain,
    /// The replica was changed by someone else.
    Drift,
    /// The object has a kind or feature that cannot be replicated.
    UnsupportedObject,
    /// A failover left it behind in the old primary.
    LeftBehind,
    /// Only the secondary has the object, and replication did not make it.
    UnmanagedObject,
    /// Only the secondary's workspace has the asset, in a part of it that replicates; a person must confirm its deletion.
    SecondaryOnly,
    /// The asset arrived, but refers to what isn't replicated.
    ReferenceNotReplicated,
    /// No storage mapping covers the object's location.
    UnmappedLocation,
    /// No external location of the destination covers the place that the object maps to.
    MissingExternalLocation,
    /// Source and replica would lie in one place.
    SamePlace,
    /// A region's API or storage does not answer.
    RegionUnreachable,
    /// A region refused the call.
    PermissionDenied,
    /// A storage read or write failed.
    StorageFailure,
    /// The destination has no room left.
    StorageFull,
    /// A region's catalog answered with an error.
    CatalogRefused,
    /// A region takes no more requests for now.
    RequestLimitExceeded,
    /// The object has arrived, but not its owner, its grants or its tags.
    AccessNotReplicated,
    /// A row filter, a column mask or an attribute policy hides data that a replica would show.
    RowFilterOrMask,
    /// A view reads a catalog that the secondary doesn't have.
    MissingDependency,
    /// Shipping a renamed table again waits for a person.
    RenameWaits,
}

impl ErrorClass {
    /// The class as other programs read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AbsolutePath => "ABSOLUTE_PATH",
            Self::ShallowClone => "SHALLOW_CLONE",
            Self::CatalogManagedCommits => "CATALOG_MANAGED_COMMITS",
            Self::LogGap => "LOG_GAP",
            Self::CorruptLog => "CORRUPT_LOG",
            Self::MissingDataFile => "MISSING_DATA_FILE",
            Self::SplitBrain => "SPLIT_BRAIN",
            Self::Drift => "DRIFT",
            Self::UnsupportedObject => "UNSUPPORTED_OBJECT",
            Self::LeftBehind => "LEFT_BEHIND",
            Self::UnmanagedObject => "UNMANAGED_OBJECT",
            Self::SecondaryOnly => "SECONDARY_ONLY",
            Self::ReferenceNotReplicated => "REFERENCE_NOT_REPLICATED",
            Self::UnmappedLocation => "UNMAPPED_LOCATION",
            Self::MissingExternalLocation => "MISSING_EXTERNAL_LOCATION",
            Self::SamePlace => "SAME_PLACE",
            Self::RegionUnreachable => "REGION_UNREACHABLE",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::StorageFailure => "STORAGE_FAILURE",
            Self::StorageFull => "STORAGE_FULL",
            Self::CatalogRefused => "CATALOG_REFUSED",
            Self::RequestLimitExceeded => "REQUEST_LIMIT_EXCEEDED",
            Self::AccessNotReplicated => "ACCESS_NOT_REPLICATED",
            Self::RowFilterOrMask => "ROW_FILTER_OR_MASK",
            Self::MissingDependency => "MISSING_DEPENDENCY",
            Self::RenameWaits => "RENAME_WAITS_FOR_APPROVAL",
        }
    }

    /// The status of an object that is flagged for this.
    pub fn status(self) -> ObjectStatus {
        match self {
            Self::UnsupportedObject | Self::ReferenceNotReplicated => ObjectStatus::Unsupported,
            Self::Drift | Self::UnmanagedObject | Self::SecondaryOnly => ObjectStatus::Drifted,
            Self::LeftBehind => ObjectStatus::LeftBehind,
            _ => ObjectStatus::Failed,
        }
    }

    /// Whether an object of this class holds back its group's replication point.
    pub fn blocks_replication_point(self) -> bool {
        !matches!(
            self,
            Self::UnsupportedObject
                | Self::LeftBehind
                | Self::UnmanagedObject
                | Self::AccessNotReplicated
                | Self::MissingDependency
                | Self::SecondaryOnly
                | Self::ReferenceNotReplicated
        )
    }

    /// Whether it is of an object that the primary doesn't have: a failover loses nothing of it.
    pub fn is_only_in_secondary(self) -> bool {
        matches!(self, Self::UnmanagedObject | Self::SecondaryOnly)
    }

    /// Whether the next cycle may succeed without anybody doing anything.
    pub fn is_transient(self) -> bool {
        matches!(
            self,
            Self::RegionUnreachable
                | Self::StorageFailure
                | Self::StorageFull
                | Self::CatalogRefused
                | Self::RequestLimitExceeded
        )
    }

    /// What a person can do, as a sentence.
    pub fn resolution(self) -> &'static str {
        match self {
            Self::AbsolutePath => {
                "Rewrite the table with relative paths (a deep clone does it), or take it out of the scope."
            }
            Self::ShallowClone => "Replace the shallow clone with a deep clone, or take it out of the scope.",
            Self::CatalogManagedCommits => {
                "Turn catalog-managed commits off for the table, or connect a catalog that serves them."
            }
            Self::LogGap => "Restore the missing commit files at the source, or recreate the table.",
            Self::CorruptLog => "Repair or restore the table at the source. Replication then continues by itself.",
            Self::MissingDataFile => "Restore the missing file at the source, or run FSCK REPAIR TABLE there.",
            Self::SplitBrain => "Find out who wrote to the replica, save what matters, then repair the replica.",
            Self::Drift => "Find out who wrote to the replica, then repair the replica.",
            Self::UnsupportedObject => {
                "Recreate the object in the secondary by other means, or take it out of the scope."
            }
            Self::LeftBehind => "Copy what you need from the path in the message, then release it.",
            Self::UnmanagedObject => {
                "You don't have to do anything. A failover keeps the object. Rename it if the primary needs its name."
            }
            Self::SecondaryOnly => {
                "Copy it to the primary if you need it, or confirm its deletion. It is exported to a folder first."
            }
            Self::ReferenceNotReplicated => {
                "Create what the message names in the secondary, or change the asset so that it doesn't need it."
            }
            Self::UnmappedLocation => "Add a storage mapping that covers the object's location.",
            Self::MissingExternalLocation => {
                "Create an external location that covers the path in the message. Replication then continues by itself."
            }
            Self::SamePlace => "Change the storage mappings so that the replica has its own path.",
            Self::RegionUnreachable => "Check the region. If it is the primary and stays away, fail over.",
            Self::PermissionDenied => "Grant the product's principal the privilege named in the message.",
            Self::StorageFailure => "Check the storage named in the message. Replication retries by itself.",
            Self::StorageFull => "Free space in the destination's storage. Replication then continues by itself.",
            Self::RowFilterOrMask => {
                "Remove the filter, mask or policy, or take the table out of the scope. The replication point moves on then."
            }
            Self::MissingDependency => {
                "Add the catalog named in the message to the group, or take the view out of the scope."
            }
            Self::RenameWaits => {
                "Approve the rename to ship the table again under its new name, or rename it back. Everything else goes on."
            }
            Self::AccessNotReplicated => {
                "Correct what the region's answer in the message names. Replication retries by itself."
            }
            Self::RequestLimitExceeded => {
                "You don't have to do anything. Replication waits as long as the region asks for, then retries. If it lasts, ask for a higher limit."
            }
            Self::CatalogRefused => "Read the catalog's answer in the message. Replication retries by itself.",
        }
    }
}

/// Why one object does not replicate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectError {
    /// The cause.
    pub class: ErrorClass,
    /// What the cause names: `path`, `version`, `feature` and the like.
    pub parameters: BTreeMap<String, String>,
    /// One sentence: what happened, to what, what to do.
    pub message: String,
    /// The kind of the object that fails.
    pub kind: AssetKind,
    /// The object's full name.
    pub object: String,
    /// When the error was first seen.
    pub since: Timestamp,
}

/// Says in an error's parameters that replication waits because of it, though its class alone holds nothing back.
const HELD: &str = "held";

impl ObjectError {
    /// Whether the error holds back its group's replication point, which is about catalogs and their data: an asset of a
    /// workspace never does.
    pub fn blocks_replication_point(&self) -> bool {
        if self.kind.is_workspace_asset() {
            return false;
        }
        self.class.blocks_replication_point() || self.parameters.contains_key(HELD)
    }

    /// The error with a sentence added that says why replication waits.
    pub fn held(mut self, why: &str) -> Self {
        self.parameters.insert(HELD.to_owned(), "true".to_owned());
        self.message = format!("{} {why}", self.message);
        self
    }
}
