//! Tokens that the gateway exchanges: for a client of a stable URL, one of each workspace that the URL can lead to.
//!
//! Nothing is exchanged until a person adds such a pair. The tokens lie in a file of their own that its owner alone can read;
//! neither the store nor a log ever sees one.

use super::known_tokens::{TokenPair, TokenPairs, UrlTokens};
use super::lock::lock;
use super::view::TokenClient;
use super::{Control, ControlError, audit, credentials};
use crate::domain::WorkspaceId;
use crate::net::TokenExchange;
use crate::wire::secret::Secret;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where they lie in the data dir.
const FILE: &str = "gateway-tokens.json";
/// Pairs of one stable URL at most.
const MOST_PAIRS: usize = 100;
/// Characters of a client's name at most.
const MOST_NAME: usize = 100;
/// Bytes of a token at most.
const MOST_TOKEN: usize = 8 << 10;

fn refused(sentence: impl Into<String>) -> ControlError {
    ControlError::BadArgument { sentence: sentence.into() }
}

impl Control {
    fn token_file(&self) -> PathBuf {
        self.inner.store.path().with_file_name(FILE)
    }

    /// Reads what was kept when the program last ran.
    pub(super) fn recall_token_pairs(&self) -> Result<(), ControlError> {
        let Some(text) = credentials::read(&self.token_file())? else { return Ok(()) };
        let read: Result<BTreeMap<String, UrlTokens>, _> = serde_json::from_str(&text);
        let mut kept = lock(&self.inner.routing.token_pairs);
        match read {
            Ok(urls) => kept.by_url = urls.into_iter().map(|(id, url)| (id, UrlTokens::new(url.pairs))).collect(),
            // The parser's own words may quote the file.
            Err(error) => {
                kept.damaged = true;
                tracing::warn!(line = error.line(), "{FILE} is damaged, so the gateway exchanges no tokens");
            }
        }
        Ok(())
    }

    /// What requests for a stable URL need at one workspace.
    pub(super) fn token_exchange(&self, stable_workspace_id: &str, to: &WorkspaceId) -> TokenExchange {
        let kept = lock(&self.inner.routing.token_pairs);
        kept.by_url.get(stable_workspace_id).and_then(|url| url.exchange.get(to).cloned()).unwrap_or_default()
    }

    pub(super) fn token_clients_of(&self, stable_workspace_id: &str) -> Vec<TokenClient> {
        lock(&self.inner.routing.token_pairs)
            .by_url
            .get(stable_workspace_id)
            .map(UrlTokens::clients)
            .unwrap_or_default()
    }

    /// The clients of a stable URL whose tokens the gateway exchanges, in the order in which they were added.
    pub fn token_clients(&self, id: &str) -> Result<Vec<TokenClient>, ControlError> {
        Ok(self.token_clients_of(&self.stable_url(id)?.stable_workspace_id))
    }

