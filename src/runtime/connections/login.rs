//! How a connection logs in, and where its secret is read from.

use super::ConnectionError;
use crate::connect::{Auth, FILE_VARIABLE, Profile, Secret};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

/// Where a secret is read from. It is never an argument: those are seen by everybody on the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginSource {
    /// Standard input, to its end.
    Stdin,
    /// A variable of the environment.
    Variable(String),
    /// A file.
    File(PathBuf),
    /// Typed by a person.
    Typed(Secret),
}

impl LoginSource {
    fn read(&self) -> Result<Secret, ConnectionError> {
        let text = match self {
            Self::Typed(secret) => secret.expose().to_owned(),
            Self::Stdin => {
                let mut text = String::new();
                std::io::stdin()
                    .read_to_string(&mut text)
                    .map_err(|error| ConnectionError::refused(format!("Standard input can't be read: {error}.")))?;
                text
            }
            Self::Variable(name) => std::env::var(name)
                .map_err(|_| ConnectionError::refused(format!("The variable {name} isn't set, or isn't text.")))?,
            Self::File(path) => {
                std::fs::read_to_string(path).map_err(|source| ConnectionError::File { path: path.clone(), source })?
            }
        };
        let text = text.trim();
        if text.is_empty() {
            return Err(ConnectionError::refused("The secret is empty. Give a token or a client secret."));
        }
        Ok(Secret::new(text))
    }
}

/// How a new connection logs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewLogin {
    /// Not at all, as an open catalog permits.
    None,
    /// By a profile of the configuration file, which is read at every start.
    Profile(String),
    /// By the `DATABRICKS_` variables of this moment.
    Variables,
    /// By a token.
    Token(LoginSource),
    /// As a service principal.
    ClientCredentials {
        /// Its application id.
        client_id: String,
        /// The account whose host the URL is; None for a workspace.
        account_id: Option<String>,
        /// Its OAuth secret.
        secret: LoginSource,
    },
}

/// How a connection logs in, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum KeptLogin {
    None,
    Profile { profile: String },
    Token,
    ClientCredentials { client_id: String, account_id: Option<String> },
}

/// The secrets of one connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptSecrets {
    #[serde(default)]
    pub login: Secret,
    #[serde(default)]
    pub storage: BTreeMap<String, Secret>,
}

impl KeptLogin {
    pub fn in_words(&self) -> String {
        match self {
            Self::None => "no login".to_owned(),
            Self::Profile { profile } => format!("profile {profile}"),
            Self::Token => "token".to_owned(),
            Self::ClientCredentials { client_id, account_id: None } => format!("service principal {client_id}"),
            Self::ClientCredentials { client_id, account_id: Some(account) } => {
                format!("service principal {client_id} of account {account}")
            }
        }
    }

    pub fn auth(&self, secrets: &KeptSecrets) -> Result<Auth, ConnectionError> {
        Ok(match self {
            Self::None => Auth::Token(Secret::default()),
            Self::Profile { profile } => read_profile(Some(profile))?.auth()?,
            Self::Token => Auth::Token(secrets.login.clone()),
            Self::ClientCredentials { client_id, account_id } => Auth::ClientCredentials {
                client_id: client_id.clone(),
                client_secret: secrets.login.clone(),
                account_id: account_id.clone(),
            },
        })
    }
}

/// What a new login comes to: how it is kept, its secret, and the URL and storage settings that came with it.
pub(super) struct Resolved {
    pub kept: KeptLogin,
    pub secret: Secret,
    pub url: Option<String>,
    pub storage: Vec<(String, String)>,
}

impl NewLogin {
    /// How a client logs in by it, now.
    pub fn auth(&self) -> Result<Auth, ConnectionError> {
        let Resolved { kept, secret, .. } = self.resolve()?;
        kept.auth(&KeptSecrets { login: secret, ..KeptSecrets::default() })
    }

    pub(super) fn resolve(&self) -> Result<Resolved, ConnectionError> {
        let plain = |kept, secret| Resolved { kept, secret, url: None, storage: Vec::new() };
        Ok(match self {
            Self::None => plain(KeptLogin::None, Secret::default()),
            Self::Token(source) => plain(KeptLogin::Token, source.read()?),
            Self::ClientCredentials { client_id, account_id, secret } => plain(
                KeptLogin::ClientCredentials { client_id: client_id.clone(), account_id: account_id.clone() },
                secret.read()?,
            ),
            Self::Profile(name) => {
                let profile = read_profile(Some(name))?;
                profile.auth()?;
                let kept = KeptLogin::Profile { profile: name.clone() };
                Resolved { url: profile.host().map(str::to_owned), ..plain(kept, Secret::default()) }
            }
            Self::Variables => {
                let profile = read_profile(None)?;
                let (kept, secret) = match profile.auth()? {
                    Auth::Token(token) => (KeptLogin::Token, token),
                    Auth::ClientCredentials { client_id, client_secret, account_id } => {
                        (KeptLogin::ClientCredentials { client_id, account_id }, client_secret)
                    }
                };
                Resolved { url: profile.host().map(str::to_owned), ..plain(kept, secret) }
            }
        })
    }
}

/// Reads a profile of the user's configuration file, or what the variables say.
fn read_profile(name: Option<&str>) -> Result<Profile, ConnectionError> {
    let path = std::env::var_os(FILE_VARIABLE)
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".databrickscfg")));
    let text = match &path {
        Some(path) => match std::fs::read_to_string(path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(source) => return Err(ConnectionError::File { path: path.clone(), source }),
        },
        None => None,
    };
    Ok(Profile::read(text.as_deref(), name, |key| std::env::var(key).ok())?)
}
