//! What replication made in a secondary, so that it knows what it may drop there. Tables are in the ledger instead.

use super::Tx;
use crate::domain::{AssetKey, AssetKind, AssetName, GroupId};
use rusqlite::types::Type;

fn key(row: &rusqlite::Row<'_>) -> rusqlite::Result<AssetKey> {
    let (kind, name) = (row.get::<_, String>(0)?, row.get::<_, String>(1)?);
    let unknown =
        || rusqlite::Error::FromSqlConversionFailure(0, Type::Text, format!("there is no kind of asset {kind}").into());
    Ok(AssetKey::new(AssetKind::parse(&kind).ok_or_else(unknown)?, AssetName::parse(&name)))
}

impl Tx<'_> {
    /// The assets that a group's replication made, by kind and name as stored.
    pub fn owned(&self, group: &GroupId) -> rusqlite::Result<Vec<AssetKey>> {
        self.tx
            .prepare_cached("SELECT kind, name FROM owned WHERE group_id = ?1 ORDER BY kind, name")?
            .query_map([group.as_str()], key)?
            .collect()
    }

    /// Adds assets that replication made.
    pub fn add_owned(&self, group: &GroupId, keys: &[AssetKey]) -> rusqlite::Result<()> {
        let mut insert =
            self.tx.prepare_cached("INSERT OR IGNORE INTO owned (group_id, kind, name) VALUES (?1, ?2, ?3)")?;
        for key in keys {
            insert.execute((group.as_str(), key.kind.as_str(), key.name.to_string()))?;
        }
        Ok(())
    }

    /// Removes one, under whatever spelling of its name it was added.
    pub fn remove_owned(&self, group: &GroupId, key: &AssetKey) -> rusqlite::Result<()> {
        let mut remove = self.tx.prepare_cached("DELETE FROM owned WHERE group_id = ?1 AND kind = ?2 AND name = ?3")?;
        for known in self.owned(group)?.into_iter().filter(|known| known == key) {
            remove.execute((group.as_str(), known.kind.as_str(), known.name.to_string()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn what_was_made_is_known_by_kind_and_in_any_spelling_of_its_name() {
        let dir = tempfile::tempdir().expect("a temp dir");
        let store = Store::open(&dir.path().join("state.db")).expect("created");
        let group = GroupId::new("core").expect("an id");
        let leaf = |kind, name| AssetKey::new(kind, AssetName::parse(name));
        let (view, function) = (leaf(AssetKind::View, "a.b.C"), leaf(AssetKind::Function, "a.b.c"));
        let of = group.clone();
        let left = store.run_blocking(move |tx| {
            tx.add_owned(&of, &[view.clone(), function.clone(), view.clone()])?;
            assert_eq!(tx.owned(&of)?, [function, view]);
            tx.remove_owned(&of, &leaf(AssetKind::View, "A.b.c"))?;
            tx.owned(&of)
        });
        assert_eq!(left.expect("reads"), [leaf(AssetKind::Function, "a.b.c")]);
    }
}
