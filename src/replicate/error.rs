//! What stops a whole cycle, as opposed to one object.

use crate::connect::ConnectError;
use crate::domain::Region;
use crate::store::StoreError;

/// A failure that stops a cycle. What had arrived stays; the next cycle goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum CycleError {
    /// A region's catalog could not be read or written.
    #[error("Replication stopped, because {region} refused a request or didn't respond. {source}")]
    Region {
        /// The region.
        region: Region,
        /// Its answer.
        source: Box<ConnectError>,
    },
    /// The ledger could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The cycle was told to stop at a commit boundary.
    #[error("Replication was stopped at a commit boundary.")]
    Stopped,
}

impl CycleError {
    /// A region that failed with `source`.
    pub fn at(region: &Region, source: ConnectError) -> Self {
        Self::Region { region: region.clone(), source: Box::new(source) }
    }

    /// Whether a region cannot be reached.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Region { source, .. } if source.is_unreachable())
    }

    /// The region that failed, where one did.
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::Region { region, .. } => Some(region.as_str()),
            Self::Store(_) | Self::Stopped => None,
        }
    }
}
