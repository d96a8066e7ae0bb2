//! Where another account is, and how it is logged in to.

use crate::connect::{Auth, ConnectSettings, Secret};
use crate::runtime::connections::{ConnectionError, LoginSource, NewLogin};
use serde::Deserialize;
use std::path::PathBuf;

/// How another account is logged in to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountLogin {
    /// By a token in a file.
    TokenFile(PathBuf),
    /// By a client's id and secret in a JSON file, as `serve` writes one.
    ClientFile(PathBuf),
    /// By a profile of the configuration file.
    Profile(String),
    /// By the `DATABRICKS_` variables.
    Variables,
}

/// Another account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountSource {
    /// The host of its API.
    pub url: String,
    /// Its id; None where the host tells it.
    pub account_id: Option<String>,
    /// The login.
    pub login: AccountLogin,
}

#[derive(Deserialize)]
struct ClientFile {
    client_id: String,
    client_secret: Secret,
}

impl AccountSource {
    /// What a client of the account is made of.
    pub fn settings(&self) -> Result<ConnectSettings, ConnectionError> {
        let auth = match &self.login {
            AccountLogin::TokenFile(file) => NewLogin::Token(LoginSource::File(file.clone())).auth()?,
            AccountLogin::Profile(name) => NewLogin::Profile(name.clone()).auth()?,
            AccountLogin::Variables => NewLogin::Variables.auth()?,
            AccountLogin::ClientFile(file) => {
                let fault = |source| ConnectionError::File { path: file.clone(), source };
                let text = std::fs::read_to_string(file).map_err(fault)?;
                // The parser's words may quote the secret.
                let client: ClientFile = serde_json::from_str(&text).map_err(|_| ConnectionError::Damaged {
                    path: file.clone(),
                    problem: "it isn't a JSON object with client_id and client_secret".to_owned(),
                })?;
                Auth::ClientCredentials {
                    client_id: client.client_id,
                    client_secret: client.client_secret,
                    account_id: self.account_id.clone(),
                }
            }
        };
        Ok(ConnectSettings { auth, ..ConnectSettings::new("The account", &self.url, Secret::default()) }.fail_fast())
    }
}
