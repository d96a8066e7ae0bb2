//! Who a secret belongs to: hashes in memory, compared in constant time.

use super::lock::lock;
use crate::domain::{Role, Timestamp, hex};
use crate::store::{TokenKind, TokenRow};
use crate::wire::secret::Secret;
use rand::TryRngCore;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use subtle::ConstantTimeEq;

/// What a token begins with, so that a leaked one can be recognised.
const PREFIX: &str = "rct";

/// Who makes a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The token's or client's id.
    pub id: String,
    /// Its name: the actor in the audit log.
    pub name: String,
    /// What it may do.
    pub role: Role,
}

/// Every token that is known, by its public id, and when each was last used.
#[derive(Default)]
pub struct Keyring {
    rows: Mutex<HashMap<String, Arc<TokenRow>>>,
    used: Mutex<HashMap<String, Timestamp>>,
}

impl Keyring {
    /// A keyring that holds `rows`.
    pub fn new(rows: Vec<TokenRow>) -> Self {
        let rows = rows.into_iter().map(|row| (row.id.clone(), Arc::new(row))).collect();
        Self { rows: Mutex::new(rows), used: Mutex::default() }
    }

    /// Puts a token in, or in the place of what it was before.
    pub fn put(&self, row: TokenRow) {
        lock(&self.rows).insert(row.id.clone(), Arc::new(row));
    }

    /// Takes out every token that ended before `now`, and those of `ids`.
    pub fn drop_ended(&self, now: Timestamp, ids: &[String]) {
        lock(&self.rows).retain(|id, row| row.expires.is_none_or(|at| at >= now) && !ids.contains(id));
    }

    /// One token.
    pub fn get(&self, id: &str) -> Option<Arc<TokenRow>> {
        lock(&self.rows).get(id).cloned()
    }

    /// Every token.
    pub fn all(&self) -> Vec<Arc<TokenRow>> {
        lock(&self.rows).values().cloned().collect()
    }

    /// Whether `secret` is that of the token or client `id`, revoked or not.
    pub fn matches(&self, id: &str, secret: &str) -> Option<Arc<TokenRow>> {
        let row = self.get(id);
        // An unknown id costs as much as a known one.
        let expected = row.as_ref().map_or_else(|| hash("nobody"), |row| row.hash.clone());
        let equal: bool = hash(secret).as_bytes().ct_eq(expected.as_bytes()).into();
        row.filter(|_| equal)
    }

    /// Whose bearer token this is; None where it is no one's, has ended or was revoked.
    pub fn caller(&self, bearer: &str, now: Timestamp) -> Option<Caller> {
        let (id, secret) = split(bearer)?;
        let row = self.matches(id, secret)?;
        if row.revoked.is_some() || row.expires.is_some_and(|at| at < now) {
            return None;
        }
        let holder = match &row.kind {
            TokenKind::Personal => row,
            TokenKind::Access { client_id } => self.get(client_id).filter(|client| client.revoked.is_none())?,
            TokenKind::Client => return None,
        };
        self.note_use(&holder.id, now);
        Some(Caller { id: holder.id.clone(), name: holder.name.clone(), role: holder.role })
    }

    fn note_use(&self, id: &str, now: Timestamp) {
        let mut used = lock(&self.used);
        match used.get_mut(id) {
            Some(at) => *at = now,
            None => {
                used.insert(id.to_owned(), now);
            }
        }
    }

    /// When a token, or an access token of a client, was last good for a call.
    pub fn last_used(&self, id: &str) -> Option<Timestamp> {
        lock(&self.used).get(id).copied()
    }
}

/// 256 random bits in hex.
pub fn random_secret() -> Result<String, super::ControlError> {
    random_hex::<32>()
}

/// `N` random bytes in hex.
pub fn random_hex<const N: usize>() -> Result<String, super::ControlError> {
    let mut bytes = [0u8; N];
    rand::rngs::OsRng.try_fill_bytes(&mut bytes).map_err(|_| super::ControlError::NoRandomBits)?;
    Ok(hex(&bytes))
}

/// The sha256 of a secret, in hex. It has 256 random bits, so no slower hash is needed.
pub fn hash(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

/// The token that goes over the wire.
pub fn join(id: &str, secret: &str) -> Secret {
    Secret::new(format!("{PREFIX}-{id}-{secret}"))
}

/// The id and the secret in a token.
pub fn split(token: &str) -> Option<(&str, &str)> {
    token.strip_prefix(PREFIX)?.strip_prefix('-')?.split_once('-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, TimeDelta};

    fn row(id: &str, secret: &str, kind: TokenKind) -> TokenRow {
        TokenRow {
            id: id.to_owned(),
            name: format!("name of {id}"),
            role: Role::Operator,
            kind,
            hash: hash(secret),
            created: DateTime::UNIX_EPOCH,
            expires: None,
            revoked: None,
        }
    }

    #[test]
    fn a_token_is_its_holders_until_it_ends_or_is_revoked() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(9);
        let keyring = Keyring::new(vec![row("a1", "s3cret", TokenKind::Personal)]);
        let caller = keyring.caller("rct-a1-s3cret", now).expect("known");
        assert_eq!((caller.name.as_str(), caller.role), ("name of a1", Role::Operator));
        for wrong in ["rct-a1-s3cre", "rct-a2-s3cret", "rct-a1", "a1-s3cret", "", "rct-a1-", "rct--s3cret"] {
            assert_eq!(keyring.caller(wrong, now), None, "{wrong}");
        }
        let mut ended = row("a1", "s3cret", TokenKind::Personal);
        ended.expires = Some(now - TimeDelta::seconds(1));
        keyring.put(ended.clone());
        assert_eq!(keyring.caller("rct-a1-s3cret", now), None);
        (ended.expires, ended.revoked) = (None, Some(now));
        keyring.put(ended);
        assert_eq!(keyring.caller("rct-a1-s3cret", now), None);
    }

    #[test]
    fn an_access_token_is_worth_what_its_client_is() {
        let now = DateTime::UNIX_EPOCH;
        let client = row("client", "pass", TokenKind::Client);
        let access = row("b2", "word", TokenKind::Access { client_id: "client".to_owned() });
        let keyring = Keyring::new(vec![client.clone(), access]);
        assert_eq!(keyring.last_used("client"), None);
        assert_eq!(keyring.caller("rct-b2-word", now).map(|c| c.id), Some("client".to_owned()));
        assert_eq!(keyring.last_used("client"), Some(now));
        assert_eq!(keyring.caller("rct-client-pass", now), None, "a client's secret is no token");
        keyring.put(TokenRow { revoked: Some(now), ..client });
        assert_eq!(keyring.caller("rct-b2-word", now), None);
    }

    #[test]
    fn secrets_are_random_and_long() {
        let (one, other) = (random_secret().expect("bits"), random_secret().expect("bits"));
        assert!(one.len() == 64 && one != other);
    }
}
