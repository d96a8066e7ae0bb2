//! Tables that somebody else has promoted.

use crate::control::ControlError;
use crate::delta::{DeltaError, TableFault};

/// Whether somebody else has promoted the table: writing to it would make two primaries, so nobody may.
pub fn belongs_to_another(fault: &TableFault) -> bool {
    matches!(fault.error(), DeltaError::StaleEpoch { .. } | DeltaError::ForeignEpoch { .. })
}

/// Whether the step failed because a table belongs to somebody else, which trying again does not change.
pub fn is_anothers(error: &ControlError) -> bool {
    matches!(error, ControlError::Table(fault) if belongs_to_another(fault))
}
