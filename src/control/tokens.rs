//! Tokens and clients of the account API: made, listed, revoked, and checked at every call.

use super::keyring::{Caller, hash, join, random_hex, random_secret};
use super::view::TokenView;
use super::{Control, ControlError, audit};
use crate::domain::Role;
use crate::store::{TokenKind, TokenRow};
use crate::wire::secret::Secret;
use chrono::TimeDelta;

/// How long an access token lasts.
const ACCESS_SECONDS: i64 = 3600;
/// Access tokens that a client may hold at a time; the oldest makes room.
const ACCESS_TOKENS: usize = 1000;
/// Tokens and clients that may be in force at a time.
const MOST_TOKENS: usize = 1000;
/// Characters of a token's name at most.
const NAME_LENGTH: usize = 100;

/// What a client is given when it logs in.
#[derive(Debug, Clone)]
pub struct AccessToken {
    /// The bearer token.
    pub token: Secret,
    /// Seconds until it ends.
    pub expires_in: i64,
}

impl Control {
    /// Whose bearer token this is; None where it is no one's, has ended or was revoked.
    pub fn authenticate(&self, bearer: &str) -> Option<Caller> {
        self.inner.keyring.caller(bearer, self.now())
    }

    /// The holder of a token or client by its public id; None where it isn't known or was revoked.
    pub fn holder(&self, id: &str) -> Option<Caller> {
        let row = self.inner.keyring.get(id).filter(|row| row.revoked.is_none())?;
        Some(Caller { id: row.id.clone(), name: row.name.clone(), role: row.role })
    }

    /// Every token and client, newest first, without access tokens.
    pub fn tokens(&self) -> Vec<TokenView> {
        let mut all: Vec<TokenView> = self
            .inner
            .keyring
            .all()
            .iter()
            .filter(|row| !matches!(row.kind, TokenKind::Access { .. }))
            .map(|row| TokenView { last_used: self.inner.keyring.last_used(&row.id), ..view(row) })
            .collect();
        all.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.id.cmp(&b.id)));
        all
    }

    /// Makes a token. Only this answer ever holds it.
    pub async fn create_token(&self, actor: &str, name: &str, role: Role) -> Result<(TokenView, Secret), ControlError> {
        let id = random_hex::<8>()?;
        let (row, secret) = self.make_token(actor, id, name, role, TokenKind::Personal).await?;
        Ok((view(&row), join(&row.id, &secret)))
    }

    /// Makes a client, which logs in with its id and the secret that only this answer ever holds.
    pub async fn create_client(
        &self,
        actor: &str,
        name: &str,
        role: Role,
    ) -> Result<(TokenView, Secret), ControlError> {
        let id = uuid::Uuid::new_v4().to_string();
        let (row, secret) = self.make_token(actor, id, name, role, TokenKind::Client).await?;
        Ok((view(&row), Secret::new(secret)))
    }

    async fn make_token(
        &self,
        actor: &str,
        id: String,
        name: &str,
        role: Role,
        kind: TokenKind,
    ) -> Result<(TokenRow, String), ControlError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > NAME_LENGTH || name.chars().any(char::is_control) {
            return Err(ControlError::BadArgument {
                sentence: format!(
                    "A token needs a name of 1 to {NAME_LENGTH} characters without line breaks, because the audit log shows it. Give it one."
                ),
            });
        }
        if self.tokens().iter().filter(|token| token.revoked.is_none()).count() >= MOST_TOKENS {
            return Err(ControlError::Refused {
                sentence: format!("There are {MOST_TOKENS} active tokens, which is the limit. Revoke one first."),
            });
        }
        let secret = random_secret()?;
        let now = self.now();
        let row = TokenRow {
            id,
            name: name.to_owned(),
            role,
            kind,
            hash: hash(&secret),
            created: now,
            expires: None,
            revoked: None,
        };
        let message = format!("{actor} created the token {name} with the role {role}.");
        let mut line = audit::line(now, actor, "token.create", &row.id, message);
        audit::show_change(&mut line, None, Some(&view(&row)));
        self.store_token(row.clone(), line).await?;
        Ok((row, secret))
    }

    /// Revokes a token or client, and with a client every access token that it was given.
    pub async fn revoke_token(&self, actor: &str, id: &str) -> Result<TokenView, ControlError> {
        let known = self.inner.keyring.get(id).filter(|row| !matches!(row.kind, TokenKind::Access { .. }));
        let before = known.ok_or_else(|| ControlError::UnknownToken { id: id.to_owned() })?;
        if before.revoked.is_some() {
            return Ok(view(&before));
        }
        let now = self.now();
        let row = TokenRow { revoked: Some(now), ..(*before).clone() };
        let message = format!("{actor} revoked the token {}.", row.name);
        let mut line = audit::line(now, actor, "token.revoke", id, message);
        audit::show_change(&mut line, Some(&view(&before)), Some(&view(&row)));
        self.store_token(row.clone(), line).await?;
        Ok(view(&row))
    }

    async fn store_token(&self, row: TokenRow, line: crate::store::ActivityRow) -> Result<(), ControlError> {
        let (stored, written) = (row.clone(), line.clone());
        let work = move |tx: &crate::store::Tx<'_>| {
            tx.put_token(&stored)?;
            tx.add_activity(&written)
        };
        let show = move |control: &Self, ()| {
            control.inner.keyring.put(row);
            control.show_activity(line);
            control.touch();
        };
        self.durably((), work, show).await?;
        Ok(())
    }

    /// Lets a client in; None where the id or the secret is wrong, or it was revoked.
    pub async fn log_in(&self, client_id: &str, secret: &str) -> Result<Option<AccessToken>, ControlError> {
        let client = self.inner.keyring.matches(client_id, secret);
        let Some(client) = client.filter(|c| c.kind == TokenKind::Client && c.revoked.is_none()) else {
            return Ok(None);
        };
        let (id, secret, now) = (random_hex::<8>()?, random_secret()?, self.now());
        let kind = TokenKind::Access { client_id: client.id.clone() };
        let row = TokenRow {
            id,
            name: client.name.clone(),
            role: client.role,
            hash: hash(&secret),
            created: now,
            expires: Some(now + TimeDelta::seconds(ACCESS_SECONDS)),
            revoked: None,
            kind,
        };
        let all = self.inner.keyring.all();
        let mut held: Vec<_> = all.iter().filter(|held| held.kind == row.kind).collect();
        held.sort_by_key(|held| held.created);
        let surplus = (held.len() + 1).saturating_sub(ACCESS_TOKENS);
        let oldest: Vec<String> = held.iter().take(surplus).map(|held| held.id.clone()).collect();
        let token = join(&row.id, &secret);
        let (stored, removed) = (row.clone(), oldest.clone());
        let work = move |tx: &crate::store::Tx<'_>| {
            tx.remove_ended_tokens(now)?;
            removed.iter().try_for_each(|id| tx.remove_token(id))?;
            tx.put_token(&stored)
        };
        let show = move |control: &Self, ()| {
            control.inner.keyring.drop_ended(now, &oldest);
            control.inner.keyring.put(row);
        };
        self.durably((), work, show).await?;
        Ok(Some(AccessToken { token, expires_in: ACCESS_SECONDS }))
    }
}

fn view(row: &TokenRow) -> TokenView {
    TokenView {
        id: row.id.clone(),
        name: row.name.clone(),
        role: row.role,
        is_client: row.kind == TokenKind::Client,
        created: row.created,
        revoked: row.revoked,
        last_used: None,
    }
}
