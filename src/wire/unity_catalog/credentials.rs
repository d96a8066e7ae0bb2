//! Temporary credentials for storage.

use crate::wire::Secret;
use serde::{Deserialize, Serialize};

/// `operation` on a table: read it.
pub const OPERATION_READ: &str = "READ";
/// `operation` on a table: read and commit to it.
pub const OPERATION_READ_WRITE: &str = "READ_WRITE";
/// `operation` on a path: read what is under it.
pub const OPERATION_PATH_READ: &str = "PATH_READ";
/// `operation` on a path: read and write what is under it.
pub const OPERATION_PATH_READ_WRITE: &str = "PATH_READ_WRITE";
/// `operation` on a path: write a table there that will be created afterwards.
pub const OPERATION_PATH_CREATE_TABLE: &str = "PATH_CREATE_TABLE";

/// `POST /temporary-table-credentials`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemporaryTableCredentialsRequest {
    /// The table's id, or that of a staged one.
    pub table_id: String,
    /// [`OPERATION_READ`] or [`OPERATION_READ_WRITE`].
    pub operation: String,
}

/// `POST /temporary-path-credentials`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemporaryPathCredentialsRequest {
    /// The path's URI.
    pub url: String,
    /// One of the `OPERATION_PATH_` constants.
    pub operation: String,
}

/// Credentials for one place, of the kind that its store wants; none for a local disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemporaryCredentials {
    /// The place that they are for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When they end, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration_time: Option<i64>,
    /// For S3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws_temp_credentials: Option<AwsCredentials>,
    /// For Cloudflare R2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r2_temp_credentials: Option<AwsCredentials>,
    /// For Azure storage, as a signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure_user_delegation_sas: Option<AzureSas>,
    /// For Azure storage, as a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure_aad: Option<AzureToken>,
    /// For Google Cloud Storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gcp_oauth_token: Option<GcpToken>,
}

/// A session of an S3-compatible store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwsCredentials {
    /// The key's id.
    #[serde(default)]
    pub access_key_id: String,
    /// The key.
    #[serde(default)]
    pub secret_access_key: Secret,
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_token: Option<Secret>,
}

/// A shared access signature.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AzureSas {
    /// The signature's query text.
    #[serde(default)]
    pub sas_token: Secret,
}

/// An Entra ID token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AzureToken {
    /// The token.
    #[serde(default)]
    pub aad_token: Secret,
}

/// A Google OAuth token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GcpToken {
    /// The token.
    #[serde(default)]
    pub oauth_token: Secret,
}
