//! What the last cycle flagged, kept for a command that only looks: it runs no cycle of its own and says the same.

use crate::domain::{GroupId, ObjectError};
use crate::store::Tx;

fn key(id: &GroupId) -> String {
    format!("findings.{id}")
}

/// Keeps the errors, within a transaction.
pub fn keep(tx: &Tx<'_>, id: &GroupId, errors: &[ObjectError]) -> rusqlite::Result<()> {
    let text = if errors.is_empty() { String::new() } else { serde_json::to_string(errors).unwrap_or_default() };
    tx.set_value(&key(id), &text)
}

/// The errors as they were kept, for one who runs no cycle; none where they can't be read, because a comparison finds
/// most of them again.
pub fn recall_for(tx: &Tx<'_>, id: &GroupId, read_only: bool) -> rusqlite::Result<Vec<ObjectError>> {
    if !read_only {
        return Ok(Vec::new());
    }
    Ok(tx.value(&key(id))?.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}
