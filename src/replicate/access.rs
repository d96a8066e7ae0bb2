//! Temporary credentials: storage is touched only while the region that owns it vends them.

use super::Link;
use crate::connect::{ConnectError, Renew, StorageHandle, Vended, open_vended};
use crate::delta::TableRoot;
use crate::domain::{Clock, Instant, SystemClock};
use crate::wire::unity_catalog as uc;
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, stream};
use std::collections::HashMap;
use std::sync::Arc;

/// Calls to one region at a time, where many tables are opened at once.
const PARALLEL_CALLS: usize = 32;

/// Storage that may be reached, and until when.
#[derive(Default)]
pub struct Access {
    granted: HashMap<(String, bool), (TableRoot, Instant)>,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").field("granted", &self.granted.len()).finish()
    }
}

impl Access {
    /// The root at `uri` if credentials for it were granted and hold for a minute more.
    pub fn granted(&self, uri: &str, write: bool, now: Instant) -> Option<TableRoot> {
        let (root, until) = self.granted.get(&(uri.to_owned(), write))?;
        (*until > now + TimeDelta::minutes(1)).then(|| root.clone())
    }

    /// Remembers credentials.
    pub fn remember(&mut self, uri: &str, write: bool, root: TableRoot, until: Instant) {
        self.granted.insert((uri.to_owned(), write), (root, until));
    }

    /// Forgets everything, so that the next use asks the regions again.
    pub fn forget(&mut self) {
        self.granted.clear();
    }
}

/// Asks a region for credentials to `uri` and opens the store there; the instant is when they expire.
pub async fn root_of(
    link: &Link,
    uri: &str,
    write: bool,
    clock: &dyn Clock,
) -> Result<(TableRoot, Instant), ConnectError> {
    let operation = if write { uc::OPERATION_PATH_READ_WRITE } else { uc::OPERATION_PATH_READ };
    let credentials = link.client.temporary_path_credentials(uri, operation).await?;
    let until = credentials
        .expiration_time
        .and_then(DateTime::<Utc>::from_timestamp_millis)
        .unwrap_or_else(|| clock.now() + TimeDelta::minutes(15));
    let (client, place) = (link.client.clone(), uri.to_owned());
    // A copy may take longer than its credentials hold, so the store asks for others by itself.
    let renew: Renew = Box::new(move || {
        let (client, place) = (client.clone(), place.clone());
        Box::pin(async move { client.temporary_path_credentials(&place, operation).await })
    });
    let vended = Vended::new(credentials.clone(), Some(renew), Arc::new(SystemClock));
    let root = match open_vended(uri, &credentials, vended, link.client.storage())? {
        StorageHandle::Local(path) => TableRoot::Local(path),
        StorageHandle::Remote { store, prefix, home } => {
            TableRoot::Remote { store, prefix, uri: uri.to_owned(), home: Some(home) }
        }
    };
    Ok((root, until))
}

/// [`root_of`] for many places, in their order.
pub async fn roots_of(
    link: &Link,
    uris: &[String],
    write: bool,
    clock: &dyn Clock,
) -> Vec<Result<(TableRoot, Instant), ConnectError>> {
    let each: Vec<_> = uris.iter().map(|uri| root_of(link, uri, write, clock)).collect();
    stream::iter(each).buffered(PARALLEL_CALLS).collect().await
}
