//! How eagerly the runtime works, and what this start was told.

use super::alerts::AlertTimes;
use crate::delta::CopyEngine;
use crate::domain::Bandwidth;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

/// How eagerly the runtime works.
#[derive(Debug, Clone)]
pub struct ControlSettings {
    /// Pause between two cycles while tables change.
    pub busy_pause: Duration,
    /// Pause between two cycles while nothing changes.
    pub idle_pause: Duration,
    /// Pause before a failed cycle is tried again, doubled up to thirty times as long.
    pub retry_pause: Duration,
    /// Between two readings of what runs in the regions.
    pub region_pause: Duration,
    /// How long writes must have been quiet to count as stopped.
    pub quiet_period: Duration,
    /// How long to wait for writes to stop before a planned failover is rolled back.
    pub quiet_timeout: Duration,
    /// Files copied at a time, where it is told and not kept.
    pub max_parallel_transfers: Option<NonZeroUsize>,
    /// What all copies together may take, where it is told and not kept.
    pub max_bandwidth: Option<Bandwidth>,
    /// Which program copies the files of big shipments.
    pub copy_engine: CopyEngine,
    /// Where its jobs get folders of their own.
    pub copy_jobs: PathBuf,
    /// Where people are told of what happens with a POST, where it is told and not kept.
    pub webhook: Option<String>,
    /// How eagerly that is.
    pub alerts: AlertTimes,
    /// How long requests at the stable URLs may go on once a planned failover holds new ones.
    pub request_drain: Duration,
    /// Scheme and authority of the stable URLs that are made from now on.
    pub stable_url_origin: String,
    /// Between two looks at the schedules of drills.
    pub drill_look: Duration,
    /// Between two passes over a workspace's assets, at least.
    pub asset_pause: Duration,
    /// Requests a second that a pass over a workspace makes at most.
    pub asset_calls_per_second: u32,
    /// Starts no worker: nothing replicates, and what a crash interrupted stays as it is, for a command that only looks.
    pub read_only: bool,
}

impl Default for ControlSettings {
    fn default() -> Self {
        Self {
            busy_pause: Duration::from_millis(300),
            idle_pause: Duration::from_millis(700),
            retry_pause: Duration::from_millis(500),
            region_pause: Duration::from_secs(3),
            quiet_period: Duration::from_millis(400),
            quiet_timeout: Duration::from_secs(120),
            max_parallel_transfers: None,
            max_bandwidth: None,
            copy_engine: CopyEngine::default(),
            copy_jobs: std::env::temp_dir().join("resilience-copy-jobs"),
            webhook: None,
            alerts: AlertTimes::default(),
            request_drain: Duration::from_secs(2),
            stable_url_origin: "https://localhost".to_owned(),
            drill_look: Duration::from_secs(20),
            asset_pause: Duration::from_secs(10),
            asset_calls_per_second: 15,
            read_only: false,
        }
    }
}
