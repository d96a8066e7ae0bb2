//! Where a table lies.

use super::DeltaError;
use crate::wire::store_login::StoreLogin;
use futures::future::BoxFuture;
use object_store::ObjectStore;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Gives out a login that holds now; the error is a sentence that says why there is none.
pub type HandOut = Arc<dyn Fn() -> BoxFuture<'static, Result<StoreLogin, String>> + Send + Sync>;

/// What a catalog says of a table's commits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RatifiedCommits {
    /// The newest version. Whatever the log holds beyond it isn't the table's.
    pub latest: i64,
    /// Names of files in `_staged_commits`, by version.
    pub staged: BTreeMap<i64, String>,
}

/// Asks the catalog; the error is a sentence.
pub type AskCommits = Arc<dyn Fn() -> BoxFuture<'static, Result<RatifiedCommits, String>> + Send + Sync>;

/// A table's root: the folder that holds `_delta_log`.
#[derive(Clone)]
pub enum TableRoot {
    /// A folder on a local disk.
    Local(PathBuf),
    /// A prefix in an object store.
    Remote {
        /// The store.
        store: Arc<dyn ObjectStore>,
        /// The table's prefix in it.
        prefix: object_store::path::Path,
        /// The root's URI, for people to read. Holds no secret.
        uri: String,
        /// Which bucket or container it is, endpoint included. Between two roots with the same one, the store itself copies
        /// big files; None where that is not known.
        home: Option<String>,
        /// Gives another program what it needs to open the store; None where that can't be.
        login: Option<HandOut>,
    },
    /// A table whose commits its catalog ratifies, read as an ordinary one.
    Ratified {
        /// Where it lies.
        root: Box<TableRoot>,
        /// Asks the catalog for its commits.
        ask: AskCommits,
    },
}

impl TableRoot {
    /// The local folder that a `file://` URI, or an absolute path, names.
    pub fn from_file_uri(uri: &str) -> Result<Self, DeltaError> {
        let bad = |detail: &str| DeltaError::BadUri { uri: uri.to_owned(), detail: detail.to_owned() };
        if uri.starts_with('/') {
            return Ok(Self::Local(PathBuf::from(uri)));
        }
        let url = url::Url::parse(uri).map_err(|error| bad(&error.to_string()))?;
        if url.scheme() != "file" {
            return Err(bad("it is not on a local disk"));
        }
        url.to_file_path().map(Self::Local).map_err(|()| bad("it has no absolute path"))
    }

    /// The root as a person would look for it: a path, or a URI.
    pub fn display(&self) -> String {
        match self {
            Self::Local(path) => path.display().to_string(),
            Self::Remote { uri, .. } => uri.clone(),
            Self::Ratified { root, .. } => root.display(),
        }
    }

    /// Where the files lie, whoever ratifies the commits.
    pub fn files(&self) -> &TableRoot {
        match self {
            Self::Ratified { root, .. } => root.files(),
            root => root,
        }
    }

    /// The folder `rel` below this one; `rel` is separated by slashes and not encoded.
    pub fn join(&self, rel: &str) -> TableRoot {
        let rel = rel.trim_matches('/');
        match self {
            Self::Local(path) => Self::Local(if rel.is_empty() { path.clone() } else { path.join(rel) }),
            Self::Remote { store, prefix, uri, home, login } => Self::Remote {
                store: store.clone(),
                prefix: rel.split('/').filter(|part| !part.is_empty()).fold(prefix.clone(), |at, part| at.join(part)),
                uri: if rel.is_empty() { uri.clone() } else { format!("{}/{rel}", uri.trim_end_matches('/')) },
                home: home.clone(),
                login: login.clone(),
            },
            Self::Ratified { root, .. } => root.join(rel),
        }
    }
}

impl fmt::Debug for TableRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TableRoot({})", self.display())
    }
}

impl fmt::Display for TableRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_uri_is_decoded_once() {
        let root = TableRoot::from_file_uri("file:///a/b%20c%2525").map(|root| root.display());
        assert_eq!(root.ok().as_deref(), Some("/a/b c%25"));
        assert!(TableRoot::from_file_uri("s3://bucket/a").is_err());
        assert_eq!(TableRoot::Local("/a".into()).join("/x/y/").display(), "/a/x/y");
    }
}
