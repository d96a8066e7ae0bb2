//! Folders, notebooks and files of a workspace.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Prefix of the calls.
pub const PREFIX: &str = "/api/2.0/workspace";

/// `object_type` of a folder.
pub const OBJECT_DIRECTORY: &str = "DIRECTORY";
/// `object_type` of a notebook.
pub const OBJECT_NOTEBOOK: &str = "NOTEBOOK";
/// `object_type` of a file.
pub const OBJECT_FILE: &str = "FILE";
/// `object_type` of a draft dashboard; its `resource_id` is the dashboard's id.
pub const OBJECT_DASHBOARD: &str = "DASHBOARD";
/// `object_type` of a Git folder.
pub const OBJECT_REPO: &str = "REPO";

/// Format of a notebook as source text. The default of imports and exports.
pub const FORMAT_SOURCE: &str = "SOURCE";
/// The server decides by the extension and the first line.
pub const FORMAT_AUTO: &str = "AUTO";
/// Format of a file as it is, whatever its name and first line.
pub const FORMAT_RAW: &str = "RAW";

/// Bytes that an imported or exported object may have.
pub const MOST_OBJECT_BYTES: usize = 10_485_760;

/// A folder, notebook, file or dashboard, as `GET /list` and `GET /get-status` give it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ObjectInfo {
    /// Starts with a slash and has none at its end, except for `/` itself.
    pub path: String,
    /// One of the `OBJECT_` constants, or another.
    #[serde(default)]
    pub object_type: String,
    /// Id of the object, by which permissions are kept.
    #[serde(default)]
    pub object_id: i64,
    /// Id by which the object's own API knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<String>,
    /// A notebook's language: `PYTHON`, `SQL`, `SCALA` or `R`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// In milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<i64>,
    /// In milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_at: Option<i64>,
    /// A file's length in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// `GET /list`: one level, in one answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ListObjects {
    /// Left out where the folder is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<ObjectInfo>,
}

/// `POST /import`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportObject {
    /// Where the object goes.
    pub path: String,
    /// One of the `FORMAT_` constants; [`FORMAT_SOURCE`] when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// A notebook's language, which [`FORMAT_SOURCE`] needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Base64.
    #[serde(default)]
    pub content: String,
    /// Whether an object of the same type at the path is replaced.
    #[serde(default)]
    pub overwrite: bool,
    /// The id that a new object gets. Only a region that keeps ids reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_id: Option<i64>,
}

/// `GET /export`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedObject {
    /// Base64.
    #[serde(default)]
    pub content: String,
    /// An extension, such as `py`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_type: Option<String>,
}

/// `POST /mkdirs`: makes the folder, and those above it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MakeFolder {
    /// The folder.
    pub path: String,
    /// The id that a new folder gets. Only a region that keeps ids reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_id: Option<i64>,
}

/// `POST /delete`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteObject {
    /// The object.
    pub path: String,
    /// Whether a folder goes with everything in it.
    #[serde(default)]
    pub recursive: bool,
}
