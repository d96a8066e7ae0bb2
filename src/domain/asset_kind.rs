//! The kinds of object that a group's scope can hold.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AssetKind {
    /// A Unity Catalog catalog.
    Catalog,
    /// A schema in a catalog.
    Schema,
    /// A Delta table with its data and history.
    Table,
    /// A view: its definition.
    View,
    /// A volume.
    Volume,
    /// A function.
    Function,
    /// Privileges on objects.
    Grant,
    /// A job.
    Job,
    /// A cluster.
    Cluster,
    /// A SQL warehouse.
    SqlWarehouse,
    /// A notebook.
    Notebook,
    /// A folder of the workspace.
    Folder,
    /// A workspace file.
    File,
    /// A draft dashboard.
    Dashboard,
}

impl AssetKind {
    /// Every kind, in the order that screens list them.
    pub const ALL: [AssetKind; 14] = [
        AssetKind::Catalog,
        AssetKind::Schema,
        AssetKind::Table,
        AssetKind::View,
        AssetKind::Volume,
        AssetKind::Function,
        AssetKind::Grant,
        AssetKind::Job,
        AssetKind::Cluster,
        AssetKind::SqlWarehouse,
        AssetKind::Notebook,
        AssetKind::Folder,
        AssetKind::File,
        AssetKind::Dashboard,
    ];

    /// Whether this kind replicates; the others are listed as not replicated.
    pub fn is_replicated(self) -> bool {
        let in_catalogs = [
            Self::Catalog,
            Self::Schema,
            Self::Table,
            Self::View,
            Self::Volume,
            Self::Function,
            // Of the objects that they are on.
            Self::Grant,
        ];
        in_catalogs.contains(&self) || self.is_workspace_asset()
    }

    /// Whether it lies in a workspace and not in a catalog. These replicate when a group's workspace set asks for them.
    pub fn is_workspace_asset(self) -> bool {
        matches!(
            self,
            Self::Job
                | Self::Cluster
                | Self::SqlWarehouse
                | Self::Notebook
                | Self::Folder
                | Self::File
                | Self::Dashboard
        )
    }

    /// The kind as other programs read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Catalog => "CATALOG",
            Self::Schema => "SCHEMA",
            Self::Table => "TABLE",
            Self::View => "VIEW",
            Self::Volume => "VOLUME",
            Self::Function => "FUNCTION",
            Self::Grant => "GRANT",
            Self::Job => "JOB",
            Self::Cluster => "CLUSTER",
            Self::SqlWarehouse => "SQL_WAREHOUSE",
            Self::Notebook => "NOTEBOOK",
            Self::Folder => "FOLDER",
            Self::File => "FILE",
            Self::Dashboard => "DASHBOARD",
        }
    }

    /// Reads what [`Self::as_str`] writes; None for a kind that this program doesn't know.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// The kind's name in the middle of a sentence, such as `SQL warehouse`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Catalog => "catalog",
            Self::Schema => "schema",
            Self::Table => "table",
            Self::View => "view",
            Self::Volume => "volume",
            Self::Function => "function",
            Self::Grant => "grant",
            Self::Job => "job",
            Self::Cluster => "cluster",
            Self::SqlWarehouse => "SQL warehouse",
            Self::Notebook => "notebook",
            Self::Folder => "folder",
            Self::File => "file",
            Self::Dashboard => "dashboard",
        }
    }
}

impl fmt::Display for AssetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}
