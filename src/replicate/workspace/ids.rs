//! The id map of one workspace set in memory, written through to the store.

use super::asset::AssetState;
use crate::domain::{AssetKind, GroupId};
use crate::store::{AssetRow, Store, StoreError};
use std::collections::{BTreeMap, HashMap};

/// Which asset of one region stands for which of the other. Each id stands for one asset only.
#[derive(Debug, Default)]
pub struct IdMap {
    /// By number in the store.
    rows: BTreeMap<i64, AssetRow<AssetState>>,
    /// Number by kind and id, for each side.
    by_id: [HashMap<(AssetKind, String), i64>; 2],
}

impl IdMap {
    /// What the store knows of a workspace set.
    pub async fn read(store: &Store, group: &GroupId, set: &str) -> Result<Self, StoreError> {
        let group = group.clone();
        let all: Vec<AssetRow<AssetState>> = store.run(move |tx| tx.assets(&group)).await?;
        let mut map = Self::default();
        for row in all.into_iter().filter(|row| row.set == set) {
            map.keep(row);
        }
        Ok(map)
    }

    fn keep(&mut self, row: AssetRow<AssetState>) {
        self.drop_keys(row.seq);
        for (side, id) in row.ids.iter().enumerate() {
            if let Some(id) = id {
                self.by_id[side].insert((row.kind, id.clone()), row.seq);
            }
        }
        self.rows.insert(row.seq, row);
    }

    fn drop_keys(&mut self, seq: i64) {
        let Some(row) = self.rows.get(&seq) else { return };
        for (side, id) in row.ids.iter().enumerate() {
            if let Some(id) = id {
                self.by_id[side].remove(&(row.kind, id.clone()));
            }
        }
    }

    pub fn rows(&self) -> impl Iterator<Item = &AssetRow<AssetState>> {
        self.rows.values()
    }

    /// The asset that has `id` on a side.
    pub fn find(&self, side: usize, kind: AssetKind, id: &str) -> Option<&AssetRow<AssetState>> {
        self.rows.get(self.by_id[side].get(&(kind, id.to_owned()))?)
    }

    pub fn row(&self, seq: i64) -> Option<&AssetRow<AssetState>> {
        self.rows.get(&seq)
    }

    /// The id on the other side of the asset that has `id` on `side`.
    pub fn counterpart(&self, side: usize, kind: AssetKind, id: &str) -> Option<&str> {
        self.find(side, kind, id)?.ids[1 - side].as_deref()
    }

    /// Writes an asset whole, in the store first; its number.
    pub async fn put(&mut self, store: &Store, group: &GroupId, row: AssetRow<AssetState>) -> Result<i64, StoreError> {
        if self.rows.get(&row.seq) == Some(&row) {
            return Ok(row.seq);
        }
        let (group, stored) = (group.clone(), row.clone());
        let seq = store.run(move |tx| tx.put_asset(&group, &stored)).await?;
        self.keep(AssetRow { seq, ..row });
        Ok(seq)
    }

    /// Drops assets that neither side has any more.
    pub async fn remove(&mut self, store: &Store, numbers: Vec<i64>) -> Result<(), StoreError> {
        if numbers.is_empty() {
            return Ok(());
        }
        let gone = numbers.clone();
        store.run(move |tx| tx.remove_assets(&gone)).await?;
        for seq in numbers {
            self.drop_keys(seq);
            self.rows.remove(&seq);
        }
        Ok(())
    }
}
