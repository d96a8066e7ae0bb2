//! What is remembered of grants on external locations between cycles.

use crate::replicate::ObjectRecord;
use std::time::Duration;

/// What is remembered between looks.
#[derive(Debug, Default)]
pub struct PlaceGrants {
    /// When the locations were last looked at, by the monotonic clock.
    pub(super) last: Option<Duration>,
    /// What was found then.
    pub(super) records: Vec<ObjectRecord>,
}
