//! Rehearsals.

use super::{Tx, from_json, to_json};
use crate::domain::Drill;

impl Tx<'_> {
    /// Every drill, oldest first.
    pub fn drills(&self) -> rusqlite::Result<Vec<Drill>> {
        self.tx
            .prepare_cached("SELECT body FROM drills ORDER BY seq")?
            .query_map([], |row| from_json(&row.get::<_, String>(0)?))?
            .collect()
    }

    /// Writes a drill whole.
    pub fn put_drill(&self, drill: &Drill) -> rusqlite::Result<()> {
        self.tx
            .prepare_cached(
                "INSERT INTO drills (id, group_id, body) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO UPDATE SET body = ?3",
            )?
            .execute((&drill.id, drill.group.as_str(), to_json(drill)?))?;
        Ok(())
    }
}
