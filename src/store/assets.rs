//! The id map of workspace assets: which asset of one region stands for which of the other.

use super::{Tx, from_json, to_json};
use crate::domain::{AssetKind, GroupId};
use rusqlite::types::Type;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// One asset in both regions.
#[derive(Debug, Clone, PartialEq)]
pub struct AssetRow<T> {
    /// Its number in the store; 0 until it is written.
    pub seq: i64,
    /// The group's workspace set.
    pub set: String,
    pub kind: AssetKind,
    /// Its id in each region, in the order of the group's regions; None where it isn't made yet.
    pub ids: [Option<String>; 2],
    pub body: T,
}

/// The ids of one asset in both regions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetIds {
    /// The group's workspace set.
    pub set: String,
    pub kind: AssetKind,
    pub ids: [Option<String>; 2],
}

impl Tx<'_> {
    /// The ids of every workspace asset that a group knows, and nothing else of them.
    pub fn asset_ids(&self, group: &GroupId) -> rusqlite::Result<Vec<AssetIds>> {
        let row = |row: &rusqlite::Row<'_>| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, [row.get(2)?, row.get(3)?]))
        };
        let mut select = self.tx.prepare_cached(
            "SELECT workspace_set, kind, first_id, second_id FROM workspace_assets WHERE group_id = ?1 ORDER BY seq",
        )?;
        let mut known = Vec::new();
        for row in select.query_map([group.as_str()], row)? {
            let (set, kind, ids) = row?;
            known.extend(AssetKind::parse(&kind).map(|kind| AssetIds { set, kind, ids }));
        }
        Ok(known)
    }

    /// Every workspace asset that a group knows.
    pub fn assets<T: DeserializeOwned>(&self, group: &GroupId) -> rusqlite::Result<Vec<AssetRow<T>>> {
        let row = |row: &rusqlite::Row<'_>| {
            let kind: String = row.get(2)?;
            let unknown = || {
                let problem = format!("there is no kind of asset {kind}");
                rusqlite::Error::FromSqlConversionFailure(2, Type::Text, problem.into())
            };
            Ok(AssetRow {
                seq: row.get(0)?,
                set: row.get(1)?,
                kind: AssetKind::parse(&kind).ok_or_else(unknown)?,
                ids: [row.get(3)?, row.get(4)?],
                body: from_json(&row.get::<_, String>(5)?)?,
            })
        };
        self.tx
            .prepare_cached(
                "SELECT seq, workspace_set, kind, first_id, second_id, body FROM workspace_assets
                 WHERE group_id = ?1 ORDER BY seq",
            )?
            .query_map([group.as_str()], row)?
            .collect()
    }

    /// Writes an asset whole; its number.
    pub fn put_asset<T: Serialize>(&self, group: &GroupId, asset: &AssetRow<T>) -> rusqlite::Result<i64> {
        let (kind, body) = (asset.kind.as_str(), to_json(&asset.body)?);
        let (first, second) = (asset.ids[0].as_deref(), asset.ids[1].as_deref());
        if asset.seq == 0 {
            self.tx
                .prepare_cached(
                    "INSERT INTO workspace_assets (group_id, workspace_set, kind, first_id, second_id, body)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute((group.as_str(), &asset.set, kind, first, second, body))?;
            return Ok(self.tx.last_insert_rowid());
        }
        self.tx
            .prepare_cached("UPDATE workspace_assets SET first_id = ?2, second_id = ?3, body = ?4 WHERE seq = ?1")?
            .execute((asset.seq, first, second, body))?;
        Ok(asset.seq)
    }

    /// Removes assets by their numbers.
    pub fn remove_assets(&self, numbers: &[i64]) -> rusqlite::Result<()> {
        let mut remove = self.tx.prepare_cached("DELETE FROM workspace_assets WHERE seq = ?1")?;
        numbers.iter().try_for_each(|seq| remove.execute([seq]).map(drop))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn an_id_stands_for_one_asset_only_and_a_group_takes_its_map_along() {
        let dir = tempfile::tempdir().expect("a temp dir");
        let store = Store::open(&dir.path().join("state.db")).expect("created");
        let group = GroupId::new("core").expect("an id");
        let row = |first: Option<&str>, second: Option<&str>| AssetRow {
            seq: 0,
            set: "workspaces".to_owned(),
            kind: AssetKind::Job,
            ids: [first.map(str::to_owned), second.map(str::to_owned)],
            body: "note".to_owned(),
        };
        let of = group.clone();
        let kept = store.run_blocking(move |tx| {
            let intent = AssetRow { seq: tx.put_asset(&of, &row(Some("1"), None))?, ..row(Some("1"), Some("7")) };
            tx.put_asset(&of, &row(Some("2"), None))?;
            assert_eq!(tx.put_asset(&of, &intent)?, intent.seq);
            assert!(tx.put_asset(&of, &row(Some("3"), Some("7"))).is_err(), "7 stands for 1");
            let rows = tx.assets::<String>(&of)?;
            tx.remove_assets(&[rows[1].seq])?;
            tx.assets::<String>(&of)
        });
        let kept = kept.expect("it reads");
        assert_eq!((kept.len(), &kept[0].ids), (1, &[Some("1".to_owned()), Some("7".to_owned())]));
        let left = store.run_blocking(move |tx| {
            tx.remove_group(&group)?;
            tx.assets::<String>(&group)
        });
        assert_eq!(left.expect("it reads"), []);
    }
}
