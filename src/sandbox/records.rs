//! What a region knows, as JSON records by kind and key: durable in SQLite, read from memory.

use super::SandboxError;
use crate::domain::StorageUri;
use rusqlite::{Connection, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// What a record describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Catalog,
    Schema,
    Table,
    StagingTable,
    Volume,
    Function,
    ExternalLocation,
    StorageCredential,
    Bindings,
    Grants,
    Policies,
    Job,
    Cluster,
    Warehouse,
    WorkspaceObject,
    Dashboard,
    WorkspaceContent,
    PublishedDashboard,
    Acl,
    Principal,
    Token,
    Model,
    TagAssignment,
    Role,
    Setting,
}

impl Kind {
    const ALL: [Kind; 25] = [
        Kind::Catalog,
        Kind::Schema,
        Kind::Table,
        Kind::StagingTable,
        Kind::Volume,
        Kind::Function,
        Kind::ExternalLocation,
        Kind::StorageCredential,
        Kind::Bindings,
        Kind::Grants,
        Kind::Policies,
        Kind::Job,
        Kind::Cluster,
        Kind::Warehouse,
        Kind::WorkspaceObject,
        Kind::Dashboard,
        Kind::WorkspaceContent,
        Kind::PublishedDashboard,
        Kind::Acl,
        Kind::Principal,
        Kind::Token,
        Kind::Model,
        Kind::TagAssignment,
        Kind::Role,
        Kind::Setting,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Catalog => "catalog",
            Self::Schema => "schema",
            Self::Table => "table",
            Self::StagingTable => "staging_table",
            Self::Volume => "volume",
            Self::Function => "function",
            Self::ExternalLocation => "external_location",
            Self::StorageCredential => "storage_credential",
            Self::Bindings => "bindings",
            Self::Grants => "grants",
            Self::Policies => "policies",
            Self::Job => "job",
            Self::Cluster => "cluster",
            Self::Warehouse => "warehouse",
            Self::WorkspaceObject => "workspace_object",
            Self::Dashboard => "dashboard",
            Self::WorkspaceContent => "workspace_content",
            Self::PublishedDashboard => "published_dashboard",
            Self::Acl => "acl",
            Self::Principal => "principal",
            Self::Token => "token",
            Self::Model => "model",
            Self::TagAssignment => "tag_assignment",
            Self::Role => "role",
            Self::Setting => "setting",
        }
    }
}

#[derive(Debug, Default)]
struct Loaded {
    records: HashMap<Kind, BTreeMap<String, Arc<str>>>,
    /// Id to kind and key, for tables, staging tables and workspace objects.
    ids: HashMap<String, (Kind, String)>,
    /// Storage location, without a slash at the end, to kind and key.
    locations: BTreeMap<String, (Kind, String)>,
}

/// A region's records.
#[derive(Debug)]
pub(super) struct Records {
    path: PathBuf,
    connection: Mutex<Connection>,
    memory: RwLock<Loaded>,
}

/// Changes that take effect together, or not at all when this is dropped. Writers wait for each other.
#[must_use]
pub(super) struct Writing<'a> {
    records: &'a Records,
    connection: MutexGuard<'a, Connection>,
    changes: Vec<(Kind, String, Option<String>)>,
}

impl Loaded {
    fn set(&mut self, kind: Kind, key: String, body: Option<&str>) {
        let indexed = matches!(kind, Kind::Table | Kind::StagingTable | Kind::WorkspaceObject);
        let before = self.records.get(&kind).and_then(|records| records.get(&key)).cloned();
        if indexed && let Some((id, location)) = before.as_deref().map(|body| identity(kind, body)) {
            let of_this = |found: &(Kind, String)| found.0 == kind && found.1 == key;
            if self.ids.get(&id).is_some_and(of_this) {
                self.ids.remove(&id);
            }
            if self.locations.get(&location).is_some_and(of_this) {
                self.locations.remove(&location);
            }
        }
        let records = self.records.entry(kind).or_default();
        let Some(body) = body else {
            records.remove(&key);
            return;
        };
        records.insert(key.clone(), body.into());
        if indexed {
            let (id, location) = identity(kind, body);
            if !location.is_empty() {
                self.locations.insert(location, (kind, key.clone()));
            }
            self.ids.insert(id, (kind, key));
        }
    }
}

