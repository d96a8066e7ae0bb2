//! The two files, read and written whole, by their owner alone.

use super::ConnectionError;
use crate::delta::read_regular;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// What is kept of connections, without any secret.
pub const CONNECTIONS: &str = "connections.json";
/// Their secrets.
pub const SECRETS: &str = "connection-secrets.json";

const OWNER_ONLY: u32 = 0o600;

/// The file's content; None where it isn't there. A file that others could read is closed to them first.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, ConnectionError> {
    let fault = |source| ConnectionError::File { path: path.to_owned(), source };
    let bytes = match read_regular(path, 1 << 20) {
        Ok(bytes) => bytes,
        // A data dir that isn't a folder is said by whoever takes hold of it.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(fault(error)),
    };
    std::fs::set_permissions(path, Permissions::from_mode(OWNER_ONLY)).map_err(fault)?;
    match serde_json::from_slice(&bytes) {
        Ok(content) => Ok(Some(content)),
        // The parser's own words may quote the file, which may hold a secret.
        Err(error) => {
            let problem =
                format!("it isn't what this program wrote (line {}, column {})", error.line(), error.column());
            Err(ConnectionError::Damaged { path: path.to_owned(), problem })
        }
    }
}

/// Writes a file whole or not at all.
pub fn write(path: &Path, content: &impl Serialize) -> Result<(), ConnectionError> {
    let fault = |source| ConnectionError::File { path: path.to_owned(), source };
    let text = serde_json::to_string_pretty(content).map_err(|error| fault(error.into()))?;
    let beside = path.with_extension("part");
    let written = (|| {
        let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(OWNER_ONLY).open(&beside)?;
        file.set_permissions(Permissions::from_mode(OWNER_ONLY))?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    })();
    written.map_err(fault)
}
