//! Tokens of the account API; only their hashes are here.

use super::{Tx, from_json, to_json};
use crate::domain::{Role, Timestamp};
use serde::{Deserialize, Serialize};

/// What a secret is used for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// Goes straight into the Authorization header.
    Personal,
    /// The secret of a client that logs in for access tokens.
    Client,
    /// An access token that a client was given.
    Access {
        /// The client.
        client_id: String,
    },
}

/// One token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRow {
    /// Its public id; for a client the client id.
    pub id: String,
    /// Its name, which is the actor in the audit log.
    pub name: String,
    /// What its holder may do.
    pub role: Role,
    /// What it is used for.
    pub kind: TokenKind,
    /// The sha256 of its secret, in hex.
    pub hash: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends by itself; None for never.
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}

impl Tx<'_> {
    /// Every token, by id.
    pub fn tokens(&self) -> rusqlite::Result<Vec<TokenRow>> {
        self.tx
            .prepare_cached("SELECT body FROM tokens ORDER BY id")?
            .query_map([], |row| from_json(&row.get::<_, String>(0)?))?
            .collect()
    }

    /// Writes a token whole.
    pub fn put_token(&self, token: &TokenRow) -> rusqlite::Result<()> {
        self.tx
            .prepare_cached(
                "INSERT INTO tokens (id, body, expires) VALUES (?1, ?2, ?3)
                 ON CONFLICT (id) DO UPDATE SET body = ?2, expires = ?3",
            )?
            .execute((&token.id, to_json(token)?, token.expires.map(|at| at.timestamp_millis())))?;
        Ok(())
    }

    /// Removes a token.
    pub fn remove_token(&self, id: &str) -> rusqlite::Result<()> {
        self.tx.execute("DELETE FROM tokens WHERE id = ?1", [id])?;
        Ok(())
    }

    /// Removes every token that ended before `now`.
    pub fn remove_ended_tokens(&self, now: Timestamp) -> rusqlite::Result<()> {
        self.tx.prepare_cached("DELETE FROM tokens WHERE expires < ?1")?.execute([now.timestamp_millis()])?;
        Ok(())
    }
}
