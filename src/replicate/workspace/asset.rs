//! One asset as its workspace describes it, and what is kept of it between passes.

use super::references::Reference;
use crate::connect::UnpausedPlaces;
use crate::domain::{AssetKind, hex};
use crate::wire::dashboards::Dashboard;
use crate::wire::jobs::JobInfo;
use crate::wire::objects::ObjectInfo;
use crate::wire::permissions::AccessControl;
use crate::wire::workspace::{ClusterInfo, WarehouseInfo};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How a workspace describes an asset.
#[derive(Debug, Clone)]
pub enum Info {
    Object(ObjectInfo),
    Job(Box<JobInfo>),
    Cluster(Box<ClusterInfo>),
    Warehouse(Box<WarehouseInfo>),
    Dashboard(Box<Dashboard>),
}

/// One asset of a workspace.
#[derive(Debug, Clone)]
pub struct Found {
    pub kind: AssetKind,
    /// Its id in its own region.
    pub id: String,
    /// Its path, where it lies in the tree; else its name.
    pub name: String,
    /// Changes whenever the asset does, pauses and states aside.
    pub print: String,
    pub info: Info,
}

/// What is kept of an asset in both regions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AssetState {
    /// Its path or name when its replica was last written.
    pub name: String,
    /// What each side's own asset looked like when both were last equal, in the order of the group's regions. None makes the
    /// next pass write the replica.
    #[serde(default)]
    pub prints: [Option<String>; 2],
    /// The sha256 of its bytes then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Ids in it that were rewritten: what they name, in the order of the group's regions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// What it refers to and the secondary doesn't have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Reference>,
    /// What a person should know of its replica.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// A print of the primary's permissions when they were last given to the replica.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acl: Option<String>,
    /// Permissions that a side could not be given, because it doesn't know the principals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_back: Option<HeldBack>,
    /// Where a job started runs by itself in the primary when it was last seen.
    #[serde(default)]
    pub unpaused: UnpausedPlaces,
}

/// An id that was rewritten: one asset, by its id in each region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Link {
    pub kind: AssetKind,
    pub ids: [String; 2],
}

/// Permissions that one side could not be given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeldBack {
    /// The side, in the order of the group's regions.
    pub side: usize,
    pub entries: Vec<AccessControl>,
}

/// What was made or changed in the secondary.
#[derive(Debug, Default)]
pub struct Made {
    /// Its id there.
    pub id: String,
    /// Its print there, read back; None where it must be written again.
    pub print: Option<String>,
    pub content: Option<String>,
    pub links: Vec<Link>,
    pub missing: Vec<Reference>,
    pub notes: Vec<String>,
    /// What lies at its path then.
    pub object: Option<ObjectInfo>,
}

/// Lower-case hexadecimal digits of the sha256.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
