//! The files that hold the account API's first token and first client, for whoever owns the data dir.

use super::keyring::split;
use super::{Control, ControlError};
use crate::delta::read_regular;
use crate::domain::Role;
use crate::wire::secret::Secret;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Where the first token and the first client lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialFiles {
    /// Holds the token on one line.
    pub token: PathBuf,
    /// Holds `{"client_id", "client_secret"}`.
    pub client: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct ClientFile {
    client_id: String,
    client_secret: Secret,
}

impl Control {
    /// Makes the files in `folder` at the first start, and again when one is gone; mode 0600, both admin.
    pub async fn keep_credentials(&self, folder: &Path) -> Result<CredentialFiles, ControlError> {
        let files = CredentialFiles { token: folder.join("account-token"), client: folder.join("account-client.json") };
        let known = read(&files.token)?.is_some_and(|text| {
            split(text.trim()).is_some_and(|(id, secret)| self.inner.keyring.matches(id, secret).is_some())
        });
        if !known {
            let (made, token) = self.create_token("first start", "account-token", Role::Admin).await?;
            write(&files.token, &format!("{}\n", token.expose()))?;
            self.replace("account-token", &made.id).await?;
        }
        let known = read(&files.client)?.is_some_and(|text| {
            serde_json::from_str::<ClientFile>(&text).is_ok_and(|client| {
                self.inner.keyring.matches(&client.client_id, client.client_secret.expose()).is_some()
            })
        });
        if !known {
            let (made, client_secret) = self.create_client("first start", "account-client", Role::Admin).await?;
            let content = ClientFile { client_id: made.id.clone(), client_secret };
            let text = serde_json::to_string(&content).unwrap_or_default();
            write(&files.client, &format!("{text}\n"))?;
            self.replace("account-client", &made.id).await?;
        }
        Ok(files)
    }

    /// Revokes what stood in a file before, which no one can read there any more.
    async fn replace(&self, file: &str, id: &str) -> Result<(), ControlError> {
        let key = format!("credentials.{file}");
        if let Some(old) = self.setting(&key).await? {
            self.revoke_token("first start", &old).await?;
        }
        self.set_setting(&key, id).await
    }
}

/// The file's text, with no one else able to read it from here on; None where it is not there or no text.
pub(super) fn read(path: &Path) -> Result<Option<String>, ControlError> {
    let fault = |source| ControlError::SecretFile { path: path.to_owned(), source };
    match read_regular(path, 1 << 20) {
        Ok(bytes) => {
            std::fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(fault)?;
            Ok(String::from_utf8(bytes).ok())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(fault(error)),
    }
}

/// Writes the file whole or not at all, readable by its owner alone from its first moment.
pub(super) fn write(path: &Path, text: &str) -> Result<(), ControlError> {
    let beside = path.with_extension("part");
    let attempt = || -> io::Result<()> {
        let _ = std::fs::remove_file(&beside);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    attempt().map_err(|source| ControlError::SecretFile { path: path.to_owned(), source })
}