    /// Keeps a token of each of two workspaces for one client. The gateway then sends each workspace the one that it knows.
    pub async fn add_token_pair(
        &self,
        actor: &str,
        id: &str,
        client: &str,
        tokens: BTreeMap<WorkspaceId, Secret>,
    ) -> Result<TokenClient, ControlError> {
        let creating = self.inner.creating.clone().lock_owned().await;
        let url = self.stable_url(id)?;
        let client = client.trim();
        if client.is_empty() || client.chars().count() > MOST_NAME || client.chars().any(char::is_control) {
            return Err(refused(format!(
                "A client needs a name of 1 to {MOST_NAME} characters without line breaks. Give it one."
            )));
        }
        // A token may stand where an id should, so no id is repeated.
        if tokens.len() != 2 || tokens.keys().any(|id| self.inner.deployment.workspace(id).is_err()) {
            return Err(refused("A pair is two tokens, one for each of two workspaces of the account. Give both."));
        }
        if !tokens.values().all(|token| is_token(token.expose())) {
            return Err(refused(format!(
                "A token has 1 to {MOST_TOKEN} visible characters and no spaces. Copy it again."
            )));
        }
        let mut kept = lock(&self.inner.routing.token_pairs).clone();
        let mut pairs = kept.by_url.get(&url.stable_workspace_id).map(|url| url.pairs.clone()).unwrap_or_default();
        if pairs.iter().any(|pair| pair.client == client) {
            return Err(ControlError::Exists {
                sentence: format!("{id} already has tokens for {client}. Remove them first."),
            });
        }
        if pairs.len() >= MOST_PAIRS {
            return Err(ControlError::Refused {
                sentence: format!("{id} has tokens for {MOST_PAIRS} clients, which is the limit. Remove one first."),
            });
        }
        let taken = pairs.iter().find(|pair| pair.tokens.values().any(|token| tokens.values().any(|new| new == token)));
        if let Some(other) = taken {
            return Err(ControlError::Exists {
                sentence: format!("{} uses one of these tokens already. Each client needs its own.", other.client),
            });
        }
        let made = TokenClient { client: client.to_owned(), workspace_ids: tokens.keys().cloned().collect() };
        pairs.push(TokenPair { client: client.to_owned(), tokens });
        kept.by_url.insert(url.stable_workspace_id, UrlTokens::new(pairs));
        let message = format!("{actor} added tokens of {client} that the gateway exchanges at the stable URL {id}.");
        self.keep_token_pairs(creating, kept, audit::line(self.now(), actor, "stable_url.add_tokens", id, message))
            .await?;
        Ok(made)
    }

    /// Forgets the tokens of a client. The tokens themselves stay in force until their workspaces revoke them.
    pub async fn remove_token_pair(&self, actor: &str, id: &str, client: &str) -> Result<(), ControlError> {
        let creating = self.inner.creating.clone().lock_owned().await;
        let url = self.stable_url(id)?;
        let mut kept = lock(&self.inner.routing.token_pairs).clone();
        let mut pairs = kept.by_url.remove(&url.stable_workspace_id).unwrap_or_default().pairs;
        let before = pairs.len();
        pairs.retain(|pair| pair.client != client.trim());
        if pairs.len() == before {
            return Err(refused(format!("{id} keeps no tokens for a client of this name. List them first.")));
        }
        if !pairs.is_empty() {
            kept.by_url.insert(url.stable_workspace_id, UrlTokens::new(pairs));
        }
        let message = format!("{actor} removed the tokens of {client} from the stable URL {id}.");
        self.keep_token_pairs(creating, kept, audit::line(self.now(), actor, "stable_url.remove_tokens", id, message))
            .await
    }

    /// Forgets every token of a stable URL that is deleted.
    pub(super) fn forget_token_pairs(&self, stable_workspace_id: &str) -> Result<(), ControlError> {
        let mut kept = lock(&self.inner.routing.token_pairs);
        if kept.by_url.contains_key(stable_workspace_id) {
            kept.by_url.remove(stable_workspace_id);
            self.write_token_pairs(&kept)?;
        }
        Ok(())
    }

    fn write_token_pairs(&self, kept: &TokenPairs) -> Result<(), ControlError> {
        if kept.damaged {
            return Err(ControlError::Refused {
                sentence: format!("{} is damaged. Restore or remove it, then restart.", self.token_file().display()),
            });
        }
        let text = serde_json::to_string_pretty(&kept.by_url).unwrap_or_default();
        credentials::write(&self.token_file(), &format!("{text}\n"))
    }

    async fn keep_token_pairs(
        &self,
        creating: tokio::sync::OwnedMutexGuard<()>,
        kept: TokenPairs,
        line: crate::store::ActivityRow,
    ) -> Result<(), ControlError> {
        self.write_token_pairs(&kept)?;
        *lock(&self.inner.routing.token_pairs) = kept;
        let written = line.clone();
        let show = move |control: &Self, ()| {
            control.show_activity(line);
            control.touch();
        };
        self.durably(creating, move |tx: &crate::store::Tx<'_>| tx.add_activity(&written), show).await?;
        self.lead_gates();
        Ok(())
    }
}

fn is_token(token: &str) -> bool {
    !token.is_empty() && token.len() <= MOST_TOKEN && token.bytes().all(|byte| byte.is_ascii_graphic())
}