/// A location as the index has it: two spellings of one place are one key.
fn spelled(location: &str) -> String {
    let one = StorageUri::parse(location).map(|place| place.to_string());
    one.as_deref().unwrap_or(location).trim_end_matches('/').to_owned()
}

/// A workspace object's id among the ids of the index.
fn object_key(id: i64) -> String {
    format!("object/{id}")
}

/// The id and location of a table or staging table; the id of a workspace object.
fn identity(kind: Kind, body: &str) -> (String, String) {
    if kind == Kind::WorkspaceObject {
        #[derive(serde::Deserialize)]
        struct Numbered {
            object_id: i64,
        }
        let id = serde_json::from_str::<Numbered>(body).map(|object| object_key(object.object_id));
        return (id.unwrap_or_default(), String::new());
    }
    #[derive(serde::Deserialize)]
    struct Identity {
        #[serde(alias = "id")]
        table_id: Option<String>,
        #[serde(alias = "staging_location")]
        storage_location: Option<String>,
    }
    match serde_json::from_str::<Identity>(body) {
        Ok(found) => {
            (found.table_id.unwrap_or_default(), found.storage_location.as_deref().map(spelled).unwrap_or_default())
        }
        Err(_) => Default::default(),
    }
}

impl Records {
    /// Opens the database at `path`, made new if there is none.
    pub fn open(path: &Path) -> Result<Self, SandboxError> {
        let failed = || SandboxError::database(path);
        let connection = Connection::open(path).map_err(failed())?;
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;
                 CREATE TABLE IF NOT EXISTS record (
                     kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, key)
                 ) WITHOUT ROWID;",
            )
            .map_err(failed())?;
        let mut memory = Loaded::default();
        {
            let mut query = connection.prepare("SELECT key, body FROM record WHERE kind = ?1").map_err(failed())?;
            for kind in Kind::ALL {
                let mut rows = query.query([kind.as_str()]).map_err(failed())?;
                while let Some(row) = rows.next().map_err(failed())? {
                    let (key, body): (String, String) = (row.get(0).map_err(failed())?, row.get(1).map_err(failed())?);
                    memory.set(kind, key, Some(&body));
                }
            }
        }
        Ok(Self { path: path.to_owned(), connection: Mutex::new(connection), memory: RwLock::new(memory) })
    }

    fn read<T>(&self, look: impl FnOnce(&Loaded) -> T) -> T {
        look(&self.memory.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// One record as JSON text.
    pub fn text(&self, kind: Kind, key: &str) -> Option<Arc<str>> {
        self.read(|memory| memory.records.get(&kind)?.get(key).cloned())
    }

    /// One record.
    pub fn get<T: DeserializeOwned>(&self, kind: Kind, key: &str) -> Option<T> {
        serde_json::from_str(&self.text(kind, key)?).ok()
    }

    /// One record as free JSON; null if there is none.
    pub fn value(&self, kind: Kind, key: &str) -> Value {
        self.get(kind, key).unwrap_or(Value::Null)
    }

    /// Up to `limit` records whose keys start with `prefix` and come after `after`, by key.
    pub fn page(&self, kind: Kind, prefix: &str, after: &str, limit: usize) -> Vec<(String, Arc<str>)> {
        self.read(|memory| {
            let Some(records) = memory.records.get(&kind) else {
                return Vec::new();
            };
            let start = if after.is_empty() { Bound::Included(prefix) } else { Bound::Excluded(after) };
            records
                .range::<str, _>((start, Bound::Unbounded))
                .take_while(|(key, _)| key.starts_with(prefix))
                .take(limit)
                .map(|(key, body)| (key.clone(), body.clone()))
                .collect()
        })
    }

    /// Every record whose key starts with `prefix`, by key.
    pub fn all<T: DeserializeOwned>(&self, kind: Kind, prefix: &str) -> Vec<T> {
        let found = self.page(kind, prefix, "", usize::MAX);
        found.into_iter().filter_map(|(_, body)| serde_json::from_str(&body).ok()).collect()
    }

    /// Whether any record's key starts with `prefix`.
    pub fn any(&self, kind: Kind, prefix: &str) -> bool {
        !self.page(kind, prefix, "", 1).is_empty()
    }

    /// The table or staging table with this id: its kind and full name.
    pub fn table_by_id(&self, id: &str) -> Option<(Kind, String)> {
        self.read(|memory| memory.ids.get(id).cloned())
    }

    /// The path of the workspace object with this id.
    pub fn object_by_id(&self, id: i64) -> Option<String> {
        self.read(|memory| memory.ids.get(&object_key(id)).map(|(_, path)| path.clone()))
    }

    /// The tables and staging tables whose location is `location`, holds it, or lies in it.
    pub fn tables_around(&self, location: &str) -> Vec<(Kind, String)> {
        let location = spelled(location);
        let location = location.as_str();
        self.read(|memory| {
            let mut found = Vec::new();
            let mut above = location;
            while let Some((parent, _)) = above.rsplit_once('/') {
                found.extend(memory.locations.get(above).cloned());
                above = parent;
            }
            let inside = format!("{location}/");
            let below = memory.locations.range::<str, _>((Bound::Included(inside.as_str()), Bound::Unbounded));
            found.extend(below.take_while(|(at, _)| at.starts_with(&inside)).map(|(_, table)| table.clone()));
            found
        })
    }

    /// Begins changes.
    pub fn write(&self) -> Writing<'_> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        Writing { records: self, connection, changes: Vec::new() }
    }
}

