//! What a pass over a workspace works on.

use super::pace::Pace;
use super::progress::AssetProgress;
use crate::connect::{ConnectError, RegionApi};
use crate::domain::{Clock, GroupId};
use crate::replicate::{CycleError, Endpoint};
use crate::store::Store;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a pass works on: one workspace of the primary and the one that stands for it in the secondary.
pub struct AssetRequest<'a> {
    pub group: &'a GroupId,
    /// The workspace set's name.
    pub set: &'a str,
    /// Which of the group's regions, in their order, is the primary: 0 or 1.
    pub source_side: usize,
    /// The primary's workspace.
    pub source: &'a Endpoint,
    /// The secondary's workspace.
    pub destination: &'a Endpoint,
    pub store: &'a Store,
    pub clock: &'a dyn Clock,
    /// Stops the pass before its next asset.
    pub stop: Arc<AtomicBool>,
    pub pace: Arc<Pace>,
    /// The folder that keeps what replication overwrites or deletes in the secondary and did not make.
    pub exports: &'a Path,
    pub progress: Arc<AssetProgress>,
}

impl AssetRequest<'_> {
    pub fn destination_side(&self) -> usize {
        1 - self.source_side
    }

    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The primary's workspace, when the next request may go.
    pub async fn from(&self) -> &dyn RegionApi {
        self.pace.turn().await;
        self.source.client.as_ref()
    }

    /// The secondary's workspace, when the next request may go.
    pub async fn to(&self) -> &dyn RegionApi {
        self.pace.turn().await;
        self.destination.client.as_ref()
    }

    /// What an error means for the pass: a region that is away or throttles stops it, any other is one asset's own.
    pub fn one_assets(&self, error: ConnectError) -> Result<ConnectError, CycleError> {
        if error.is_unreachable() || matches!(error, ConnectError::RateLimited { .. }) {
            let is_source = error.region() == Some(self.source.region.as_str());
            let region = if is_source { &self.source.region } else { &self.destination.region };
            return Err(CycleError::at(region, error));
        }
        Ok(error)
    }
}
