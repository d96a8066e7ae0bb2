//! What is remembered of owners, grants and tags between cycles.

use super::same_principal;
use crate::domain::{AssetKey, Region};
use crate::replicate::coverage::Failure;
use crate::replicate::rhythm::Rhythm;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long a principal that a region didn't know is taken for unknown.
const UNKNOWN_FOR: Duration = Duration::from_secs(300);

/// Privileges by principal.
pub type Grants = BTreeMap<String, BTreeSet<String>>;

/// What an object's replica could not take, because its region doesn't know the principal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The source's owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub grants: Grants,
}

impl LeftOut {
    pub fn is_empty(&self) -> bool {
        self.owner.is_none() && self.grants.is_empty()
    }

    /// Everyone that it names, each once.
    pub fn principals(&self) -> BTreeSet<&str> {
        self.grants.keys().map(String::as_str).chain(self.owner.as_deref()).collect()
    }
}

/// What is remembered of one object; kept in the store. That there is one says that the object was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributesRow {
    /// What each region could not take. When the direction turns, what the new source never knew is no reason to take it
    /// away from the new replica.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out: BTreeMap<Region, LeftOut>,
    /// The replica that was looked at last; None before the first look that went well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked: Option<LookedAt>,
}

/// A replica that was looked at: what differs on it later isn't only on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookedAt {
    pub region: Region,
    /// Its id there, where the region tells one: one that is made again has another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Whether the tags of its columns were looked at too.
    #[serde(default)]
    pub columns: bool,
}

impl LookedAt {
    pub fn is(&self, region: &Region, id: Option<&str>) -> bool {
        self.region == *region && self.id.as_deref() == id
    }
}

/// What is looked at in one turn.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// Owner, grants and tags.
    Object(AssetKey),
    /// The tags of a table's columns.
    Columns(AssetKey),
}

/// A look that failed.
#[derive(Debug, Clone)]
pub struct Failed {
    /// What to say of it; None where the next look may well succeed.
    pub failure: Option<Failure>,
    /// When it is tried again, by the monotonic clock.
    pub again: Duration,
}

/// A call that some regions don't have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Facet {
    Grants,
    Owners,
    Tags,
}

impl Facet {
    pub fn label(self) -> &'static str {
        match self {
            Self::Grants => "grants",
            Self::Owners => "owners",
            Self::Tags => "tags",
        }
    }
}

/// What one direction of replication knows of owners, grants and tags.
#[derive(Debug, Default)]
pub struct Attributes {
    /// Objects that were looked at.
    pub rows: BTreeMap<AssetKey, AttributesRow>,
    pub(super) failed: BTreeMap<AssetKey, Failed>,
    pub(super) rhythm: Rhythm<Unit>,
    /// Owners that were set since the destination's catalog was last read.
    pub(super) given: BTreeMap<AssetKey, String>,
    /// The runtime's principal in the source and in the destination, where they tell.
    pub(super) me: Option<(Option<String>, Option<String>)>,
    pub(super) shared: Shared,
}

/// What looks that run side by side learn from each other.
#[derive(Debug, Default)]
pub struct Shared {
    /// Principals that the destination doesn't know, and until when that is believed.
    pub unknown: BTreeMap<String, Duration>,
    /// Calls that a region doesn't serve.
    pub unserved: BTreeSet<(Region, Facet)>,
}

impl Shared {
    pub fn is_unknown(&self, principal: &str, now: Duration) -> bool {
        self.unknown.iter().any(|(known, until)| same_principal(known, principal) && *until > now)
    }

    pub fn learn_unknown(&mut self, principal: &str, now: Duration) {
        self.unknown.insert(principal.to_owned(), now + UNKNOWN_FOR);
    }

    pub fn serves(&self, region: &Region, facet: Facet) -> bool {
        !self.unserved.iter().any(|(known, of)| known == region && *of == facet)
    }
}

impl Attributes {
    pub fn with_rows(rows: impl IntoIterator<Item = (AssetKey, AttributesRow)>) -> Self {
        Self { rows: rows.into_iter().collect(), ..Self::default() }
    }

    /// Lets every object have its turn in the next cycle, unless there are too many.
    pub fn look_at_all(&mut self) {
        self.rhythm.look_at_all();
    }
}
