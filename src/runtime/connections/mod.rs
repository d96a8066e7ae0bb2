//! The regions of one's own: what is kept of each connection, and where its secret lies.
//!
//! `connections.json` in the data dir holds everything but secrets; `connection-secrets.json` holds those. Both are the
//! owner's alone. Neither the store nor a log ever sees a secret.

mod add;
mod file;
mod login;

pub use add::NewConnection;
pub use login::{LoginSource, NewLogin};

use crate::connect::{CapabilitySheet, ConnectError, ConnectSettings, RegionHealth, StorageOptions};
use crate::domain::Region;
use login::{KeptLogin, KeptSecrets};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// A deployment is two regions.
pub const REGIONS: usize = 2;

/// Why connections can't be read, changed or used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// A file of the data dir can't be read or written.
    #[error("Can't use {}: {source}. Check the file and its permissions.", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of the data dir isn't what this program wrote.
    #[error("{} is damaged: {problem}. Restore it, or remove it and add the connections again.", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong. The text of a secret is never in it.
        problem: String,
    },
    /// There is no such connection.
    #[error("There is no connection named {name:?}. Connections: {known}.")]
    Unknown {
        /// The name.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// The connection can't be made like this.
    #[error("{sentence}")]
    Refused {
        /// Why, and what to do.
        sentence: String,
    },
    /// A profile can't be read.
    #[error(transparent)]
    Profile(#[from] crate::connect::ProfileError),
    /// The region didn't answer as a region does.
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

impl ConnectionError {
    pub(super) fn refused(sentence: impl Into<String>) -> Self {
        Self::Refused { sentence: sentence.into() }
    }
}

/// One region of one's own and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// What people call it.
    pub name: String,
    /// The workspace's or catalog's URL.
    pub url: String,
    /// The region, by which failover groups name it.
    pub region: Region,
    /// The workspace's id: the region's own, or a number that was made up where it has none.
    pub workspace_id: String,
    /// The metastore's id; empty where the region doesn't tell one.
    #[serde(default)]
    pub metastore_id: String,
    login: KeptLogin,
    /// Settings of the region's stores that aren't secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    storage: BTreeMap<String, String>,
}

impl Connection {
    /// How it logs in, in a few words without any secret.
    pub fn login(&self) -> String {
        self.login.in_words()
    }
}

/// The connections of a data dir.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connections {
    dir: PathBuf,
    kept: Kept,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    /// The account that the two regions make, as the account API names it.
    #[serde(default)]
    account_id: String,
    #[serde(default)]
    connections: Vec<Connection>,
}

impl Connections {
    /// Reads those of a data dir; none where it has no file of them.
    pub fn load(dir: &Path) -> Result<Self, ConnectionError> {
        let kept = file::read(&dir.join(file::CONNECTIONS))?.unwrap_or_default();
        Ok(Self { dir: dir.to_owned(), kept })
    }

    /// All, in the order in which they were added.
    pub fn all(&self) -> &[Connection] {
        &self.kept.connections
    }

    /// The account that they make.
    pub fn account_id(&self) -> &str {
        &self.kept.account_id
    }

    /// Whether they are a deployment.
    pub fn is_whole(&self) -> bool {
        self.all().len() == REGIONS
    }

    /// The connection of this name.
    pub fn get(&self, name: &str) -> Result<&Connection, ConnectionError> {
        self.all().iter().find(|connection| connection.name == name).ok_or_else(|| {
            let known: Vec<&str> = self.all().iter().map(|connection| connection.name.as_str()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            ConnectionError::Unknown { name: name.to_owned(), known }
        })
    }

    /// What a client of this connection is made of. Profiles are read now, so that a token that was renewed there is used.
    pub fn settings(&self, connection: &Connection, health: RegionHealth) -> Result<ConnectSettings, ConnectionError> {
        let secrets = self.secrets()?.remove(&connection.name).unwrap_or_default();
        let auth = connection.login.auth(&secrets)?;
        let storage = connection.storage.clone().into_iter();
        let secret = secrets.storage.into_iter().map(|(key, value)| (key, value.expose().to_owned()));
        Ok(ConnectSettings {
            auth,
            storage: StorageOptions::new(storage.chain(secret)),
            health,
            ..ConnectSettings::new(connection.region.as_str(), &connection.url, Default::default()).fail_fast()
        })
    }

    /// Asks a region what it can do. Nothing is left behind there.
    pub async fn test(&self, name: &str) -> Result<CapabilitySheet, ConnectionError> {
        let settings = self.settings(self.get(name)?, RegionHealth::default())?;
        Ok(CapabilitySheet::ask(settings).await?)
    }

    /// Forgets a connection and its secret. The region itself isn't touched.
    pub fn remove(&mut self, name: &str) -> Result<(), ConnectionError> {
        self.get(name)?;
        let mut secrets = self.secrets()?;
        secrets.remove(name);
        let mut kept = self.kept.clone();
        kept.connections.retain(|connection| connection.name != name);
        file::write(&self.dir.join(file::CONNECTIONS), &kept)?;
        file::write(&self.dir.join(file::SECRETS), &secrets)?;
        self.kept = kept;
        Ok(())
    }

    fn secrets(&self) -> Result<BTreeMap<String, KeptSecrets>, ConnectionError> {
        Ok(file::read(&self.dir.join(file::SECRETS))?.unwrap_or_default())
    }

    /// Keeps a connection, in the place of one of the same name.
    fn put(&mut self, connection: Connection, secret: KeptSecrets) -> Result<(), ConnectionError> {
        let mut secrets = self.secrets()?;
        secrets.insert(connection.name.clone(), secret);
        let mut kept = self.kept.clone();
        if kept.account_id.is_empty() {
            kept.account_id = Uuid::new_v4().to_string();
        }
        match kept.connections.iter_mut().find(|known| known.name == connection.name) {
            Some(known) => *known = connection,
            None => kept.connections.push(connection),
        }
        // The secret first: a connection without one can't be used, a secret without a connection harms nobody.
        file::write(&self.dir.join(file::SECRETS), &secrets)?;
        file::write(&self.dir.join(file::CONNECTIONS), &kept)?;
        self.kept = kept;
        Ok(())
    }
}
