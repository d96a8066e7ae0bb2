//! What replication remembers of owners, grants and tags, one row an object.

use super::{Tx, from_json, to_json};
use crate::domain::{AssetKey, AssetKind, AssetName, GroupId};
use serde::{Serialize, de::DeserializeOwned};

impl Tx<'_> {
    /// Every row of a group. One of a kind that this program doesn't know is left out.
    pub fn attributes<T: DeserializeOwned>(&self, group: &GroupId) -> rusqlite::Result<Vec<(AssetKey, T)>> {
        let mut statement = self.tx.prepare_cached("SELECT kind, name, body FROM attributes WHERE group_id = ?1")?;
        let row = |row: &rusqlite::Row<'_>| {
            let (kind, name) = (row.get::<_, String>(0)?, row.get::<_, String>(1)?);
            let key = AssetKind::parse(&kind).map(|kind| AssetKey::new(kind, AssetName::parse(&name)));
            Ok((key, from_json(&row.get::<_, String>(2)?)?))
        };
        let rows = statement.query_map([group.as_str()], row)?;
        rows.filter_map(|row| row.map(|(key, body)| key.map(|key| (key, body))).transpose()).collect()
    }

    /// Writes rows, in the place of what was there.
    pub fn put_attributes<T: Serialize>(&self, group: &GroupId, rows: &[(AssetKey, T)]) -> rusqlite::Result<()> {
        let mut put = self
            .tx
            .prepare_cached("INSERT OR REPLACE INTO attributes (group_id, kind, name, body) VALUES (?1, ?2, ?3, ?4)")?;
        for (key, body) in rows {
            put.execute((group.as_str(), key.kind.as_str(), key.to_string().to_lowercase(), to_json(body)?))?;
        }
        Ok(())
    }

    /// Removes rows.
    pub fn remove_attributes(&self, group: &GroupId, keys: &[AssetKey]) -> rusqlite::Result<()> {
        let mut remove =
            self.tx.prepare_cached("DELETE FROM attributes WHERE group_id = ?1 AND kind = ?2 AND name = ?3")?;
        for key in keys {
            remove.execute((group.as_str(), key.kind.as_str(), key.to_string().to_lowercase()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn rows_are_written_replaced_and_removed_whatever_the_spelling() {
        let dir = tempfile::tempdir().expect("a temp dir");
        let store = Store::open(&dir.path().join("state.db")).expect("created");
        let group = GroupId::new("core").expect("an id");
        let key = |name| AssetKey::new(AssetKind::View, AssetName::parse(name));
        let left = store.run_blocking(move |tx| {
            tx.put_attributes(&group, &[(key("a.b.C"), 1), (key("a.b.d"), 2)])?;
            tx.put_attributes(&group, &[(key("a.b.c"), 3)])?;
            assert_eq!(tx.attributes::<i32>(&group)?, [(key("a.b.c"), 3), (key("a.b.d"), 2)]);
            tx.remove_attributes(&group, &[key("A.B.C")])?;
            tx.attributes::<i32>(&group)
        });
        assert_eq!(left.expect("reads"), [(key("a.b.d"), 2)]);
    }
}
