//! Stable URLs.

use super::{Tx, from_json, to_json};
use crate::domain::StableUrl;

impl Tx<'_> {
    /// Every stable URL, by id.
    pub fn stable_urls(&self) -> rusqlite::Result<Vec<StableUrl>> {
        self.tx
            .prepare_cached("SELECT body FROM stable_urls ORDER BY id")?
            .query_map([], |row| from_json(&row.get::<_, String>(0)?))?
            .collect()
    }

    /// Writes a stable URL whole.
    pub fn put_stable_url(&self, url: &StableUrl) -> rusqlite::Result<()> {
        self.tx
            .prepare_cached(
                "INSERT INTO stable_urls (id, body) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET body = ?2",
            )?
            .execute((&url.id, to_json(url)?))?;
        Ok(())
    }

    /// Removes a stable URL.
    pub fn remove_stable_url(&self, id: &str) -> rusqlite::Result<()> {
        self.tx.execute("DELETE FROM stable_urls WHERE id = ?1", [id])?;
        Ok(())
    }
}