impl Writing<'_> {
    /// Sets a record.
    pub fn put<T: Serialize>(&mut self, kind: Kind, key: impl Into<String>, body: &T) {
        // Bodies are plain data with text keys, which always serialize.
        let body = serde_json::to_string(body).unwrap_or_default();
        self.changes.push((kind, key.into(), Some(body)));
    }

    /// Removes a record.
    pub fn delete(&mut self, kind: Kind, key: impl Into<String>) {
        self.changes.push((kind, key.into(), None));
    }

    /// Removes every record of all kinds but one.
    pub fn clear_but(&mut self, kept: Kind) {
        for kind in Kind::ALL.into_iter().filter(|kind| *kind != kept) {
            for (key, _) in self.records.page(kind, "", "", usize::MAX) {
                self.delete(kind, key);
            }
        }
    }

    /// Makes the changes durable, then visible.
    pub fn commit(mut self) -> Result<(), SandboxError> {
        let failed = || SandboxError::database(&self.records.path);
        let transaction = self.connection.transaction().map_err(failed())?;
        {
            let mut put = transaction
                .prepare_cached("INSERT OR REPLACE INTO record (kind, key, body) VALUES (?1, ?2, ?3)")
                .map_err(failed())?;
            let mut delete =
                transaction.prepare_cached("DELETE FROM record WHERE kind = ?1 AND key = ?2").map_err(failed())?;
            for (kind, key, body) in &self.changes {
                match body {
                    Some(body) => put.execute(params![kind.as_str(), key, body]),
                    None => delete.execute(params![kind.as_str(), key]),
                }
                .map_err(failed())?;
            }
        }
        transaction.commit().map_err(failed())?;
        let mut memory = self.records.memory.write().unwrap_or_else(PoisonError::into_inner);
        for (kind, key, body) in self.changes {
            memory.set(kind, key, body.as_deref());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn records_survive_reopening_and_are_found_by_id_and_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("region.db");
        {
            let records = Records::open(&path).expect("it opens");
            let mut writing = records.write();
            writing.put(Kind::Table, "a.b.c", &json!({"table_id": "1", "storage_location": "file:///x/y"}));
            writing.put(Kind::Table, "a.b.d", &json!({"table_id": "2", "storage_location": "file:///x/yy"}));
            writing.commit().expect("it commits");
            let mut dropped = records.write();
            dropped.delete(Kind::Table, "a.b.c");
            drop(dropped);
        }
        let records = Records::open(&path).expect("it opens again");
        assert_eq!(records.table_by_id("1"), Some((Kind::Table, "a.b.c".to_owned())));
        for place in ["file:///x/y", "file:///x/y/part=1/f.parquet", "file:///x//%79/", "file:///x/z/../y"] {
            assert_eq!(records.tables_around(place), vec![(Kind::Table, "a.b.c".to_owned())], "{place}");
        }
        assert_eq!(records.tables_around("file:///x").len(), 2);
        let page = records.page(Kind::Table, "a.b.", "a.b.c", 9);
        assert_eq!(page.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["a.b.d"]);
    }
}
