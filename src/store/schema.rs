//! The store's tables and their versions.

use super::StoreError;
use rusqlite::Connection;
use std::path::Path;

/// One step a version: step N brings a store of version N to N + 1, so a new store takes them all.
const STEPS: [&str; 10] = [
    FIRST,
    STABLE_URLS_AND_TOKENS,
    POINTS_BY_TIME_AND_MADE,
    STAMPS_OF_FILES,
    ORDER_WITHOUT_CLOCK,
    OWNERSHIP_BY_KIND,
    ATTRIBUTES,
    WORKSPACE_ASSETS,
    ERROR_HISTORY,
    DRILLS,
];

const VERSION: i64 = STEPS.len() as i64;

const FIRST: &str = "
CREATE TABLE memory (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE failover_groups (id TEXT PRIMARY KEY, body TEXT NOT NULL, state_since INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE operations (
    id TEXT PRIMARY KEY, group_id TEXT NOT NULL, started INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX operations_of_group ON operations (group_id, started);

CREATE TABLE points (
    group_id TEXT NOT NULL, epoch INTEGER NOT NULL, time INTEGER NOT NULL,
    PRIMARY KEY (group_id, epoch, time)) WITHOUT ROWID;

CREATE TABLE tables (
    group_id TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (group_id, name)) WITHOUT ROWID;
CREATE TABLE commits (
    group_id TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, sha256 TEXT NOT NULL, time INTEGER NOT NULL,
    PRIMARY KEY (group_id, name, version)) WITHOUT ROWID;
CREATE TABLE files (
    group_id TEXT NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL,
    PRIMARY KEY (group_id, name, path)) WITHOUT ROWID;

CREATE TABLE salvage (seq INTEGER PRIMARY KEY, group_id TEXT NOT NULL, epoch INTEGER NOT NULL, name TEXT NOT NULL,
    body TEXT NOT NULL, UNIQUE (group_id, epoch, name));

CREATE TABLE activity (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL,
    message TEXT NOT NULL, before TEXT, after TEXT);
";

const STABLE_URLS_AND_TOKENS: &str = "
CREATE TABLE stable_urls (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE tokens (id TEXT PRIMARY KEY, body TEXT NOT NULL, expires INTEGER) WITHOUT ROWID;
CREATE INDEX tokens_by_expiry ON tokens (expires);

CREATE TRIGGER activity_is_never_changed BEFORE UPDATE ON activity
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER activity_is_never_removed BEFORE DELETE ON activity
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
";

const POINTS_BY_TIME_AND_MADE: &str = "
CREATE INDEX points_by_time ON points (group_id, time);
CREATE INDEX commits_by_time ON commits (group_id, time);

CREATE TABLE made (group_id TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (group_id, name)) WITHOUT ROWID;
";

const STAMPS_OF_FILES: &str = "ALTER TABLE files ADD COLUMN stamp TEXT;";

// Neither what came later nor what had arrived may rest on a clock that someone can set: operations are numbered, and a
// commit that its writer timed ahead counts from when it was seen.
const ORDER_WITHOUT_CLOCK: &str = "
ALTER TABLE operations ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
UPDATE operations SET seq = 1 + (SELECT COUNT(*) FROM operations AS earlier
    WHERE (earlier.started, earlier.id) < (operations.started, operations.id));
CREATE INDEX operations_by_seq ON operations (group_id, seq);

ALTER TABLE commits ADD COLUMN seen INTEGER NOT NULL DEFAULT 9223372036854775807;
UPDATE commits SET seen = MAX(0, CAST(strftime('%s', 'now') AS INTEGER)) * 1000;
";

// Until now only schemas and views were listed, told apart by the dots in their names.
const OWNERSHIP_BY_KIND: &str = "
CREATE TABLE owned (group_id TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
    PRIMARY KEY (group_id, kind, name)) WITHOUT ROWID;
INSERT INTO owned (group_id, kind, name)
    SELECT group_id, CASE LENGTH(name) - LENGTH(REPLACE(name, '.', '')) WHEN 1 THEN 'SCHEMA' ELSE 'VIEW' END, name
    FROM made;
DROP TABLE made;
";

// Owners, grants and tags: what of them a replica could not take.
const ATTRIBUTES: &str = "
CREATE TABLE attributes (group_id TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (group_id, kind, name)) WITHOUT ROWID;
";

// An asset has one id in each region, in the order of the group's regions, which never changes. Null is an asset that is
// about to be made.
const WORKSPACE_ASSETS: &str = "
CREATE TABLE workspace_assets (
    seq INTEGER PRIMARY KEY, group_id TEXT NOT NULL, workspace_set TEXT NOT NULL, kind TEXT NOT NULL,
    first_id TEXT, second_id TEXT, body TEXT NOT NULL,
    UNIQUE (group_id, workspace_set, kind, first_id), UNIQUE (group_id, workspace_set, kind, second_id));
";

const ERROR_HISTORY: &str = "
CREATE TABLE error_history (group_id TEXT NOT NULL, kind TEXT NOT NULL, object TEXT NOT NULL, class TEXT NOT NULL,
    body TEXT NOT NULL, first INTEGER NOT NULL, ended INTEGER, count INTEGER NOT NULL,
    PRIMARY KEY (group_id, kind, object, class)) WITHOUT ROWID;
";

const DRILLS: &str = "
CREATE TABLE drills (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, group_id TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX drills_of_group ON drills (group_id, seq);
";

/// Refuses a file that is damaged, before anything is written to it.
pub fn check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let fault = |source| StoreError::from_sqlite(path, source);
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(fault)?;
    if verdict != "ok" {
        return Err(StoreError::Corrupt { path: path.display().to_string(), detail: verdict });
    }
    Ok(())
}

/// Brings the tables of a new or older store up to date, and refuses one that a newer program wrote.
pub fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let fault = |source| StoreError::from_sqlite(path, source);
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(fault)?;
    if found == VERSION {
        return Ok(());
    }
    let Some(missing) = usize::try_from(found).ok().and_then(|found| STEPS.get(found..)) else {
        return Err(StoreError::Newer { path: path.display().to_string(), found, known: VERSION });
    };
    // All steps in one transaction: a crash leaves the version that was there.
    let tx = connection.transaction().map_err(fault)?;
    for step in missing {
        tx.execute_batch(step).map_err(fault)?;
    }
    tx.pragma_update(None, "user_version", VERSION).map_err(fault)?;
    tx.commit().map_err(fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AssetKey, AssetKind, AssetName, GroupId};
    use crate::store::{ActivityRow, Store};

    #[test]
    fn a_store_of_the_first_version_keeps_what_it_holds_and_learns_the_rest() {
        let dir = tempfile::tempdir().expect("a temp dir");
        let path = dir.path().join("state.db");
        let old = Connection::open(&path).expect("created");
        old.execute_batch(FIRST).expect("the first tables");
        old.execute("INSERT INTO memory (key, value) VALUES ('a', '1')", []).expect("a value");
        old.pragma_update(None, "user_version", 1).expect("set");
        drop(old);
        let store = Store::open(&path).expect("migrated");
        assert_eq!(store.run_blocking(|tx| tx.value("a")).expect("reads"), Some("1".to_owned()));
        assert!(store.run_blocking(|tx| tx.stable_urls()).expect("reads").is_empty());
        drop(store);
        let version = |c: &Connection| c.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0));
        assert_eq!(version(&Connection::open(&path).expect("opens")).expect("read"), VERSION);
        Store::open(&path).expect("opens again");
    }

    #[test]
    fn an_older_store_knows_schemas_and_views_of_its_replicas_by_kind_afterwards() {
        let dir = tempfile::tempdir().expect("a temp dir");
        let path = dir.path().join("state.db");
        let old = Connection::open(&path).expect("created");
        for step in &STEPS[..5] {
            old.execute_batch(step).expect("a step");
        }
        for (group, name) in [("core", "main.sales"), ("core", "main.sales.top"), ("other", "main.sales.odd.name")] {
            old.execute("INSERT INTO made (group_id, name) VALUES (?1, ?2)", (group, name)).expect("a row");
        }
        old.pragma_update(None, "user_version", 5).expect("set");
        drop(old);
        let store = Store::open(&path).expect("migrated");
        let owned = |group: &str| {
            let group = GroupId::new(group).expect("an id");
            store.run_blocking(move |tx| tx.owned(&group)).expect("reads")
        };
        let view = |name: &str| AssetKey::new(AssetKind::View, AssetName::parse(name));
        assert_eq!(owned("core"), [AssetKey::schema("main", "sales"), view("main.sales.top")]);
        assert_eq!(owned("other"), [view("main.sales.odd.name")]);
    }

    #[test]
    fn a_line_of_the_audit_log_can_be_neither_changed_nor_removed() {
        let dir = tempfile::tempdir().expect("a temp dir");
        let path = dir.path().join("state.db");
        let store = Store::open(&path).expect("created");
        let line = ActivityRow {
            at: chrono::DateTime::UNIX_EPOCH,
            actor: "ada".to_owned(),
            action: "failover_group.create".to_owned(),
            target: "core".to_owned(),
            message: "ada created core.".to_owned(),
            before: None,
            after: Some("{}".to_owned()),
        };
        store.run_blocking(|tx| tx.add_activity(&line)).expect("appended");
        drop(store);
        let connection = Connection::open(&path).expect("opens");
        for forbidden in ["UPDATE activity SET actor = 'eve'", "DELETE FROM activity"] {
            let refused = connection.execute(forbidden, []).expect_err("refused");
            assert!(refused.to_string().contains("append-only"), "{refused}");
        }
        let store = Store::open(&path).expect("opens");
        assert_eq!(store.run_blocking(|tx| tx.activity(10)).expect("reads"), [line]);
    }
}
