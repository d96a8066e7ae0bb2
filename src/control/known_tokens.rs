//! The tokens that the gateway exchanges, in memory and as they are kept in their file.

use super::view::TokenClient;
use crate::domain::WorkspaceId;
use crate::net::TokenExchange;
use crate::wire::secret::Secret;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The tokens of one client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenPair {
    pub client: String,
    /// By the workspace that knows it.
    pub tokens: BTreeMap<WorkspaceId, Secret>,
}

/// What is kept for one stable URL.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct UrlTokens {
    pub pairs: Vec<TokenPair>,
    /// By the workspace that requests go to.
    #[serde(skip)]
    pub exchange: BTreeMap<WorkspaceId, TokenExchange>,
}

/// What is kept for all, by the stable URL's own workspace id: a new URL of an old name gets nothing of the old one.
#[derive(Debug, Clone, Default)]
pub struct TokenPairs {
    pub by_url: BTreeMap<String, UrlTokens>,
    /// The file can't be read, so it must not be overwritten.
    pub damaged: bool,
}

impl UrlTokens {
    /// What follows from these pairs for each workspace.
    pub fn new(pairs: Vec<TokenPair>) -> Self {
        let workspaces: BTreeSet<&WorkspaceId> = pairs.iter().flat_map(|pair| pair.tokens.keys()).collect();
        let exchange = workspaces.into_iter().map(|to| {
            let of = |pair: &'_ TokenPair| pair.tokens.get(to).cloned();
            let known = pairs.iter().filter_map(|pair| Some((pair, of(pair)?)));
            let all: Vec<(Secret, Secret)> = known
                .flat_map(|(pair, own)| pair.tokens.values().map(move |other| (other.clone(), own.clone())))
                .collect();
            (to.clone(), TokenExchange::new(all.iter().map(|(from, to)| (from.expose(), to.expose()))))
        });
        Self { exchange: exchange.collect(), pairs }
    }

    /// The clients, without their tokens.
    pub fn clients(&self) -> Vec<TokenClient> {
        let client = |pair: &TokenPair| TokenClient {
            client: pair.client.clone(),
            workspace_ids: pair.tokens.keys().cloned().collect(),
        };
        self.pairs.iter().map(client).collect()
    }
}
