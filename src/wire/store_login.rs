//! What a program that copies files is told of an object store.

use super::secret::Secret;
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// How another program opens a store, with credentials that hold for a while.
#[derive(Clone, Default, Serialize)]
pub struct StoreLogin {
    /// The bucket or container, without a path.
    pub url: String,
    /// Options of the store by the names of `object_store`, credentials among them.
    pub options: BTreeMap<String, Secret>,
    /// Options of the HTTP client, such as `allow_http`.
    pub client_options: BTreeMap<String, String>,
    /// When the credentials end; None where they don't.
    #[serde(skip)]
    pub until: Option<DateTime<Utc>>,
}

/// Shows the names of the options only.
impl fmt::Debug for StoreLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("StoreLogin");
        shown.field("url", &self.url).field("options", &self.options.keys()).finish_non_exhaustive()
    }
}
