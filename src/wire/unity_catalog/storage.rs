//! External locations, storage credentials and volumes.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// `isolation_mode` of a location or credential: every workspace sees it.
pub const ISOLATION_MODE_OPEN: &str = "ISOLATION_MODE_OPEN";
/// `isolation_mode` of a location or credential: only bound workspaces see it.
pub const ISOLATION_MODE_ISOLATED: &str = "ISOLATION_MODE_ISOLATED";

/// `volume_type`: its files lie where the catalog says.
pub const VOLUME_MANAGED: &str = "MANAGED";
/// `volume_type`: its files lie in an external location.
pub const VOLUME_EXTERNAL: &str = "EXTERNAL";

/// A storage path with the credential that reaches it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalLocationInfo {
    /// Its name.
    pub name: String,
    /// The path's URI.
    pub url: String,
    /// The storage credential's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_name: Option<String>,
    /// The storage credential's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_id: Option<String>,
    /// [`ISOLATION_MODE_OPEN`] or [`ISOLATION_MODE_ISOLATED`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolation_mode: Option<String>,
    /// Whether it can only be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// What a person wrote about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The principal that owns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// One page of `GET /external-locations`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListExternalLocations {
    /// The page.
    #[serde(default)]
    pub external_locations: Vec<ExternalLocationInfo>,
    /// Present when there is more, even after an empty page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// A storage credential, without what it holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageCredentialInfo {
    /// Its name.
    pub name: String,
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// [`ISOLATION_MODE_OPEN`] or [`ISOLATION_MODE_ISOLATED`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolation_mode: Option<String>,
    /// Whether it can only be used to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// What a person wrote about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The principal that owns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// One page of `GET /storage-credentials`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListStorageCredentials {
    /// The page.
    #[serde(default)]
    pub storage_credentials: Vec<StorageCredentialInfo>,
    /// Present when there is more, even after an empty page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// A volume.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct VolumeInfo {
    /// Its name within the schema.
    pub name: String,
    /// Its catalog.
    pub catalog_name: String,
    /// Its schema.
    pub schema_name: String,
    /// `MANAGED` or `EXTERNAL`.
    #[serde(default)]
    pub volume_type: String,
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_id: Option<String>,
    /// Catalog, schema and name, with dots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_name: Option<String>,
    /// Where its files lie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_location: Option<String>,
    /// What a person wrote about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The principal that owns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// `POST /volumes`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateVolume {
    pub name: String,
    pub catalog_name: String,
    pub schema_name: String,
    /// `MANAGED` or `EXTERNAL`.
    pub volume_type: String,
    /// Where its files lie: of an external volume, or of a managed one where the region keeps ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_location: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The id to give it; only where the region keeps ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_id: Option<String>,
}

/// `PATCH /volumes/{full_name}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateVolume {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

impl VolumeInfo {
    /// Catalog, schema and name, with dots.
    pub fn full_name(&self) -> String {
        format!("{}.{}.{}", self.catalog_name, self.schema_name, self.name)
    }
}

/// One page of `GET /volumes`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ListVolumes {
    /// The page.
    #[serde(default)]
    pub volumes: Vec<VolumeInfo>,
    /// Present when there is more, even after an empty page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}
