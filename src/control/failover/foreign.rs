//! Tables that someone else has promoted.

use crate::control::ControlError;
use crate::delta::{DeltaError, TableFault};

/// Whether someone else has promoted the table: writing to it would make two primaries, so no one may.
pub fn belongs_to_another(fault: &TableFault) -> bool {
    matches!(fault.error(), DeltaError::StaleEpoch { .. } | DeltaError::ForeignEpoch { .. })
}

/// Whether the step failed because a table belongs to someone else, which trying again does not change.
pub fn is_anothers(error: &ControlError) -> bool {
    matches!(error, ControlError::Table(fault) if belongs_to_another(fault))
}
