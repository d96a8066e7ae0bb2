//! Temporary credentials: storage is touched only while the region that owns it vends them.

use super::Endpoint;
use crate::connect::{CatalogTable, ConnectError, StorageHandle, StoreKeys, TablePlace, Vended, open_vended};
use crate::delta::{AskCommits, HandOut, RatifiedCommits, TableRoot};
use crate::domain::{Clock, SystemClock, Timestamp};
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, stream};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Calls to one region at a time, where many tables are opened at once.
const PARALLEL_CALLS: usize = 32;

/// Storage that may be reached.
#[derive(Debug, Clone)]
pub struct Granted {
    /// The root of the table.
    pub root: TableRoot,
    /// When its credentials expire.
    pub until: Timestamp,
    /// The table whose credentials they are; None where they are those of the path, whichever table lies there.
    table_id: Option<String>,
}

/// Storage that may be reached, by URI, for reading and for writing.
#[derive(Default)]
pub struct Access {
    granted: HashMap<(String, bool), Granted>,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").field("granted", &self.granted.len()).finish()
    }
}

impl Access {
    /// What was granted at `uri`, if it holds for a minute more and is not another table's that lay there before.
    pub fn granted(&self, uri: &str, table_id: Option<&str>, write: bool, now: Timestamp) -> Option<&Granted> {
        let granted = self.granted.get(&(uri.to_owned(), write))?;
        let same = granted.table_id.is_none() || granted.table_id.as_deref() == table_id;
        (same && granted.until > now + TimeDelta::minutes(1)).then_some(granted)
    }

    /// What was granted at `place` before, or is when the region is asked now.
    pub async fn reach(
        &self,
        endpoint: &Endpoint,
        place: &TablePlace,
        write: bool,
        clock: &dyn Clock,
    ) -> Result<Granted, ConnectError> {
        match self.granted(&place.uri, place.table_id.as_deref(), write, clock.now()) {
            Some(granted) => Ok(granted.clone()),
            None => root_of(endpoint, place, write, clock).await,
        }
    }

    /// Remembers credentials.
    pub fn keep(&mut self, uri: &str, write: bool, granted: Granted) {
        self.granted.insert((uri.to_owned(), write), granted);
    }

    /// Forgets everything, so that the next use asks the regions again.
    pub fn clear(&mut self) {
        self.granted.clear();
    }
}

/// Asks a region for credentials to `place` and opens the store there.
pub async fn root_of(
    endpoint: &Endpoint,
    place: &TablePlace,
    write: bool,
    clock: &dyn Clock,
) -> Result<Granted, ConnectError> {
    let grant = endpoint.client.grant(place, write).await?;
    let until = grant
        .credentials
        .expiration_time
        .and_then(DateTime::<Utc>::from_timestamp_millis)
        .unwrap_or_else(|| clock.now() + TimeDelta::minutes(15));
    // A copy may take longer than its credentials hold, so the store asks for others by itself.
    let vended = Vended::new(grant.credentials.clone(), Some(grant.renew), Arc::new(SystemClock));
    let root = match open_vended(&place.uri, &grant.credentials, vended, endpoint.client.storage())? {
        StorageHandle::Local(path) => TableRoot::Local(path),
        StorageHandle::Remote { store, prefix, home, keys } => {
            // No option of a program outside takes such a token: the table is copied by this process.
            let login = grant.credentials.gcp_oauth_token.is_none().then(|| hand_out(keys));
            TableRoot::Remote { store, prefix, uri: place.uri.clone(), home: Some(home), login }
        }
    };
    let root = match &place.ratified_by {
        Some(table) if !write => match endpoint.client.catalog_commits(table, place).await? {
            Some(_) => TableRoot::Ratified { root: Box::new(root), ask: ask_commits(endpoint, table, place) },
            // Its log says that the catalog ratifies its commits, and is refused for that.
            None => root,
        },
        _ => root,
    };
    let table_id = place.table_id.clone().filter(|_| grant.by_id);
    Ok(Granted { root, until, table_id })
}

/// Gives out the store's options to a program that copies outside this process.
pub fn hand_out(keys: StoreKeys) -> HandOut {
    Arc::new(move || {
        let keys = keys.clone();
        Box::pin(async move { keys.current().await.map_err(|error| error.to_string()) })
    })
}

/// Asks the region's catalog for a table's commits, each time anew.
fn ask_commits(endpoint: &Endpoint, table: &CatalogTable, place: &TablePlace) -> AskCommits {
    let (client, table, place) = (endpoint.client.clone(), table.clone(), place.clone());
    Arc::new(move || {
        let (client, table, place) = (client.clone(), table.clone(), place.clone());
        Box::pin(async move {
            let found = client.catalog_commits(&table, &place).await.map_err(|error| error.to_string())?;
            let found = found.ok_or_else(|| format!("{} no longer serves commits", client.region()))?;
            let staged: BTreeMap<i64, String> =
                found.commits.into_iter().map(|commit| (commit.version, commit.file_name)).collect();
            // A table is registered with its version 0, and what is listed is ratified.
            let listed = staged.keys().next_back().copied().unwrap_or(0);
            Ok(RatifiedCommits { latest: found.latest_table_version.unwrap_or(listed).max(0), staged })
        })
    })
}

/// [`root_of`] for many places, in their order.
pub async fn roots_of(
    endpoint: &Endpoint,
    places: &[TablePlace],
    write: bool,
    clock: &dyn Clock,
) -> Vec<Result<Granted, ConnectError>> {
    let each: Vec<_> = places.iter().map(|place| root_of(endpoint, place, write, clock)).collect();
    stream::iter(each).buffered(PARALLEL_CALLS).collect().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    #[test]
    fn a_table_made_again_in_the_same_place_does_not_live_on_the_credentials_of_the_one_before() {
        let now = Utc.with_ymd_and_hms(2026, 7, 1, 12, 0, 0).single().expect("a time");
        let grant = |id: Option<&str>| Granted {
            root: TableRoot::Local("/lake/t".into()),
            until: now + TimeDelta::minutes(15),
            table_id: id.map(str::to_owned),
        };
        let mut access = Access::default();
        access.keep("file:///lake/t", false, grant(Some("old")));
        assert!(access.granted("file:///lake/t", Some("old"), false, now).is_some());
        assert!(access.granted("file:///lake/t", Some("new"), false, now).is_none());
        assert!(access.granted("file:///lake/t", None, false, now).is_none());
        assert!(access.granted("file:///lake/t", Some("old"), true, now).is_none(), "reading is not writing");
        access.keep("file:///lake/t", false, grant(None));
        assert!(
            access.granted("file:///lake/t", Some("new"), false, now).is_some(),
            "the path's serve whatever lies there"
        );
        let later = now + TimeDelta::minutes(14);
        assert!(access.granted("file:///lake/t", Some("new"), false, later).is_none());
    }
}
